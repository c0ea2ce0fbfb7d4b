"""What figures hold for: the machine, the interpreter and the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def described() -> str:
    """One line for the head of a report."""
    return f"{os.cpu_count()} x {_processor()}, Python {platform.python_version()}, commit {commit()}"


def commit() -> str:
    """What is measured."""
    told = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


def facts() -> dict[str, object]:
    """The same and more, for a line of JSON."""
    packages = ("mediasrv", "numpy", "numba", "uvloop", "websockets", "aiohttp")
    return {
        "machine": _processor(),
        "python": platform.python_version(),
        "commit": commit(),
        "cores": os.cpu_count(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "unknown",
        "load": os.getloadavg()[0],
        "kernel": platform.release(),
        "versions": {name: version(name) for name in packages},
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
