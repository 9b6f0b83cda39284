"""`towpath erase`, as it is typed."""

from pathlib import Path

from tests.cli.office import Office


def test_erased_looked_at_refused_and_let_in_again(desk: Office) -> None:
    people = desk.file("people.csv", "external_id,email\nana,ana@example.com\nbia,b@example.com\n")
    desk.run("import", "people", people)
    _, refused = desk.run("erase", "nobody", "--yes", code=1)
    assert "anybody's" in refused
    said, _ = desk.run("erase", "ana", "--yes")
    assert "Erasure 1 of 1 people" in said
    ids = desk.file("ids.txt", "bia\n\nnobody\n")
    assert desk.json("erase", "--file", ids, "--yes")["unknown"] == 1
    assert desk.json("erase", "show", "1")["people"] == 1
    again = desk.file("again.csv", "external_id,email\nx,\nana,\ndora,ana@example.com\n")
    report = desk.file("refused.csv", "")
    desk.run("import", "people", again, "--report", report)
    told = Path(report).read_text(encoding="utf-8")
    assert [line.split(",")[0] for line in told.splitlines()[1:]] == ["3", "4"]
    assert "towpath erase lift" in told
    assert "example.com" not in told
    said, _ = desk.run("erase", "lift", "ana", "--email", "Ana@example.com")
    assert "2 of 2" in said
    more = desk.file("more.csv", "external_id,email\nana,ana@example.com\n")
    assert "1" in desk.run("import", "people", more)[0]
