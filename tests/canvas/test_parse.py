"""Reading Canvas files: what is understood, and how everything else is refused.

The numbers are those of the list of bad inputs that Towpath is held to.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from towpath.canvas.entry import ALWAYS, NEVER, Reentry
from towpath.canvas.graph import to_data
from towpath.canvas.parse import parse_canvas, read_data
from towpath.canvas.steps.audience_sync import AudienceSync, ExistingAudience, NewAudience
from towpath.canvas.steps.decision_split import DecisionSplit
from towpath.canvas.steps.delay import Delay
from towpath.canvas.steps.exit import Exit
from towpath.errors import InputError
from towpath.ids import PartnerRef, StepId
from towpath.people.action import Action
from towpath.people.filter import Attribute, Op
from towpath.people.match_field import MatchField

WINBACK = """\
canvas: Winback
entry:
  at: launch
  filter: {all: [{attribute: country, in: [BR, NO]}, {consent: granted}]}
  reentry: {after: 7d}
  first: wait
steps:
  wait: {kind: delay, for: 5s, next: split}
  split: {kind: decision_split, if: {attribute: orders, at_least: 1}, yes: add, no: leave}
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "7000000000000000001"
    audience: {create: winback}
    fields: [phone, email]
    next: later
  later: {kind: delay, for: 24h, next: remove}
  remove:
    kind: audience_sync
    partner: tiktok
    ad_account: "7000000000000000001"
    audience: {id: "7399999999999999999"}
    action: remove
    fields: [email]
  leave: {kind: exit}
"""


def test_a_whole_canvas() -> None:
    graph = parse_canvas(WINBACK)
    assert graph.name == "Winback"
    assert graph.entry.at == "launch"
    assert graph.entry.reentry == Reentry(timedelta(days=7))
    assert graph.entry.first == "wait"
    assert graph.steps == {
        "wait": Delay(timedelta(seconds=5), StepId("split")),
        "split": DecisionSplit(Attribute("orders", Op.AT_LEAST, 1), StepId("add"), StepId("leave")),
        "add": AudienceSync(
            "tiktok",
            PartnerRef("7000000000000000001"),
            NewAudience("winback"),
            Action.ADD,
            (MatchField.EMAIL, MatchField.PHONE),
            StepId("later"),
        ),
        "later": Delay(timedelta(days=1), StepId("remove")),
        "remove": AudienceSync(
            "tiktok",
            PartnerRef("7000000000000000001"),
            ExistingAudience(PartnerRef("7399999999999999999")),
            Action.REMOVE,
            (MatchField.EMAIL,),
            None,
        ),
        "leave": Exit(),
    }
    assert list(graph.walk()) == ["wait", "split", "add", "later", "remove", "leave"]
    assert graph.target(StepId("split"), "yes") == "add"
    assert graph.target(StepId("remove"), "next") is None


def test_json_is_read_as_well() -> None:
    graph = parse_canvas(WINBACK)
    assert parse_canvas(json.dumps(to_data(graph))) == graph
    assert parse_canvas(b"\xef\xbb\xbf" + json.dumps(to_data(graph), indent=1).encode()) == graph
    assert parse_canvas('{"canvas": "\\ud83d\\ude80"}').name == "🚀"  # D54
    assert parse_canvas("{canvas: 🚀 עברית}").name == "🚀 עברית"


def test_a_draft_may_be_incomplete() -> None:
    graph = parse_canvas("canvas: Draft\nentry:\nsteps:\n  a: {kind: delay, next: null}\n")
    assert graph.entry.at is None
    assert graph.entry.reentry == NEVER
    assert graph.steps == {"a": Delay(None, None)}
    assert parse_canvas("canvas: Draft").steps == {}
    sync = parse_canvas("{canvas: D, steps: {a: {kind: audience_sync, audience: {}}}}").steps
    assert sync == {"a": AudienceSync(None, None, None, Action.ADD, (), None)}


def test_entry_times_and_reentry() -> None:
    text = "{canvas: A, entry: {at: 2026-03-01T09:00:00-03:00, reentry: always}}"
    entry = parse_canvas(text).entry
    assert entry.at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert entry.reentry == ALWAYS


def test_plain_yaml_keeps_words() -> None:
    text = "[no, yes, on, 2026-01-01, 12:30:45, 007, 0x1f, 1_000, .inf, =, <<]"
    assert read_data(text) == text.strip("[]").split(", ")
    assert read_data("[true, False, ~, null, 5, -5, 1.5, 1e3, 'true', \"5\"]") == (
        [True, False, None, None, 5, -5, 1.5, 1000.0, "true", "5"]
    )


def step(text: str) -> str:
    return f"canvas: A\nsteps:\n  a: {{{text}}}\n"


def sync(text: str) -> str:
    return step(f"kind: audience_sync, {text}")


REFUSED: list[tuple[str | bytes, str, str]] = [
    ("", "canvas", "no Canvas here"),  # D01
    ("# nothing\n", "canvas", "no Canvas here"),
    ("- a\n", "", "mapping"),  # D02
    ("canvas: A\n\tsteps:\n", "line 2, column 1", "\\t"),  # D03
    ("canvas: !!python/object:os.system A", "line 1, column 9", "tags"),  # D04
    ("canvas: !!bool maybe", "line 1, column 9", "tags"),
    ("canvas: A\nsteps: {}\nsteps: {}\n", "line 3, column 1", "twice"),  # D05
    ('{"canvas": "A", "steps": {}, "steps": {}}', "", "'steps' stands twice"),
    ("canvas: A\nstepz: {}\n", "stepz", "Did you mean steps?"),  # D06
    ("canvas: ''", "canvas", "1 to 200"),  # D08
    ("canvas: '  '", "canvas", "1 to 200"),
    (f"canvas: {'x' * 201}", "canvas", "1 to 200"),
    ('canvas: "a\\0b"', "canvas", "one line"),
    ("canvas: 5", "canvas", "Quote it"),
    ("canvas: A\nentry: {at: launch}\nentry: {}\n", "line 3, column 1", "twice"),  # D11
    ("canvas: A\nsteps:\n  a: {kind: exit}\n  a: {kind: exit}\n", "line 4, column 3", "twice"),
    ("canvas: A\nsteps: [a]\n", "steps", "mapping"),
    ("canvas: A\nsteps:\n  A: {kind: exit}\n", "steps.A", "no step's id"),
    (f"canvas: A\nsteps:\n  {'a' * 65}: {{kind: exit}}\n", "steps." + "a" * 65, "no step's id"),
    ("canvas: A\nsteps:\n  true: {kind: exit}\n", "steps.True", "no step's id"),
    ("canvas: A\nsteps:\n  a: exit\n", "steps.a", "mapping"),
    (step("for: 5s"), "steps.a.kind", "Possible: delay"),
    (step("kind: dellay"), "steps.a.kind", "Did you mean delay?"),  # D20
    (step("kind: [exit]"), "steps.a.kind", "word"),
    (step("kind: exit, next: b"), "steps.a.next", "no such field"),
    (step("kind: delay, for: -1s"), "steps.a.for", "1s to 31d"),  # D21
    (step("kind: delay, for: 0s"), "steps.a.for", "1s to 31d"),  # D22
    (step("kind: delay, for: soon"), "steps.a.for", "Write 30s"),  # D23
    (step("kind: delay, for: 5"), "steps.a.for", "Write 30s"),
    (step("kind: delay, for: ５s"), "steps.a.for", "Write 30s"),
    (step("kind: delay, for: 3650d"), "steps.a.for", "1s to 31d"),  # D24
    (step("kind: delay, for: 999999999d"), "steps.a.for", "1s to 31d"),
    (step("kind: delay, next: 5"), "steps.a.next", "no step's id"),
    (step("kind: decision_split, if: {attribute: a, ≈: 1}"), "steps.a.if", "Possible"),  # D34
    (step("kind: decision_split, if: {attribute: a, above: b}"), "steps.a.if.above", "number"),
    (sync("fields: [fax]"), "steps.a.fields[0]", "Possible: email"),  # D48
    (sync("fields: [email, email]"), "steps.a.fields", "twice"),
    (sync("fields: email"), "steps.a.fields", "list"),
    (sync("action: like"), "steps.a.action", "Possible: add, remove"),  # D51
    (sync("ad_account: 7000000000000000001"), "steps.a.ad_account", "Quote it"),
    (sync("ad_account: 'a b'"), "steps.a.ad_account", "no partner's id"),
    (sync("audience: {id: 7399999999999999999}"), "steps.a.audience.id", "Quote it"),
    (sync("audience: {create: a, id: b}"), "steps.a.audience", "together"),
    (sync("audience: winback"), "steps.a.audience", "mapping"),
    (sync("audience_id: 5"), "steps.a.audience_id", "no such field"),
    ("{canvas: A, entry: {at: 2026-03-01T09:00:00}}", "entry.at", "zone"),
    ("{canvas: A, entry: {at: tomorrow}}", "entry.at", "launch"),
    ("{canvas: A, entry: {reentry: sometimes}}", "entry.reentry", "never, always"),
    ("{canvas: A, entry: {reentry: {after: 401d}}}", "entry.reentry.after", "400d"),
    ("{canvas: A, entry: {reentry: {}}}", "entry.reentry.after", "Write 30s"),
    ("{canvas: A, entry: {filter: {consnt: granted}}}", "entry.filter", "Did you mean consent?"),
    ("a: &a [x]\nb: *a\n", "line 1, column 4", "anchors"),
    ("a: *b\n", "line 1, column 4", "anchors"),
    ("? [a]\n: b\n", "line 1, column 3", "word"),
    ("--- \ncanvas: A\n---\ncanvas: B\n", "line 3, column 1", "single document"),
    ("canvas: [A\n", "line 2, column 1", ""),
    ("canvas: a\0b", "", "no YAML"),
    (b"canvas: \xff", "", "UTF-8"),
    ("canvas: Ação".encode("utf-16"), "", "UTF-8"),
    ("[" * 5000, "line 1, column 65", "64 deep"),
    ('{"a":' * 50_000, "line 1, column", "64 deep"),
    ('{"a": NaN}', "", "NaN"),
    ('{"a": ' + "9" * 5000 + "}", "", "no YAML"),
    ('{"\\ud800": 1}', "'\\ud800'", "no such field"),
    ("#" * 1_000_001, "", "1,000,000 bytes"),  # D37
]


@pytest.mark.parametrize(
    ("text", "field", "says"), REFUSED, ids=[str(row) for row in range(len(REFUSED))]
)
def test_what_is_not_understood_is_refused_with_its_place(
    text: str | bytes, field: str, says: str
) -> None:
    with pytest.raises(InputError) as refused:
        parse_canvas(text)
    found = refused.value
    assert found.field == field or (field.endswith("column") and found.field.startswith(field))
    assert says in str(found)


def test_too_many_steps() -> None:  # D18
    lines = "".join(f"  a{number}: {{kind: exit}}\n" for number in range(201))
    with pytest.raises(InputError, match="201 steps are too many"):
        parse_canvas(f"canvas: A\nsteps:\n{lines}")


def test_a_bomb_of_aliases_does_not_unfold() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
    )
    with pytest.raises(InputError, match="anchors"):
        parse_canvas(bomb)
