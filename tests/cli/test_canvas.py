"""`towpath canvas`: from a file to a launch and beyond, as it is typed, on a sandbox over HTTP."""

import io
import json
import sys

import pytest
from tests.cli.office import Office
from tests.stories.files import canvas, sync

from towpath.cli import canvas_show
from towpath.store import canvases, tallies, troubles, workspaces
from towpath.store.database import Db, database_now

EMPTY = "canvas: Winback\nentry: {at: launch, first: add}\nsteps: {add: {kind: audience_sync}}"


@pytest.fixture
def connected(desk: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office that is connected to TikTok."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(desk.sandbox.world.token))
    desk.run("connect", "tiktok", "--accept-terms")
    return desk


def test_findings_are_told_all_at_once_and_nothing_is_stored(desk: Office, db: Db) -> None:
    file = desk.file("winback.yaml", EMPTY)
    said, _ = desk.run("canvas", "validate", file, code=1)
    assert said.count("error in steps.add") == 4
    assert (
        "Run `towpath connect tiktok` first."
        in desk.run("canvas", "validate", desk.file("sync.yaml", canvas(add=sync())), code=1)[0]
    )
    told = desk.json("canvas", "validate", file, code=1)
    assert told["findings"][0]["code"] == "partner_missing"
    assert canvases.list_all(db, workspaces.ensure_default(db, database_now(db)).id) == []


def test_a_draft_with_findings_is_kept_but_makes_no_audience(connected: Office) -> None:
    """S038: what is missing is told, and nothing is made at TikTok yet."""
    file = connected.file("winback.yaml", EMPTY)
    told = connected.json("canvas", "apply", file, code=1)
    assert (told["canvas"], told["revision"]) == ("Winback", 1)
    assert connected.sandbox.world.audiences == {}
    said, _ = connected.run("canvas", "launch", "Winback", code=1)
    assert "No audience is named" in said
    said, _ = connected.run("canvas", "apply", file, code=1)
    assert "as it was, revision 1. It is a draft, and cannot be launched yet." in said


def test_apply_makes_the_audiences_and_says_so(connected: Office) -> None:
    """S037, S038: two new audiences, although TikTok makes one a second for an ad account; applied
    again, they are the same two."""
    steps = {"add": sync("one", next_step="more"), "more": sync("two")}
    file = connected.file("winback.yaml", canvas(**steps))
    said, _ = connected.run("canvas", "apply", file)
    assert "Winback is saved as revision 1." in said
    said, _ = connected.run("canvas", "apply", file)
    assert "Winback is as it was, revision 1." in said
    names = [one.name for one in connected.sandbox.world.audiences.values()]
    assert sorted(names) == ["one", "two"]


def test_an_existing_audience_is_named_by_its_id(connected: Office) -> None:
    """S041, S042: one that TikTok has and we do not know is looked up; another is a finding."""
    world = connected.sandbox.world
    made = world.new_audience(next(iter(world.advertisers)), "loyal", connected.sandbox.clock())
    world.audiences[made.audience_id] = made
    text = canvas(add=sync("loyal").replace("create: loyal", f'id: "{made.audience_id}"'))
    connected.run("canvas", "validate", connected.file("loyal.yaml", text))
    connected.run("canvas", "apply", connected.file("loyal.yaml", text))
    connected.run("canvas", "launch", "Winback", "--yes")
    other = connected.file("other.yaml", text.replace(made.audience_id, "123"))
    said, _ = connected.run("canvas", "validate", other, code=1)
    assert "no audience of this id" in said


def test_a_life(connected: Office, db: Db) -> None:
    """S031, S046: applied, launched, paused, resumed and stopped, and shown on the way."""
    connected.run("canvas", "apply", connected.file("winback.yaml", canvas(add=sync())))
    assert connected.json("canvas", "show", "Winback")["state"] == "draft"
    told = connected.json("canvas", "launch", "Winback", "--yes")
    assert [one["code"] for one in told["findings"]] == ["audience_small"]
    shown = connected.json("canvas", "show", "Winback")
    assert (shown["state"], shown["version"], shown["steps"]["add"]["entered"]) == ("running", 1, 0)
    assert set(tallies.COUNTERS) < set(shown["steps"]["add"])
    for command, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        connected.run("canvas", command, "Winback")
        assert connected.json("canvas", "show", "Winback")["state"] == state
    _, said = connected.run("canvas", "pause", "Winback", code=1)
    assert "Winback is stopped" in said
    _, said = connected.run("canvas", "stop", "Winback", code=1)
    assert "Winback is stopped already." in said
    assert "Launch it again" not in said
    told, _ = connected.run("canvas", "show", "Winback")
    assert "add" in told
    assert "stopped, version 1" in told


def test_life_as_json(connected: Office) -> None:
    connected.run("canvas", "apply", connected.file("winback.yaml", canvas(add=sync())))
    connected.run("canvas", "launch", "Winback", "--yes")
    for command, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        told = connected.json("canvas", command, "Winback")
        assert (told["canvas"], told["state"]) == ("Winback", state)


def test_the_list(connected: Office) -> None:
    assert (
        "There is no Canvas in the database of TOWPATH_DATABASE_URL."
        in connected.run("canvas", "list")[0]
    )
    connected.run("canvas", "apply", connected.file("a.yaml", canvas("A[b]", end="{kind: exit}")))
    assert connected.json("canvas", "list") == [
        {"name": "A[b]", "state": "draft", "version": None, "revision": 1, "inside": 0}
    ]
    assert "A[b]" in connected.run("canvas", "list")[0]
    shown, _ = connected.run("canvas", "show", "A[b]")
    assert "never launched" in shown
    assert "Step" not in shown


@pytest.mark.parametrize("columns", ["60", "80"])
def test_what_show_tells_fits_a_narrow_screen(
    connected: Office, db: Db, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """Counters with their reasons, dashes where a step has none, older versions, a newer draft."""
    monkeypatch.setenv("COLUMNS", columns)
    people = connected.file("people.csv", "external_id,email\nana,ana@example.com\n")
    connected.run("import", "people", people)
    steps = {"wait": "{kind: delay, for: 1h, next: add}", "add": sync()}
    connected.run("canvas", "apply", connected.file("winback.yaml", canvas(**steps)))
    connected.run("canvas", "launch", "Winback", "--yes")
    version = connected.json("canvas", "show", "Winback")["version"]
    db.execute(
        "insert into tally (version, step, entered, not_synced) select id, 'add', 1234567, 1234567"
        " from canvas_version where number = %s",
        (version,),
    )
    changed = connected.file("winback.yaml", canvas(**steps | {"wait": "{kind: exit}"}))
    connected.run("canvas", "apply", changed)
    shown, _ = connected.run("canvas", "show", "Winback")
    assert shown.count("1,234,567") == 2
    assert ("–" in shown) == (columns == "80")
    assert "as soon as `towpath serve` runs" in shown
    assert "The draft, revision 2, is not what version 1 is" in shown.replace("\n", " ")
    assert "towpath canvas publish 'Winback'" in shown.replace("\n", " ")


def test_reasons_and_an_older_version_that_holds_people(
    connected: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    file = connected.file("winback.yaml", canvas(add=sync()))
    connected.run("canvas", "apply", file)
    connected.run("canvas", "launch", "Winback", "--yes")
    found = connected.json("canvas", "show", "Winback")
    assert (found["older"], found["draft_differs"]) == ([], False)
    found["older"] = [{"version": 1, "inside": 12}]
    found["steps"]["add"]["reasons"] = {"not_synced": {"no_consent": 3, "blocked": 1}}
    canvas_show.show(found)
    shown = capsys.readouterr().out
    assert "add, not synced: no consent 3, blocked 1" in shown
    assert "Version 1 still holds 12 people." in shown
    assert "The draft" not in shown


def test_a_second_sandbox_with_the_same_ids_is_noticed(connected: Office) -> None:
    """Its new audience would inherit the ledger of another: nobody would ever be sent."""
    connected.run("canvas", "apply", connected.file("one.yaml", canvas("A", add=sync("one"))))
    connected.sandbox.reset()
    two = connected.file("two.yaml", canvas("B", add=sync("two")))
    for _ in range(2):
        _, said = connected.run("canvas", "apply", two, code=1)
        assert "which we know as 'one' already" in said
        assert "--seed" in said


def test_the_file_may_come_from_standard_input(
    connected: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = canvas(end="{kind: exit}")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert connected.json("canvas", "apply", "-")["canvas"] == "Winback"


def test_a_trouble_is_shown_with_what_to_do(connected: Office, db: Db) -> None:
    """S030, S072: a broken connection stands under the step that it stops."""
    connected.run("canvas", "apply", connected.file("winback.yaml", canvas(add=sync())))
    connected.run("canvas", "launch", "Winback", "--yes")
    assert connected.json("canvas", "show", "Winback")["steps"]["add"]["trouble"] is None
    db.execute("update connection set state = 'broken', broken_reason = 'connection (40105)'")
    said, _ = connected.run("canvas", "show", "Winback")
    assert "add: The connection is broken: TikTok refuses its token or app (code 40105)." in said
    assert "Connect again" in said
    told = connected.json("canvas", "show", "Winback")["steps"]["add"]["trouble"]
    assert told["scope"] == "connection"
    assert troubles.of(db, [], database_now(db)) == {}


@pytest.mark.parametrize("command", ["launch", "pause", "resume", "stop", "show"])
def test_an_unknown_name_offers_a_near_one(connected: Office, command: str) -> None:
    file = connected.file("w.yaml", canvas(end="{kind: exit}"))
    connected.run("canvas", "apply", file)
    _, said = connected.run("canvas", command, "Winbak", code=1)
    assert "There is no Canvas named 'Winbak'" in said
    assert "Winback" in said


def test_a_file_that_cannot_be_read_is_told(desk: Office) -> None:
    _, said = desk.run("canvas", "apply", "none.yaml", code=1)
    assert "There is no file none.yaml" in said
    bad = desk.file("bad.yaml", "canvas: A\nstepz: {}\n")
    error = json.loads(desk.run("canvas", "validate", bad, "--json", code=1)[1].splitlines()[-1])
    assert "stepz" in error["field"] + error["error"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [("on: [{event: shipped}]", "people do when they act"), ("by: api", "an API call names them")],
)
def test_where_people_enter_one_by_one_no_number_is_asked_for(
    connected: Office, entry: str, said: str
) -> None:
    """The filter's count would look like how many enter; nobody does at the launch."""
    file = connected.file("w.yaml", canvas(entry=entry, end="{kind: exit}"))
    connected.run("canvas", "apply", file)
    _, told = connected.run("canvas", "launch", "Winback", code=1)
    told = told.replace("\n", " ")
    assert said in told
    assert "Launch with --yes." in told
    connected.run("canvas", "launch", "Winback", "--people", "7")
