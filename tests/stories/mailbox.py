"""An SMTP server of a test's own: it takes every message, and shows what came."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string, policy
from email.message import EmailMessage


class Mailbox(socketserver.ThreadingTCPServer):
    """What came, in order; `refuse` makes it answer 451 to every message."""

    daemon_threads = True
    refuse = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages: list[EmailMessage] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        """One session, of as many messages as the other side likes."""
        self._say("220 mailbox")
        while line := self.rfile.readline().decode().strip().upper():
            if line.startswith("DATA") and not self.server.refuse:
                self._say("354 go on")
                self._take()
            elif line.startswith("DATA"):
                self._say("451 not now")
            else:
                self._say("221 bye" if line == "QUIT" else "250 fine")
                if line == "QUIT":
                    return

    def _take(self) -> None:
        lines = list(iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), "."))
        made = message_from_string("\n".join(lines), policy=policy.default)
        self.server.messages.append(made)
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A server that runs while the test does."""
    with Mailbox() as server:
        running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        running.start()
        try:
            yield server
        finally:
            server.shutdown()
            running.join()
