"""The normalisation lab against the vectors of TikTok's page and of the tools' public source."""

from hashlib import md5, sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE, RULES, Normalised
from towpath.people.variants import Variant, variants


def _by_source(found: list[Variant], word: str) -> Variant:
    (one,) = [variant for variant in found if variant.source.startswith(word)]
    return one


def test_the_page_of_2026_is_our_rule_and_older_pages_drop_more() -> None:
    found = variants(MatchField.EMAIL, " Jane.Doe+ads@Example.com ")
    values = {one.source: (one.value, one.same) for one in found}
    assert values["TikTok's developer page, 2026"] == ("jane.doe+ads@example.com", True)
    assert values["TikTok's help centre, August 2025"] == ("jane.doe@example.com", False)
    assert values["TikTok's help centre, February 2024"] == ("janedoe@example.com", False)
    assert values["RudderStack"][1]
    assert not values["Segment"][1]


def test_the_phone_of_the_developer_page_is_hashed_without_its_plus() -> None:
    # The page labels this hash "+37493828222" (tiktok-api, section 5).
    found = _by_source(variants(MatchField.PHONE, "+37493828222"), "TikTok's help centre")
    assert found.value == "37493828222"
    assert found.digest.startswith("65b7e6dc")
    assert not found.same
    national = [one.value for one in variants(MatchField.PHONE, "+37493828222")]
    assert "93828222" in national


def test_device_ids_in_another_case_are_another_key() -> None:
    typed = "5F3A2B18-9C4D-4E7F-B8E2-17D3A1E69B25"
    found = variants(MatchField.GAID, typed)
    assert not _by_source(found, "Segment").same
    assert _by_source(found, "RudderStack").same
    (hashed,) = [one for one in found if "MD5" in one.name]
    assert hashed.digest == md5(typed.lower().encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("field", list(MatchField))
def test_what_is_refused_is_the_same_as_nobodys(field: MatchField) -> None:
    assert not any(one.same for one in variants(field, "nonsense"))
    assert variants(field, "") == []


@given(st.sampled_from(list(MatchField)), st.text(max_size=40))
def test_same_means_the_digest_that_is_sent(field: MatchField, typed: str) -> None:
    ours = RULES[CURRENT_RULE].readers[field](typed, "BR") if typed.strip() else None
    for one in variants(field, typed, "BR"):
        assert one.digest in (
            sha256(one.value.encode()).hexdigest(),
            md5(one.value.encode(), usedforsecurity=False).hexdigest(),
        )
        assert one.same == (isinstance(ours, Normalised) and one.digest == ours.digest.hex())
