"""`towpath erase`: forget people here and at every partner, follow it, and let them in again."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from towpath.api.erasures import RequestShown, shown
from towpath.cli import opening, output
from towpath.cli.canvas_desk import AsJson, open_desk
from towpath.cli.connect import TERMINAL
from towpath.errors import InputError
from towpath.people import normalise
from towpath.people.columns import Refusal
from towpath.people.match_field import MatchField
from towpath.store import audit_trail, erasures, tombstones
from towpath.store.database import database_now
from towpath.store.erasures import Erasure
from towpath.store.tombstones import Identity


class _OrPeople(TyperGroup):
    """`towpath erase ana` is `towpath erase people ana`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] != "--help" and args[0] not in self.commands:
            args = ["people", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(no_args_is_help=True, cls=_OrPeople)


@app.command("people")
def people_command(
    external_ids: Annotated[list[str] | None, typer.Argument(help="External ids.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="External ids, one a line; - is standard input.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase people; `towpath erase ID...` does the same. It cannot be undone."""
    names = [*(external_ids or []), *(_lines(file) if file else [])]
    if not names:
        raise InputError("Nobody is named.", remedy="Name external ids, or a --file.")
    with open_desk() as desk:
        if not yes:
            whom = f"{len(set(names)):,} people" if len(set(names)) > 1 else "this person"
            place = opening.place(desk.settings)
            typer.confirm(f"Erase {whom} from {place} for good?", abort=True, err=True)
        now = database_now(desk.db)
        made = erasures.erase(desk.db, desk.workspace, names, TERMINAL, now)
    _show(made, as_json=as_json)


@app.command("show")
def show_command(
    erasure: Annotated[int, typer.Argument(help="The receipt's number.")], as_json: AsJson = False
) -> None:
    """A receipt: which audiences they left, by which requests, and whether it is certain."""
    with open_desk() as desk:
        found = erasures.read(desk.db, desk.workspace, erasure)
    _show(found, as_json=as_json)


@app.command("lift")
def lift_command(
    external_id: Annotated[str | None, typer.Argument(help="An external id.")] = None,
    email: Annotated[str | None, typer.Option(help="An e-mail address.")] = None,
    phone: Annotated[str | None, typer.Option(help="A phone with its country code.")] = None,
) -> None:
    """Let somebody in again who was erased, when they ask for it. Nothing of theirs comes back."""
    asked = [Identity.named(external_id)] if external_id else []
    if email:
        asked.append(_identity(MatchField.EMAIL, normalise.email(email), "--email"))
    if phone:
        asked.append(_identity(MatchField.PHONE, normalise.phone(phone), "--phone"))
    if not asked:
        raise InputError("Nobody is named.", remedy="Name an external id, --email or --phone.")
    with open_desk() as desk, desk.db.transaction():
        lifted = tombstones.lift(desk.db, desk.workspace, asked)
        told, now = {"identifiers": lifted}, database_now(desk.db)
        audit_trail.append(
            desk.db, desk.workspace, TERMINAL, "erasure.lifted", "tombstones", told, now
        )
    output.say(f"{lifted} of {len(asked)} identifiers may come in again.")


def _identity(field: MatchField, found: normalise.Normalised | Refusal, option: str) -> Identity:
    if isinstance(found, Refusal):
        raise InputError(f"This {field.value} {found.reason}.", field=option)
    return Identity(field, found.digest)


def _lines(file: Path) -> list[str]:
    if str(file) == "-":
        text = typer.get_text_stream("stdin").read()
    elif file.is_file():
        text = file.read_text(encoding="utf-8")
    else:
        raise InputError(f"There is no file {file}.", remedy="Check the path.", field="--file")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _show(one: Erasure, *, as_json: bool) -> None:
    told = shown(one)
    if as_json:
        output.show_json(told.model_dump(mode="json"))
        return
    output.say(
        f"Erasure {one.id} of {one.people:,} people, asked for by {one.asked_by} at"
        f" {one.asked_at:%Y-%m-%d %H:%M:%S}: {one.state}."
    )
    if one.unknown:
        output.say(f"{one.unknown:,} external ids were nobody's.")
    if one.others:
        output.say(f"{one.others:,} other people shared an identifier, and lost it.")
    rows = [
        (
            *(place.name, place.ad_account_ref, place.whose, place.state, place.people),
            *(place.requested + place.confirmed, place.confirmed, _requests(place.requests)),
        )
        for place in told.audiences
    ]
    if rows:
        columns = ("audience", "ad account", "whose", "state", "people", "requested", "confirmed")
        output.show_table((*columns, "request ids"), rows)
    elif one.state == "confirmed":
        output.say("They were in no audience.")


def _requests(found: list[RequestShown]) -> str:
    return ", ".join(one.request_id or f"#{one.request}" for one in found) or "-"
