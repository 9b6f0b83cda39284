"""The page that says which answers are TikTok's own and which we chose."""

from towpath.sandbox.call import Call, Reply
from towpath.sandbox.core import Sandbox
from towpath.sandbox.pages.html import fill, page, table

PATH = "/documented"

CHOSEN = (
    ("Mapping to an audience that does not exist", "40007"),
    ("Mapping to an audience that is not Partner, or has expired", "40002, not editable"),
    ("More than 1,000 ids in a request", "40011"),
    ("More than 10 audiences in a request", "40011"),
    ("The 401st audience of an ad account, counting every kind", "40002"),
    ("Ad accounts of two businesses in a mapping", "40002"),
    ("A hash of a wrong length, or not lower-case hexadecimal", "40002; in a file 40909"),
    ("Deleting an audience that an ad group uses", "40002"),
    ("Empty cells of a mapping", "do not count as ids"),
    ("Denying on the consent page", "goes back with error=access_denied and the state"),
    ("A second authorisation", "leaves older tokens alive"),
    ("A wrong verb", "HTTP 405"),
    ("A streaming call of an app off the allowlist", "40118, before scope and parameters"),
    ("A file's path lives", "24 hours; then 40910"),
    ("A file path that is unknown or another's", "40915"),
    ("The 25th update within 24 hours, the second replacement", "40002"),
    ("An update that leaves fewer than 1,000", "40002 at once; file_checks_late: in the history"),
    ("A rename", "does not count as an update with files"),
    ("Matched people", "match_rate of the largest kind of id"),
    ("A lookalike's size", "10, 50 or 200 people for each of its source"),
    ("Calls refused for coming too fast", "do not count against the next ones"),
    ("Over the limit of a minute", "40100 for 5 minutes (documented wait)"),
    ("Mappings in an audience's history", "not written"),
    ("The shape of share/log", "list of audience, ad account, action, time"),
)
DOCUMENTED = (
    ("Envelope, HTTP 200, request id, no rate headers", "doc 1737172488964097, recorded"),
    ("40104 without a token; 40105 for an unknown one or with Bearer", "recorded"),
    ("auth_code: one hour, once; 40110 after", "doc 1739965703387137"),
    ("oauth/token answers flat; revoke_token", "doc 1739965949088770"),
    ("A new ad account is reached by the old token", "doc 1766041812130817"),
    ("Scopes 1, 100, 3, 30, 31, 32", "doc 1753986142651394"),
    ("segment/audience: name cut at 70, one a second, 400", "doc 1739940583739393"),
    ("segment/mapping: schema, cells, 1,000 ids, 10 audiences", "doc 1739940585975809"),
    ("Limits of a second, a minute, a day; 40100, 40016, 40133", "doc 1740029171730433"),
    ("File: .csv or .txt, MD5, 250 MB; codes 40900 to 40910", "doc 1739940567842818"),
    ("24 updates a day, one replacement, 1,000 left, not all removed", "doc 1739940572667906"),
    ("Text: Audience is not editable, please check audience status.", "doc 1739940572667906"),
    ("Expiry after 365 days, or retention_in_days from creation", "doc 1739940570793985"),
    ("Lookalike of at least 100 people, not of a lookalike", "doc 1739940511844353"),
    ("Sharing within one business, 10 by 10", "doc 1740245803888706"),
    ("TikTok's sandbox host offers no audience endpoint", "doc 1738855331457026"),
)


def answer(_sandbox: Sandbox, _call: Call) -> Reply:
    """Two tables."""
    body = fill(
        "<section>{}</section><section>{}</section>",
        table("TikTok does not say; this sandbox chose", ("What", "Here"), CHOSEN),
        table("Documented, or recorded from TikTok by others", ("What", "Source"), DOCUMENTED),
    )
    return page("What is documented, and what is chosen", body)
