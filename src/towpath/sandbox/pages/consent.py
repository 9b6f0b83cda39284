"""The consent page: an advertiser lets an app act in ad accounts (tiktok-api 3.1).

Addresses: /portal/auth, and the older /marketing_api/auth. It goes back to the app's address with
`state`, `code`, `auth_code` and `id` (documented). What a denial sends back, TikTok does not say:
here `error=access_denied` and the state (chosen). The e-mail code that TikTok asks for is left out.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from towpath.sandbox.call import Call, Reply
from towpath.sandbox.core import Sandbox
from towpath.sandbox.pages.html import Html, fill, page, seeing
from towpath.sandbox.records import App, Person

PATHS = ("/portal/auth", "/marketing_api/auth")
PERMISSIONS = (
    (1, "Ad Account Management", "", 1),
    (100, "Read ad account information", "sub", 1),
    (3, "Audience Management", "", 3),
    (30, "Read custom audiences", "sub", 3),
    (31, "Create and update custom audiences", "sub", 3),
    (32, "Share custom audiences", "sub", 3),
)
_ROLES = {"ADMIN": "admin", "OPERATOR": "operator", "ANALYST": "analyst"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for."""

    app: App
    person: Person
    state: str
    redirect: str


def answer(sandbox: Sandbox, call: Call) -> Reply:
    """Show the page, or take the form and go back to the app."""
    query = {name: values[0] for name, values in parse_qs(call.query).items()}
    world = sandbox.world
    app = world.apps.get(query.get("app_id", ""))
    if app is None:
        return page("App not found", fill("<p>There is no app of this id.</p>"), status=400)
    redirect = query.get("redirect_uri", "")
    if not _is_address(redirect) or (app.redirects and redirect not in app.redirects):
        return page("Redirect Url Not Match", _mismatch(app), status=400)
    first = next(iter(world.people))
    person = world.people.get(query.get("person", first), world.people[first])
    asked = _Asked(app, person, query.get("state", ""), redirect)
    if call.method != "POST":
        return _shown(sandbox, call, asked, [])
    form = parse_qs(call.body.decode("utf-8", "replace"))
    if form.get("decision") == ["deny"]:
        return seeing(_back(asked, error="access_denied"))
    return _confirmed(sandbox, call, asked, form)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text.isprintable()


def _mismatch(app: App) -> Html:
    listed = [fill("<li><code>{}</code></li>", each) for each in app.redirects]
    return fill(
        "<p>The address to go back to is none of those that the app has registered.</p><ul>{}</ul>",
        listed or [fill("<li>Any that begins with http:// or https://</li>")],
    )


def _back(asked: _Asked, **told: str) -> str:
    parts = urlsplit(asked.redirect)
    query = "&".join(filter(None, [parts.query, urlencode({"state": asked.state, **told})]))
    return urlunsplit(parts._replace(query=query))


def _confirmed(sandbox: Sandbox, call: Call, asked: _Asked, form: dict[str, list[str]]) -> Reply:
    world = sandbox.world
    open_to = _choices(sandbox, asked.person)
    accounts = [each for each in form.get("advertiser", []) if open_to.get(each) == ""]
    known = {str(scope) for scope, *_ in _offered(asked.app)}
    scopes = _least([int(each) for each in form.get("scope", []) if each in known])
    wrong = [
        text
        for text, fine in [
            ("Choose at least one permission.", scopes),
            ("Choose at least one ad account.", accounts),
            ("Agree to the Platform Service Agreement.", form.get("agreed")),
        ]
        if not fine
    ]
    if wrong:
        return _shown(sandbox, call, asked, wrong)
    now = sandbox.clock()
    app_id, person_id = asked.app.app_id, asked.person.person_id
    code = world.new_auth_code(accounts, tuple(scopes), now, app_id, person_id)
    other = world.new_token()
    return seeing(_back(asked, code=other, auth_code=code, id=person_id))


def _least(scopes: list[int]) -> list[int]:
    """Without those that a ticked parent grants anyway."""
    parents = {scope: parent for scope, _, _, parent in PERMISSIONS}
    return [each for each in scopes if parents[each] == each or parents[each] not in scopes]


def _offered(app: App) -> list[tuple[int, str, str, int]]:
    return [each for each in PERMISSIONS if each[0] in app.asks or each[3] in app.asks]


def _choices(sandbox: Sandbox, person: Person) -> dict[str, str]:
    """The person's ad accounts, and why one cannot be chosen, or an empty text."""
    found = {}
    for advertiser_id, role in person.roles.items():
        account = sandbox.world.advertisers[advertiser_id]
        reason = "" if account.role else "the role was removed"
        if role == "ANALYST":
            reason = "an analyst cannot authorise; ask for operator or admin"
        found[advertiser_id] = reason if account.enabled else "the account is closed"
    return found


_FORM = """<section><form method="post">
{alert}
<p><strong>{app}</strong> asks to act for you. Signed in as <strong>{person}</strong>. {others}</p>
<fieldset><legend>Permissions</legend>{scopes}</fieldset>
<fieldset><legend>Ad accounts</legend>{accounts}</fieldset>
<p><label><input type="checkbox" name="agreed" value="yes"> I agree to the Platform Service
Agreement, and know that the app sees and changes what is ticked above.</label></p>
<p><button class="main" name="decision" value="confirm">Confirm</button>
<button name="decision" value="deny">Deny</button></p>
<p class="soft">Goes back to <code>{redirect}</code></p>
</form></section>"""


def _shown(sandbox: Sandbox, call: Call, asked: _Asked, wrong: list[str]) -> Reply:
    people = sandbox.world.people.values()
    alert = [fill('<p class="bad" role="alert">{}</p>', text) for text in wrong]
    scopes = [
        fill(
            '<label class="{}"><input type="checkbox" name="scope" value="{}"{}> {} ({})</label>'
            "<br>",
            indent,
            str(scope),
            Html("" if indent else " checked"),
            text,
            str(scope),
        )
        for scope, text, indent, _ in _offered(asked.app)
    ]
    body = fill(
        _FORM,
        alert=alert,
        app=asked.app.name,
        person=asked.person.name,
        others=[_other(call, each) for each in people if each is not asked.person],
        scopes=scopes,
        accounts=_accounts(sandbox, asked.person),
        redirect=asked.redirect,
    )
    return page("Authorise an app", body, status=400 if wrong else 200)


def _other(call: Call, person: Person) -> Html:
    kept = {name: values[0] for name, values in parse_qs(call.query).items()}
    query = urlencode({**kept, "person": person.person_id})
    return fill('<a href="?{}">Sign in as {}</a> ', query, person.name)


def _accounts(sandbox: Sandbox, person: Person) -> list[Html]:
    rows = []
    for advertiser_id, reason in _choices(sandbox, person).items():
        account = sandbox.world.advertisers[advertiser_id]
        business = sandbox.world.businesses.get(account.business_id, account.business_id)
        rows.append(
            fill(
                '<label><input type="checkbox" name="advertiser" value="{}"{}> {} '
                '<span class="soft">{}, {}, {}{}</span></label><br>',
                advertiser_id,
                Html(" disabled" if reason else " checked"),
                account.name,
                advertiser_id,
                business,
                _ROLES[person.roles[advertiser_id]],
                f": {reason}" if reason else "",
            )
        )
    return rows or [fill("<p>No ad account.</p>")]
