"""What an operator may say about a fleet of servers."""

from __future__ import annotations

from dataclasses import dataclass, field

from mediasrv.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """Keys of ``[fleet]``: several servers behind one address, which share calls by load. Needs ``mediasrv[fleet]``."""

    redis_url: str = ""
    """Where the servers meet, such as ``redis://10.0.0.5:6379/0``; empty: this server is alone."""
    redis_password: str = field(default="", repr=False)
    """Its password, where it has one."""
    redis_within_ms: int = 500
    """Longest wait for Redis, then a server goes on alone: more than a busy machine's pauses; callers wait too."""
    node: str = ""
    """This server's name in the fleet; another for each."""
    url: str = ""
    """Origin of the whole fleet, which carriers' webhooks are sent to; ``server.public_url`` is this server's own."""
    internal_url: str = ""
    """Origin at which the other servers reach this one, such as ``http://10.0.0.7:8080``."""
    secret: str = field(default="", repr=False)
    """Shared by all servers: marks the requests that one hands on to another."""

    @property
    def is_on(self) -> bool:
        """Whether there is a fleet."""
        return bool(self.redis_url)

    def __post_init__(self) -> None:
        if self.is_on:
            for name in ("node", "url", "internal_url", "secret"):
                if not getattr(self, name):
                    raise ConfigError(f"fleet.{name} must be set where fleet.redis_url is")
        if self.redis_within_ms < 1:
            raise ConfigError("fleet.redis_within_ms must be at least 1")
