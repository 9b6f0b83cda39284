"""The witness' acts on apps, people, tokens and ad accounts: what an admin would click."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias, cast, get_args

from towpath.sandbox.core import Sandbox
from towpath.sandbox.records import SCOPES, Advertiser, App, Role

Given: TypeAlias = Mapping[str, Any]
REDIRECTS_MAX = 10


class NothingThereError(Exception):
    """No such thing: 404."""


def yes(given: Given, name: str) -> bool:
    """A truth that was given. Raises TypeError for what is none, KeyError for nothing."""
    if not isinstance(given[name], bool):
        raise TypeError(f"{name} must be true or false")
    return bool(given[name])


def token(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """Revoke (`alive` false) or restore the seed's token, or the `token` given."""
    name = str(given.get("token", sandbox.world.token))
    if name not in sandbox.world.grants:
        raise NothingThereError("no such token")
    sandbox.world.grants[name].alive = yes(given, "alive")
    return {"alive": sandbox.world.grants[name].alive}


def remove_authorisation(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """As the advertiser's "Remove" does: every token of an app (`app_id`; the first) dies."""
    app_id = _app(sandbox, str(given.get("app_id", sandbox.world.app_id))).app_id
    ended = [each for each in sandbox.world.grants.values() if each.app_id == app_id and each.alive]
    for grant in ended:
        grant.alive = False
    return {"ended": len(ended)}


def auth_code(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """An auth_code as if somebody had just consented: `advertisers` (all), `scopes` ([1, 3]),
    `app_id` and `person_id` (the first)."""
    world = sandbox.world
    reached = [str(each) for each in given.get("advertisers", world.advertisers)]
    for advertiser_id in reached:
        find_advertiser(sandbox, advertiser_id)
    scopes = tuple(int(each) for each in given.get("scopes", SCOPES))
    app = _app(sandbox, str(given.get("app_id", world.app_id)))
    person_id = str(given.get("person_id", next(iter(world.people))))
    if person_id not in world.people:
        raise NothingThereError(f"no person {person_id}")
    made = world.new_auth_code(reached, scopes, sandbox.clock(), app.app_id, person_id)
    return {"auth_code": made}


def advertiser(sandbox: Sandbox, parts: list[str], given: Given) -> Given:
    """Disable an ad account (`enabled` false) or take its role away (`role` false), or undo it."""
    account = find_advertiser(sandbox, parts[0])
    if "enabled" in given:
        account.enabled = yes(given, "enabled")
    if "role" in given:
        account.role = yes(given, "role")
    return asdict(account)


def new_advertiser(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """A new ad account of the first person: `name`, `business_id` (the first, or a new one)."""
    world = sandbox.world
    business_id = str(given.get("business_id", next(iter(world.businesses))))
    world.businesses.setdefault(business_id, business_id)
    made = world.give_advertiser(str(given["name"]), business_id, sandbox.clock())
    return asdict(made)


def find_advertiser(sandbox: Sandbox, advertiser_id: str) -> Advertiser:
    """The ad account. Raises NothingThereError."""
    if advertiser_id not in sandbox.world.advertisers:
        raise NothingThereError(f"no ad account {advertiser_id}")
    return sandbox.world.advertisers[advertiser_id]


def allowlist(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """Put an app (`app_id`; the first) on the allowlist (`on` true) or take it off: then segment/
    answers 40118."""
    app = _app(sandbox, str(given.get("app_id", sandbox.world.app_id)))
    app.allowlisted = yes(given, "on")
    return {"on": app.allowlisted}


def new_app(sandbox: Sandbox, _parts: list[str], given: Given) -> Given:
    """Register an app: `name`, `redirects`."""
    redirects = _redirects(given)
    return asdict(sandbox.world.add_app(str(given["name"]), redirects))


def app(sandbox: Sandbox, parts: list[str], given: Given) -> Given:
    """Change an app's `redirects` (at most 10; none lets every address pass) or what it `asks`."""
    changed = _app(sandbox, parts[0])
    if "redirects" in given:
        changed.redirects = _redirects(given)
    if "asks" in given:
        changed.asks = tuple(int(each) for each in given["asks"])
    return asdict(changed)


def _redirects(given: Given) -> list[str]:
    redirects = [str(each) for each in given.get("redirects", [])]
    if len(redirects) > REDIRECTS_MAX:
        raise ValueError(f"an app has at most {REDIRECTS_MAX} redirects")
    return redirects


def _app(sandbox: Sandbox, app_id: str) -> App:
    if app_id not in sandbox.world.apps:
        raise NothingThereError(f"no app {app_id}")
    return sandbox.world.apps[app_id]


def person(sandbox: Sandbox, parts: list[str], given: Given) -> Given:
    """Give a person a role in an ad account: `advertiser_id`, `role` (ADMIN, OPERATOR, ANALYST, or
    empty for none)."""
    found = sandbox.world.people.get(parts[0])
    if found is None:
        raise NothingThereError(f"no person {parts[0]}")
    account, role = find_advertiser(sandbox, str(given["advertiser_id"])), str(given["role"])
    if not role:
        found.roles.pop(account.advertiser_id, None)
    elif role in get_args(Role):
        found.roles[account.advertiser_id] = cast("Role", role)
    else:
        raise ValueError(f"role must be among {', '.join(get_args(Role))}")
    return asdict(found)
