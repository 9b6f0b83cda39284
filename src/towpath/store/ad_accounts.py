"""Ad accounts of a connection: which the token reaches, which are chosen, and how they stand.

One that is not chosen rests: nothing is sent for it, and whoever waits goes on waiting until it is
chosen again. It keeps its row, so steps and audiences that name it stay as they were.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from towpath.clock import Instant
from towpath.errors import InputError
from towpath.ids import ConnectionId, PartnerRef, WorkspaceId
from towpath.limits import AD_ACCOUNTS_MAX
from towpath.people.filter_parse import nearest
from towpath.store import connections, ledgers
from towpath.store.database import Db
from towpath.store.queries import queries

NOT_CHOSEN = "not chosen"
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)
_SQL = queries("ad_accounts")


def note_listed(
    db: Db,
    workspace: WorkspaceId,
    connection: ConnectionId,
    listed: Mapping[PartnerRef, str],
    *,
    choose_new: bool,
) -> None:
    """Keep what a token reaches, by id and name. Those it does not list are kept, unreached."""
    given = {"workspace": workspace, "connection": connection, "refs": list(listed)}
    with db.transaction():
        known = {"names": list(listed.values()), "choose_new": choose_new, "never": _NEVER}
        db.execute(_SQL["note_listed"], given | known)
        db.execute(_SQL["note_lost"], given)


def note_facts(
    db: Db,
    connection: ConnectionId,
    facts: Sequence[tuple[PartnerRef, str, PartnerRef | None, str | None]],
    now: Instant,
) -> None:
    """Keep how ad accounts stand: id, status, Business Center, and why they are denied to us."""
    columns = ("refs", "statuses", "businesses", "denials")
    given = {name: [row[place] for row in facts] for place, name in enumerate(columns)}
    db.execute(_SQL["note_facts"], given | {"connection": connection, "now": now})


def choose(
    db: Db,
    workspace: WorkspaceId,
    connection: ConnectionId,
    wanted: Sequence[PartnerRef],
    now: Instant,
) -> tuple[list[PartnerRef], list[PartnerRef]]:
    """Use these ad accounts and no others; gives which were added and which were taken out.

    Raises NotFoundError, and InputError for one that the connection does not reach.
    """
    if len(wanted) > AD_ACCOUNTS_MAX:
        raise InputError(f"These are more than {AD_ACCOUNTS_MAX:,}.", field="ad_accounts")
    with db.transaction():
        connections.read(db, workspace, connection)
        known = {
            one.partner_ref: one
            for one in connections.list_ad_accounts(db, workspace, connection)
            if one.reached or one.chosen
        }
        for place, ref in enumerate(wanted):
            if ref not in known:
                raise InputError(
                    f"The connection reaches no ad account {ref[:100]!r}.",
                    remedy=nearest(ref, list(known)),
                    field=f"ad_accounts[{place}]",
                )
        asked = {"workspace": workspace, "connection": connection, "refs": list(wanted)}
        db.execute(_SQL["choose"], asked | {"never": _NEVER})
        ledgers.wake_connection(db, connection, now)
    added = [ref for ref in dict.fromkeys(wanted) if not known[ref].chosen]
    taken = [ref for ref, one in known.items() if one.chosen and ref not in wanted]
    return added, taken
