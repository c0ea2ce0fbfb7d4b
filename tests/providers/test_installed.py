import sys
from pathlib import Path

import pytest

import mediasrv
from mediasrv.errors import ConfigError
from mediasrv.providers import installed


def test_what_is_installed_is_not_missing() -> None:
    assert installed.missing("do this", "mediasrv", "json") == ""
    installed.require("do this", "mediasrv")


def test_the_first_missing_module_is_named_with_the_remedy() -> None:
    assert installed.missing("do this", "mediasrv", "no_such_a", "no_such_b") == "no_such_a is not installed: do this"


def test_requiring_what_is_missing_is_the_operators_mistake() -> None:
    with pytest.raises(ConfigError, match="no_such_a is not installed: do this"):
        installed.require("do this", "no_such_a")


def test_looking_for_a_module_does_not_import_it() -> None:
    sys.modules.pop("this", None)
    assert installed.missing("", "this") == ""
    assert "this" not in sys.modules


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's libraries")
def test_a_library_that_is_not_there_is_named_with_the_remedy() -> None:
    assert installed.missing_library("do this", "libno_such.so.1") == "libno_such.so.1 is not installed: do this"
    assert installed.missing_library("do this", "libc.so.6") == ""


def test_libraries_of_other_systems_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert installed.missing_library("do this", "libno_such.so.1") == ""


def test_the_folder_of_a_package_is_found() -> None:
    assert mediasrv.__file__ is not None
    assert installed.folder_of("mediasrv") == Path(mediasrv.__file__).parent


@pytest.mark.parametrize("module", ["no_such_a", "this"])
def test_what_is_no_package_has_no_folder(module: str) -> None:
    assert installed.folder_of(module) is None


def test_processor_flags_that_nobody_has_are_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "processor : 0\nflags\t\t: fpu avx2 fma\n")
    assert installed.absent_cpu_flags({"fma", "f16c", "bmi2"}) == ["bmi2", "f16c"]


@pytest.mark.parametrize(("system", "machine"), [("darwin", "x86_64"), ("linux", "aarch64")])
def test_other_machines_are_not_judged(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert installed.absent_cpu_flags({"magic"}) == []


def test_a_processor_that_does_not_tell_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "processor : 0\n")
    assert installed.absent_cpu_flags({"magic"}) == []
