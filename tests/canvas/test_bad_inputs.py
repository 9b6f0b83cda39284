"""The numbered list of bad inputs (D01 to D54): what each Canvas file is told, and where; and where
the others are shown."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from towpath.canvas.findings import Level
from towpath.canvas.frozen import frozen_from_data
from towpath.canvas.graph import from_data, to_data
from towpath.canvas.parse import parse_canvas
from towpath.canvas.surroundings import PartnerView, Surroundings
from towpath.canvas.validate import validate
from towpath.errors import InputError

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VIEW = PartnerView(
    ready=True, ad_accounts=frozenset({"7"}), audience_refs=frozenset(), audience_names=frozenset()
)
AROUND = Surroundings(NOW, {"tiktok": VIEW})
SYNC = '{kind: audience_sync, partner: tiktok, ad_account: "7", audience: {create: x}'


def canvas(*steps: str, entry: str = "{at: launch, first: a}", top: str = "canvas: X") -> str:
    lines = "".join(f"  {one}\n" for one in steps or ("a: {kind: exit}",))
    return f"{top}\nentry: {entry}\nsteps:\n{lines}"


def lot(*weights: object) -> str:
    paths = ", ".join(f"{{name: n{at}, weight: {one}}}" for at, one in enumerate(weights))
    return canvas(f"a: {{kind: experiment_paths, paths: [{paths}]}}")


def hook(url: str, more: str = "") -> str:
    return canvas(f'a: {{kind: webhook, url: "{url}"{more}}}')


def rule(text: str) -> str:
    return canvas(f"a: {{kind: decision_split, if: {{attribute: orders, {text}}}}}")


def sync(text: str) -> str:
    return canvas(f"a: {SYNC}, {text}}}")


CHAIN = [f"s{at}: {{kind: delay, for: 1s, next: s{at + 1}}}" for at in range(10_001)]
LOOP = ("a: {kind: decision_split, if: {has: email}, yes: b, no: b}", "b: {kind: KIND, next: a}")
DEEP = "not: {" * 70 + "has: email" + "}" * 70

WRONG: list[tuple[str, str | bytes, str, str]] = [
    ("D01", "", "canvas", "there is no Canvas here"),
    ("D02", "- canvas: X\n", "", "a mapping is needed"),
    ("D03", "canvas: X\n\tsteps: {}\n", "line 2, column 1", "cannot start any token"),
    ("D04", "canvas: !!python/object/apply:os.system [id]\n", "line 1, column 9", "tags"),
    ("D05", "canvas: X\nsteps: {}\nsteps: {}\n", "line 3, column 1", "'steps' stands twice"),
    ("D05", '{"canvas": "X", "steps": {}, "steps": {}}', "", "'steps' stands twice"),
    ("D06", "canvas: X\nstepz: {}\n", "stepz", "Did you mean steps?"),
    ("D07", canvas(top="version: 99\ncanvas: X"), "version", "there is no such field"),
    ("D08", "canvas: ''", "canvas", "1 to 200 characters"),
    ("D08", "canvas: '   '", "canvas", "1 to 200 characters"),
    ("D08", f"canvas: {'x' * 300}", "canvas", "1 to 200 characters"),
    ("D09", "canvas: X\nentry: {at: launch, first: a}\n", "steps", "no steps"),
    ("D10", "canvas: X\nsteps: {a: {kind: exit}}\n", "entry.at", "when people enter"),
    ("D11", canvas(top="entry: {at: launch}\ncanvas: X"), "line 3, column 1", "stands twice"),
    ("D11", canvas(entry="{at: launch, on: [{event: b}], first: a}"), "entry", "stand together"),
    ("D12", canvas("a: {kind: exit}", "a: {kind: exit}"), "line 5, column 3", "'a' stands twice"),
    ("D13", canvas("a: {kind: delay, for: 1s, next: gone}"), "steps.a.next", "no step gone"),
    ("D14", canvas("a: {kind: delay, for: 1s, next: a}"), "steps.a.next", "a → a"),
    ("D15", canvas(LOOP[0], LOOP[1].replace("KIND", "webhook")), "steps.b.next", "a → b → a"),
    ("D16", canvas(LOOP[0], LOOP[1].replace("KIND", "delay")), "steps.b.next", "a → b → a"),
    ("D18", canvas(*CHAIN), "steps", "10,001 steps are too many"),
    ("D19", canvas(f"a: {{kind: decision_split, if: {{{DEEP}}}}}"), "line 4, column 394", "deep"),
    ("D19", "[" * 5_000, "line 1, column 65", "nested more than 64 deep"),
    ("D20", canvas("a: {kind: teleport}"), "steps.a.kind", "Possible: "),
    ("D21", canvas("a: {kind: delay, for: -1s}"), "steps.a.for", "1s to 31d"),
    ("D21", canvas("a: {kind: delay, for: -1}"), "steps.a.for", "Write 30s"),
    ("D22", canvas("a: {kind: delay, for: 0s}"), "steps.a.for", "1s to 31d"),
    ("D23", canvas("a: {kind: delay, for: soon}"), "steps.a.for", "Write 30s"),
    ("D24", canvas("a: {kind: delay, for: 3650d}"), "steps.a.for", "1s to 31d"),
    ("D24", canvas('a: {kind: delay, until: "2036-03-01T09:00:00Z"}'), "steps.a.until", "730 days"),
    ("D26", canvas('a: {kind: delay, until: "09:00", zone: Mars/Base}'), "steps.a.zone", "zone"),
    ("D28", lot(50, 40), "steps.a.paths", "50 + 40 = 90, not 100"),
    ("D28", lot(60, 50), "steps.a.paths", "60 + 50 = 110, not 100"),
    ("D29", lot(-10, 110), "steps.a.paths[0].weight", "0 to 100"),
    ("D30", lot(100), "steps.a.paths", "at least 2"),
    ("D31", lot('"50"', '"50"'), "steps.a.paths[0].weight", "0 to 100"),
    ("D34", rule("≈: 3"), "steps.a.if", "Possible"),
    ("D35", rule('matches: "(a+)+$"'), "steps.a.if", "patterns are not offered"),
    ("D36", rule("above: many"), "steps.a.if.above", "number"),
    ("D37", canvas(f"a: {{kind: exit}} #{'x' * 5_000_000}"), "", "1,000,000 bytes"),
    ("D37", rule(f"in: [{', '.join(map(str, range(9_999)))}]"), "steps.a.if.in", "256"),
    ("D38", hook("http://169.254.169.254/"), "steps.a.url", "inside"),
    ("D39", hook("file:///etc/passwd"), "steps.a.url", "http"),
    ("D40", hook("https://u:p@example.com/"), "steps.a.url", "secret"),
    ("D41", hook("http://[::ffff:127.0.0.1]"), "steps.a.url", "inside"),
    (
        "D43",
        hook("https://a.example/", ', headers: {X: "a\\r\\nY: b"}'),
        "steps.a.headers.X",
        "one line",
    ),
    ("D44", hook("https://a.example/", ", method: TRACE"), "steps.a.method", "Possible: "),
    ("D47", canvas("a: {kind: audience_sync}"), "steps.a.partner", "No partner"),
    ("D47", canvas("a: {kind: audience_sync}"), "steps.a.ad_account", "No ad account"),
    ("D47", canvas("a: {kind: audience_sync}"), "steps.a.audience", "No audience"),
    ("D47", canvas("a: {kind: audience_sync}"), "steps.a.fields", "No field"),
    ("D48", sync("fields: [fax]"), "steps.a.fields[0]", "Possible: email"),
    (
        "D49",
        sync("fields: [email]").replace("x}", "x" * 99 + "}"),
        "steps.a.audience.create",
        "cuts it at 70",
    ),
    ("D50", sync("fields: [email]").replace('"7"', '"8"'), "steps.a.ad_account", "does not have"),
    ("D51", sync("fields: [email], action: like"), "steps.a.action", "Possible: add, remove"),
    ("D53", canvas("a: {kind: delay, for: 1s, jitter: 3s}"), "steps.a.jitter", "no such field"),
]


def told(text: str | bytes) -> list[tuple[str, str]]:
    """Where it is refused and why; or the findings that stand in the way."""
    try:
        graph = parse_canvas(text)
    except InputError as error:
        return [(error.field or "", str(error))]
    found = validate(graph, AROUND)
    return [(one.place, f"{one.message} {one.hint}") for one in found if one.level is Level.ERROR]


@pytest.mark.parametrize(
    ("text", "place", "says"), [pytest.param(*one[1:], id=one[0]) for one in WRONG]
)
def test_what_is_wrong_is_told_with_its_place(text: str | bytes, place: str, says: str) -> None:
    found = told(text)
    assert any(where == place and says in why for where, why in found), found


WARNED = [
    ("D17", canvas("a: {kind: exit}", "b: {kind: exit}"), "steps.b", "Nobody can reach"),
    ("D25", canvas('a: {kind: delay, until: "2020-01-01T00:00:00Z"}'), "steps.a.until", "at once"),
]


@pytest.mark.parametrize(
    ("text", "place", "says"), [pytest.param(*one[1:], id=one[0]) for one in WARNED]
)
def test_what_is_odd_is_told_and_may_launch(text: str, place: str, says: str) -> None:
    (finding,) = validate(parse_canvas(text), AROUND)
    assert finding.level is Level.WARNING
    assert finding.place == place
    assert says in finding.message


NAMES = ("🎉 Ação", "עברית قائمة", "𠜎𠜱", "\u202eabc", "a\u0301")
FINE = [
    *(("D54", canvas(top=f"canvas: {json.dumps(name)}")) for name in NAMES),
    *(("D54", sync("fields: [email]").replace("x}", f"{json.dumps(name)}}}")) for name in NAMES),
    ("D19", canvas(*(one.replace("s0:", "a:", 1) for one in CHAIN[:199]), "s199: {kind: exit}")),
]


@pytest.mark.parametrize("text", [pytest.param(one[1], id=one[0]) for one in FINE])
def test_what_only_looks_wrong_is_taken(text: str) -> None:
    assert told(text) == []
    graph = parse_canvas(text)
    assert from_data(json.loads(json.dumps(to_data(graph)))) == graph


def test_what_a_newer_towpath_stored_is_not_half_read() -> None:
    """D53: a draft and a launched version with a field, or a kind, of a later release."""
    good = to_data(parse_canvas(canvas()))
    for newer in (
        good | {"teleports": []},
        good | {"steps": {"a": {"kind": "teleport"}}},
        good | {"entry": good["entry"] | {"by": "owl"}},
    ):
        with pytest.raises(InputError):
            from_data(newer)
        with pytest.raises(InputError):
            frozen_from_data(newer | {"audiences": {}})


ELSEWHERE = {
    "D27": "tests/canvas/test_untils.py::test_the_next_time_the_clock_shows_it",
    "D32": "tests/api/test_canvases.py::test_a_filter_that_names_what_is_not_there_is_a_finding",
    "D33": "tests/store/test_segments.py::test_what_is_missing_or_round_is_refused",
    "D42": "tests/engine/test_webhooks.py::test_who_fails_for_good_goes_the_way_of_failures",
    "D45": "tests/canvas/test_templates.py::test_values_are_filled_in_and_what_is_missing_is_empty",
    "D46": "tests/canvas/test_templates.py::test_a_template_that_costs_too_much_fails",
    "D52": "tests/store/test_canvases.py::test_two_editors_do_not_overwrite_each_other",
}


def test_every_number_is_shown_somewhere() -> None:
    here = {one[0] for one in (*WRONG, *WARNED, *FINE)}
    assert here | ELSEWHERE.keys() == {f"D{number:02}" for number in range(1, 55)}
    for place in ELSEWHERE.values():
        file, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), place
