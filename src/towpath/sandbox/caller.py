"""A caller in the same process, for tests and the simulator: calls without sockets."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from towpath.sandbox.call import Call, Reply
from towpath.sandbox.core import MAPPING, PREFIX, Sandbox

Row = Mapping[str, str]
"""A person: hashes by id type, for example {"EMAIL_SHA256": "0f..."}."""


class Caller:
    """Calls one sandbox with its seed's token, or another."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.token = sandbox.world.token
        self.advertisers = list(sandbox.world.advertisers)

    def call(self, method: str, path: str, body: object = None, **query: str) -> Call:
        """The call as it would come in; `path` is below /open_api/v1.3/."""
        sent = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        headers = {"Access-Token": self.token} if self.token else {}
        return Call(method, f"{PREFIX}{path}", urlencode(query), headers, sent)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The envelope of a GET."""
        return envelope_of(self.sandbox.handle(self.call("GET", path, **query)))

    def post(self, path: str, body: object) -> dict[str, Any]:
        """The envelope of a POST."""
        return envelope_of(self.sandbox.handle(self.call("POST", path, body)))

    def upload(
        self,
        lines: Sequence[str],
        kind: str = "EMAIL_SHA256",
        account: int = 0,
        changed: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The envelope of an upload; `changed` are other form fields, or `file_name`."""
        content = "\n".join(lines).encode()
        texts = {
            "advertiser_id": self.advertisers[account],
            "calculate_type": kind,
            "file_signature": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        } | dict(changed or {})
        file_name = texts.pop("file_name", "people.csv")
        edge = "towpath-edge"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
            for name, text in texts.items()
        ]
        head = f'Content-Disposition: form-data; name="file"; filename="{file_name}"'
        file = f"--{edge}\r\n{head}\r\nContent-Type: text/csv\r\n\r\n"
        body = "".join([*parts, file]).encode() + content + f"\r\n--{edge}--\r\n".encode()
        call = self.call("POST", "dmp/custom_audience/file/upload/", body)
        headers = {**call.headers, "Content-Type": f"multipart/form-data; boundary={edge}"}
        return envelope_of(self.sandbox.handle(replace(call, headers=headers)))

    def create(self, name: str = "An audience", account: int = 0) -> str:
        """A new audience in one of the seed's ad accounts; its id."""
        body = {"advertiser_id": self.advertisers[account], "custom_audience_name": name}
        return str(self.post("segment/audience/", body)["data"]["audience_id"])

    def mapping(self, action: str, audience: str, rows: Sequence[Row], account: int = 0) -> Call:
        """A mapping of rows into one audience."""
        schema = sorted({name for row in rows for name in row})
        return self.call(
            "POST",
            MAPPING,
            {
                "advertiser_ids": [self.advertisers[account]],
                "action": action,
                "id_schema": schema,
                "batch_data": [[_cell(row, name, audience) for name in schema] for row in rows],
            },
        )


def _cell(row: Row, name: str, audience: str) -> dict[str, object]:
    return {"id": row[name], "audience_ids": [audience]} if name in row else {}


def _json(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def envelope_of(reply: Reply) -> dict[str, Any]:
    """A whole reply's JSON. Raises ValueError if it is none."""
    told = json.loads(reply.body)
    if not isinstance(told, dict):
        raise TypeError("an envelope is an object")
    return told
