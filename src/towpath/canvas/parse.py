"""Reads a Canvas file, YAML or JSON, into a graph.

YAML here is its plain part: mappings, lists, text, numbers, true, false and null, as in the core
schema of YAML 1.2. So `yes`, `no` (an edge, and Norway) and times stay text; a key may occur once;
anchors, aliases, tags and a second document are refused: a file of a few bytes must not unfold
into gigabytes, and nothing in a file is ever run.
"""

import json
import re
from typing import Any

import yaml

from towpath.canvas.graph import Graph, from_data
from towpath.errors import InputError
from towpath.limits import CANVAS_FILE_BYTES_MAX

_DEPTH_MAX = 64
_HALVES = re.compile("[\ud800-\udfff]")


def parse_canvas(text: str | bytes) -> Graph:
    """Read a Canvas from the text of a file of at most CANVAS_FILE_BYTES_MAX bytes.

    Raises InputError naming the line and column (syntax) or the place (meaning).
    """
    return from_data(read_data(text))


def read_data(text: str | bytes) -> Any:
    """The file as plain data. Raises InputError naming line and column."""
    if len(text if isinstance(text, bytes) else text.encode(errors="replace")) > (
        CANVAS_FILE_BYTES_MAX
    ):
        raise InputError(f"the file is larger than {CANVAS_FILE_BYTES_MAX:,} bytes.")
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8.", remedy="Save it as UTF-8.") from None
    if decoded.lstrip().startswith("{"):
        try:
            return json.loads(decoded, object_pairs_hook=_once, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            pass  # YAML's flow style begins with a brace too, and its errors name the line as well.
    try:
        return yaml.load(decoded, Loader=_Loader)  # noqa: S506 a SafeLoader, with less in it
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = ": ".join(filter(None, (error.context, error.problem)))
        raise InputError(f"{problem}.", field=line) from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"the file is no YAML: {str(error).splitlines()[0]}.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{twice!r:.100} stands twice in the same place.", remedy="Keep one.")
    return found


def _no_constant(name: str) -> None:
    raise InputError(f"{name} is no number that can be used.")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, made smaller and stricter."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 PyYAML's own way; filled below
    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise yaml.composer.ComposerError(
                None, None, "anchors, aliases and tags (&, * and !) are not taken", event.start_mark
            )
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise yaml.composer.ComposerError(
                None, None, f"nested more than {_DEPTH_MAX} deep", event.start_mark
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_scalar(self, node: Any) -> Any:
        found = super().construct_scalar(node)
        if _HALVES.search(found):  # as JSON writes 🚀; a half alone stays one, and is refused
            found = found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return found

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a word", key.start_mark
                )
            if key.value in seen:
                problem = f"{key.value!r:.100} stands twice in the same place"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", "[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", "-+0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )
