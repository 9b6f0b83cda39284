"""The sandbox' core: a call goes in, a reply comes out; no sockets, and no time but the clock's.

The order of the checks is TikTok's: path and verb in plain text, then the token, then allowlist
and permission, then parameters, then limits (tiktok-api, sections 2 and 11). Only a call that
passes them all may meet a fault. The same seed, calls and clock give the same replies.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from towpath.sandbox import (
    accounts,
    ad_groups,
    audiences,
    customer_files,
    lookalikes,
    sharing,
)
from towpath.sandbox.call import Call, Reply
from towpath.sandbox.endpoint import Act, Answer, Ask
from towpath.sandbox.envelope import MESSAGES, RefusalError, envelope, request_id
from towpath.sandbox.faults import Fault, Faults, spoil
from towpath.sandbox.records import Grant
from towpath.sandbox.rules import Rules
from towpath.sandbox.windows import Windows
from towpath.sandbox.witness import InFlight, LogRow, Overlap, RequestLog
from towpath.sandbox.world import World

PREFIX = "/open_api/v1.3/"
MAPPING = "segment/mapping/"
_DMP = "dmp/custom_audience/"
HOSTED = frozenset({"user/info/"})
"""What TikTok's own sandbox host offers of all this."""
_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
_NOBODY = Grant("", [], ())


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: its verb, whether it needs a token, which scope, and who answers."""

    method: str
    answer: Answer
    scope: int = 0
    token: bool = True
    allowlist: bool = False


ROUTES = {
    "oauth2/access_token/": Route("POST", accounts.access_token, token=False),
    "oauth2/advertiser/get/": Route("GET", accounts.granted_advertisers, scope=100),
    "user/info/": Route("GET", accounts.user_info),
    "advertiser/info/": Route("GET", accounts.advertiser_info, scope=100),
    "segment/audience/": Route("POST", audiences.segment, scope=31, allowlist=True),
    MAPPING: Route("POST", audiences.map_people, scope=31, allowlist=True),
    "oauth/token/": Route("POST", accounts.flat_token, token=False),
    "oauth2/revoke_token/": Route("POST", accounts.revoke),
    f"{_DMP}list/": Route("GET", audiences.listing, scope=30),
    f"{_DMP}get/": Route("GET", audiences.details, scope=30),
    f"{_DMP}file/upload/": Route("POST", customer_files.upload, scope=31),
    f"{_DMP}create/": Route("POST", customer_files.create, scope=31),
    f"{_DMP}update/": Route("POST", customer_files.update, scope=31),
    f"{_DMP}delete/": Route("POST", customer_files.delete, scope=31),
    f"{_DMP}lookalike/create/": Route("POST", lookalikes.create, scope=31),
    f"{_DMP}lookalike/update/": Route("POST", lookalikes.refresh, scope=31),
    f"{_DMP}apply/": Route("POST", ad_groups.apply, scope=31),
    f"{_DMP}apply/log/": Route("GET", ad_groups.log, scope=31),
    f"{_DMP}share/": Route("POST", sharing.share, scope=32),
    f"{_DMP}share/cancel/": Route("POST", sharing.cancel, scope=32),
    f"{_DMP}share/log/": Route("GET", sharing.log, scope=32),
}


class Sandbox:
    """A TikTok. `clock` gives epoch seconds.

    A request is in flight from `begin` to `finish`; `handle` does both at once.
    """

    def __init__(self, seed: int, clock: Callable[[], float], rules: Rules | None = None) -> None:
        self.seed = seed
        self.clock = clock
        self._rules = rules or Rules()
        self.faults = Faults()
        self.touched = 0
        """Rises with whatever may have changed the state."""
        self.reset()

    def reset(self) -> None:
        """Back to the start: no audiences, the first token, an empty log. Rules and faults stay."""
        self.world = World(self.seed, self._rules, self.clock())
        self.log = RequestLog()
        self.in_flight = InFlight()
        self.dice = random.Random(f"{self.seed} faults")
        self._windows = Windows()
        self.number = 0
        self._open: dict[int, LogRow] = {}

    @property
    def rules(self) -> Rules:
        """The rules it plays by now; set them to play by others."""
        return self._rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._rules = self.world.rules = rules

    def handle(self, call: Call) -> Reply:
        """Answer a call whose answer leaves at once."""
        reply = self.begin(call)
        self.finish(reply.number)
        return reply

    def begin(self, call: Call) -> Reply:
        """Take a call in. It stays in flight until `finish(reply.number)`."""
        now = self.clock()
        self.world.reach(now)
        self.number += 1
        self.touched += 1
        arrived = now if call.arrived is None else call.arrived
        path = call.path.removeprefix(PREFIX)
        row = LogRow(self.number, arrived, self._app(call), call.method, path)
        row.request_id = request_id(self.seed, self.number, now)
        self.log.arrive(row)
        self._open[row.number] = row
        reply = self._judge(call, row, now)
        row.status, row.fault = reply.status, reply.fault
        self.log.answer(row, reply.ending)
        self.world.reach(now)
        return reply

    def finish(self, number: int) -> None:
        """The reply has left, or the caller has gone; a second time changes nothing."""
        row = self._open.pop(number, None)
        if row is not None:
            row.finished = self.clock()
            self.in_flight.finish(number)

    def next_faults(self, names: list[str], path: str = MAPPING) -> None:
        """Let the next calls of `path` meet these faults, one each ("ok" for none). ValueError."""
        if path not in ROUTES:
            raise ValueError(f"{path!r} is no endpoint of the sandbox")
        self.faults.script(names, path)

    def members(self, audience: str) -> dict[str, set[str]]:
        """Who is in the audience at the present clock: hexadecimal hashes by field."""
        self.world.reach(self.clock())
        return self.world.membership.members(audience)

    def digest(self, audience: str) -> str:
        """SHA-256 over the audience's sorted "field:hash" lines joined by newlines."""
        self.world.reach(self.clock())
        return self.world.membership.digest(audience)

    def settled_at(self) -> float:
        """When the last effect now outstanding lands, in epoch seconds; the present if none is."""
        now = self.clock()
        self.world.reach(now)
        return self.world.timeline.settled_at(now)

    def overlaps(self) -> list[Overlap]:
        """Keys that were in two mapping requests at one time; the last 1,000 of them."""
        return list(self.in_flight.overlaps)

    def _app(self, call: Call) -> str:
        grant = self.world.grants.get(call.header("Access-Token"))
        return grant.app_id if grant is not None else ""

    def _judge(self, call: Call, row: LogRow, now: float) -> Reply:
        route = ROUTES.get(row.path) if call.path.startswith(PREFIX) else None
        if route is None:
            return Reply(404, _PLAIN, b"404 page not found", number=row.number)
        if call.method != route.method:
            return Reply(405, _PLAIN, b"405 method not allowed", number=row.number)
        try:
            grant = self._grant(route, call)
            act = route.answer(self.world, Ask(call, grant, now))
            self._describe(row, act)
            self._pace(row, act)
        except RefusalError as no:
            row.code = no.code
            self.log.note(no)
            return self._enveloped(row, no.code, no.message, {})
        return self._perform(row, act, now)

    def _grant(self, route: Route, call: Call) -> Grant:
        hosted = self._rules.host == "production" or call.path.removeprefix(PREFIX) in HOSTED
        if not route.token:
            if not hosted:
                raise RefusalError(40008)
            return _NOBODY
        token = call.header("Access-Token")
        if not token:
            raise RefusalError(40104)
        grant = self.world.grants.get(token)
        if grant is None or not grant.alive:
            raise RefusalError(40105)
        if not hosted:
            raise RefusalError(40008)
        if route.allowlist and not self.world.apps[grant.app_id].allowlisted:
            raise RefusalError(40118)
        if not grant.allows(route.scope):
            path = call.path.removeprefix("/open_api")
            raise RefusalError(40001, f"Advertiser does not grant you the permission for {path}")
        return grant

    def _describe(self, row: LogRow, act: Act) -> None:
        row.action, row.audiences, row.people = act.action, list(act.audiences), act.people
        if act.batch is not None:
            row.people, row.keys = act.batch.people, act.batch.keys
            self.in_flight.begin(row.number, act.batch)
            self.log.note(act.batch)

    def _pace(self, row: LogRow, act: Act) -> None:
        rules = self._rules
        limits = rules.limits("mapping" if row.path == MAPPING else "other")
        scope = (row.app, row.path)
        if self._windows.full(scope, limits.second, row.arrived) or self._windows.locked(
            scope,
            minute=limits.minute,
            day=limits.day,
            lockout_s=rules.minute_lockout_s,
            at=row.arrived,
        ):
            raise RefusalError(rules.throttle_code)
        for name, advertiser, most in act.paced:
            if self._windows.full((name, advertiser), most, row.arrived):
                raise RefusalError(
                    40133,
                    f"Advertiser ({advertiser})'s QPS ({most + 1}) reaches QPS limit {most} "
                    "for current path, request is temporarily restricted.",
                )
        own = ((name, advertiser) for name, advertiser, _ in act.paced)
        self._windows.let_in([scope, *own], row.arrived)
        self._windows.let_in_long(scope, row.arrived)

    def _perform(self, row: LogRow, act: Act, now: float) -> Reply:
        fault = self.faults.draw(row.path, self.dice)
        if act.commit is not None:
            row.applied = fault.fate if fault else "applied"
            if row.applied != "dropped":
                late = self.world.spread(self._rules.acceptance_s) if row.applied == "late" else 0.0
                row.effect_at = act.commit(now + late)
        row.code = fault.code if fault else 0
        reply = self._enveloped(row, 0, MESSAGES[0], act.data, flat=act.flat)
        return self._spoiled(row, reply, fault) if fault else reply

    def _spoiled(self, row: LogRow, reply: Reply, fault: Fault) -> Reply:
        def refuse(code: int) -> bytes:
            message = MESSAGES.get(code, "Error.")
            return envelope(code, message, row.request_id, {})

        return spoil(reply, fault, refuse, self.dice.random() * self._rules.slow_s)

    def _enveloped(
        self, row: LogRow, code: int, message: str, data: dict[str, object], *, flat: bool = False
    ) -> Reply:
        headers = {"Content-Type": "application/json", "X-TT-LOGID": row.request_id}
        body = envelope(code, message, row.request_id, data, flat=flat)
        return Reply(200, headers, body, self._rules.latency_s, number=row.number)
