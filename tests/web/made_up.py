"""What the API could answer, made up: for pages in states that are hard to reach."""

from typing import Any

Data = dict[str, Any]

ME = {
    "name": "Ana Souza",
    "email": "ana@example.com",
    "workspace": "default",
    "role": "owner",
    "scopes": [],
    "workspaces": [],
}

ROWS = [
    {"id": 1, "name": "Winback", "state": "running", "version": 1, "revision": 1, "inside": 48_211},
    {"id": 2, "name": "Abandoned cart, Brazil and Portugal", "state": "paused", "version": 12}
    | {"revision": 31, "inside": 1_204_377},
    {"id": 3, "name": "Suppress buyers of the last 30 days", "state": "stopped", "version": 3}
    | {"revision": 5, "inside": 0},
    {"id": 4, "name": "Spring launch", "state": "draft", "version": None, "revision": 2}
    | {"inside": 0},
]


def _counters(entered: int, **more: int) -> dict[str, int]:
    names = ("advanced", "synced", "not_synced", "pending", "errored", "exited")
    return {"entered": entered} | dict.fromkeys(names, 0) | more


def _sync(action: str, **more: str) -> Data:
    return {
        "kind": "audience_sync",
        "partner": "tiktok",
        "ad_account": "7000000000000000001",
        "audience": {"create": "winback"},
        "action": action,
        "fields": ["email", "phone"],
        **more,
    }


WINBACK: Data = {
    "id": 1,
    "name": "Winback",
    "state": "running",
    "revision": 1,
    "version": {"number": 3, "launched_at": "2026-03-01T12:00:00Z", "enter_at": None, "inside": 0},
    "draft_differs": False,
    "sandbox": True,
    "graph": {
        "canvas": "Winback",
        "entry": {
            "at": "launch",
            "filter": {"attribute": "country", "in": ["BR", "PT", "US", "DE", "MX", "JP"]},
            "reentry": "never",
            "first": "wait",
        },
        "steps": {
            "wait": {"kind": "delay", "for": "1s", "next": "split"},
            "split": {
                "kind": "decision_split",
                "if": {"attribute": "orders", "at_least": 1},
                "yes": "add",
                "no": "leave",
            },
            "add": _sync("add", next="later"),
            "later": {"kind": "delay", "for": "8s", "next": "who"},
            "who": {
                "kind": "decision_split",
                "if": {"attribute": "bucket", "below": 67},
                "yes": "remove",
                "no": "stay",
            },
            "remove": _sync("remove"),
            "stay": {"kind": "exit"},
            "leave": {"kind": "exit"},
            "spare": _sync("remove"),
        },
        "removals": [{"on": ["conversion", "segment"], "step": "spare"}],
    },
    "counters": {
        "wait": _counters(1_234_567, advanced=1_234_567),
        "split": _counters(1_234_567, advanced=1_234_567),
        "add": _counters(
            881_204,
            advanced=881_204,
            synced=803_911,
            not_synced=52_003,
            pending=24_290,
            errored=1_000,
        ),
        "later": _counters(881_204, advanced=612_400),
        "who": _counters(612_400, advanced=612_400),
        "remove": _counters(
            409_112,
            advanced=409_112,
            exited=409_112,
            synced=380_000,
            not_synced=9_112,
            pending=20_000,
        ),
        "stay": _counters(203_288, exited=203_288),
        "leave": _counters(353_363, exited=353_363),
        "spare": _counters(41_877, advanced=41_877, exited=41_877, synced=41_800, pending=77),
    },
    "edges": [
        {"step": "(entry)", "edge": "entered", "people": 1_234_567},
        {"step": "(entry)", "edge": "refused: entered before", "people": 4_012},
        {"step": "(entry)", "edge": "refused: control group", "people": 61_002},
        {"step": "wait", "edge": "next", "people": 1_234_567},
        {"step": "split", "edge": "yes", "people": 881_204},
        {"step": "split", "edge": "no", "people": 353_363},
        {"step": "add", "edge": "next", "people": 881_204},
        {"step": "later", "edge": "next", "people": 612_400},
        {"step": "who", "edge": "yes", "people": 409_112},
        {"step": "who", "edge": "no", "people": 203_288},
    ],
    "standing": {"later": 268_804},
    "versions": [1, 2, 3],
    "door": {"entered": 1_234_567, "control": 61_002, "refused": {"entered before": 4_012}},
    "conversions": [
        {
            "goal": {"purchase": "any", "within": "3d"},
            "converted": 104_938,
            "rate": 0.085,
            "control_converted": 4_301,
            "control_rate": 0.0705,
        },
        {
            "goal": {"event": "signed_up", "within": "7d"},
            "converted": 12,
            "rate": 0.00001,
            "control_converted": 0,
            "control_rate": 0.0,
        },
    ],
    "reasons": {"add": {"not_synced": {"no_consent": 40_001, "no_match_key": 12_002}}},
    "troubles": {},
}

EVERY_KIND: Data = WINBACK | {
    "name": "Every kind of step, with a name that is longer than most windows are wide",
    "sandbox": False,
    "graph": {
        "canvas": "Every kind",
        "entry": {
            "on": [{"event": "order_placed"}, {"purchase": "any"}],
            "filter": {"all": [{"consent": "granted"}, {"not": {"has": "gaid"}}]},
            "reentry": {"after": "7d"},
            "first": "groups",
        },
        "steps": {
            "groups": {
                "kind": "audience_paths",
                "paths": [
                    {"name": "vip", "if": {"attribute": "orders", "at_least": 9}, "next": "acts"},
                    {"name": "lapsed-for-ninety-days-and-more", "if": {"has": "email"}}
                    | {"next": "test"},
                ],
                "else": "hook",
            },
            "acts": {
                "kind": "action_paths",
                "paths": [
                    {"name": "bought", "on": [{"purchase": "any"}]},
                    {"name": "opened", "on": [{"event": "opened"}], "next": "update"},
                    {"name": "looked-at-it", "on": [{"event": "looked"}], "next": "update"},
                ],
                "else": "update",
            },
            "test": {
                "kind": "experiment_paths",
                "paths": [
                    {"name": "a", "weight": 45, "next": "add"},
                    {"name": "b", "weight": 45, "next": "add"},
                ],
                "control": {"weight": 10},
            },
            "update": {"kind": "user_update", "set": {"tier": "gold"}, "next": "renewal"},
            "renewal": {
                "kind": "delay",
                "until": {"attribute": "renewal", "minus": "3d", "at": "09:00"},
                "next": "end",
            },
            "hook": {
                "kind": "webhook",
                "url": "https://crm.example.com/hooks/towpath",
                "failed": "end",
                "next": "end",
            },
            "add": _sync("add", next="end"),
            "end": {"kind": "exit"},
        },
    },
    "counters": {"add": _counters(90, synced=80, pending=10)},
    "edges": [{"step": "(entry)", "edge": "entered", "people": 100}],
    "standing": {},
}

_BROKEN = {
    "scope": "connection",
    "reason": "40105",
    "since": "2026-03-01T12:10:00Z",
    "partner_request_ref": None,
    "message": "The connection is broken: TikTok refuses its token or app (code 40105). Nothing is"
    " sent; people wait.",
    "remedy": "Connect again: `towpath connect tiktok`.",
}

IN_TROUBLE: Data = WINBACK | {"troubles": {"add": _BROKEN, "remove": _BROKEN}}

EMPTY: Data = WINBACK | {
    "name": "Spring launch",
    "state": "draft",
    "version": None,
    "versions": [],
    "conversions": [],
    "sandbox": False,
    "graph": {"canvas": "Spring launch", "entry": {}, "steps": {}},
    "counters": {},
    "edges": [],
    "standing": {},
}
