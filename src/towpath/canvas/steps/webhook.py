"""Webhook: each person who reaches it makes a call to an address, then goes on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from towpath.canvas.addresses import Allowed, check_url
from towpath.canvas.delays import parse_span, span_text
from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import Surroundings
from towpath.canvas.templates import Template
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import (
    WEBHOOK_BODY_BYTES_MAX,
    WEBHOOK_DEADLINE_S_MAX,
    WEBHOOK_GIVE_UP_S_MAX,
    WEBHOOK_HEADER_CHARS_MAX,
    WEBHOOK_HEADERS_MAX,
)

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
ON_ERROR = ("next", "exit")
DEADLINE = timedelta(seconds=10)
GIVE_UP = timedelta(hours=1)
_HEADER = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "idempotency-key", "upgrade"}
)
_SECRET = re.compile(r"secret\.([a-z][a-z0-9_]{0,39})")


@dataclass(frozen=True, slots=True)
class Webhook:
    """`deadline` is for one call; calls that may succeed later are tried again for `give_up`.

    Whose call failed for good goes along `failed` where the step has it, else by `on_error`: with
    the others, or out of the Canvas.
    """

    kind: ClassVar[str] = "webhook"
    method: str
    url: str | None
    headers: tuple[tuple[str, str], ...]
    body: str | None
    deadline: timedelta
    give_up: timedelta
    on_error: str
    next: StepId | None
    failed: StepId | None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read the settings. Whether the address may be reached is told by findings."""
        known = ("kind", "method", "url", "headers", "body", "deadline", "give_up", "on_error")
        fields = Fields(data, where, (*known, "next", "failed"))
        method = fields.word("method", METHODS) or "POST"
        body = _template(fields.raw("body"), fields.path("body"))
        if body is not None and method in ("GET", "DELETE"):
            raise InputError(f"{method} carries no body.", field=fields.path("body"))
        on_error = fields.word("on_error", ON_ERROR)
        failed = fields.step("failed")
        if on_error is not None and failed is not None:
            raise InputError(
                "on_error and failed stand together.",
                remedy="Keep one: failed leads to a step.",
                field=fields.path("on_error"),
            )
        return cls(
            method,
            _template(fields.raw("url"), fields.path("url")),
            _headers(fields.raw("headers"), fields.path("headers")),
            body,
            _span(fields, "deadline", DEADLINE, WEBHOOK_DEADLINE_S_MAX),
            _span(fields, "give_up", GIVE_UP, WEBHOOK_GIVE_UP_S_MAX),
            on_error or "next",
            fields.step("next"),
            failed,
        )

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        return written(
            method=self.method,
            url=self.url,
            headers=dict(self.headers) or None,
            body=self.body,
            deadline=span_text(self.deadline),
            give_up=span_text(self.give_up),
            on_error=None if self.failed else self.on_error,
            next=self.next,
            failed=self.failed,
        )

    def edges(self) -> dict[str, StepId | None]:
        """On, and where the failed go."""
        return {"next": self.next, "failed": self.failed or self._without_a_way()}

    def _without_a_way(self) -> StepId | None:
        return self.next if self.on_error == "next" else None

    def secrets(self) -> list[str]:
        """The names of the secrets that the headers and the body use."""
        texts = [text for _, text in self.headers] + [self.body or ""]
        return sorted({name for text in texts for name in _SECRET.findall(text)})

    def findings(
        self,
        step: StepId,
        steps: Mapping[StepId, Step],  # noqa: ARG002 - one protocol for all
        around: Surroundings,
    ) -> list[Finding]:
        """The address must be said and be one that may be reached; secrets must be there."""
        found = []
        if self.url is None:
            hint = "Write url: https://example.com/path."
            found.append(("url_missing", "url", "No address is given.", hint))
        else:
            try:
                check_url(self.url, "url", Allowed(around.webhook_hosts))
            except InputError as error:
                found.append(("url_refused", "url", error.message, error.remedy))
        for name in self.secrets():
            if name not in around.secrets:
                message = f"There is no secret named {name}."
                hint = f"`towpath secret set {name}` keeps one."
                found.append(("secret_missing", "headers", message, hint))
        return [Finding(code, Level.ERROR, step, *rest) for code, *rest in found]


def _template(data: object, where: str) -> str | None:
    if data is None:
        return None
    if not isinstance(data, str) or not data.strip() or "\x00" in data:
        raise InputError("text is needed.", field=where)
    if len(data.encode(errors="replace")) > WEBHOOK_BODY_BYTES_MAX:
        raise InputError(f"it is longer than {WEBHOOK_BODY_BYTES_MAX:,} bytes.", field=where)
    Template(data, where)
    return data


def _headers(data: object, where: str) -> tuple[tuple[str, str], ...]:
    if data is None:
        return ()
    if not isinstance(data, Mapping) or len(data) > WEBHOOK_HEADERS_MAX:
        raise InputError(
            f"a mapping of at most {WEBHOOK_HEADERS_MAX} headers is needed.", field=where
        )
    found: dict[str, tuple[str, str]] = {}
    for name, text in data.items():
        place = f"{where}.{name!s:.100}"
        if not isinstance(name, str) or not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise InputError("this header cannot be set.", field=place)
        if name.lower() in found:
            raise InputError("this header stands twice.", field=place)
        if (
            not isinstance(text, str)
            or len(text) > WEBHOOK_HEADER_CHARS_MAX
            or not text.isprintable()
        ):
            raise InputError("a header is text in one line.", field=place)
        Template(text, place)
        found[name.lower()] = (name, text)
    return tuple(found.values())


def _span(fields: Fields, key: str, usual: timedelta, most_s: int) -> timedelta:
    found = fields.raw(key)
    if found is None:
        return usual
    return parse_span(found, fields.path(key), most=timedelta(seconds=most_s))
