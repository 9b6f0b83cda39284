"""`towpath alert`: what is or was ill, and whom the workspace tells of it."""

from dataclasses import asdict, replace
from typing import Annotated

import typer

from towpath.api.alerts import check, shown
from towpath.cli import compose, output
from towpath.cli.canvas_desk import AsJson, noted, open_desk
from towpath.limits import ALERT_PENDING_MINUTES_MAX, PAGE_ROWS_MAX
from towpath.store import alerts
from towpath.store.alerts import Setting

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_command(
    only_open: Annotated[bool, typer.Option("--open", help="Only those that go on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Alerts of the workspace, newest first, at most 500."""
    with open_desk() as desk:
        found = alerts.list_page(desk.db, desk.workspace, limit=PAGE_ROWS_MAX, only_open=only_open)
    if as_json:
        output.show_json([shown(one).model_dump(mode="json") for one in found])
    elif found:
        for one in found:
            until = f"{one.ended_at:%Y-%m-%d %H:%M:%S}" if one.ended_at else "now"
            stops = f" It stops {', '.join(one.stops)}." if one.stops else ""
            output.say(
                f"{one.since:%Y-%m-%d %H:%M:%S} to {until}: {one.subject} {one.name!r}:"
                f" {one.message}{stops} {one.remedy}"
            )
    else:
        output.say("Nothing goes wrong." if only_open else "Nothing went wrong yet.")


@app.command("show")
def show_command(as_json: AsJson = False) -> None:
    """Whom the workspace tells, and from when on."""
    with open_desk() as desk:
        found = alerts.read_setting(desk.db, desk.workspace)
    _tell(found, as_json=as_json)


@app.command("set")
def set_command(
    email: Annotated[
        list[str] | None,
        typer.Option(help="An e-mail address that is told; again for more; '' for nobody."),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(help="An address that is told by POST; '' for none.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(help="The name of the secret that signs the webhook's calls.")
    ] = None,
    pending_minutes: Annotated[
        int | None,
        typer.Option(
            min=1, max=ALERT_PENDING_MINUTES_MAX, help="People who wait longer are told of."
        ),
    ] = None,
    error_percent: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="More errored of an hour's people are told of."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whom to tell, and from when on; what is left out stays."""
    hosts = compose.webhook_hosts(compose.read_settings())
    with open_desk() as desk:
        wanted = alerts.read_setting(desk.db, desk.workspace)
        if email is not None:
            wanted = replace(wanted, recipients=[one for one in email if one])
        if webhook is not None:
            wanted = replace(wanted, webhook_url=webhook or None)
            if not webhook:
                wanted = replace(wanted, webhook_secret=None)
        if secret is not None:
            wanted = replace(wanted, webhook_secret=secret)
        if pending_minutes is not None:
            wanted = replace(wanted, pending_minutes=pending_minutes)
        if error_percent is not None:
            wanted = replace(wanted, error_percent=error_percent)
        check(desk.db, desk.workspace, wanted, hosts)
        with noted(desk, "alerts.set", ""):
            alerts.write_setting(desk.db, desk.workspace, wanted)
    _tell(wanted, as_json=as_json)


def _tell(found: Setting, *, as_json: bool) -> None:
    if as_json:
        output.show_json(asdict(found))
        return
    told = [*found.recipients, *([found.webhook_url] if found.webhook_url else [])]
    output.say(f"Told are {', '.join(told)}." if told else "Nobody is told.")
    output.say(
        f"Also of people who wait for more than {found.pending_minutes} min, and of more than"
        f" {found.error_percent} % errored in an hour."
    )
    settings = compose.read_settings()
    if found.recipients and settings.smtp_url is None:
        output.say("No e-mail leaves: TOWPATH_SMTP_URL is not set.")
