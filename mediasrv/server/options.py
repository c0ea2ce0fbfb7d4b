"""What an operator may say about the server."""

from __future__ import annotations

from dataclasses import dataclass, field

from mediasrv.errors import ConfigError

SHORTEST_TOKEN = 16
"""Characters; fewer are soon guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """Keys of ``[api]``: the operator's door."""

    token: str = field(default="", repr=False)
    """Bearer token of those who may use it, such as `openssl rand -hex 32` makes; without one it is closed."""
    console: bool = False
    """Whether `/console` is shown to the world; without it only to a browser on this machine. It asks for the token."""

    def __post_init__(self) -> None:
        if 0 < len(self.token) < SHORTEST_TOKEN:
            raise ConfigError(f"token must have at least {SHORTEST_TOKEN} characters: openssl rand -hex 32")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Keys of ``[server]``: the port, and how much may come through it."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8080
    """Port to listen on; 0 takes a free one."""
    public_url: str = ""
    """Origin that carriers reach, such as ``https://voice.example.in``; empty: the request's own Host header."""
    tls_certificate_file: str = ""
    """PEM of the server's own certificate and those above it, where no proxy has one; read anew on SIGHUP."""
    tls_key_file: str = ""
    """PEM of its key, without a password."""
    max_calls: int = 300
    """Calls at a time; more are refused with a spoken apology."""
    max_connections_per_address: int = 1024
    """Connections of one IPv4 address or IPv6 /64 to a process; 0: any number. This machine's own are not counted."""
    sheds_load: bool = True
    """Whether work that can be left out is, and then new calls are refused, before those in progress suffer."""
    max_busy_percent: int = 90
    """How much of its time the process may be at work; near it speculation, then all that is optional, is left out."""
    max_lag_ms: int = 30
    """How late the event loop may run, on average over a second, likewise."""
    recover_s: int = 3
    """How long it must have been better before the next thing is done again."""
    drain_s: int = 600
    """Longest wait for live calls to end after SIGTERM."""

    def __post_init__(self) -> None:
        if bool(self.tls_certificate_file) != bool(self.tls_key_file):
            raise ConfigError("TLS needs both: tls_certificate_file and tls_key_file")
        if self.tls_key_file and not self.public_url.startswith("https://"):
            raise ConfigError("with tls_key_file carriers need public_url, an https:// one: the certificate's name")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtelOptions:
    """Keys of ``[otel]``: traces of calls for OpenTelemetry. Needs ``mediasrv[otel]``."""

    endpoint: str = ""
    """Where they are sent, OTLP over HTTP, such as ``http://127.0.0.1:4318/v1/traces``; empty: nowhere."""
    service_name: str = "mediasrv"
    """Name under which they are filed."""
