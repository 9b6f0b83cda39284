"""What comes back from the consent page: read strictly, then exchanged once.

TikTok sends `code` beside `auth_code`, and they differ: `auth_code` is the one (tiktok-api, 3.1).
Whatever else stands in the address, such as `next` or `redirect_uri`, is ignored.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from towpath.api.callers import ROLES, Scope
from towpath.api.connecting import AUTHORISATIONS_PAGE, Connected, exchange, keep
from towpath.api.launching import Reach
from towpath.api.problems import Problem
from towpath.errors import InputError
from towpath.limits import AUTH_CODE_CHARS_MAX, AUTHORISATION_S, CALLBACK_QUERY_CHARS_MAX
from towpath.store import audit_trail, authorisations, members
from towpath.store.authorisations import Authorisation
from towpath.store.database import DatabaseHitch, Db, database_now

AGAIN = "Start again: Connect TikTok."
_STATE = re.compile(r"[A-Za-z0-9_-]{43}")
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_WORD = re.compile(r"[A-Za-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Back:
    """What a consent page brought back. `declined`: no code, for that reason."""

    state: str = field(repr=False)
    auth_code: str = field(default="", repr=False)
    declined: str = ""


def read(query: str) -> Back:
    """The query of the callback, as it came. Raises InputError for what no consent page sends."""
    if len(query) > CALLBACK_QUERY_CHARS_MAX:
        raise _wrong("The address is too long to be a consent page's.")
    if _BROKEN.search(query):
        raise _wrong("The address is broken: it holds a % that stands for nothing.")
    given = parse_qs(query, keep_blank_values=True, errors="replace", max_num_fields=100)
    if not any(name in given for name in ("state", "auth_code", "error")):
        raise _wrong("There is nothing to connect: the address holds no answer of TikTok's.")
    state = _one(given, "state")
    if not _STATE.fullmatch(state):
        raise _wrong("This answer belongs to no connecting that was begun here.", "state")
    if "error" in given:
        word = _one(given, "error")
        return Back(state, declined=word if _WORD.fullmatch(word) else "an unknown error")
    code = _one(given, "auth_code")
    if not 0 < len(code) <= AUTH_CODE_CHARS_MAX:
        raise _wrong("TikTok's answer holds no usable auth_code.", "auth_code")
    return Back(state, code)


def read_pasted(text: str) -> Back:
    """The address, or only its query, as a person copied it from the browser."""
    text = text.strip()
    return read(urlsplit(text).query if "://" in text else text.lstrip("?"))


def _one(given: dict[str, list[str]], name: str) -> str:
    values = given.get(name, [])
    if len(values) > 1:
        raise _wrong(f"The address holds {name} twice.", name)
    return values[0] if values else ""


def _wrong(message: str, field: str = "") -> InputError:
    return InputError(message, remedy=AGAIN, field=field)


async def finish(db: Db, reach: Reach, back: Back, holder: str, actor: str) -> Connected:
    """Spend the state, exchange the code, and keep the connection; each once.

    `holder` is who brings it back and must be who began. Raises Problem 400 for an answer that does
    not count, 403 for a member who may not connect any more, and what `exchange` and `keep` raise.
    """
    found = authorisations.find(db, back.state)
    if found is None:
        raise Problem(400, "This answer belongs to no connecting begun here.", remedy=AGAIN)
    if found.holder != holder:
        now = database_now(db)
        audit_trail.append(
            db, found.workspace, actor, "connection.callback_refused", found.name, {}, now
        )
        raise Problem(
            400,
            "The connecting was begun by somebody else, in another browser or before signing out,"
            " or under another address of Towpath's.",
            remedy=AGAIN,
        )
    _check_member(db, found)
    if not authorisations.use(db, back.state, database_now(db)):
        why = "was used already" if found.used_at else f"is over after {AUTHORISATION_S // 60} min"
        if found.used_at is None and found.expires_at > database_now(db):
            why = "is being used at this moment"
        raise Problem(400, f"This connecting {why}.", remedy=AGAIN)
    if back.declined:
        word = "" if back.declined == "access_denied" else f" ({back.declined})"
        raise Problem(400, f"It was declined at TikTok{word}; nothing is stored.", remedy=AGAIN)
    try:
        token = await exchange(db, reach, back.auth_code)
        return await keep(
            db, found.workspace, reach, token, name=found.name, actor=actor, choose_new=False
        )
    except DatabaseHitch as error:
        raise Problem(
            503,
            "The database was lost while TikTok's answer was kept; nothing is stored.",
            remedy=f"{AGAIN} If TikTok made a token, nobody has it; it can be removed on "
            f"{AUTHORISATIONS_PAGE}.",
        ) from error


def _check_member(db: Db, found: Authorisation) -> None:
    """May the member still connect in the workspace in which it was begun?"""
    if found.member is None:
        return
    roles = {one.workspace: one.role for one in members.memberships(db, found.member)}
    role = roles.get(found.workspace)
    if role is None or Scope.WORKSPACE_ADMIN not in ROLES[role]:
        raise Problem(403, "You may not connect any more.", remedy="Ask an owner or admin.")
