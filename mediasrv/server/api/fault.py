"""What goes wrong between an operator and us, as it is told him."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mediasrv.errors import MediasrvError


@dataclass
class Fault(MediasrvError):
    """A request that is not done."""

    status: int
    code: str
    """For programs."""
    message: str
    """For people."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


def unavailable(code: str, message: str) -> Fault:
    """This server cannot do that, or not now."""
    return Fault(503, code, message)
