"""Pages of TikTok's list of audiences, read as untrusted input. Pure.

TikTok's ids are texts; samples show numbers too. Both are read exactly: they exceed 2^53.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from towpath.clock import Instant
from towpath.ids import PartnerRef
from towpath.partners.protocol import PartnerAudience
from towpath.partners.tiktok.limits import ID_DIGITS_MAX, KIND_CHARS_MAX, PAGE_SIZE

FILLABLE, LOOKALIKE, CUSTOMER_FILE = "Partner", "Lookalike Audience", "Customer File Audience"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list. `audience` is None if it lacks an id or a name."""

    ref: PartnerRef | None
    fillable: bool
    audience: PartnerAudience | None


def ref(value: object) -> PartnerRef | None:
    """TikTok's id, from text or number; None when it is neither."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    usable = text.isascii() and text.isdigit() and len(text) <= ID_DIGITS_MAX
    return PartnerRef(text) if usable else None


def entries(data: Any, filled: str) -> list[Entry] | None:
    """The lines of one page (D: GET dmp/custom_audience/list); None when there is no list.
    `filled`: the type of those that can be filled."""
    lines = data.get("list") if isinstance(data, dict) else None
    if not isinstance(lines, list):
        return None
    return [_entry(line, filled) for line in lines if isinstance(line, dict)]


def page(ad_account_ref: PartnerRef) -> str:
    """Where Ads Manager shows the ad account's audiences (Assets > Audiences). TikTok documents no
    address for it; a person who is led elsewhere finds the page by that way."""
    query = urlencode({"aadvid": ad_account_ref})
    return f"https://ads.tiktok.com/i18n/dmp/audience/list?{query}"


def is_last(data: dict[str, Any], page: int, count: int) -> bool:
    """Is this the last page, by what TikTok says or, if it says nothing, by its length?"""
    info = data.get("page_info")
    total = info.get("total_page") if isinstance(info, dict) else None
    if isinstance(total, int):
        return page >= total
    return count < PAGE_SIZE


def _entry(line: dict[str, Any], filled: str) -> Entry:
    found, name, people = ref(line.get("audience_id")), line.get("name"), line.get("cover_num")
    kind, owned = line.get("audience_type"), line.get("is_creator") is True
    fillable = kind == filled and owned
    if found is None or not isinstance(name, str) or not name:
        return Entry(found, fillable, None)
    audience = PartnerAudience(
        found,
        name.replace("\0", ""),
        people if isinstance(people, int) and people >= 0 else None,
        ready=line.get("is_valid") is True,
        kind=kind[:KIND_CHARS_MAX].replace("\0", "") if isinstance(kind, str) else "",
        fits=kind == filled,
        owned=owned,
        shared=line.get("shared") is True,
        expires_at=_moment(line.get("expired_time")),
        expiring=line.get("is_expiring") is True,
    )
    return Entry(found, fillable, audience)


def _moment(value: object) -> Instant | None:
    """TikTok writes times as YYYY-MM-DD HH:MM:SS in GMT (tiktok-api, section 2)."""
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
