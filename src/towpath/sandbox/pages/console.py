"""The console: look inside, break things, turn the clock.

Every form becomes a call of the witness' own surface (`admin`), so that page and API do the same.
"""

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import parse_qs, urlencode

import msgspec

from towpath.sandbox import admin
from towpath.sandbox.call import Call, Reply
from towpath.sandbox.clock import SettableClock
from towpath.sandbox.core import MAPPING, ROUTES, Sandbox
from towpath.sandbox.envelope import gmt
from towpath.sandbox.pages.html import Html, chosen, fill, hidden, page, seeing, table
from towpath.sandbox.records import Role

PATH = "/console"
ROWS_SHOWN = 50
MEMBERS_SHOWN = 200

_Read: TypeAlias = Callable[[str], object]
_yes: _Read = lambda text: text == "yes"  # noqa: E731
_FIELDS: dict[str, _Read] = {
    "advance": float,
    "run": _yes,
    "alive": _yes,
    "enabled": _yes,
    "role": _yes,
    "on": _yes,
    "next": lambda text: text.split(),
    "rate": float,
    "redirects": lambda text: text.split(),
}
"""How a field's text is read; every other stays a text."""

FAULTS = (
    *("502_applied", "502_dropped", "hang_applied", "hang_dropped", "reset_applied", "truncated"),
    *("50000", "50002", "51010", "51063", "60001", "40202", "20001", "40105", "40118", "40100"),
    *("slow", "html", "garbage", "empty", "numbers"),
)


def answer(sandbox: Sandbox, call: Call) -> Reply:
    """The console; or what a form asks for, and then the console again."""
    if call.method == "POST":
        return _done(sandbox, call)
    query = {name: values[0] for name, values in parse_qs(call.query).items()}
    if "audience" in query:
        return _members(sandbox, query["audience"])
    told = [
        fill('<p role="status"><strong>{}</strong></p>', query[name])
        for name in query
        if name == "told"
    ]
    parts = (_overview, _clock, _access, _faults, _audiences, _counters, _requests)
    return page("Console", *told, *[part(sandbox) for part in parts])


def _done(sandbox: Sandbox, call: Call) -> Reply:
    form = {
        name: values[0]
        for name, values in parse_qs(
            call.body.decode("utf-8", "replace"), keep_blank_values=True
        ).items()
    }
    method, _, path = form.pop("do", "").partition(" ")
    try:
        given = {name: _FIELDS.get(name, str)(text) for name, text in form.items()}
    except ValueError as wrong:
        return page("Not done", fill("<section><p>{}</p></section>", str(wrong)), status=400)
    body = msgspec.json.encode(given)
    reply = admin.answer(sandbox, Call(method, f"{admin.PREFIX}{path}", body=body))
    if reply.status != 200:
        wrong_text = msgspec.json.decode(reply.body, type=dict[str, str])["error"]
        return page("Not done", fill("<section><p>{}</p></section>", wrong_text), status=400)
    return seeing(f"{PATH}?{urlencode({'told': f'Done: {path}'})}")


def _form(do: str, label: str, *fields: Html, **values: str) -> Html:
    return fill(
        '<form class="row" method="post" action="{}">{}{}<button>{}</button></form>',
        PATH,
        hidden(do=do, **values),
        fields,
        label,
    )


def _text(name: str, label: str, value: str = "") -> Html:
    return fill('<label>{} <input name="{}" value="{}"></label> ', label, name, value)


def _section(title: str, *parts: Html) -> Html:
    return fill("<section><h2>{}</h2>{}</section>", title, parts)


def _overview(sandbox: Sandbox) -> Html:
    world = sandbox.world
    apps = [
        (app.name, app.app_id, app.secret, "yes" if app.allowlisted else "no",
         ", ".join(app.redirects) or "any")
        for app in world.apps.values()
    ]  # fmt: skip
    people = [
        (each.name, each.person_id, _roles(sandbox, each.roles)) for each in world.people.values()
    ]
    return _section(
        "Apps and people",
        table("Apps", ("Name", "Id", "Secret", "Streaming", "Goes back to"), apps),
        table("People", ("Name", "Id", "Roles"), people),
        _form("POST apps", "Register", _text("name", "New app"), _text("redirects", "Redirects")),
        _form("POST advertisers", "Add", _text("name", "New ad account for the first person")),
        _form("POST furniture", "Fill the first ad account with audiences"),
        _form("POST reset", "Start all over"),
    )


def _roles(sandbox: Sandbox, roles: dict[str, Role]) -> str:
    names = sandbox.world.advertisers
    return ", ".join(f"{names[each].name}: {role}" for each, role in roles.items())


def _clock(sandbox: Sandbox) -> Html:
    clock = sandbox.clock
    if not isinstance(clock, SettableClock):
        return _section("Clock", fill("<p>{} GMT; it cannot be turned.</p>", gmt(clock())))
    turns = [("3600", "1 hour"), ("86400", "1 day"), ("172800", "48 hours"),
             ("2592000", "30 days"), ("31536000", "365 days")]  # fmt: skip
    return _section(
        "Clock",
        fill(
            "<p>{} GMT, {}. All is settled at {}.</p>",
            gmt(clock()),
            "stopped" if clock.stopped else "running",
            gmt(sandbox.settled_at()),
        ),
        _form("POST clock", "Go on", chosen("advance", "Go on by", turns)),
        _form("POST clock", "Run" if clock.stopped else "Stop", run="yes" * clock.stopped),
    )


def _access(sandbox: Sandbox) -> Html:
    world = sandbox.world
    apps = [(app.app_id, app.name) for app in world.apps.values()]
    accounts = [
        fill(
            "<h3>{} <span class=soft>{}</span></h3>{}{}",
            each.name,
            each.advertiser_id,
            _form(f"POST advertisers/{each.advertiser_id}",
                  "Close the account" if each.enabled else "Open the account",
                  enabled="" if each.enabled else "yes"),
            _form(f"POST advertisers/{each.advertiser_id}",
                  "Remove the role" if each.role else "Give the role back",
                  role="" if each.role else "yes"),
        )
        for each in world.advertisers.values()
    ]  # fmt: skip
    alive = sum(each.alive for each in world.grants.values())
    return _section(
        "Access",
        fill("<p>{} tokens are alive of {}.</p>", alive, len(world.grants)),
        _form("POST authorisations", "Remove authorisation", chosen("app_id", "App", apps)),
        _form("POST token", "Restore the first token", alive="yes"),
        _form(
            "POST allowlist",
            "Set",
            chosen("app_id", "App", apps),
            chosen("on", "Streaming allowlist", [("yes", "on"), ("", "off")]),
        ),
        *accounts,
    )


def _faults(sandbox: Sandbox) -> Html:
    paths = [(path, path) for path in sorted(ROUTES)]
    kinds = [(name, name) for name in FAULTS]
    held = sandbox.faults.held().items()
    waiting = sandbox.faults.waiting().items()
    return _section(
        "Faults",
        _form("POST faults", "The next call", chosen("path", "Endpoint", paths, MAPPING),
              chosen("next", "Fault", kinds)),
        _form("POST faults", "Every call", chosen("path", "Endpoint", paths, MAPPING),
              chosen("every", "Fault", [("", "none"), *kinds])),
        _form("POST faults", "Set", _text("rate", "Share of mappings", str(sandbox.faults.rate))),
        table("Now", ("Endpoint", "Fault"),
              [*((path, f"every call: {name}") for path, name in held),
               *((path, f"next: {', '.join(names)}") for path, names in waiting)]),
    )  # fmt: skip


def _audiences(sandbox: Sandbox) -> Html:
    world = sandbox.world
    rows = [
        (
            fill('<a href="?audience={}">{}</a>', each.audience_id, each.name),
            world.advertisers[each.advertiser_id].name,
            each.kind,
            sum(world.membership.counts(each.audience_id).values()),
            _form(f"DELETE audiences/{each.audience_id}", "Delete"),
        )
        for each in list(reversed(world.audiences.values()))[:ROWS_SHOWN]
    ]
    caption = f"The newest {len(rows)} of {len(world.audiences):,}"
    return _section(
        "Audiences", table(caption, ("Name", "Ad account", "Type", "Keys held", ""), rows)
    )


def _members(sandbox: Sandbox, audience_id: str) -> Reply:
    audience = sandbox.world.audiences.get(audience_id)
    if audience is None:
        return page("No such audience", fill("<p>It may be deleted.</p>"), status=404)
    counts = sandbox.world.membership.counts(audience_id)
    lines = list(sandbox.world.membership.lines(audience_id))[:MEMBERS_SHOWN]
    body = _section(
        "Members",
        table("Counted", ("Field", "Keys"), list(counts.items())),
        table(
            f"The first {len(lines)}, sorted",
            ("Field", "Hash"),
            [tuple(line.split(":", 1)) for line in lines],
        ),
    )
    return page(audience.name, body)


def _counters(sandbox: Sandbox) -> Html:
    answers = sorted(sandbox.log.answers.items())
    broken = list((+sandbox.log.broken).items())
    return _section(
        "Counters",
        table("Answers", ("Path", "Answer", "Times"), [(*told, n) for told, n in answers]),
        table("Promises that a careful caller keeps, broken", ("What", "Times"), broken),
        fill("<p>Keys in two requests at one time: {}</p>", sandbox.in_flight.found),
    )


def _requests(sandbox: Sandbox) -> Html:
    rows = [
        (gmt(row.arrived), row.path, row.status, "-" if row.code is None else str(row.code),
         row.action, row.people, row.keys, row.fault, row.applied, row.request_id)
        for row in list(sandbox.log.rows)[-ROWS_SHOWN:][::-1]
    ]  # fmt: skip
    heads = ("Arrived", "Path", "HTTP", "Code", "Action", "People", "Keys", "Fault", "Became", "Id")
    return _section("Requests", table(f"The last {len(rows)}", heads, rows))
