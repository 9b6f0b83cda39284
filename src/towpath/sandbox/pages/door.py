"""Which page answers which address."""

from urllib.parse import urlsplit

from towpath.sandbox.call import Call, Reply
from towpath.sandbox.core import Sandbox
from towpath.sandbox.pages import ads_manager, consent, console, documented
from towpath.sandbox.pages.html import fill, page, seeing

_PAGES = {
    **dict.fromkeys(consent.PATHS, consent.answer),
    ads_manager.PATH: ads_manager.answer,
    console.PATH: console.answer,
    documented.PATH: documented.answer,
}


def answer(sandbox: Sandbox, call: Call) -> Reply | None:
    """The page at the call's path, or None if there is none. A form sent by another site's page is
    refused: the sandbox knows no cookies, and whoever opens a page here may turn every knob."""
    path = call.path.rstrip("/")
    if not path:
        return seeing("/console")
    act = _PAGES.get(path)
    if act is None:
        return None
    origin = call.header("Origin")
    if call.method == "POST" and origin and urlsplit(origin).netloc != call.header("Host"):
        return page("Refused", fill("<p>This form was sent by another site.</p>"), status=403)
    sandbox.touched += call.method == "POST"
    sandbox.settled_at()  # lets everything land that is due
    return act(sandbox, call)
