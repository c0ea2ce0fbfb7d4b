"""The servers of a fleet, as the registry tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from mediasrv.errors import MediasrvError


class RegistryError(MediasrvError):
    """Redis is away, or does not answer in time."""


@dataclass(frozen=True, slots=True)
class Node:
    """A server of the fleet."""

    name: str
    url: str
    """Its internal origin."""


@dataclass(frozen=True, slots=True)
class Buried:
    """A server that is dead."""

    name: str
    calls: tuple[str, ...]
    """Calls that were live there."""
