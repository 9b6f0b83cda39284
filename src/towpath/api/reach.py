"""How the API and the commands reach partners, and how a partner's refusal is told."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from towpath.api.our_app import OurApp
from towpath.api.troubles import CONNECT
from towpath.errors import NotFoundError, PartnerError
from towpath.ids import AdAccountId, AppId, PartnerRef, WorkspaceId
from towpath.partners.consent import ENABLED
from towpath.partners.protocol import Answer, Cause, Door, Partner
from towpath.partners.registry import CONSENTS, adapter
from towpath.store import apps, connections
from towpath.store.connections import AdAccount, Connection
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

DEADLINE_S = 15.0
"""Of one call to a partner behind which somebody waits."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How to reach partners: a door for each app's calls, which keeps its pace (on a connection of
    its own, no transaction open), where they are, and the keys that open tokens."""

    paced: Callable[[Db, AppId], Door]
    base_urls: dict[str, str]
    keys: KeyRing
    webhook_hosts: tuple[str, ...] = ()
    """Hosts and networks inside that webhooks may go to."""
    ours: OurApp | None = None
    """As which app Towpath speaks; None: the settings do not say."""


@dataclass(frozen=True, slots=True)
class Place:
    """An ad account with its connection; `partner` is the partner's word."""

    connection: Connection
    account: AdAccount
    partner: str

    @property
    def workspace(self) -> WorkspaceId:
        """Whose it is."""
        return self.account.workspace

    @property
    def adapter(self) -> Partner:
        """How the partner is spoken to, by the connection's transport."""
        return adapter(self.partner, by_files=self.connection.by_files)

    def open(self, db: Db, reach: Reach) -> tuple[Door, str, str]:
        """The door, the partner's address and the token. Raises PartnerError without a token."""
        connection = self.connection
        if connection.token is None:
            raise PartnerError(
                f"{connection.name} has no token.", remedy=f"Connect again: {CONNECT}."
            )
        token = connections.open_token(db, reach.keys, connection.workspace, connection.token)
        return reach.paced(db, connection.app), reach.base_urls[self.partner], token


def place_of(db: Db, workspace: WorkspaceId, account: AdAccountId) -> Place:
    """The ad account of our id. Raises NotFoundError."""
    found = connections.read_ad_account(db, workspace, account)
    return _place(db, connections.read(db, workspace, found.connection), found)


def place_named(db: Db, workspace: WorkspaceId, ref: PartnerRef) -> Place:
    """The ad account of the partner's id, by the connection that works best. Raises
    NotFoundError."""
    found = [
        (connection, account)
        for connection in connections.list_all(db, workspace)
        for account in connections.chosen_ad_accounts(db, workspace, connection.id)
        if account.partner_ref == ref
    ]
    if not found:
        raise NotFoundError(
            f"No connection has the ad account {ref}.",
            remedy=f"Name another, or connect with a token that reaches it: {CONNECT}.",
            field="ad_account",
        )
    return _place(db, *max(found, key=lambda one: standing(db, *one)))


def standing(db: Db, connection: Connection, account: AdAccount) -> tuple[bool, bool, bool]:
    """How well a connection serves an ad account, to be compared: may it send, is the ad account
    open to it, are the terms accepted?"""
    closed = hindrance(db, connection, account)
    return connection.ready, closed is None, connection.terms_accepted_at is not None


def hindrance(db: Db, connection: Connection, account: AdAccount) -> tuple[str, str] | None:
    """Why a connection that may send cannot work in the ad account, as it was last told, with what
    to do; None: nothing is known against it."""
    if connection.granted is not None:
        partner = apps.read(db, connection.app).partner
        if lacking := CONSENTS[partner].lacking(connection.granted):
            return f"Not granted: {'; '.join(lacking)}.", "Connect again and leave them ticked."
    if account.denied:
        why = f"The partner denies the role for it: {account.denied}"
        admin = (
            "Ask the admin of the Business Center to make whoever connected an admin or operator"
        )
        return why, f"{admin}, then {refresh(connection)}."
    if not account.reached:
        return "The token no longer reaches it.", "Connect as somebody who does."
    if account.status not in {None, "", ENABLED}:
        why = f"The ad account is not active: {account.status}."
        return why, f"Ask TikTok why; when it is, {refresh(connection)}."
    return None


def refresh(connection: Connection) -> str:
    """The command by which a mended ad account is seen."""
    return f"`towpath connection accounts {shlex.quote(connection.name)} --refresh`"


def in_words(answer: Answer) -> str:
    """The partner's own words, with its code where it gave one."""
    text = answer.message.rstrip(".") or f"no reason was given ({answer.cause})"
    return text if answer.code is None else f"{text} (code {answer.code})"


def remedy_of(answer: Answer, otherwise: str) -> str:
    """What to do about a refusal."""
    if answer.cause is Cause.CONNECTION:
        return f"The token is refused: connect again, {CONNECT}."
    if answer.cause is Cause.NETWORK:
        return f"Is TOWPATH_TIKTOK_BASE_URL right, and can it be reached? {otherwise}"
    return otherwise


def _place(db: Db, connection: Connection, account: AdAccount) -> Place:
    return Place(connection, account, apps.read(db, connection.app).partner)
