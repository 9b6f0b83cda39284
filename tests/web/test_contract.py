"""The pages' types are those of the API as it is."""

import json

from tests.web import contract


def test_the_pages_know_the_api_as_it_is() -> None:
    kept = json.loads(contract.KEPT.read_text("utf-8"))
    assert contract.used() == kept, "write it anew: .venv/bin/python -m tests.web.contract"


def test_the_types_are_made_of_it() -> None:
    """At least by name: every schema and operation is in them."""
    types = (contract.KEPT.parent / "src" / "services" / "schema.ts").read_text("utf-8")
    kept = json.loads(contract.KEPT.read_text("utf-8"))
    assert all(f"        {name}: " in types for name in kept["components"]["schemas"])
    assert all(f'"{path}": {{' in types for path in kept["paths"])
