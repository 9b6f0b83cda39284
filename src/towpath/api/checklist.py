"""The document's prerequisites, and whether a connection meets them: a list for people."""

from dataclasses import dataclass
from typing import Literal

from towpath.ids import ConnectionId, WorkspaceId
from towpath.partners.consent import ENABLED
from towpath.partners.registry import CONSENTS
from towpath.store import apps, connections
from towpath.store.connections import AdAccount, Connection
from towpath.store.database import Db

State = Literal["done", "missing", "unknown"]
TERMS = "https://ads.tiktok.com/i18n/official/policy/terms"


@dataclass(frozen=True, slots=True)
class Point:
    """One prerequisite. `told`: how it stands; `remedy`: what to do, "" when nothing."""

    name: str
    state: State
    told: str
    remedy: str = ""


def checklist(db: Db, workspace: WorkspaceId, connection: ConnectionId) -> list[Point]:
    """Every prerequisite of syncing over this connection, in the order in which to mend them.
    Raises NotFoundError."""
    found = connections.read(db, workspace, connection)
    accounts = connections.list_ad_accounts(db, workspace, connection)
    chosen = [one for one in accounts if one.chosen]
    return [
        _connected(found),
        _permissions(found, apps.read(db, found.app).partner),
        _ad_accounts(chosen),
        _business_center(chosen),
        _role(chosen),
        _terms(found),
    ]


def _connected(found: Connection) -> Point:
    if found.ready:
        return Point("connection", "done", f"Connected as {found.person or 'whoever confirmed'}.")
    why = "it was disconnected" if found.token is None else "the partner refuses its token"
    return Point("connection", "missing", f"Nothing can be sent: {why}.", "Connect again.")


def _permissions(found: Connection, partner: str) -> Point:
    if found.granted is None:
        return Point(
            "permissions",
            "unknown",
            "A token that was given by hand does not say what it grants.",
            "Connect over the consent page to have it checked.",
        )
    lacking = CONSENTS[partner].lacking(found.granted)
    if not lacking:
        return Point("permissions", "done", "All permissions that are needed were granted.")
    told = f"Not granted: {'; '.join(lacking)}."
    return Point("permissions", "missing", told, "Connect again and leave them ticked.")


def _ad_accounts(chosen: list[AdAccount]) -> Point:
    lost = [one for one in chosen if not one.reached]
    closed = [one for one in chosen if one.status not in {None, "", ENABLED}]
    if not chosen:
        return Point("ad_account", "missing", "No ad account is chosen.", "Choose at least one.")
    if lost:
        told = f"The token no longer reaches {_names(lost)}."
        return Point("ad_account", "missing", told, "Connect as somebody who does.")
    if closed:
        states = ", ".join(f"{one.name}: {one.status}" for one in closed)
        return Point("ad_account", "missing", f"Not active: {states}.", "Ask TikTok why.")
    return Point("ad_account", "done", f"{len(chosen)} chosen.")


def _business_center(chosen: list[AdAccount]) -> Point:
    looked = [one for one in chosen if one.looked_at and not one.denied]
    alone = [one for one in looked if one.business_ref is None]
    if alone:
        told = f"Not linked to a Business Center: {_names(alone)}."
        return Point("business_center", "missing", told, "Link them in the Business Center.")
    if not looked:
        return Point("business_center", "unknown", "Not looked at yet.", "Refresh the list.")
    return Point("business_center", "done", "Every ad account belongs to a Business Center.")


def _role(chosen: list[AdAccount]) -> Point:
    denied = [one for one in chosen if one.denied]
    if denied:
        return Point(
            "role",
            "missing",
            f"TikTok denies {_names(denied)}: {denied[0].denied}",
            "Ask the admin of the Business Center to make whoever connected an admin or operator.",
        )
    if not any(one.looked_at for one in chosen):
        return Point("role", "unknown", "Not looked at yet.", "Refresh the list.")
    return Point("role", "done", "Whoever connected may work in every chosen ad account.")


def _terms(found: Connection) -> Point:
    if found.terms_accepted_at is None:
        return Point(
            "terms",
            "missing",
            "Nobody has accepted TikTok's terms, policies and guidelines for this connection.",
            f"Read them ({TERMS}) and accept them here.",
        )
    when = f"{found.terms_accepted_at:%Y-%m-%d}"
    return Point("terms", "done", f"Accepted by {found.terms_accepted_by} on {when}.")


def _names(found: list[AdAccount]) -> str:
    told = ", ".join(f"{one.name} ({one.partner_ref})" for one in found[:5])
    return told + (f" and {len(found) - 5} more" if len(found) > 5 else "")
