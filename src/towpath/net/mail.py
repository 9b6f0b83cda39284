"""The post: one e-mail at a time over the operator's SMTP server, always encrypted on the way.

The server is named by `smtp://user:password@host:587` (STARTTLS) or `smtps://user:password@host`
(TLS from the first byte). Only towards this very machine it may go unencrypted.
"""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Self
from urllib.parse import unquote, urlsplit

from towpath.clock import Instant

PORTS = {"smtp": 587, "smtps": 465}
HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class NotMailed(Exception):  # noqa: N818 - a fact about the world, handled by value
    """The server did not take the message. `why` holds no address and no password."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Mail:
    """A message of plain text. `message_id` is the same however often it is sent."""

    recipients: Sequence[str]
    subject: str
    text: str
    message_id: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Post:
    """Where e-mails are handed in."""

    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)
    sender: str

    @classmethod
    def read(cls, url: str, sender: str) -> Self:
        """From a URL. Raises ValueError with what it wants, and nothing of the URL."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        plain = not parts.query and not parts.fragment and parts.path in {"", "/"}
        if parts.scheme not in PORTS or not parts.hostname or not plain or port == -1:
            raise ValueError("wants smtp://user:password@host:587 or smtps://user:password@host")
        return cls(
            parts.hostname,
            port or PORTS[parts.scheme],
            parts.scheme == "smtps",
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            sender,
        )

    def send(self, mail: Mail, deadline_s: float) -> None:
        """Hand it in; blocks, each step of it at most `deadline_s`. Raises NotMailed."""
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(mail.recipients)
        message["Subject"], message["Message-ID"] = mail.subject, mail.message_id
        message["Date"] = format_datetime(mail.at)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        try:
            with self._open(deadline_s) as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message, self.sender, list(mail.recipients))
        except smtplib.SMTPResponseException as error:
            raise NotMailed(f"the server answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NotMailed(f"not handed in ({type(error).__name__})") from None

    def _open(self, deadline_s: float) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=deadline_s, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=deadline_s)
        try:
            server.ehlo()
            if server.has_extn("starttls") or self.host not in HERE:
                server.starttls(context=context)
                server.ehlo()
        except BaseException:
            server.close()
            raise
        return server
