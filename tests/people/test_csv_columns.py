"""From header and rows to a batch of people."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from towpath.clock import Instant
from towpath.errors import InputError
from towpath.people.consent import Consent, ConsentState
from towpath.people.csv_columns import (
    CellRefusal,
    ids_without_country,
    read_header,
    read_people,
    with_good_ids,
)
from towpath.people.csv_rows import RowChunk
from towpath.people.profile import Device, PeopleBatch

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEVICE = "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25"


def read(
    header: str, *rows: str, now: Instant = NOW, countries: dict[str, str] | None = None
) -> tuple[PeopleBatch, list[CellRefusal]]:
    found = read_header(header.split(","))
    chunk = RowChunk([row.split(",") for row in rows], list(range(2, len(rows) + 2)))
    good, refused = with_good_ids(found, chunk)
    batch, cells = read_people(found, good, now, countries or {}, None)
    return batch, refused + cells


@pytest.mark.parametrize(
    ("header", "said", "where"),
    [
        ("email,phone", "external_id", "line 1"),
        ("externalid,email", "externalid", "line 1"),
        ("external_id,,email", "empty", "column 2"),
        ("external_id,plan,plan", "column 2", "column 3"),
        ("external_id,Email,email", "column 2", "column 3"),
        ("external_id,points:int", "no type", "column 2"),
        ("external_id,workspace_id", "reserved", "column 2"),
        ("external_id,idfa_sha256", "reserved", "column 2"),
        ("external_id," + ",".join(f"a{n}" for n in range(257)), "256", "line 1"),
    ],
)
def test_headers_refused(header: str, said: str, where: str) -> None:
    with pytest.raises(InputError, match=said) as told:
        read_header(header.split(","))
    assert told.value.field == where


def test_every_known_column() -> None:
    batch, refused = read(
        "External_ID,email,phone,country,language,first_name,last_name,birth_date,idfa,gaid,"
        "ad_tracking,consent,consent_source,consent_at,plan,points:number,vip:boolean,seen:time",
        f" u1 ,Ana@X.co,11 91234-5678,br,pt_BR,Ana,Sá,1990-02-28,{DEVICE},,yes,granted,form,"
        "2026-01-01T10:00:00-03:00,pro,1.50,no,2026-01-01T10:00:00-03:00",
    )
    assert refused == []
    assert batch.external_id == ["u1"]
    assert [one and one.value for one in batch.email + batch.phone] == [
        "ana@x.co",
        "+5511912345678",
    ]
    assert (batch.country, batch.language) == (["BR"], ["pt-BR"])
    assert batch.birth_date == [date(1990, 2, 28)]
    assert (batch.idfa, batch.gaid) == ([Device(DEVICE, True)], [None])
    assert batch.tracking_allowed == [None]
    said_at = datetime(2026, 1, 1, 13, tzinfo=UTC)
    assert batch.consent == [Consent(ConsentState.GRANTED, "form", said_at)]
    assert batch.attributes == [
        {
            "plan": "pro",
            "points": Decimal("1.50"),
            "vip": False,
            "seen": "2026-01-01T13:00:00.000000Z",
        }
    ]


def test_bad_cells_are_refused_and_their_rows_kept() -> None:
    header = "external_id,email,birth_date,points:number,vip:boolean,at:time,country,consent"
    batch, refused = read(
        header,
        'u1,a@b,31/02/2026,"1 234",sim,yesterday,UK,maybe',
        "u2,,2999-01-01,1e400,,2026-01-01,XX,",
        "u3,,2026-02-30,007,,,,",
        ",c@d.co,,,,,,",
        "x" * 257 + ",,,,,,,",
        "u\x07,,,,,,,",
    )
    assert batch.external_id == ["u1", "u2", "u3"]
    assert batch.attributes == [None, None, None]
    at = {(cell.line, cell.column) for cell in refused}
    assert {(5, "external_id"), (6, "external_id"), (7, "external_id")} < at
    assert {(2, name.partition(":")[0]) for name in header.split(",")[1:]} < at
    assert {(3, "birth_date"), (3, "points"), (3, "at"), (3, "country")} < at
    assert {(4, "birth_date"), (4, "points")} < at
    assert all("@" not in cell.reason for cell in refused)


def test_what_was_said_unclearly_never_passes_for_permission() -> None:
    batch, refused = read(
        "external_id,idfa,ad_tracking,consent,consent_source,consent_at",
        f"u1,{DEVICE},perhaps,granted,form,soon",
        "u2,,,withdrawn,,soon",
        "u3,,,,form,2026-01-01T00:00:00Z",
        "u4,,no,granted,,2027-01-01T00:00:00Z",
    )
    assert batch.idfa == [None] * 4
    assert batch.tracking_allowed == [None, None, None, False]
    assert batch.consent == [None, Consent(ConsentState.WITHDRAWN, None, None), None, None]
    assert {(c.line, c.column) for c in refused} == {
        (2, "ad_tracking"), (2, "consent_at"), (3, "consent_at"),
        (4, "consent_source"), (4, "consent_at"), (5, "consent_at"),
    }  # fmt: skip


def test_hashes_only_where_declared() -> None:
    ours = "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"
    batch, refused = read(
        "external_id,email,email_sha256",
        f"u1,{ours},",
        f"u2,,{ours.upper()}",
        f"u3,janedoe@gmail.com,{ours}",
        f"u4,other@gmail.com,{ours}",
    )
    assert batch.email[0] is None
    assert batch.email[1] == (None, bytes.fromhex(ours))
    assert batch.email[2] == ("janedoe@gmail.com", bytes.fromhex(ours))
    assert batch.email[3] is not None
    assert batch.email[3].value == "other@gmail.com"
    assert [(c.line, c.column) for c in refused] == [(2, "email"), (5, "email_sha256")]
    assert "email_sha256" in refused[0].reason


def test_the_later_row_wins_cell_by_cell() -> None:
    batch, _ = read(
        "external_id,email,country,plan,city,consent,consent_at",
        "u1,a@b.co,BR,free,Rio,withdrawn,2026-02-01T00:00:00Z",
        "u2,x@b.co,,,,,",
        "u1,c@d.co,,pro,,granted,2026-01-01T00:00:00Z",
        "u1,bad,,,,,",
    )
    assert batch.external_id == ["u1", "u2"]
    assert batch.email[0] is not None
    assert batch.email[0].value == "c@d.co"
    assert batch.country == ["BR", None]
    assert batch.attributes == [{"plan": "pro", "city": "Rio"}, None]
    assert batch.consent[0] is not None
    assert batch.consent[0].state is ConsentState.WITHDRAWN


def test_the_country_of_a_phone() -> None:
    header = read_header(["external_id", "phone", "country"])
    rows = [
        ["u1", "11 91234-5678", ""],
        ["u2", "11 91234-5678", "BR"],
        ["u3", "+5511912345678", ""],
    ]
    chunk = RowChunk(rows, [2, 3, 4])
    assert ids_without_country(header, chunk) == ["u1"]
    batch, refused = read_people(header, chunk, NOW, {"u1": "BR"}, None)
    assert refused == []
    assert {one and one.value for one in batch.phone} == {"+5511912345678"}
    assert read_people(header, chunk, NOW, {}, None)[1][0].line == 2
    assert read_people(header, chunk, NOW, {}, "BR")[1] == []
