"""The examples of docs/entry.md are true, and nothing of the entry is missing there."""

from dataclasses import fields
from pathlib import Path

import pytest

from towpath.canvas.admission import Refused
from towpath.canvas.entry import Entry, Limits
from towpath.canvas.parse import parse_canvas

DOCUMENT = (Path(__file__).parents[2] / "docs" / "entry.md").read_text(encoding="utf-8")


def test_the_example_is_a_canvas() -> None:
    entry = parse_canvas(DOCUMENT.split("```yaml\n")[1].split("```")[0]).entry
    assert (entry.control, len(entry.on), len(entry.exit_on)) == (500, 1, 1)
    assert entry.exit_filter is not None


@pytest.mark.parametrize("word", [one.name for one in (*fields(Entry), *fields(Limits))])
def test_every_field_is_explained(word: str) -> None:
    written = {"by_api": "by: api", "exit_filter": "{filter: FILTER}"}
    assert f"`{written.get(word, word)}" in DOCUMENT or word == "first"


def test_every_reason_is_named() -> None:
    told = " ".join(DOCUMENT.split())
    assert [one for one in Refused if one not in told] == []
