"""`POST /users/export/ids`: what is known of people, in the words that Braze's export has.

`profile_id`, `consent`, `audiences`, and the times of `canvases` are ours.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field

from towpath.api.bodies import Body
from towpath.api.user_bodies import Alias, Identity, Many, Naming, ObjectError, Text, check_count
from towpath.ids import WorkspaceId
from towpath.people.people_set import people
from towpath.people.prioritization import Prioritization
from towpath.store import exports
from towpath.store.database import Db


class ExportField(StrEnum):
    """What may be asked for."""

    PROFILE_ID = "profile_id"
    EXTERNAL_ID = "external_id"
    USER_ALIASES = "user_aliases"
    EMAIL = "email"
    PHONE = "phone"
    COUNTRY = "country"
    LANGUAGE = "language"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    DOB = "dob"
    TIME_ZONE = "time_zone"
    CUSTOM_ATTRIBUTES = "custom_attributes"
    CONSENT = "consent"
    DEVICES = "devices"
    CUSTOM_EVENTS = "custom_events"
    PURCHASES = "purchases"
    CANVASES = "canvases"
    AUDIENCES = "audiences"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


class Export(Body):
    """Whom, 50 altogether, and which fields; without `fields_to_export` all."""

    external_ids: Many[Text] = Field(default_factory=list)
    user_aliases: Many[Alias] = Field(default_factory=list)
    profile_ids: Many[Text] = Field(default_factory=list)
    email_address: Text | None = Field(
        default=None, description="Of several who have it, the one whose profile changed last."
    )
    phone: Text | None = Field(default=None, description="With its country code; as the e-mail.")
    fields_to_export: list[Annotated[ExportField, Field(strict=False)]] = Field(
        default_factory=lambda: list(ExportField), min_length=1, max_length=len(ExportField)
    )


class ConsentTold(BaseModel):
    """What the person said of being sent to ad partners."""

    state: str
    source: str | None
    at: datetime | None


class DeviceTold(BaseModel):
    """A device's advertising id, and whether tracking is allowed on it."""

    idfa: str | None = None
    google_ad_id: str | None = None
    ad_tracking_enabled: bool
    seen_at: datetime


class EventTold(BaseModel):
    """How often the person did it, and when first and last."""

    name: str
    first: datetime
    last: datetime
    count: int


class PurchaseTold(BaseModel):
    """How often the person bought it, and when first and last."""

    product_id: str
    first: datetime
    last: datetime
    count: int


class CanvasTold(BaseModel):
    """A Canvas that the person entered, when, and at which steps they stand now."""

    id: int
    name: str
    entered_at: list[datetime]
    stands_at: list[str]


class AudienceTold(BaseModel):
    """An audience: shall the person be in it, and are they by what we know?"""

    id: int
    name: str
    wanted: bool
    state: str = Field(description="in, maybe in, or out.")


class AliasTold(BaseModel):
    """A label and a name under it."""

    alias_label: str
    alias_name: str


class UserTold(BaseModel):
    """A person; only the fields that were asked for."""

    profile_id: str | None = None
    external_id: str | None = None
    user_aliases: list[AliasTold] | None = None
    email: str | None = None
    phone: str | None = None
    country: str | None = None
    language: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    dob: date | None = None
    time_zone: str | None = None
    custom_attributes: dict[str, Any] | None = None
    consent: ConsentTold | None = None
    devices: list[DeviceTold] | None = None
    custom_events: list[EventTold] | None = None
    purchases: list[PurchaseTold] | None = None
    canvases: list[CanvasTold] | None = None
    audiences: list[AudienceTold] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Exported(BaseModel):
    """Whoever was found, and what of the call was not."""

    message: str
    users: list[UserTold]
    errors: list[ObjectError]


_LAST = [Prioritization.MOST_RECENTLY_UPDATED]


def export(db: Db, workspace: WorkspaceId, body: Export) -> Exported:
    """Read the people of one moment. Raises InputError when nobody or too many are named."""
    named = {
        "external_ids": [Identity(external_id=one) for one in body.external_ids],
        "user_aliases": [Identity(user_alias=one) for one in body.user_aliases],
        "profile_ids": [Identity(profile_id=one) for one in body.profile_ids],
        "email_address": [
            Identity(email=one, prioritization=_LAST) for one in [body.email_address] if one
        ],
        "phone": [Identity(phone=one, prioritization=_LAST) for one in [body.phone] if one],
    }
    check_count(sum(map(len, named.values())))
    with exports.snapshot(db):
        naming = Naming(db, workspace)
        found = [
            number
            for array, given in named.items()
            for number in naming.numbers(array, given)
            if number is not None
        ]
        asked = {one.value for one in body.fields_to_export}
        records = exports.read(db, workspace, people(found), asked)
    users = [UserTold.model_validate(one) for one in records.values()]
    return Exported(message="success", users=users, errors=naming.errors)
