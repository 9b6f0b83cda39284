"""Personal data made unreadable but recognisable: first letters only."""


def masked(text: str | None) -> str | None:
    """The first letter."""
    return f"{text[:1]}…" if text else None


def masked_email(address: str | None) -> str | None:
    """The first letters of both sides of the @."""
    if not address:
        return None
    mailbox, _, domain = address.partition("@")
    return f"{masked(mailbox)}@{masked(domain) or '…'}"
