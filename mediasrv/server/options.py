"""What an operator may say about the server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Keys of ``[server]``."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8080
    """Port to listen on; 0 takes a free one."""
    public_url: str = ""
    """Origin that carriers reach, such as ``https://voice.example.in``; empty: the request's own Host header."""
    max_calls: int = 300
    """Calls at a time; more are refused with a spoken apology."""
    drain_s: int = 600
    """Longest wait for live calls to end after SIGTERM."""
