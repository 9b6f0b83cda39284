"""Which addresses a webhook may go to: public ones, by any spelling, and those the operator allows.

A Canvas is drawn by people who may not be allowed inside the operator's network; what they draw is
sent from there (invariant I-70). The form of an address is checked when the Canvas is read; what
its name resolves to is checked again at each connection, by `net/guard.py`.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from towpath.errors import InputError
from towpath.limits import WEBHOOK_URL_CHARS_MAX

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}\.?)+")
_NUMERIC = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)")
_NAT64 = IPv6Network("64:ff9b::/96")
# What leads nowhere public although `is_global` may say otherwise, or holds an address inside.
_INSIDE = (IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"), IPv4Network("192.88.99.0/24"))

Address = IPv4Address | IPv6Address


class Allowed:
    """Hosts and networks inside that the operator allows, such as crm.internal or 10.1.2.0/24."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in entries:
            try:
                self._networks.append(ip_network(entry, strict=False))
            except ValueError:
                self._hosts.add(entry.lower().rstrip("."))

    def host(self, name: str) -> bool:
        """Is this name allowed, wherever it leads?"""
        return name.lower().rstrip(".") in self._hosts

    def address(self, text: str) -> bool:
        """May a connection go to this address? Public ones may, and those of allowed networks."""
        found = ip_address(text.partition("%")[0])
        return any(found in network for network in self._networks) or is_public(found)


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet, also when it is wrapped in another."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            return False
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    if address.is_multicast or any(address in network for network in _INSIDE):
        return False
    return address.is_global


def check_url(text: str, where: str, allowed: Allowed) -> None:
    """Check the fixed part of a webhook's URL: scheme, host and port; the rest may be a template.

    Raises InputError for anything but http and https, user and password in it, and a host that is
    no name, or an address inside by any spelling.
    """
    if len(text) > WEBHOOK_URL_CHARS_MAX:
        raise InputError(f"an address has at most {WEBHOOK_URL_CHARS_MAX} characters.", field=where)
    parts = _split(text, where)
    if parts.scheme not in ("http", "https"):
        raise InputError("a webhook goes to http or https.", remedy="Write https://….", field=where)
    if "@" in parts.netloc:
        raise InputError(
            "an address must not hold a user or a password: it is shown to everybody.",
            remedy="Send it in a header: Authorization: {{ secret.NAME }}.",
            field=where,
        )
    host = parts.hostname or ""
    if "{{" in parts.netloc or "{%" in parts.netloc:
        raise InputError(
            "the host is fixed; only what comes after it may be a template.", field=where
        )
    if allowed.host(host):
        return
    try:
        public = allowed.address(host)
    except ValueError:
        public = _is_name(host)
    if not public:
        raise InputError(
            "a webhook goes to a public host, by its name.",
            remedy="The operator can allow hosts inside: TOWPATH_WEBHOOK_HOSTS.",
            field=where,
        )


def _split(text: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        templated = "{" in parts.netloc
        readable = text.isprintable() and (
            templated or (" " not in parts.netloc and parts.port != 0)
        )
    except ValueError:
        readable = False
    if not readable:
        raise InputError(
            "this is no address.", remedy="Write https://example.com/path.", field=where
        ) from None
    return parts


def _is_name(host: str) -> bool:
    """A name, no number (inet_aton reads 2130706433 and 0x7f.1) nor this machine."""
    labels = host.rstrip(".").split(".")
    if not _HOST.fullmatch(host) or _NUMERIC.fullmatch(labels[-1]):
        return False
    return "." in host.rstrip(".") and labels[-1].lower() not in ("localhost", "internal", "local")
