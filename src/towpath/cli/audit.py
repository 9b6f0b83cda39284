"""`towpath audit`: recount everything, say what was looked at, and what differs."""

from typing import Annotated

import typer

from towpath.cli import compose, opening, output
from towpath.store import audit
from towpath.store.audit import Report


def audit_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recount every counter and set from what was kept. Exit code 1 when anything differs."""
    with opening.opened(compose.read_settings()) as url, compose.connect(url) as db:
        report = audit.examine(db)
    if as_json:
        output.show_json(told(report))
    else:
        _show(report)
    if report.findings:
        raise typer.Exit(1)


def told(report: Report) -> dict[str, object]:
    """The report as plain JSON."""
    return {
        "checks": [
            {
                "name": check.name,
                "must_hold": check.sentence,
                "checked": checked,
                "findings": report.count(check),
            }
            for check, checked in report.checked.items()
        ],
        "findings": [
            {
                "check": one.check.name,
                "where": one.where,
                "what": one.what,
                "means": one.check.means,
                "remedy": one.check.remedy,
            }
            for one in report.findings
        ],
    }


def _show(report: Report) -> None:
    rows = [
        (check.name, check.sentence, f"{checked:,}", report.count(check) or "all well")
        for check, checked in report.checked.items()
    ]
    output.show_table(("check", "what must hold", "rows", "differs"), rows)
    for check in report.checked:
        found = [one for one in report.findings if one.check is check]
        if found:
            output.say(f"\n{check.name}: {check.means}\nWhat to do: {check.remedy}")
        for one in found:
            output.say(f"  - {one}")
        if unsaid := report.unsaid.get(check):
            output.say(f"  - … and {unsaid:,} more")
    if not report.findings:
        output.say("Nothing differs.")
