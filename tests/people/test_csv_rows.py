"""CSV from bytes: encodings, line ends, quotes, and rows that are refused alone."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import InputError
from towpath.limits import IMPORT_LINE_BYTES_MAX
from towpath.people.csv_rows import CELL_CHARS_MAX, CsvRows, RowChunk, check_head


def read(data: bytes, block: int = 7) -> RowChunk:
    """All rows behind the header, read in small blocks."""
    whole = RowChunk()
    blocks = (data[start : start + block] for start in range(0, len(data), block))
    for chunk in CsvRows(blocks).chunks(3):
        whole.rows += chunk.rows
        whole.lines += chunk.lines
        whole.refused += chunk.refused
    return whole


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_and_a_byte_order_mark(end: str) -> None:
    found = read(("\ufeffid,name" + end + "1,Ana" + end + end + "2,Bé").encode())
    assert found.rows == [["1", "Ana"], ["2", "Bé"]]
    assert found.lines == [2, 4]


_CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(_CELLS, _CELLS, _CELLS)), st.integers(1, 40))
def test_what_the_csv_module_writes_comes_back(rows: list[tuple[str, ...]], block: int) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([("a header", "b", "c"), *rows])
    found = read(text.getvalue().encode(), block)
    assert found.rows == [list(row) for row in rows if row != ("a header", "b", "c")]


@given(
    st.lists(st.sampled_from(["1,a\n", '1,"a\nb"\n', "\n", "1\n", "id,name\n", '1,"a"b\n'])),
    st.integers(1, 5),
)
def test_chunks_of_any_size_bear_the_same_lines(pieces: list[str], size: int) -> None:
    """Good rows, rows over two lines, blank and refused ones, in any order."""
    lines, refused, at = [], [], 2
    for piece in pieces:
        if piece in ("1,a\n", '1,"a\nb"\n'):
            lines.append(at)
        elif piece != "\n":
            refused.append(at)
        at += piece.count("\n")
    rows = CsvRows([f"id,name\n{''.join(pieces)}".encode()])
    chunks = list(rows.chunks(size))
    assert [line for chunk in chunks for line in chunk.lines] == lines
    assert sorted(row.line for chunk in chunks for row in chunk.refused) == refused
    assert rows.blank_lines == pieces.count("\n")
    assert all(max(len(chunk.rows), len(chunk.refused)) <= size for chunk in chunks)


@given(st.binary(max_size=200), st.integers(1, 40))
def test_any_bytes_are_read_or_refused(data: bytes, block: int) -> None:
    try:
        found = read(b"id,name\n" + data, block)
    except InputError as error:
        refused_whole = error.field
    else:
        refused_whole = "line "
        assert all(len(row) == 2 and "\0" not in "".join(row) for row in found.rows)
    assert refused_whole.startswith("line ")


def test_rows_that_cannot_be_read_are_refused_by_line() -> None:
    data = (
        b'id,name\n1,a\n2\n3,c,d\n4,"x"y\n5,"two\nlines"\n6,\0\n'
        b'id,name\n7,g\n8,"never closed\n9,i\n'
    )
    found = read(data, 1000)
    assert found.rows == [["1", "a"], ["5", "two\nlines"], ["7", "g"]]
    assert found.lines == [2, 6, 10]
    reasons = {refused.line: refused.reason for refused in found.refused}
    assert reasons.keys() == {3, 4, 5, 8, 9, 11}
    assert "fewer" in reasons[3]
    assert "more" in reasons[4]
    assert "closing quote" in reasons[5]
    assert "NUL" in reasons[8]
    assert "header again" in reasons[9]
    assert "never closes" in reasons[11]


@pytest.mark.parametrize("size", [CELL_CHARS_MAX + 1, 3 * IMPORT_LINE_BYTES_MAX])
@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_huge_line_is_one_refused_row(size: int, quote: bytes) -> None:
    data = b"id,name\n1,a\n2," + quote + b"x" * size + quote + b"\n3,c\n"
    found = read(data, 1 << 18)
    assert found.rows == [["1", "a"], ["3", "c"]]
    assert found.lines == [2, 4]
    assert [refused.line for refused in found.refused] == [3]
    assert "beyond" in found.refused[0].reason


def test_a_quote_left_open_costs_a_bounded_piece() -> None:
    rows = b"".join(b"%d,name\n" % number for number in range(100_000))
    found = read(b'id,name\nx,"open\n' + rows, 1 << 18)
    assert len(found.rows) > 80_000
    assert found.refused[0].line == 2
    assert found.refused[0].to_line == found.lines[0] - 1


def test_latin_1_is_refused_with_its_line() -> None:
    data = b"id,name\n" + b"1,a\n" * 50 + "2,José\n".encode("latin-1")
    for block in (5, 1000):
        with pytest.raises(InputError, match="0xe9") as told:
            read(data, block)
        assert told.value.field == "line 52"
        assert "iconv" in told.value.remedy


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        ("id,name".encode("utf-16"), "UTF-16"),
        ("id,name".encode("utf-16-le"), "UTF-16"),
        (b"PK\x03\x04...", "spreadsheet"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x89PNG\r\n", "picture"),
        (b"\n <!DOCTYPE html>", "HTML"),
    ],
)
def test_what_is_no_csv_is_refused(head: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as told:
        check_head(head)
    assert told.value.remedy


def test_other_separators_are_named() -> None:
    with pytest.raises(InputError, match="semicolons") as told:
        read(b"id;name\n1;a\n")
    assert "--separator ';'" in told.value.remedy
    with pytest.raises(InputError, match="tabs") as told:
        read(b"id\tname\n")
    assert "--separator tab" in told.value.remedy
    assert CsvRows([b"id;name\n1;a\n"], ";").header == ["id", "name"]
