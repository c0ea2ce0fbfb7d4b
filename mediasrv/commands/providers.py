"""``mediasrv providers``: what can hear, think and speak."""

from __future__ import annotations

import argparse
from typing import Any

from mediasrv.commands.base import add_command


def add(commands: Any) -> None:
    """Teach the parser."""
    add_command(
        commands,
        "providers",
        _providers,
        "list speech-to-text, language models and text-to-speech",
        log_level="warning",
    )


def _providers(_: argparse.Namespace) -> int:
    from mediasrv.providers.registry import describe

    for info in describe():
        print(f"{info.stage} {info.name:<12} {info.missing or 'ready'}")
        for name, shape in info.options.items():
            print(f"      {name}: {shape}")
    return 0
