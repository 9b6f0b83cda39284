"""The examples of docs/segments.md can be read, and no word of the language is missing there."""

import re
from pathlib import Path

import pytest
import yaml

from towpath.people.filter import COLUMNS, Bound, Op, Standing, to_data
from towpath.people.filter_parse import parse_filter

DOCUMENT = (Path(__file__).parents[2] / "docs" / "segments.md").read_text(encoding="utf-8")
FIRST, EVENTS = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)


def test_the_first_example_is_a_filter() -> None:
    tree = parse_filter(yaml.safe_load(FIRST)["filter"])
    assert parse_filter(to_data(tree)) == tree


@pytest.mark.parametrize("line", EVENTS.strip().splitlines())
def test_the_examples_of_events_are_filters(line: str) -> None:
    tree = parse_filter(_read(line))
    assert parse_filter(to_data(tree)) == tree


def _read(line: str) -> object:
    found = yaml.safe_load(line)
    return found | {"since": str(found["since"])} if "since" in found else found


def test_every_word_is_explained() -> None:
    for word in [*Op, *Bound, *Standing, *COLUMNS]:
        assert f"`{word}`" in DOCUMENT, word
