"""`towpath canvas dry-run`: what an Audience Sync step would send now, without sending it."""

from typing import Annotated

import typer

from towpath.api import dry_runs
from towpath.api.dry_runs import DryRun, DryRunShown
from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, Name, find, open_desk
from towpath.limits import AUDIENCE_PEOPLE_USEFUL
from towpath.store.database import database_now


def dry_run_command(
    name: Name,
    step: Annotated[str, typer.Argument(help="An Audience Sync step.")],
    running: Annotated[
        bool, typer.Option("--running", help="The newest version instead of the draft.")
    ] = False,
    segment: Annotated[
        str | None, typer.Option(help="Try it with the people of this segment.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a step would send now to whoever matches the entry's filter. Nothing is sent."""
    asked = DryRun(of="running" if running else "draft", segment=segment)
    with open_desk() as desk:
        canvas, now = find(desk, name), database_now(desk.db)
        found = dry_runs.run(desk.db, desk.workspace, canvas, step, asked, now)
    if as_json:
        output.show_json(found.model_dump())
    else:
        _tell(found)


def _tell(found: DryRunShown) -> None:
    audience = found.audience or found.audience_id or "the audience"
    verb = "be added to" if found.action == "add" else "be removed from"
    output.say(f"Of {found.people:,} people, {found.going:,} would {verb} {audience}.")
    for reason, people in found.not_going.items():
        output.say(f"  {people:,} would not: {reason.replace('_', ' ')}.")
    covered = ", ".join(f"{one.percent:g} % {name}" for name, one in found.coverage.items())
    output.say(f"Keys of all {found.people:,}: {covered}.")
    if found.near_real_time:
        output.say(
            f"{found.requests:,} requests of at most {found.people_per_request:,} people,"
            f" {found.requests_per_second} a second: about {found.seconds:,.0f} s."
        )
    else:
        output.say(
            f"{found.requests:,} update(s) by files, not near real time: the last leaves in about"
            f" {found.seconds / 60:,.0f} minutes."
        )
    output.say(f"In the audience now: {found.inside:,}; then at most {found.expected:,}.")
    if not found.enough:
        output.say(
            f"Ads use an audience of about {AUDIENCE_PEOPLE_USEFUL:,} matched people or more."
        )
    first = found.first_request
    if first is not None:
        output.say(
            f"The first request: {first.people:,} people, {first.bytes:,} bytes. It begins:\n"
            f"{first.body}"
        )
    output.say("Nothing was sent.")
