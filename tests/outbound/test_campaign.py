"""Campaign files, good and bad."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import binary, characters, lists, text, tuples

from mediasrv.errors import ConfigError
from mediasrv.outbound.campaign import Flaw, Row, read_campaign
from mediasrv.outbound.request import DialRequest

COMMON = DialRequest(number="", agent="sales", purpose="service", campaign="spring", body={"offer": "tea"})


def rows(folder: Path, content: str | bytes) -> list[Row | Flaw]:
    path = folder / "campaign.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_campaign(path, COMMON))


def test_a_line_is_a_request(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, "Number, zone ,name\n+91 98765 00001,Asia/Kolkata,Asha\n")
    assert isinstance(row, Row)
    assert row.line == 2
    assert (row.request.number, row.request.zone) == ("+919876500001", "Asia/Kolkata")
    assert dict(row.request.body) == {"offer": "tea", "name": "Asha"}
    assert (row.request.agent, row.request.purpose, row.request.campaign) == ("sales", "service", "spring")


def test_a_malformed_line_is_named_and_the_rest_untouched(tmp_path: Path) -> None:
    content = b"""\xef\xbb\xbfnumber,name
+919876500001,Asha
12345,Bob

+919876500002
+919876500003,"unclosed
+919876500004,one,too many
+919876500005,\xff\xfe
+919876500001,Asha again
+919876500006,"Rao, S."
"""
    found = rows(tmp_path, content)
    assert [row.request.number[-1] for row in found if isinstance(row, Row)] == ["1", "6"]
    flaws = [flaw for flaw in found if isinstance(flaw, Flaw)]
    assert [flaw.line for flaw in flaws] == [3, 5, 6, 7, 8, 9]
    words = ["number: expected", "expected 2 fields, got 1", "not CSV", "got 3", "UTF-8", "stands in line 2 already"]
    assert all(word in str(flaw) for flaw, word in zip(flaws, words, strict=True))
    assert not any("98765" in str(flaw) for flaw in flaws)


def test_a_line_of_megabytes_is_a_flaw(tmp_path: Path) -> None:
    found = rows(tmp_path, "number,name\n+919876500001," + "x" * 10_000_000 + "\n+919876500002,Bob\n")
    assert [type(each) for each in found] == [Flaw, Row]


@pytest.mark.parametrize(
    "content", ["", "name\nAsha\n", "number,number\n", "number,\n", "\ufeff\n", "a" * 100_000, '"number\n']
)
def test_a_file_without_numbers_is_none(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError, match="line 1"):
        rows(tmp_path, content)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the campaign"):
        list(read_campaign(tmp_path / "nothing.csv", COMMON))


@given(content=binary(max_size=300))
def test_whatever_stands_there_every_line_is_a_row_or_a_flaw(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    found = rows(tmp_path_factory.mktemp("campaign"), b"number,name\n" + content)
    lines = [line for line in content.split(b"\n") if line.strip()]
    assert len(found) == len(lines)


PRINTABLE = characters(exclude_categories=("C", "Z"))


@given(names=lists(tuples(text(PRINTABLE, max_size=20), text(PRINTABLE, max_size=20)), max_size=8))
def test_what_a_csv_writer_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, names: list[tuple[str, str]]
) -> None:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["number", "first", "last"])
    for place, name in enumerate(names):
        writer.writerow([f"+91987650{place:04}", *name])
    found = rows(tmp_path_factory.mktemp("campaign"), written.getvalue())
    bodies = [dict(row.request.body) for row in found if isinstance(row, Row)]
    assert bodies == [{"offer": "tea", "first": first, "last": last} for first, last in names]
