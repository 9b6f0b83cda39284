"""`towpath doctor`: what is missing before TikTok can be synced, each with what to do."""

from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import urlsplit

import typer

from towpath.api.checklist import checklist
from towpath.api.connections import CALLBACK
from towpath.cli import compose, opening, output
from towpath.cli.canvas_desk import AsJson
from towpath.errors import TowpathError
from towpath.settings import Settings
from towpath.store import connections, migrations, secrets, workspaces
from towpath.store.database import Db

PRODUCTION = "https://business-api.tiktok.com"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at. `look`: nothing is wrong, but it should be known."""

    what: str
    state: Literal["ok", "look", "missing"]
    told: str
    remedy: str = ""


def doctor_command(as_json: AsJson = False) -> None:
    """Look at the settings, the database and the connections. Exit code 1: something is missing."""
    settings = compose.read_settings()
    found = [*_settings(settings), *_database(settings)]
    if as_json:
        output.show_json([asdict(one) for one in found])
    else:
        for one in found:
            output.say(f"{one.state:7} {one.what}: {one.told} {one.remedy}".rstrip())
    if any(one.state == "missing" for one in found):
        raise typer.Exit(1)


def _settings(settings: Settings) -> list[Finding]:
    found = []
    for name, given, remedy in (
        ("TOWPATH_TIKTOK_APP_ID", settings.tiktok_app_id, "Copy it from My Apps at TikTok."),
        (
            "TOWPATH_TIKTOK_APP_SECRET",
            settings.tiktok_app_secret,
            "Copy it from My Apps, into a file that TOWPATH_TIKTOK_APP_SECRET_FILE names.",
        ),
    ):
        if given is None:
            found.append(Finding(name, "missing", "It is not set.", remedy))
        else:
            found.append(Finding(name, "ok", "It is set."))
    if settings.tiktok_base_url == PRODUCTION:
        found.append(Finding("TikTok", "ok", f"{PRODUCTION}, the real one."))
    else:
        found.append(Finding("TikTok", "look", f"{settings.tiktok_base_url}: not the real one."))
    place = settings.public_url or f"http://127.0.0.1:{settings.listen_port}"
    told = f"{place}{CALLBACK}; the app at TikTok must name it among its redirect URLs."
    safe = urlsplit(place).scheme == "https" or settings.public_url is None
    remedy = "" if safe else "Browsers keep nobody signed in over plain http: use https."
    found.append(Finding("redirect URL", "look" if safe else "missing", told, remedy))
    return found


def _database(settings: Settings) -> list[Finding]:
    try:
        with compose.reach_database(settings) as url, compose.connect(url) as db:
            place = opening.place(settings)
            return [Finding("database", "ok", f"{place} answers."), *_inside(settings, db)]
    except TowpathError as error:
        return [Finding("database", "missing", error.message, error.remedy)]


def _inside(settings: Settings, db: Db) -> list[Finding]:
    try:
        migrations.check(db)
    except TowpathError as error:
        return [Finding("schema", "missing", error.message, error.remedy)]
    found = [Finding("schema", "ok", "It is this software's.")]
    try:
        ring = compose.key_ring(settings)
        secrets.check_keys(db, ring)
        stale = secrets.count_stale(db, ring)
        told = f"All sealed values open; {stale} wait for `towpath secret rotate`."
        found.append(Finding("secret keys", "look" if stale else "ok", told))
    except TowpathError as error:
        found.append(Finding("secret keys", "missing", error.message, error.remedy))
    workspace = workspaces.find(db, settings.workspace)
    mine = connections.list_all(db, workspace.id) if workspace else []
    if not mine:
        told = f"The workspace {settings.workspace!r} has none."
        found.append(Finding("connection", "missing", told, "Run `towpath connect tiktok`."))
    for one in mine:
        for point in checklist(db, one.workspace, one.id):
            state: Literal["ok", "look", "missing"] = "ok"
            if point.state != "done":
                state = "missing" if point.state == "missing" else "look"
            what = f"{one.name}, {point.name.replace('_', ' ')}"
            found.append(Finding(what, state, point.told, point.remedy))
    return found
