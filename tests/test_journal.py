from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasrv.journal import start_logging

log = logging.getLogger("mediasrv.test")


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Path]:
    """A file that stands for the journal's socket, with logging started on it."""
    path = tmp_path / "journal"
    with path.open("w") as stream:
        status = os.fstat(stream.fileno())
        start_logging("debug", {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}, stream)
        yield path


def test_a_line_holds_the_message_and_the_facts() -> None:
    stream = io.StringIO()
    start_logging("info", {}, stream)
    log.info("turn finished", extra={"call": "c1", "turn": 7})
    assert stream.getvalue().endswith(" INFO mediasrv.test: turn finished call=c1 turn=7\n")


def test_a_fact_cannot_forge_a_line() -> None:
    stream = io.StringIO()
    start_logging("info", {}, stream)
    log.info("closed", extra={"reason": "bye\n<3>forged", "empty": "", "count": 0})
    assert stream.getvalue().endswith(": closed reason='bye\\n<3>forged' empty='' count=0\n")


def test_records_below_the_level_are_dropped() -> None:
    stream = io.StringIO()
    start_logging("warning", {}, stream)
    log.info("quiet")
    log.warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_starting_again_leaves_one_handler() -> None:
    first, second = io.StringIO(), io.StringIO()
    start_logging("info", {}, first)
    start_logging("info", {}, second)
    log.info("once")
    assert not first.getvalue()
    assert second.getvalue().count("once") == 1


def test_the_journal_gets_priorities(journal: Path) -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        log.log(level, "x", extra={"port": 1})
    assert journal.read_text().splitlines() == [f"<{n}>mediasrv.test: x port=1" for n in (7, 6, 4, 3, 2)]


def test_every_line_of_a_traceback_has_a_priority_in_the_journal(journal: Path) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("failed", extra={"call": "c1"})
    lines = journal.read_text().splitlines()
    assert lines[0] == "<3>mediasrv.test: failed call=c1"
    assert lines[-1] == "<3>ValueError: broken"
    assert all(line.startswith("<3>") for line in lines)


def test_a_stream_that_is_not_the_journal_gets_no_priorities(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        start_logging("info", {"JOURNAL_STREAM": "8:1"}, stream)
        log.info("plain")
    assert path.read_text().endswith("INFO mediasrv.test: plain\n")
