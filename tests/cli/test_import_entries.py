"""Bad and odd people files, one by one, by their numbers (C01 to C51): what is refused, what taken.

Stopping, going on and taking turns (C52 to C54) are in test_import_jobs.py.
"""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from towpath.cli.import_counts import ImportResult
from towpath.cli.people_file import Asked, import_people
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.people.csv_columns import CellRefusal
from towpath.store import erasures, workspaces
from towpath.store.database import Db

DIGEST = "ab" * 32


class Told(NamedTuple):
    """What an import told, and the people it left: external id, e-mail, phone, attributes."""

    result: ImportResult
    refused: list[CellRefusal]
    people: dict[str, tuple[object, ...]]


def run(db: Db, now: Instant, path: Path, data: bytes | str, how: Asked | None = None) -> Told:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    refused: list[CellRefusal] = []
    workspace = workspaces.ensure_default(db, now)
    result = import_people(db, workspace, path, now, how or Asked(), refused.extend)
    asked = "select external_id, email, phone, attributes from profile where gone_at is null"
    rows = db.execute(asked)
    return Told(result, refused, {str(row[0]): row[1:] for row in rows})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("people.csv", "external_id\nu1\n")
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "said", "field"),
    [
        pytest.param("", "empty", "", id="C01 no bytes"),
        pytest.param("u1,a@b.co\nu2,c@d.co\n", "none is named external_id", "line 1", id="C03"),
        pytest.param("external_id,city\nu1,S\xe3o\n".encode("latin-1"), "0xe3", "line 2", id="C05"),
        pytest.param("external_id;email\nu1;a@b.co\n", "semicolons", "line 1", id="C06"),
        pytest.param("external_id\temail\nu1\ta@b.co\n", "tabs", "line 1", id="C07"),
        pytest.param(
            "external_id," + ",".join(f"c{n}" for n in range(20_000)), "256", "line 1", id="C16"
        ),
        pytest.param(b"PK\x03\x04" + b"x" * 99, "spreadsheet", "", id="C19 xlsx"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "no text", "", id="C20"),
        pytest.param(zipped(), "archive", "", id="C21"),
        pytest.param(gzip.compress(b"external_id\nu1\n"), "gzip", "", id="C22"),
        pytest.param("<!DOCTYPE html><html>log in</html>", "HTML", "", id="C23"),
        pytest.param("external_id,is_admin\nu1,1\n", "reserved", "column 2", id="C43 is_admin"),
        pytest.param("external_id,workspace_id\nu1,1\n", "reserved", "column 2", id="C43"),
        pytest.param("external_id,id\nu1,1\n", "reserved", "column 2", id="C43 id"),
        pytest.param("external_id,,email\nu1,,a@b.co\n", "empty", "column 2", id="C45"),
        pytest.param(f"external_id,{'x' * 5_000}\nu1,1\n", "too long", "column 2", id="C46"),
    ],
)
def test_files_refused_whole(
    db: Db, now: Instant, path: Path, data: bytes | str, said: str, field: str
) -> None:
    with pytest.raises(InputError, match=said) as told:
        run(db, now, path, data)
    assert told.value.field == field
    assert db.execute("select count(*) from profile").fetchone() == (0,)
    assert db.execute("select count(*) from import_job").fetchone() == (0,)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        pytest.param("u1", "", "fewer cells", id="C11"),
        pytest.param("u1,a@b.co,,,,,,,", "", "more cells", id="C12"),
        pytest.param('u1,"a@b.co,,,,,', "", "never closes", id="C13"),
        pytest.param('u1,"a"b@c.co,,,,,', "", "closing quote", id="C14"),
        pytest.param(f"u1,{'x' * 10_000_000},,,,,", "", "beyond 131,072", id="C15"),
        pytest.param("u1,a\0@b.co,,,,,", "", "NUL", id="C17"),
        pytest.param(" ,a@b.co,,,,,", "external_id", "is empty", id="C26"),
        pytest.param("u1,a@b,,,,,", "email", "no dot", id="C28"),
        pytest.param("u1,Name <a@b.co>,,,,,", "email", "no address has", id="C29"),
        pytest.param("u1,a@b.co;c@d.co,,,,,", "email", "one address only", id="C30"),
        pytest.param("u1,a\u200b@b.co,,,,,", "email", "invisible", id="C31"),
        pytest.param("u1,,+,,,,", "phone", "no phone number", id="C33"),
        pytest.param("u1,,+55 11 3123-4567 ext 9,,,,", "phone", "extension", id="C34"),
        pytest.param("u1,,+55119123456781234567,,,,", "phone", "", id="C36"),
        pytest.param("u1,,,31/02/2026,,,", "birth_date", "no date", id="C38"),
        pytest.param("u1,,,2026-02-31,,,", "birth_date", "no date", id="C38 no such day"),
        pytest.param('u1,,,,"1,234",,', "points", "plain number", id="C39"),
        pytest.param("u1,,,,,sim,", "vip", "true, yes, 1, false", id="C40"),
        pytest.param("u1,,,,,,maybe", "consent", "", id="C47"),
        pytest.param(f"u1,{DIGEST},,,,,", "email", "SHA-256 already", id="C48"),
    ],
)
def test_rows_and_cells_refused_alone(
    db: Db, now: Instant, path: Path, row: str, column: str, reason: str
) -> None:
    header = "external_id,email,phone,birth_date,points:number,vip:boolean,consent"
    good = "good,g@x.co,+5511912345678,1990-01-02,7,TRUE,granted"
    told = run(db, now, path, f"{header}\n{good}\n{row}\n")
    assert [(cell.line, cell.column) for cell in told.refused] == [(3, column)]
    assert reason in told.refused[0].reason
    taken = {"good"} if column in {"", "external_id"} else {"good", "u1"}
    assert set(told.people) == taken
    assert told.people["good"] == ("g@x.co", "+5511912345678", {"points": 7, "vip": True})
    if "u1" in taken:
        assert told.people["u1"] == (None, None, {})
        assert db.execute("select consent from profile order by number").fetchall() == [(1,), (0,)]


def email_of(told: Told) -> object:
    return told.people["u1"][0]


def phone_of(told: Told) -> object:
    return told.people["u1"][1]


def attributes_of(told: Told) -> object:
    return told.people["u1"][2]


@pytest.mark.parametrize(
    ("data", "found", "expected"),
    [
        pytest.param("external_id,email\n", lambda told: told.result.rows, 0, id="C02"),
        pytest.param("\ufeffexternal_id,email\nu1,a@b.co\n", email_of, "a@b.co", id="C04"),
        pytest.param("external_id,email\ru1,a@b.co\r", email_of, "a@b.co", id="C08"),
        pytest.param("external_id,email\nu1,a@b.co", email_of, "a@b.co", id="C09"),
        pytest.param("external_id\n\nu1\n\n\n", lambda told: told.result.blank_lines, 3, id="C10"),
        pytest.param(
            "external_id,a\nu1,x\nu1,x\n",
            lambda told: (told.result.people, told.result.repeated, attributes_of(told)),
            (1, 1, {"a": "x"}),
            id="C24",
        ),
        pytest.param(
            "external_id,a,b\nu1,x,1\nu1,y,\n",
            lambda told: (told.result.repeated, attributes_of(told)),
            (1, {"a": "y", "b": "1"}),
            id="C25",
        ),
        pytest.param(
            "external_id,email\nu1,\n",
            lambda told: (told.result.people, told.result.matchable),
            (1, 0),
            id="C27",
        ),
        pytest.param(
            "external_id,email\nu1,a@b\u00fccher.example\n",
            email_of,
            "a@xn--bcher-kva.example",
            id="C32 punycode",
        ),
        pytest.param(
            "external_id,phone\nu1,005511912345678\n", phone_of, "+5511912345678", id="C35"
        ),
        pytest.param(
            "external_id,phone\nu1,+551187654321\n",
            lambda told: (phone_of(told), told.result.old_mobiles),
            ("+551187654321", 1),
            id="C37",
        ),
        pytest.param(
            'external_id,a\nu1,"=HYPERLINK(""x"")"\n',
            attributes_of,
            {"a": '=HYPERLINK("x")'},
            id="C41",
        ),
        pytest.param("external_id,a\nu1,<script>\n", attributes_of, {"a": "<script>"}, id="C42"),
        pytest.param(
            "external_id,a\nu1,x\nu2\nu3,x,y\nu4,z\n",
            lambda told: (sorted(told.people), [cell.line for cell in told.refused]),
            (["u1", "u4"], [3, 4]),
            id="C44",
        ),
    ],
)
def test_what_is_taken(
    db: Db,
    now: Instant,
    path: Path,
    data: str,
    found: Callable[[Told], object],
    expected: object,
) -> None:
    assert found(run(db, now, path, data)) == expected


def test_separators_named(db: Db, now: Instant, path: Path) -> None:
    """C06 and C07, once the separator is said."""
    told = run(db, now, path, "external_id;email\nu1;a@b.co\n", Asked(";"))
    assert email_of(told) == "a@b.co"
    told = run(db, now, path, "external_id\temail\nu1\tb@b.co\n", Asked("\t"))
    assert email_of(told) == "b@b.co"


def test_hashes(db: Db, now: Instant, path: Path) -> None:
    """C49 upper case counts as lower; C50 an MD5 is no SHA-256."""
    told = run(db, now, path, f"external_id,email_sha256\nu1,{DIGEST.upper()}\nu2,{'a' * 32}\n")
    assert db.execute("select email from match_key").fetchall() == [(bytes.fromhex(DIGEST),)]
    assert [(cell.line, "MD5" in cell.reason) for cell in told.refused] == [(3, True)]


def test_a_large_file_in_flat_memory(db: Db, now: Instant, path: Path) -> None:
    """C18: a chunk at a time. That it is read in pieces shows by the chunks that are noted."""
    rows = "".join(f"u{number},{'x' * 200}\n" for number in range(2_000))
    run(db, now, path, f"external_id,note\n{rows}", Asked(chunk_rows=100))
    assert db.execute("select chunks, state from import_job").fetchone() == (21, "done")


@pytest.mark.parametrize("again", ["u1,", "u9,ana@b.co"], ids=["the id", "the e-mail"])
def test_erased_people_stay_out(db: Db, now: Instant, path: Path, again: str) -> None:
    """C51: whoever was erased is refused by id and by identifier, with the line; others come in."""
    run(db, now, path, "external_id,email\nu1,ana@b.co\n")
    erasures.erase(db, workspaces.ensure_default(db, now).id, ["u1"], "test", now)
    told = run(db, now, path, f"external_id,email\n{again}\nu2,c@d.co\n")
    assert [(cell.line, "erased" in cell.reason) for cell in told.refused] == [(2, True)]
    assert (told.result.people, set(told.people)) == (1, {"u2"})
