"""The witness' own surface, under /sandbox/, in plain JSON: look, and turn the knobs.

It is no part of TikTok. What the public surface never tells (members, the log, faults) is here.
Answers are the thing asked for, or 4xx with {"error": ...}. docs/sandbox.md lists the addresses.
"""

from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import msgspec

from towpath.sandbox import admin_accounts as accounts
from towpath.sandbox.admin_accounts import Given, NothingThereError, yes
from towpath.sandbox.call import Call, Reply
from towpath.sandbox.clock import SettableClock
from towpath.sandbox.core import MAPPING, ROUTES, Sandbox
from towpath.sandbox.furniture import furnish
from towpath.sandbox.records import Audience
from towpath.sandbox.rules import Rules

PREFIX = "/sandbox/"
PAGE_MAX = 10_000


def answer(sandbox: Sandbox, call: Call) -> Reply:
    """Answer a call whose path begins with /sandbox/."""
    try:
        parts = call.path.removeprefix(PREFIX).strip("/").split("/")
        act = _ACTS.get((call.method, parts[0], len(parts)))
        if act is None:
            return _json(404, {"error": f"no {call.method} {call.path} here"})
        sandbox.touched += call.method != "GET"
        sandbox.settled_at()  # lets everything land that is due
        told = act(sandbox, parts[1:], _given(call))
        return _json(200, told)
    except NothingThereError as wrong:
        return _json(404, {"error": str(wrong)})
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as wrong:
        what = f"missing {wrong}" if isinstance(wrong, KeyError) else str(wrong)
        return _json(400, {"error": what})


def _given(call: Call) -> Given:
    query = {name: values[0] for name, values in parse_qs(call.query).items()}
    body = msgspec.json.decode(call.body, type=dict[str, Any]) if call.body else {}
    return query | body


def _json(status: int, told: object) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, msgspec.json.encode(told))


def overview(sandbox: Sandbox, _parts: list[str], _given: Given) -> Given:
    """The app, its token, the ad accounts, the time and when all is settled."""
    world = sandbox.world
    return {
        "seed": sandbox.seed,
        "app_id": world.app_id,
        "secret": world.secret,
        "token": world.token,
        "token_alive": world.grants[world.token].alive,
        "allowlisted": world.allowlisted,
        "advertisers": [asdict(each) for each in world.advertisers.values()],
        "apps": [asdict(each) for each in world.apps.values()],
        "people": [asdict(each) for each in world.people.values()],
        "businesses": world.businesses,
        "adgroups": [asdict(each) for each in world.adgroups.values()],
        "now": sandbox.clock(),
        "settled_at": sandbox.settled_at(),
    }


def audiences(sandbox: Sandbox, _parts: list[str], _given: Given) -> Given:
    """Every audience with the count and the digest of its members."""
    return {"audiences": [_shown(sandbox, each) for each in sandbox.world.audiences.values()]}


def audience(sandbox: Sandbox, parts: list[str], _given: Given) -> Given:
    """One audience."""
    return _shown(sandbox, _audience(sandbox, parts[0]))


def _audience(sandbox: Sandbox, audience_id: str) -> Audience:
    if audience_id not in sandbox.world.audiences:
        raise NothingThereError(f"no audience {audience_id}")
    return sandbox.world.audiences[audience_id]


def _shown(sandbox: Sandbox, shown: Audience) -> dict[str, Any]:
    members = sandbox.world.membership.counts(shown.audience_id)
    return {
        **asdict(shown),
        "members": members,
        "total": sum(members.values()),
        "digest": sandbox.digest(shown.audience_id),
    }


def plant(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """New audiences as if made elsewhere: advertiser_id, name; kind, count, size, age_s."""
    world = sandbox.world
    advertiser = accounts.find_advertiser(sandbox, str(given["advertiser_id"]))
    made = []
    for _ in range(int(given.get("count", 1))):
        new = world.new_audience(advertiser.advertiser_id, str(given["name"]), sandbox.clock())
        new.kind = str(given.get("kind", "Partner"))
        new.planted_size = int(given.get("size", 0))
        new.changed_at = new.created_at = sandbox.clock() - float(given.get("age_s", 0))
        world.audiences[new.audience_id] = new
        made.append(new.audience_id)
    return {"audience_ids": made}


def delete_audience(sandbox: Sandbox, parts: list[str], _given: Given) -> Given:
    """Delete an audience behind everybody's back."""
    _audience(sandbox, parts[0])
    sandbox.world.drop_audience(parts[0])
    return {"deleted": parts[0]}


def members(sandbox: Sandbox, parts: list[str], given: Given) -> Given:
    """A page of sorted "field:hash" lines: at most `limit` after `after`; `next` goes on."""
    _audience(sandbox, parts[0])
    if parts[1] != "members":
        raise NothingThereError(f"an audience has no {parts[1]}")
    after, limit = str(given.get("after", "")), _limit(given)
    lines = (line for line in sandbox.world.membership.lines(parts[0]) if line > after)
    page = list(islice(lines, limit + 1))
    return {"lines": page[:limit], "next": page[limit - 1] if len(page) > limit else None}


def requests(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """A page of the log: the calls numbered above `after`, at most `limit`; `next` goes on."""
    after, limit = int(given.get("after", 0)), _limit(given)
    rows = (row for row in sandbox.log.rows if row.number > after)
    page = list(islice(rows, limit + 1))
    return {"requests": page[:limit], "next": page[limit - 1].number if len(page) > limit else None}


def _limit(given: Given) -> int:
    limit = int(given.get("limit", 1_000))
    if not 1 <= limit <= PAGE_MAX:
        raise ValueError(f"limit must lie between 1 and {PAGE_MAX}")
    return limit


def counters(sandbox: Sandbox, _parts: list[str], _given: Given) -> Given:
    """How often each answer and fault happened, the busiest second, and broken promises."""
    log, app_id = sandbox.log, sandbox.world.app_id
    answers: dict[str, dict[str, int]] = {}
    for (path, told), count in sorted(log.answers.items()):
        answers.setdefault(path if path in ROUTES else "other", {}).setdefault(told, 0)
        answers[path if path in ROUTES else "other"][told] += count
    return {
        "answers": answers,
        "faults": dict(sorted(log.faults.items())),
        "busiest_second": {
            "app": log.busiest_second(app=app_id),
            **{path: log.busiest_second(path=path) for path in sorted(ROUTES)},
        },
        "overlaps": sandbox.in_flight.found,
        "broken": dict(+log.broken),
    }


def overlaps(sandbox: Sandbox, _parts: list[str], _given: Given) -> Given:
    """Keys that were in two requests at one time."""
    return {"found": sandbox.in_flight.found, "overlaps": sandbox.overlaps()}


def clock(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """Look at the clock, or `set` it, `advance` it by seconds, or make it `run` (true, false)."""
    turned = sandbox.clock
    if given and not isinstance(turned, SettableClock):
        raise ValueError("this sandbox' clock cannot be set")
    if isinstance(turned, SettableClock):
        if "run" in given:
            (turned.run if yes(given, "run") else turned.stop)()
        if "set" in given:
            turned.set(float(given["set"]))
        if "advance" in given:
            turned.advance(float(given["advance"]))
    return {"now": turned(), "settled_at": sandbox.settled_at()}


def faults(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """Look at the faults, or change `rate` and `weights`, or script the `next` ones of `path`, or
    let `every` call of it meet one (an empty name ends it)."""
    if given:
        unknown = given.keys() - {"rate", "weights", "next", "path", "every"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        path = str(given.get("path", MAPPING))
        sandbox.next_faults(list(given.get("next", [])), path)
        if "every" in given:
            sandbox.faults.hold(path, str(given["every"]))
        if "rate" in given or "weights" in given:
            rate = float(given.get("rate", sandbox.faults.rate))
            sandbox.faults.set(rate, given.get("weights"))
    known = sandbox.faults
    told = {"rate": known.rate, "weights": known.weights, "next": known.waiting()}
    return {**told, "every": known.held()}


def rules(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """Look at the rules, or change those named."""
    changed = msgspec.structs.asdict(sandbox.rules) | dict(given)
    sandbox.rules = msgspec.convert(changed, Rules)
    return msgspec.structs.asdict(sandbox.rules)


def furnish_accounts(sandbox: Sandbox, _parts: list[str], _given: Given) -> Given:
    """Put the furniture in: audiences of every kind, as in an ad account that is years old."""
    return {"made": furnish(sandbox.world, sandbox.clock())}


def reset(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """Back to the start; rules and faults stay."""
    sandbox.reset()
    return overview(sandbox, _parts, given)


_Act: TypeAlias = Callable[[Sandbox, list[str], Given], Given]


def _look(act: _Act) -> _Act:
    return lambda sandbox, parts, _given: act(sandbox, parts, {})


_ACTS: dict[tuple[str, str, int], _Act] = {
    ("GET", "", 1): overview,
    ("GET", "audiences", 1): audiences,
    ("POST", "audiences", 1): plant,
    ("GET", "audiences", 2): audience,
    ("DELETE", "audiences", 2): delete_audience,
    ("GET", "audiences", 3): members,
    ("GET", "requests", 1): requests,
    ("GET", "counters", 1): counters,
    ("GET", "overlaps", 1): overlaps,
    ("GET", "clock", 1): _look(clock),
    ("POST", "clock", 1): clock,
    ("GET", "faults", 1): _look(faults),
    ("POST", "faults", 1): faults,
    ("GET", "rules", 1): _look(rules),
    ("POST", "rules", 1): rules,
    ("POST", "token", 1): accounts.token,
    ("POST", "auth_codes", 1): accounts.auth_code,
    ("POST", "advertisers", 2): accounts.advertiser,
    ("POST", "advertisers", 1): accounts.new_advertiser,
    ("POST", "authorisations", 1): accounts.remove_authorisation,
    ("POST", "apps", 1): accounts.new_app,
    ("POST", "apps", 2): accounts.app,
    ("POST", "people", 2): accounts.person,
    ("POST", "furniture", 1): furnish_accounts,
    ("POST", "allowlist", 1): accounts.allowlist,
    ("POST", "reset", 1): reset,
}
