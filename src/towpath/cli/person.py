"""`towpath person`: in which audiences somebody is and why, and where they stand in Canvases."""

from typing import Annotated

import typer

from towpath.api import people
from towpath.api.people import (
    AudienceOf,
    CanvasOf,
    Source,
    VisitShown,
    Whereabouts,
    Withdrawal,
)
from towpath.cli import output
from towpath.cli.canvas_desk import AsJson, open_desk

app = typer.Typer(no_args_is_help=True)

_STATUS = {
    "in": "in: synced (the partner does not tell who matched)",
    "out": "not in",
    "given_up": "given up",
    "no_key": "not in: no key of the fields asked for",
}


@app.callback()
def _group() -> None:
    """One person: audiences, Canvases, consent."""


@app.command("show")
def show_command(
    external_id: Annotated[str, typer.Argument(help="The person's external id.")],
    as_json: AsJson = False,
) -> None:
    """In which audiences a person is, by what and since when, why not; and where they stand."""
    with open_desk() as desk:
        found = people.of(desk.db, desk.workspace, external_id)
    if as_json:
        output.show_json(found.model_dump())
    else:
        _tell(found)


def _tell(found: Whereabouts) -> None:
    said, fields = found.consent, ", ".join(found.match_fields) or "none"
    where = f" ({said.source})" if said.source else ""
    where += ", opted out of sharing" if said.opt_out_sharing else ""
    may = "may be sent" if said.may_be_sent else "is not sent"
    output.say(f"Consent: {said.state}{where}, {may}. Match keys: {fields}.")
    if not found.canvases:
        output.say("They entered no Canvas.")
    for canvas in found.canvases:
        _tell_canvas(canvas)
    if not found.audiences:
        output.say("They came to no audience.")
    for audience in found.audiences:
        _tell_audience(audience)
    for withdrawal in found.withdrawals:
        _tell_withdrawal(withdrawal)


def _tell_withdrawal(one: Withdrawal) -> None:
    output.say(f"Not to be sent any more since {one.at:%Y-%m-%d %H:%M:%S}Z.")
    for left in one.audiences:
        requests = ", ".join(
            f"{sent.request} ({sent.partner_request_ref or 'no id'}, {sent.state})"
            for sent in left.requests
        )
        output.say(
            f"  {left.audience} ({left.audience_id}): {left.state}; removed by request {requests}."
            if requests
            else f"  {left.audience}: {left.state}."
        )


def _tell_canvas(one: CanvasOf) -> None:
    entered = f"entered {one.entered[0].at:%Y-%m-%d %H:%M:%S}Z" if one.entered else "entered"
    places = ", ".join(
        f"{wave.step} (version {wave.version}) since {wave.since:%Y-%m-%d %H:%M:%S}Z"
        for wave in one.standing
    )
    output.say(f"Canvas {one.canvas}: {entered}; " + (f"at {places}." if places else "has left."))


def _tell_audience(one: AudienceOf) -> None:
    words = _STATUS.get(one.status, one.status.replace("_", " "))
    since = f" since {one.since:%Y-%m-%d %H:%M:%S}Z" if one.since else ""
    by = _by(one.by) if one.by else ""
    output.say(f"Audience {one.audience} ({one.audience_id}): {words}{since}{by}.")
    if one.earlier_keys_may_be_in:
        output.say("  An earlier key of theirs may still be in.")
    if one.visits:
        columns = ("arrived", "Canvas", "step", "action", "counted", "why", "request", "code")
        output.show_table(columns, [_visit(visit) for visit in one.visits])


def _by(source: Source) -> str:
    step = f", by {source.canvas}, step {source.step}" if source.canvas else ", by no step"
    return step + (f", request {source.request}" if source.request else "")


def _visit(one: VisitShown) -> tuple[object, ...]:
    return (
        f"{one.arrived_at:%Y-%m-%d %H:%M:%S}",
        one.canvas,
        one.step,
        one.action,
        one.state.replace("_", " "),
        (one.reason or "–").replace("_", " "),
        one.request or "–",
        "–" if one.code is None else one.code,
    )
