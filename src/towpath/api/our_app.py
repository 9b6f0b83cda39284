"""The operator's own registration at a partner, as the settings name it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OurApp:
    """As which app Towpath speaks, and at which pace and size. `public_url`: where browsers find
    Towpath, None: where they ask from."""

    app_ref: str
    secret: str = field(repr=False)
    requests_per_second: int = 50
    people_per_request_max: int = 10_000
    keys_per_request_max: int = 1_000
    public_url: str | None = None
