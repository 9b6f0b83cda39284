"""`towpath segment`, as it is typed."""

from tests.cli.office import Office
from tests.store.filter_crowd import NOBODY_SPECIAL, NOW, insert

from towpath.store import workspaces
from towpath.store.database import Db

BRAZIL = "segment: Brazil\nfilter: {all: [{attribute: country, is: BR}, {bucket: {at_least: 0}}]}"


def test_from_a_file_to_its_end(desk: Office, db: Db) -> None:
    workspace = workspaces.ensure_default(db, NOW).id
    insert(db, workspace, [NOBODY_SPECIAL | {"country": one} for one in ("BR", "PT", "BR")], NOW)
    file = desk.file("brazil.yaml", BRAZIL)
    assert "Brazil is saved as revision 1." in desk.run("segment", "apply", file)[0]
    assert "Brazil is as it was, revision 1." in desk.run("segment", "apply", file)[0]
    assert desk.json("segment", "list")[0]["segment"] == "Brazil"
    assert desk.json("segment", "show", "Brazil")["used_by"] == []
    assert desk.json("segment", "count", "Brazil")["people"] == 2
    assert desk.json("segment", "count", "Brazil", "--estimate")["low"] == 2
    assert [one["external_id"] for one in desk.json("segment", "sample", "Brazil")] == ["p…"] * 2
    told = desk.json("segment", "explain", "Brazil")
    assert [one["drops"] for one in told["rules"]] == [1, 1, 0]
    said, _ = desk.run("segment", "explain", "Brazil", "--person", "p1")
    assert "attribute: country" in said
    user = desk.file("user.yaml", "segment: User\nfilter: {segment: Brazil}")
    desk.run("segment", "apply", user)
    _, refused = desk.run("segment", "delete", "Brazil", code=1)
    assert "used by segment User" in refused
    desk.run("segment", "delete", "User")
    desk.run("segment", "delete", "Brazil")
    assert "There is no segment" in desk.run("segment", "list")[0]


def test_what_is_wrong_is_said_with_its_place(desk: Office) -> None:
    for text, says in [
        ("segment: A\nfilter: {any: [{segment: A}]}", "circle: A → A"),
        ("segment: A\nfilter: {any: [{segment: B}]}", "no segment named 'B'"),
        ("segment: A\nfilter: {any: [{attribute: x, matches: y}]}", "filter.any[0]"),
        ("filter: {has: email}", "Begin with segment: NAME."),
        ("segment: A\nfiltre: {has: email}", "Did you mean filter?"),
        ("", "Begin with segment: NAME."),
    ]:
        _, said = desk.run("segment", "apply", desk.file("bad.yaml", text), code=1)
        assert says in said
    assert "Did you mean" not in desk.run("segment", "count", "A", code=1)[1]
