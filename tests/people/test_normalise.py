"""Normalising: TikTok's own vectors, what is refused and why, and properties over any text."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.people import normalise
from towpath.people.columns import Refusal
from towpath.people.match_field import ALL_FIELDS, MatchField
from towpath.people.normalise import CURRENT_RULE, RULES, Normalised, normalise_column

DEVICE = "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25"


def taken(found: Normalised | Refusal) -> Normalised:
    assert isinstance(found, Normalised), found
    return found


def why(found: Normalised | Refusal) -> str:
    assert isinstance(found, Refusal), found
    return found.reason


@pytest.mark.parametrize(
    ("field", "text", "digest"),
    [
        (
            MatchField.EMAIL,
            "janedoe@gmail.com",
            "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69",
        ),
        (
            MatchField.IDFA,
            DEVICE,
            "83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd",
        ),
        (
            MatchField.PHONE,
            "+37493828222",
            "241371e614f8650dfae0f111361c69de1bb4829a72b71bb8044daae8b2e7791d",
        ),
    ],
)
def test_vectors_of_the_developer_page(field: MatchField, text: str, digest: str) -> None:
    found = taken(RULES[CURRENT_RULE].readers[field](text, None))
    assert found.digest.hex() == digest
    assert RULES[CURRENT_RULE].name == "tiktok-2026"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" Jane Doe@GMAIL.com\t", "janedoe@gmail.com"),
        ("jane.doe+x@gmail.com", "jane.doe+x@gmail.com"),
        ("ana@bücher.de", "ana@xn--bcher-kva.de"),
        ("ana@exemplo。com", "ana@exemplo.com"),
        ("JOSE\u0301@a.co", "josé@a.co"),
        ("x" * 248 + "@ab.co", "x" * 248 + "@ab.co"),
    ],
)
def test_email_taken(text: str, value: str) -> None:
    assert taken(normalise.email(text)) == (value, sha256(value.encode()).digest())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not an email", "no @"),
        ("a@b", "no dot"),
        ("a@b@c.de", "more than one @"),
        ("a@b.co;c@d.co", "more than one @"),
        ("Ana <a@b.co>", "no address has"),
        ("a\u200b@b.co", "invisible"),
        ("@b.co", "nothing before"),
        ("a@b..co", "cannot exist"),
        ("a@-b.co", "cannot exist"),
        ("x" * 249 + "@ab.co", "longer than 254"),
        ("ü" * 20 + "@" + "ü" * 70 + ".de", "punycode"),
        ("d" * 64, "email_sha256"),
    ],
)
def test_email_refused(text: str, reason: str) -> None:
    assert reason in why(normalise.email(text))


@pytest.mark.parametrize(
    ("text", "country", "value"),
    [
        ("+5511912345678", None, "+5511912345678"),
        (" +5511912345678 ", None, "+5511912345678"),
        ("+55 (11) 91234-5678", None, "+5511912345678"),
        ("(11) 91234-5678", "BR", "+5511912345678"),
        ("0055 11 91234-5678", None, "+5511912345678"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+10000000", None, "+10000000"),  # the fast path looks at the shape alone
    ],
)
def test_phone_taken(text: str, country: str | None, value: str) -> None:
    assert taken(normalise.phone(text, country)).value == value


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("11 91234-5678", None, "no country code"),
        ("+", None, "no phone number"),
        ("0", "BR", "no phone number"),
        ("1-800-FLOWERS", "US", "letters"),
        ("+55 11 91234-5678 ext 5", None, "extension"),
        ("+" + "1" * 20, None, "no phone number"),
        ("+1 000 000 0000", None, "not a valid number"),
        ("d" * 64, None, "phone_sha256"),
        ("9" * 300, "BR", "no phone number"),
    ],
)
def test_phone_refused(text: str, country: str | None, reason: str) -> None:
    assert reason in why(normalise.phone(text, country))


def test_device_ids() -> None:
    assert taken(normalise.device_id(f" {DEVICE.upper()} ")).value == DEVICE
    assert "UUID" in why(normalise.device_id(DEVICE[:-1]))
    assert "unhashed" in why(normalise.device_id("d" * 64))
    zeros = normalise.device_id("00000000-0000-0000-0000-000000000000")
    assert isinstance(zeros, Refusal)
    assert zeros.missing


def test_hashed() -> None:
    assert taken(normalise.hashed("AB" * 32)) == ("ab" * 32, b"\xab" * 32)
    assert "MD5" in why(normalise.hashed("a" * 32))
    assert "SHA-256" in why(normalise.hashed("a" * 63))
    assert "SHA-256" in why(normalise.hashed("g" * 64))


_EMAILS = st.builds(
    "{}@{}".format, st.text(min_size=1, max_size=30), st.sampled_from(["a.co", "É.com", "ß.de"])
)


@given(st.text() | _EMAILS, st.sampled_from([None, "BR", "US"]))
def test_normalising_is_idempotent_and_hashes_what_it_shows(text: str, country: str | None) -> None:
    for field in ALL_FIELDS:
        read = RULES[CURRENT_RULE].readers[field]
        found = read(text, country)
        if isinstance(found, Normalised):
            assert found.digest == sha256(found.value.encode()).digest()
            assert read(found.value, None) == found
            assert not any(char.isspace() for char in found.value)


@given(st.from_regex(r"[A-Za-z0-9._+-]{1,20}@[a-z0-9]{1,10}\.[a-z]{2,5}", fullmatch=True))
def test_white_space_and_case_do_not_matter(address: str) -> None:
    spaced = " ".join(address.upper())
    assert taken(normalise.email(spaced)) == taken(normalise.email(address))


def test_a_column_keeps_places_and_names_refusals() -> None:
    zeros = "00000000-0000-0000-0000-000000000000"
    found = normalise_column(MatchField.IDFA, [None, DEVICE, "no", zeros, DEVICE])
    assert [each and each.value for each in found.values] == [None, DEVICE, None, None, DEVICE]
    assert list(found.refusals) == [2]
    phones = normalise_column(
        MatchField.PHONE, ["11 91234-5678", "11 91234-5678", None], ["BR", None, "BR"]
    )
    assert phones.values[0] == normalise.phone("+5511912345678")
    assert list(phones.refusals) == [1]


_EMAILS = st.sampled_from(
    ["ana@x.br", "ANA@X.BR", "bé@x.br", " b @x.br", "no", "a" * 254 + "@x.br"]
)
_PHONES = st.sampled_from(["+5511912345678", " +5511912345678 ", "11 91234-5678", "x", "+1"])


@given(st.data(), st.sampled_from([(MatchField.EMAIL, _EMAILS), (MatchField.PHONE, _PHONES)]))
def test_a_column_is_read_as_its_cells_one_by_one(
    data: st.DataObject, of: tuple[MatchField, st.SearchStrategy[str]]
) -> None:
    """All plain, some unusual, none at all: the short way and the long one find the same."""
    field, texts = of
    cells = data.draw(st.lists(st.none() | texts, max_size=4))
    found = normalise_column(field, cells, ["BR"] * len(cells))
    read = RULES[CURRENT_RULE].readers[field]
    for index, cell in enumerate(cells):
        alone = None if cell is None else read(cell, "BR")
        if isinstance(alone, Refusal):
            assert (found.values[index], found.refusals[index]) == (None, alone.reason)
        else:
            assert found.values[index] == alone
            assert index not in found.refusals
