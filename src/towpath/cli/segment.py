"""`towpath segment`: filters with a name, saved, listed, shown, counted, sampled, explained."""

from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer
import yaml

from towpath.api.segments import draw
from towpath.canvas.fields import Fields
from towpath.canvas.parse import read_data
from towpath.cli import opening, output
from towpath.cli.canvas_desk import AsJson, Desk, open_desk
from towpath.errors import InputError, NotFoundError
from towpath.limits import PAGE_ROWS_MAX
from towpath.people.filter import to_data
from towpath.people.filter_parse import nearest, parse_filter
from towpath.people.people_set import people
from towpath.store import people_door, segment_sizes, segments
from towpath.store.database import database_now
from towpath.store.people_door import Question
from towpath.store.segment_sizes import RuleCount
from towpath.store.segments import Segment

app = typer.Typer(no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A segment in YAML or JSON; - reads standard input.")]
Name = Annotated[str, typer.Argument(help="The segment's name.")]


@app.command("apply")
def apply_command(file: File, as_json: AsJson = False) -> None:
    """Save a file as the segment that it names, new or not."""
    fields = Fields(read_data(_read(file)) or {}, "", ("segment", "filter"))
    name = fields.text("segment")
    if name is None:
        raise InputError(
            "the segment has no name.", remedy="Begin with segment: NAME.", field="segment"
        )
    tree = parse_filter(fields.raw("filter"))
    with open_desk() as desk:
        now = database_now(desk.db)
        before = segments.find(desk.db, desk.workspace, name)
        if before is None:
            saved = segments.create(desk.db, desk.workspace, name, tree, now)
        else:
            saved = segments.save(
                desk.db, desk.workspace, before.id, name, tree, revision=before.revision, now=now
            )
    same = before is not None and before.revision == saved.revision
    words = f"{name} is {'as it was' if same else 'saved as'}{',' if same else ''} revision"
    _done(saved, f"{words} {saved.revision}.", as_json=as_json)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """All segments."""
    with open_desk() as desk:
        found = _all(desk)
    if as_json:
        output.show_json([_data(one) for one in found])
    elif found:
        rows = [(one.name, one.revision, f"{one.changed_at:%Y-%m-%d %H:%M}") for one in found]
        output.show_table(("segment", "revision", "changed (UTC)"), rows)
    else:
        output.say(f"There is no segment in {opening.place(desk.settings)}.")


@app.command("show")
def show_command(name: Name, as_json: AsJson = False) -> None:
    """The segment's filter, and what uses it."""
    with open_desk() as desk:
        found = _find(desk, name)
        users = segments.used_by(desk.db, desk.workspace, name)
    if as_json:
        output.show_json(_data(found) | {"used_by": users})
        return
    output.say(f"{name}, revision {found.revision}. Used by: {', '.join(users) or 'nothing'}.")
    output.show_json(to_data(found.filter))


@app.command("count")
def count_command(
    name: Name,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Ask some people at random instead of everybody.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """How many people match now."""
    with open_desk() as desk:
        question = _question(desk, name)
        if estimate:
            drawn = _draw(question)
            of = segment_sizes.drawable(desk.db, desk.workspace)
            found = segment_sizes.estimated(question, people(drawn), of)
            told = {
                "people": found.people,
                "low": found.low,
                "high": found.high,
                "asked": found.asked,
            }
            words = (
                f"About {found.people:,} people are in {name}: {found.low:,} to"
                f" {found.high:,} with 95 % confidence."
            )
        else:
            told = {"people": segment_sizes.counted(question)}
            words = f"{told['people']:,} people are in {name}."
    if as_json:
        output.show_json({"segment": name, **told})
    else:
        output.say(words)


@app.command("sample")
def sample_command(
    name: Name,
    most: Annotated[int, typer.Option("--people", min=1, max=100, help="How many.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Some people of the segment, their personal data masked."""
    with open_desk() as desk:
        question = _question(desk, name)
        found = segment_sizes.sample(question, _draw(question), most)
    columns = ("number", "external_id", "first_name", "last_name", "email", "country")
    rows = [[getattr(one, column) for column in columns] for one in found]
    if as_json:
        output.show_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        shown = [["–" if cell is None else cell for cell in row] for row in rows]
        output.show_table([column.replace("_", " ") for column in columns], shown)
    else:
        output.say(f"Nobody is in {name}.")


@app.command("explain")
def explain_command(
    name: Name,
    person: Annotated[
        str | None, typer.Option(help="An external id: which rules does this person match?")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What each rule keeps and drops, of everybody or of one person."""
    with open_desk() as desk:
        # Of a segment that is asked for by its name, nothing but the name could be told.
        tree = _find(desk, name).filter
        question = people_door.question(desk.db, desk.workspace, tree, database_now(desk.db))
        asked = None
        if person is not None:
            asked = people([people_door.person(desk.db, desk.workspace, person)])
        total, found = segment_sizes.explained(question, asked)
    if as_json:
        rules = [
            {"place": one.place, "rule": one.rule, "keeps": one.keeps, "drops": one.drops}
            for one in found
        ]
        output.show_json({"segment": name, "asked": total, "rules": rules})
    elif person is not None:
        output.show_table(("rule", "matches"), [(_words(one), _verdict(one)) for one in found])
    else:
        rows = [(_words(one), f"{one.keeps:,}", f"{one.drops:,}") for one in found]
        output.show_table(("rule", "keeps", "drops"), rows, f"Of {total:,} people")


@app.command("delete")
def delete_command(name: Name, as_json: AsJson = False) -> None:
    """Delete a segment that nothing uses."""
    with open_desk() as desk:
        found = _find(desk, name)
        segments.delete(desk.db, desk.workspace, found.id)
    _done(found, f"{name} is deleted.", as_json=as_json)


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return typer.get_binary_stream("stdin").read()
    if not file.is_file():
        raise InputError(f"There is no file {file}.", remedy="Check the path.", field="file")
    return file.read_bytes()


def _find(desk: Desk, name: str) -> Segment:
    found = segments.find(desk.db, desk.workspace, name)
    if found is None:
        known = [one.name for one in _all(desk)]
        remedy = nearest(name, known) if known else "`towpath segment apply FILE` saves one."
        raise NotFoundError(f"There is no segment named {name!r}.", remedy=remedy, field="name")
    return found


def _all(desk: Desk) -> list[Segment]:
    found: list[Segment] = []
    while page := segments.list_page(
        desk.db, desk.workspace, after=found[-1].name if found else "", limit=PAGE_ROWS_MAX
    ):
        found += page
    return found


def _question(desk: Desk, name: str) -> Question:
    tree = _find(desk, name).filter
    return people_door.question(desk.db, desk.workspace, tree, database_now(desk.db))


def _draw(question: Question) -> list[int]:
    of = segment_sizes.drawable(question.db, question.workspace)
    return draw(of, Random(of))


def _words(one: RuleCount) -> str:
    words = one.rule if isinstance(one.rule, str) else _line(one.rule)
    return "  " * one.depth + words


def _line(data: Any) -> str:
    """Data in YAML's flow style, as people write filters."""
    return str(yaml.safe_dump(data, default_flow_style=True, width=10_000, sort_keys=False)).strip()


def _verdict(one: RuleCount) -> str:
    return "yes" if one.keeps else "no"


def _data(one: Segment) -> dict[str, Any]:
    return {
        "id": one.id,
        "segment": one.name,
        "filter": to_data(one.filter),
        "revision": one.revision,
        "changed_at": one.changed_at,
    }


def _done(one: Segment, words: str, *, as_json: bool) -> None:
    if as_json:
        output.show_json(_data(one))
    else:
        output.say(words)
