"""`towpath log`: what was sent to partners and what they said, newest first; one request whole."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from towpath.api import sync_log
from towpath.api.pages import Asked
from towpath.api.sync_log import EnterToAccepted, RequestRow, RequestShown
from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, open_desk
from towpath.clock import instant
from towpath.errors import InputError
from towpath.limits import PAGE_ROWS_MAX

app = typer.Typer(no_args_is_help=True)


class StateWord(StrEnum):
    """What became of a request."""

    IN_FLIGHT = "in_flight"
    APPLIED = "applied"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class ActionWord(StrEnum):
    """What a request asks for."""

    ADD = "add"
    REMOVE = "remove"


@app.command("list")
def list_command(
    audience: Annotated[str | None, typer.Option(help="Its name or the partner's id.")] = None,
    state: Annotated[StateWord | None, typer.Option(help="What became of it.")] = None,
    action: Annotated[ActionWord | None, typer.Option(help="What it asks for.")] = None,
    code: Annotated[int | None, typer.Option(help="The partner's code.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Made then or later: 2026-05-01T09:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Made before then.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=PAGE_ROWS_MAX, help="At most so many.")] = 50,
    before: Annotated[
        int, typer.Option(min=0, help="Only requests before the one of this number.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Requests to partners, newest first."""
    begin, end = _moment(since, "--since"), _moment(until, "--until")
    asked = sync_log.wanted(audience, state, action, code, begin, end)
    with open_desk() as desk:
        found = sync_log.listed(desk.db, desk.workspace, asked, Asked(limit, before or None))
    if as_json:
        output.show_json(found.model_dump())
        return
    if not found.items:
        output.say("No such request was made.")
        return
    _table(found.items)
    if found.next:
        output.say(f"Older ones: --before {found.items[-1].id}")


@app.command("show")
def show_command(
    request: Annotated[int, typer.Argument(min=1, help="Its number in the log.")],
    as_json: AsJson = False,
) -> None:
    """A request, its line of tries, and the steps its people had come from."""
    with open_desk() as desk:
        found = sync_log.shown(desk.db, desk.workspace, request)
    if as_json:
        output.show_json(found.model_dump())
    else:
        _tell(found)


def tell_accepted(found: EnterToAccepted) -> None:
    """How long people waited for the partner, a line a step where anybody was accepted."""
    for step, one in found.steps.items():
        output.say(
            f"{step}, from entering to accepted, in the last {sync_log.HOURS} hours:"
            f" half within {one.p50_s:.1f} s, 95 % within {one.p95_s:.1f} s, of {one.people:,}."
        )


def _tell(found: RequestShown) -> None:
    output.say(
        f"Request {found.id}: {found.action} {found.people:,} people by {', '.join(found.fields)},"
        f" audience {found.audience} ({found.audience_id}), ad account {found.ad_account}."
    )
    _table(list(found.line), "Its line of tries")
    for one in found.people_from:
        output.say(
            f"{one.people:,} came from {one.canvas}, version {one.version}, step {one.step},"
            f" the last at {one.last_arrived_at:%Y-%m-%d %H:%M:%S}Z."
        )
    if found.people_from_elsewhere:
        output.say(f"{found.people_from_elsewhere:,} came by no step.")


def _table(rows: list[RequestRow], title: str = "") -> None:
    columns = ("request", "made", "took", "audience", "action", "fields", "people", "try")
    output.show_table(
        (*columns, "state", "code", "message", "partner's id"),
        [
            (
                one.id,
                f"{one.started_at:%Y-%m-%d %H:%M:%S}",
                _took(one),
                one.audience,
                one.action,
                "+".join(one.fields),
                f"{one.people:,}",
                one.attempt,
                one.state.replace("_", " "),
                "–" if one.code is None else one.code,
                one.message or "–",
                one.partner_request_ref or "–",
            )
            for one in rows
        ],
        title,
    )


def _took(one: RequestRow) -> str:
    if one.answered_at is None:
        return "–"
    return f"{(one.answered_at - one.started_at).total_seconds():.1f} s"


def _moment(text: str | None, option: str) -> datetime | None:
    try:
        return None if text is None else instant(text)
    except (ValueError, InputError) as error:
        raise InputError(
            f"{text!r} is no time.", remedy="Write it as 2026-05-01T09:00:00Z.", field=option
        ) from error
