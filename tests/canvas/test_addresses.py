"""Where a webhook may go: nowhere inside, by any spelling (I-70; D38 to D41 of the bad inputs)."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.canvas.addresses import Allowed, check_url, is_public
from towpath.errors import InputError

INSIDE = [
    "http://169.254.169.254/",
    "http://127.0.0.1:8080/",
    "http://10.0.0.1",
    "http://192.168.1.1/x",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00::1]/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://localhost/",
    "http://db.internal/",
    "http://intranet/",
    "http://①②⑦.⓪.⓪.①/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
]


@pytest.mark.parametrize("url", INSIDE)
def test_an_address_inside_is_refused_by_any_spelling(url: str) -> None:
    with pytest.raises(InputError):
        check_url(url, "url", Allowed())


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "http or https"),
        ("gopher://example.com/", "http or https"),
        ("https://user:secret@example.com/", "user or a password"),
        ("https://{{ person.host }}/", "host is fixed"),
        ("https://example.com:99999/", "no address"),
        ("https://exa mple.com/", "no address"),
        ("https://example.com/\r\nX: y", "no address"),
    ],
)
def test_what_is_no_address_is_refused_with_its_reason(url: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as refused:
        check_url(url, "steps.call.url", Allowed())
    assert refused.value.field == "steps.call.url"
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://example.com./",
        "https://8.8.8.8/",
        "https://api.example.com:8443/u/{{ person.external_id | url_encode }}?x={{ context.y }}",
    ],
)
def test_public_addresses_are_taken(url: str) -> None:
    check_url(url, "url", Allowed())


def test_the_operator_may_allow_hosts_and_networks_inside() -> None:
    allowed = Allowed(["crm.internal", "10.1.2.0/24"])
    check_url("http://crm.internal/", "url", allowed)
    check_url("http://10.1.2.9/", "url", allowed)
    with pytest.raises(InputError):
        check_url("http://10.1.3.9/", "url", allowed)


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_does_not_make_it_public(address: object) -> None:
    inner = ip_address(str(address))
    number = int(inner)
    for wrapped in (f"::ffff:{inner}", f"64:ff9b::{number >> 16:x}:{number & 65535:x}"):
        if not is_public(inner):
            assert not is_public(ip_address(wrapped))
