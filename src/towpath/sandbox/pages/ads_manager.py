"""Ads Manager: what a marketer would look at, the audiences with their sizes, and ad groups.

An ad account is chosen by `aadvid`, the name it has in TikTok's own addresses.
"""

from urllib.parse import parse_qs, quote

from towpath.sandbox.ad_groups import use
from towpath.sandbox.audiences import summary
from towpath.sandbox.call import Call, Reply
from towpath.sandbox.core import Sandbox
from towpath.sandbox.envelope import gmt
from towpath.sandbox.pages.html import Html, chosen, fill, page, seeing, table
from towpath.sandbox.records import Audience

PATH = "/ads-manager"
PAGE_ROWS = 50
_HEADS = ("Name", "Id", "Type", "Size", "Validity", "Expires (GMT)", "In ad groups")


def answer(sandbox: Sandbox, call: Call) -> Reply:
    """The audiences of an ad account, or one of them; a form applies it to an ad group."""
    query = {name: values[0] for name, values in parse_qs(call.query).items()}
    world = sandbox.world
    account = query.get("aadvid", next(iter(world.advertisers)))
    if account not in world.advertisers:
        return page("No such ad account", fill("<p>Choose another.</p>"), status=404)
    audience = world.audiences.get(query.get("audience", ""))
    if "audience" in query:
        visible = audience and account in (audience.advertiser_id, *audience.shared_with)
        if audience is None or not visible:
            return page("No such audience", fill("<p>It may be deleted.</p>"), status=404)
        if call.method == "POST":
            return _applied(sandbox, call, account, audience)
        return _one(sandbox, account, audience)
    return _all(sandbox, account, query)


def _all(sandbox: Sandbox, account: str, query: dict[str, str]) -> Reply:
    world, now = sandbox.world, sandbox.clock()
    part = query.get("search", "")
    found = [
        each
        for each in reversed(world.audiences.values())
        if account in (each.advertiser_id, *each.shared_with)
        and (part.casefold() in each.name.casefold() or part == each.audience_id)
    ]
    number = query.get("page", "1")
    at = max(1, int(number[:6])) if number.isascii() and number.isdigit() else 1
    rows = [_row(sandbox, account, each, now) for each in found[(at - 1) * PAGE_ROWS :][:PAGE_ROWS]]
    names = [(each.advertiser_id, each.name) for each in world.advertisers.values()]
    picker = fill(
        '<form class="row" method="get">{} <label>Search <input name="search" value="{}"></label>'
        "<button>Show</button></form>",
        chosen("aadvid", "Ad account", names, account),
        part,
    )
    pages = [
        fill(
            '<a href="?aadvid={}&amp;search={}&amp;page={}">{}</a> ', account, quote(part), n, label
        )
        for n, label in (
            (str(at - 1), "Newer" * (at > 1)),
            (str(at + 1), "Older" * (len(found) > at * PAGE_ROWS)),
        )
        if label
    ]
    body = fill(
        "<section>{}{}<p>{}</p>{}</section>",
        picker,
        _state(sandbox, account),
        pages,
        table(f"{len(found):,} audiences, newest first", _HEADS, rows),
    )
    return page("Ads Manager: audiences", body)


def _state(sandbox: Sandbox, account: str) -> Html:
    world = sandbox.world
    shown = world.advertisers[account]
    state = "approved" if shown.enabled else "closed"
    return fill(
        '<p class="soft">{}, {}, business {}: {}</p>',
        shown.name,
        account,
        world.businesses.get(shown.business_id, shown.business_id),
        state,
    )


def _row(
    sandbox: Sandbox, account: str, audience: Audience, now: float
) -> tuple[Html | str | int, ...]:
    shown = summary(sandbox.world, audience, account, now)
    groups = [
        f"{group.name} ({group.uses[audience.audience_id]})"
        for group in sandbox.world.adgroups.values()
        if audience.audience_id in group.uses
    ]
    link = fill(
        '<a href="?aadvid={}&amp;audience={}">{}</a>', account, audience.audience_id, audience.name
    )
    return (
        link,
        audience.audience_id,
        audience.kind + ("" if shown["is_creator"] else ", shared by another account"),
        int(shown["cover_num"]),
        _validity(sandbox, audience, shown, now),
        str(shown["expired_time"]),
        ", ".join(groups) or "-",
    )


def _validity(sandbox: Sandbox, audience: Audience, shown: dict[str, object], now: float) -> Html:
    if now >= sandbox.world.expires_at(audience):
        return fill('<span class="bad">Expired</span>')
    if audience.busy_until > now:
        return fill("<span>Processing</span>")
    if shown["is_expiring"]:
        return fill('<span class="bad">Expiring</span>')
    if shown["is_valid"]:
        return fill('<span class="good">Ready</span>')
    return fill('<span class="soft">Audience too small</span>')


def _one(sandbox: Sandbox, account: str, audience: Audience) -> Reply:
    world = sandbox.world
    groups = [each for each in world.adgroups.values() if each.advertiser_id == account]
    form = fill(
        '<form class="row" method="post">{} {} <button class="main">Save</button></form>',
        chosen("adgroup", "Ad group", [(each.adgroup_id, each.name) for each in groups]),
        chosen("usage", "Use", [("Include", "Include"), ("Exclude", "Exclude"), ("", "Not")]),
    )
    history = table(
        "What was done",
        ("When (GMT)", "What", "Note"),
        [(gmt(each.at), each.action, each.msg) for each in reversed(audience.history)],
    )
    used = table(
        "Ad groups of this account",
        ("Name", "Id", "This audience"),
        [
            (each.name, each.adgroup_id, each.uses.get(audience.audience_id, "not used"))
            for each in groups
        ],
    )
    body = fill(
        '<section>{}<p><a href="?aadvid={}">All audiences</a></p></section>'
        "<section><h2>Ad groups</h2>{}{}</section><section><h2>History</h2>{}</section>",
        table("Now", _HEADS, [_row(sandbox, account, audience, sandbox.clock())]),
        account,
        form,
        used,
        history,
    )
    return page(audience.name, body)


def _applied(sandbox: Sandbox, call: Call, account: str, audience: Audience) -> Reply:
    form = parse_qs(call.body.decode("utf-8", "replace"), keep_blank_values=True)
    group = sandbox.world.adgroups.get(form.get("adgroup", [""])[0])
    usage = form.get("usage", [""])[0]
    if group is None or group.advertiser_id != account or usage not in {"Include", "Exclude", ""}:
        return page("No such ad group", fill("<p>Choose another.</p>"), status=400)
    use(sandbox.world, audience, [group], usage, sandbox.clock())
    return seeing(f"{PATH}?aadvid={account}&audience={audience.audience_id}")
