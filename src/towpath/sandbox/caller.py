"""A caller in the same process, for tests and the simulator: calls without sockets."""

import json
from collections.abc import Mapping, Sequence
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
