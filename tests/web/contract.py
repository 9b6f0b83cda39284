"""What the pages rest on: the part of the API's OpenAPI document that they use.

    .venv/bin/python -m tests.web.contract     writes web/openapi.json
    cd web && npm run types                    makes src/services/schema.ts of it

A test compares: an answer that changes is noticed here before it is on screen.
"""

import json
import re
from pathlib import Path
from typing import Any

from towpath.api.app import document

KEPT = Path(__file__).parents[2] / "web" / "openapi.json"
USED = (
    ("/v1/canvases", "get"),
    ("/v1/canvases/{canvas}", "get"),
    ("/v1/canvases/{canvas}/live", "get"),
    ("/v1/me", "get"),
    ("/v1/sign-in", "post"),
    ("/v1/sign-out", "post"),
)


def used() -> dict[str, Any]:
    """The operations in use, and every schema that can be reached from them."""
    whole = document().openapi()
    paths = {path: {method: whole["paths"][path][method]} for path, method in USED}
    schemas: dict[str, Any] = {}
    ahead = [paths]
    while ahead:
        for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(ahead.pop())):
            if name not in schemas:
                schemas[name] = whole["components"]["schemas"][name]
                ahead.append(schemas[name])
    return {
        "openapi": whole["openapi"],
        "info": {"title": "Towpath, as the pages use it", "version": "1"},
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


if __name__ == "__main__":
    KEPT.write_text(json.dumps(used(), indent=2, ensure_ascii=False) + "\n", "utf-8")
