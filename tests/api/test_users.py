"""People operations over HTTP: aliases, identify, merge, delete, export."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.api.conftest import calling, key_of
from tests.store.people import Person, batch

from towpath.api.callers import Scope
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.consent import Consent, ConsentState
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.profile import Device
from towpath.store import events, profiles
from towpath.store.database import Db
from towpath.store.events import Event

GAID = "0123abcd-0123-4567-89ab-0123456789ab"
SHOP = {"alias_label": "shop", "alias_name": "a-1"}


@pytest.fixture(autouse=True)
def _people(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Ana, number 0, of whom much is known, and Bruno, number 1."""
    ana = Person(
        "ana", mail="ana@example.com", gaid=Device(GAID, None), country="BR",
        attributes={"points": 12.5}, consent=Consent(ConsentState.GRANTED, "shop", now),
    )  # fmt: skip
    profiles.upsert(db, workspace, batch(ana, Person("bruno", mail="bruno@example.com")), now)
    bought = EventName(EventKind.PURCHASE, "mug")
    opened = EventName(EventKind.EVENT, "opened")
    told = [Event(0, Happening(name, now)) for name in (bought, opened, opened)]
    with db.transaction():
        events.append(db, workspace, told, now)


async def post(client: httpx.AsyncClient, route: str, body: object, status: int) -> Any:
    """POST; the answer has this status."""
    answer = await client.post(f"/users/{route}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def whole(client: httpx.AsyncClient, *external_ids: str) -> list[dict[str, Any]]:
    """The export of these people."""
    found = await post(client, "export/ids", {"external_ids": external_ids}, 200)
    assert found["errors"] == []
    return list(found["users"])


async def test_an_alias_names_somebody_known_or_new(client: httpx.AsyncClient) -> None:
    """What is taken is refused alone; the same again is done already."""
    new = {"alias_label": "app", "alias_name": "x"}
    body = {"user_aliases": [{"external_id": "ana", **SHOP}, new]}
    done = await post(client, "alias/new", body, 201)
    assert done == {"message": "success", "errors": [], "aliases_processed": 2}
    body = {"user_aliases": [
        {"external_id": "ana", **SHOP}, {"external_id": "bruno", **SHOP}, new,
        {"external_id": "nobody", "alias_label": "a", "alias_name": "b"},
        {"alias_label": "", "alias_name": "b"},
    ]}  # fmt: skip
    done = await post(client, "alias/new", body, 201)
    assert done["aliases_processed"] == 1
    told = {(one["index"], one["field"]): one["type"] for one in done["errors"]}
    assert told == {
        (1, "alias_name"): "is somebody's already",
        (2, "alias_name"): "is somebody's already",
        (3, "external_id"): "is nobody's",
        (4, "user_alias.alias_label"): "is empty",
    }
    (ana,) = await whole(client, "ana")
    assert ana["user_aliases"] == [SHOP]


async def test_who_is_identified_gets_the_external_id_or_is_merged(
    client: httpx.AsyncClient,
) -> None:
    """Two aliases of new people: carla is free, bruno is somebody's already."""
    names = [{"alias_label": "app", "alias_name": name} for name in ("x", "y")]
    await post(client, "alias/new", {"user_aliases": names}, 201)
    claims = [
        {"external_id": name, "user_alias": alias}
        for name, alias in zip(("carla", "bruno"), names, strict=True)
    ]
    done = await post(client, "identify", {"aliases_to_identify": claims}, 201)
    assert (done["aliases_processed"], done["errors"]) == (2, [])
    bruno, carla = await whole(client, "carla", "bruno")
    assert (carla["profile_id"], carla["user_aliases"]) == ("2", [names[0]])
    assert (bruno["profile_id"], bruno["user_aliases"]) == ("1", [names[1]])
    wrong = [{"external_id": "dora", "user_alias": names[0]}]
    done = await post(client, "identify", {"aliases_to_identify": wrong}, 201)
    assert done["errors"][0]["type"] == "is not theirs: they have another"


async def test_whoever_has_an_email_is_identified_by_prioritization(
    client: httpx.AsyncClient, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    """Only whoever has no external id: of those the one asked for."""
    nameless = batch(Person("x", mail="ana@example.com", language="pt"))
    nameless.external_id[0] = None
    profiles.upsert(db, workspace, nameless, now)
    claim: dict[str, object] = {"external_id": "ana", "email": "Ana@example.com"}
    claim["prioritization"] = ["unidentified"]
    body = {"emails_to_identify": [claim], "merge_behavior": "merge"}
    done = await post(client, "identify", body, 201)
    assert (done["emails_processed"], done["errors"]) == (1, [])
    (ana,) = await whole(client, "ana")
    assert (ana["profile_id"], ana["language"]) == ("0", "pt")
    done = await post(client, "identify", body, 201)
    assert done["errors"][0]["type"] == "is nobody's"


async def test_merge(client: httpx.AsyncClient) -> None:
    """Bruno's blanks are filled from Ana, who is no more; the profile id leads on to him."""
    updates = [
        {"identifier_to_merge": {"external_id": "ana"},
         "identifier_to_keep": {"email": "bruno@example.com", "prioritization": []}},
        {"identifier_to_merge": {"email": "x@example.com"},
         "identifier_to_keep": {"external_id": "bruno"}},
        {"identifier_to_merge": {"external_id": "bruno", "profile_id": "0"},
         "identifier_to_keep": {"external_id": "bruno"}},
        {"identifier_to_merge": {"external_id": "bruno"},
         "identifier_to_keep": {"profile_id": "1"}},
    ]  # fmt: skip
    done = await post(client, "merge", {"merge_updates": updates}, 202)
    told = {one["index"]: (one["field"], one["type"]) for one in done["errors"]}
    assert told == {
        1: (
            "identifier_to_merge.prioritization",
            "is missing: several may have the email",
        ),
        2: (
            "identifier_to_merge.profile_id",
            "stands beside external_id: give one identifier only",
        ),
        3: ("identifier_to_keep", "is the same person"),
    }
    (bruno,) = await whole(client, "bruno")
    assert (bruno["email"], bruno["country"]) == ("bruno@example.com", "BR")
    assert bruno["custom_attributes"] == {"points": 12.5}
    assert bruno["consent"]["state"] == "granted"
    assert bruno["custom_events"][0]["count"] == 2
    assert bruno["purchases"][0]["product_id"] == "mug"
    assert bruno["devices"][0]["google_ad_id"] == GAID
    found = await post(client, "export/ids", {"profile_ids": ["0"]}, 200)
    assert [one["external_id"] for one in found["users"]] == ["bruno"]


async def test_delete(client: httpx.AsyncClient) -> None:
    """Each of them once, however they are named; whoever is nobody is told of."""
    body = {
        "external_ids": ["ana", "nobody"],
        "profile_ids": ["0"],
        "email_addresses": [{"email": "bruno@example.com", "prioritization": ["unidentified"]}],
    }
    done = await post(client, "delete", body, 201)
    assert done["deleted"] == 1
    assert [(one["input_array"], one["index"]) for one in done["errors"]] == [
        ("external_ids", 1),
        ("email_addresses", 0),
    ]
    found = await post(client, "export/ids", {"external_ids": ["ana"]}, 200)
    assert found["users"] == []


async def test_export_gives_the_fields_asked_for(client: httpx.AsyncClient) -> None:
    """And no other."""
    body = {"email_address": "ana@example.com", "fields_to_export": ["external_id", "devices"]}
    found = await post(client, "export/ids", body, 200)
    (ana,) = found["users"]
    assert ana.keys() == {"external_id", "devices"}
    (device,) = ana["devices"]
    assert (device["google_ad_id"], device["ad_tracking_enabled"]) == (GAID, True)
    (everything,) = await whole(client, "ana")
    assert (everything["canvases"], everything["audiences"]) == ([], [])


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("delete", {"external_idz": ["ana"]}, "external_idz"),
        ("delete", {}, "body"),
        ("delete", {"external_ids": [5]}, "external_ids[0]"),
        ("delete", {"external_ids": ["x"] * 51}, "external_ids"),
        ("delete", {"external_ids": ["x"] * 30, "braze_ids": ["1"] * 30}, "body"),
        ("delete", {"email_addresses": [{"email": "a@example.com"}]},
         "email_addresses[0].prioritization"),
        ("merge", {"merge_updates": []}, "merge_updates"),
        ("merge", {"merge_updates": [{"identifier_to_merge": {"id": "a"},
                                      "identifier_to_keep": {}}]}, "id"),
        ("identify", {"merge_behavior": "some"}, "merge_behavior"),
        ("alias/new", {"user_aliases": [{"alias_label": "\ud800", "alias_name": "x"}]},
         "user_aliases[0].alias_label"),
        ("export/ids", {"external_ids": ["ana"], "fields_to_export": ["emial"]},
         "fields_to_export[0]"),
    ],
)  # fmt: skip
async def test_a_call_of_another_shape_is_refused_whole(
    client: httpx.AsyncClient, route: str, body: object, field: str
) -> None:
    """Naming the field (I-66)."""
    kind = {"Content-Type": "application/json"}
    answer = await client.post(f"/users/{route}", content=json.dumps(body), headers=kind)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field


async def test_workspaces_and_scopes_are_kept_apart(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    app: FastAPI,
    db: Db,
    workspace: WorkspaceId,
    now: Instant,
) -> None:
    """Nobody of elsewhere is found, by whatever name; reading needs one scope, changing another."""
    body = {"external_ids": ["ana"], "profile_ids": ["0"]}
    done = await post(other_client, "delete", body, 201)
    assert (done["deleted"], len(done["errors"])) == (0, 2)
    async with calling(app, key_of(db, workspace, now, Scope.USERS_READ)) as reader:
        await post(reader, "delete", body, 403)
        await post(reader, "export/ids", body, 200)
    async with calling(app, key_of(db, workspace, now, Scope.TRACK)) as tracker:
        await post(tracker, "export/ids", body, 403)


async def test_the_same_key_acts_once(client: httpx.AsyncClient) -> None:
    """A repeated call gets the first answer again."""
    body = {"external_ids": ["ana"]}
    for _ in range(2):
        answer = await client.post("/users/delete", json=body, headers={"Idempotency-Key": "once"})
        assert answer.json()["deleted"] == 1
