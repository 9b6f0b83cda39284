"""The words of the pages: each language has them all, and all that are asked for are there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).parents[2] / "web" / "src"
WORDS = WEB / "words"
LANGUAGES = sorted(WORDS.glob("*.json"))
PLURALS = re.compile(r"_(one|many|other)$")


def _flat(words: dict[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for key, value in words.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value


def _words(file: Path) -> dict[str, str]:
    return dict(_flat(json.loads(file.read_text("utf-8"))))


@pytest.mark.parametrize("file", LANGUAGES, ids=lambda file: file.stem)
def test_no_word_is_missing(file: Path) -> None:
    english, words = _words(WORDS / "en.json"), _words(file)
    assert words.keys() == english.keys()
    for key, text in words.items():
        assert text.strip(" "), key
        told = set(re.findall(r"{{(\w+)}}", text))
        assert told == set(re.findall(r"{{(\w+)}}", english[key])), key


def test_every_word_that_is_asked_for_is_there() -> None:
    known = {PLURALS.sub("", key) for key in _words(WORDS / "en.json")}
    groups = {key.rpartition(".")[0] for key in known}
    code = "\n".join(file.read_text("utf-8") for file in WEB.rglob("*.ts*"))
    asked = set(re.findall(r"\bt\('([\w.]+)'", code)) | set(re.findall(r"'(edge\.\w+)'", code))
    assert len(asked) > 40
    assert asked - known == set()
    made = set(re.findall(r"\bt\(`([\w.]+)\.\$", code))
    assert made - groups == set()


def test_no_word_is_left_over() -> None:
    """A word that nobody asks for is translated for nothing."""
    code = "\n".join(file.read_text("utf-8") for file in WEB.rglob("*.ts*"))
    made = set(re.findall(r"`([\w.]+)\.\$\{", code))
    known = {PLURALS.sub("", key) for key in _words(WORDS / "en.json")}
    left = {key for key in known if key not in code and key.rpartition(".")[0] not in made}
    assert left == set()
