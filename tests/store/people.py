"""Batches of people for the tests of the store."""

from datetime import date

from towpath.people.consent import Consent
from towpath.people.normalise import Normalised, email, phone
from towpath.people.profile import Device, Identifier, PeopleBatch


def identifier(found: object) -> Identifier:
    """An e-mail or phone that the rules took."""
    assert isinstance(found, Normalised)
    return Identifier(*found)


class Person:
    """One person handed in; what is not given is left as it is."""

    def __init__(
        self,
        external_id: str | None,
        *,
        mail: str | None = None,
        mail_hash: bytes | None = None,
        number: str | None = None,
        known: int | None = None,
        idfa: Device | None = None,
        gaid: Device | None = None,
        tracking: bool | None = None,
        consent: Consent | None = None,
        **columns: object,
    ) -> None:
        self.cells: dict[str, object] = {
            "number": known,
            "external_id": external_id,
            "email": identifier(email(mail)) if mail else None,
            "phone": identifier(phone(number)) if number else None,
            "idfa": idfa,
            "gaid": gaid,
            "tracking_allowed": tracking,
            "consent": consent,
            "country": None,
            "language": None,
            "first_name": None,
            "last_name": None,
            "time_zone": None,
            "birth_date": None,
            "attributes": None,
        } | columns
        if mail_hash:
            self.cells["email"] = Identifier(None, mail_hash)


def batch(*persons: Person) -> PeopleBatch:
    """These people, each once, as columns."""
    names = Person("").cells
    columns = {name: [one.cells[name] for one in persons] for name in names}
    return PeopleBatch(**columns)  # type: ignore[arg-type]


BORN = date(1990, 1, 2)
