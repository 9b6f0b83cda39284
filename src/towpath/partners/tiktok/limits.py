"""TikTok's own bounds, and how long we rest when it tells us to. (D n): document n of its site."""

from towpath.partners.protocol import Cause

BASE_URL = "https://business-api.tiktok.com"
API = "/open_api/v1.3/"

CELLS_PER_REQUEST_MAX = 1_000
"""Filled cells of one mapping call (D 1739940585975809); Braze's document says 10,000 people."""
PEOPLE_PER_REQUEST_MAX = 10_000
AUDIENCE_NAME_CHARS_MAX = 70
"""A longer name is cut to 67 and three dots (D 1739940583739393)."""
FILE_PEOPLE = 100_000
"""Ours: a file of four columns is 26 MB; TikTok takes 250, and recommends fewer than 50 files."""
FILE_CALLS = 10
"""When a file was read: its upload, looks for the name before an audience is made, the update."""
FILE_BUSY_S = 1_800.0
"""How long a Customer File audience that is not editable is left alone: to ask is to upload."""
AUDIENCES_PER_AD_ACCOUNT_MAX = 400
PAGE_SIZE = 100
PAGES_MAX = 50
"""Ours: 5,000 audiences. An ad account owns at most 400, but others share theirs with it."""
ID_DIGITS_MAX = 32
KIND_CHARS_MAX = 60
LOOKALIKE_SOURCE_PEOPLE_MIN = 100
"""A lookalike's source has at least so many (POST dmp/custom_audience/lookalike/create)."""
LOCATIONS_MAX = 300
"""Ours."""
MESSAGE_CHARS_MAX = 300
REQUEST_REF_CHARS_MAX = 128
RETRY_AFTER_S_MAX = 3_600
TOKEN_CHARS_MAX = 4_096

PAUSE_S: dict[Cause, float] = {
    Cause.THROTTLED_APP: 1.0,
    Cause.THROTTLED_ACCOUNT: 1.0,
    Cause.MAINTENANCE: 300.0,
    # These wait for a person; one request a minute finds out that somebody acted.
    Cause.CONNECTION: 60.0,
    Cause.PERMISSION: 60.0,
    Cause.AD_ACCOUNT: 60.0,
    Cause.OURS: 60.0,
}

assert AUDIENCES_PER_AD_ACCOUNT_MAX <= PAGE_SIZE * PAGES_MAX, "a full account must be readable"
