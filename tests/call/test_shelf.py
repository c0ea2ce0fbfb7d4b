from __future__ import annotations

import os
from pathlib import Path

import pytest

from mediasrv.call.shelf import Shelf, cache_folder
from mediasrv.providers.base import Speech

RECORDING = [Speech(b"\x01\n\x02", "Good"), Speech(b"\x03" * 100, "morning."), Speech(b"\x04")]


def test_what_was_put_there_is_found_by_another(tmp_path: Path) -> None:
    Shelf(tmp_path / "a" / "b").put("greeting", RECORDING)
    assert Shelf(tmp_path / "a" / "b").get("greeting") == RECORDING
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["greeting"]


def test_what_was_never_put_there_is_not_found(tmp_path: Path) -> None:
    assert Shelf(tmp_path).get("greeting") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"\x00",
        lambda data: data.replace(b"\x03\x03", b"\x03\x07", 1),
        lambda data: data.replace(b"100", b"99"),
        lambda data: data.replace(b"100", b"null"),
        lambda data: data.replace(b"pieces", b"parts"),
        lambda data: b"[]\n" + data,
        lambda data: b"\xff\xfe" + data,
    ],
)
def test_a_file_that_is_not_whole_is_as_good_as_none(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    shelf = Shelf(tmp_path)
    shelf.put("greeting", RECORDING)
    path = tmp_path / "greeting"
    path.write_bytes(damage(path.read_bytes()))
    assert shelf.get("greeting") is None
    shelf.put("greeting", RECORDING)
    assert shelf.get("greeting") == RECORDING


def test_a_folder_that_cannot_be_is_told_of_and_nothing_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    shelf = Shelf(tmp_path / "file" / "voice")
    shelf.put("greeting", RECORDING)
    assert "not kept" in caplog.text
    assert shelf.get("greeting") is None
    shelf.tidy()


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for used_s, name in enumerate(("in use", "oldest", "older", "old")):
        shelf.put(name, RECORDING)
        os.utime(tmp_path / name, (used_s, used_s))
    assert shelf.get("in use") == RECORDING
    room = 2 * (tmp_path / "old").stat().st_size
    Shelf(tmp_path, most_bytes=room + 10).tidy()
    assert {path.name for path in tmp_path.iterdir()} == {"in use", "old"}


def test_the_folder_is_the_services_or_the_users() -> None:
    assert cache_folder({"CACHE_DIRECTORY": "/var/cache/a:/var/cache/b"}) == Path("/var/cache/a/voice")
    assert cache_folder({"XDG_CACHE_HOME": "/home/x/c"}) == Path("/home/x/c/mediasrv/voice")
    assert cache_folder({}) == Path(os.path.expanduser("~/.cache/mediasrv/voice"))
