"""What an operator may say about the carriers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PlivoOptions:
    """Keys of ``[plivo]``."""

    auth_id: str = ""
    """The account's id."""
    auth_token: str = field(default="", repr=False)
    """The account's secret, with which Plivo signs its requests."""
    verify_signatures: bool = True
    """Whether webhooks and the WebSocket upgrade must be signed and carry a stream token."""
    content_type: str = "audio/x-mulaw;rate=8000"
    """The stream format that the answer document asks for."""
    busy_message: str = "All our lines are busy. Please call again in a few minutes."
    """Spoken when ``max_calls`` is reached or the server drains."""
    api_url: str = "https://api.plivo.com"
    """Where Plivo's REST API is; another one for tests."""
