"""The story of the terminals: everything typed as docs/operate.md says, with real processes.

One terminal has the sandbox, a second `towpath serve` with its own embedded PostgreSQL, and a third
imports, connects, applies, launches and looks. Only the spans are short.
"""

import json
import signal
import urllib.request
from typing import Any

from tests.stories.terminals import Terminals, until

PEOPLE = """\
external_id,email,phone,orders:number,consent
ana,ana@example.com,+351912345678,3,granted
bruno,bruno@example.com,,1,granted
chiara,,+393491234567,2,granted
dmitri,,,5,granted
eva,eva@example.com,,4,withdrawn
"""
CANVAS = """\
canvas: Winback
entry: {at: launch, first: add}
steps:
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "ACCOUNT"
    audience: {create: winback}
    action: add
    fields: [email, phone]
    next: wait
  wait: {kind: delay, for: 2s, next: split}
  split: {kind: decision_split, if: {attribute: orders, at_least: 3}, yes: remove, no: end}
  remove:
    kind: audience_sync
    partner: tiktok
    ad_account: "ACCOUNT"
    audience: {create: winback}
    action: remove
    fields: [email, phone]
  end: {kind: exit}
"""


def sandbox(terminals: Terminals) -> dict[str, str]:
    """Start it, and read what it prints: by label, the last word of each line."""
    process = terminals.start("sandbox", "--port", "0", "--processing", "1", "--acceptance", "2")
    assert process.stdout is not None
    told: dict[str, str] = {}
    for line in process.stdout:
        label, _, rest = line.strip().partition("  ")
        told.setdefault(label, rest.strip().split("  ")[0])
        if label == "ad account":
            break
    return told


def test_from_an_empty_folder_to_a_filled_audience(terminals: Terminals) -> None:
    """S002, S046, S047, S048, S057: an operator follows docs/operate.md, command by command."""
    told = sandbox(terminals)
    address = told["TikTok sandbox"].removesuffix("/open_api/v1.3/")
    terminals.environ |= {
        "TOWPATH_TIKTOK_BASE_URL": address,
        "TOWPATH_TIKTOK_APP_ID": told["app id"],
        "TOWPATH_TIKTOK_APP_SECRET": told["secret"],
    }
    (terminals.folder / "people.csv").write_text(PEOPLE)
    (terminals.folder / "winback.yaml").write_text(CANVAS.replace("ACCOUNT", told["ad account"]))
    served = terminals.start("serve")
    until(lambda: "Serving with 1 worker" in terminals.log("serve"))

    assert json.loads(terminals.run("import", "people", "people.csv", "--json"))["people"] == 5
    connecting = ("connect", "tiktok", "--accept-terms", "--json")
    connected = json.loads(terminals.run(*connecting, stdin=told["token"]))
    assert told["ad account"] in connected["ad_accounts"]
    terminals.run("canvas", "apply", "winback.yaml")
    terminals.run("canvas", "launch", "Winback", "--yes")

    (audience,) = _witness(address, "audiences")["audiences"]
    members = f"audiences/{audience['audience_id']}/members"
    # Ana's e-mail and phone, Bruno's e-mail and Chiara's phone; then Ana's two are taken out.
    until(lambda: len(_witness(address, members)["lines"]) == 4)
    until(lambda: len(_witness(address, members)["lines"]) == 2)
    steps = json.loads(terminals.run("canvas", "show", "Winback", "--json"))["steps"]
    assert _counters(steps["add"]) == (5, 5, 3, 2, 0, 0, 0)
    assert _counters(steps["remove"]) == (3, 3, 2, 1, 0, 0, 3)
    assert steps["remove"]["reasons"]["synced"] == {"already_out": 1}, "Eva was never added"
    assert steps["end"]["exited"] == 2

    served.send_signal(signal.SIGTERM)
    assert served.wait(20) == 0
    everything = terminals.log("serve") + terminals.log("sandbox")
    assert told["token"] not in everything
    assert "example.com" not in everything


def _counters(step: dict[str, Any]) -> tuple[int, ...]:
    names = ("entered", "advanced", "synced", "not_synced", "pending", "errored", "exited")
    return tuple(step[name] for name in names)


def _witness(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}/sandbox/{path}") as reply:  # noqa: S310 - our own
        return json.load(reply)
