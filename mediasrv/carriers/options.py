"""What an operator may say about the carriers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PlivoOptions:
    """Keys of ``[plivo]``: the account, what streams carry, and what callers hear when there is no agent for them."""

    auth_id: str = ""
    """The account's id."""
    auth_token: str = field(default="", repr=False)
    """The account's secret, with which Plivo signs its requests."""
    verify_signatures: bool = True
    """Whether webhooks and the WebSocket upgrade must be signed and carry a stream token."""
    content_type: str = "audio/x-mulaw;rate=8000"
    """The stream format that the answer document asks for."""
    noise_cancellation: bool = False
    """Whether Plivo cleans what the caller says of noise before it sends it."""
    noise_cancellation_level: int = 85
    """How much of it, from 60 to 100."""
    keep_call_alive: bool = True
    """Whether the call waits for the stream to end; Plivo may end it at once otherwise."""
    stream_timeout_s: int = 86_400
    """Longest life of a stream; Plivo has no longer one than a day."""
    audio_track: str = "inbound"
    """Whose voice the stream brings; of one that goes both ways it can only be the caller's, ``inbound``."""
    extra_headers: str = ""
    """``key=value,key=value`` that comes with every message of the stream; Plivo logs it, so no secrets."""
    overflow: str = ""
    """Number or SIP address that callers are put through to when ``max_calls`` is reached or the server drains."""
    failure_message: str = "We are sorry, something went wrong. Please call again in a few minutes."
    """Spoken when Plivo had no answer from this server, if it is asked for then: see ``mediasrv wire``."""
    voice: str = "WOMAN"
    """Plivo's own voice, which says the messages and briefs those who calls are handed over to: WOMAN, MAN, Polly.…"""
    language: str = "en-US"
    """The language it speaks."""
    busy_message: str = "All our lines are busy. Please call again in a few minutes."
    """Spoken when ``max_calls`` is reached or the server drains."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Who answers, by the number that was called, in E.164, where its URL names no agent."""
    api_url: str = "https://api.plivo.com"
    """Where Plivo's REST API is; another one for tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioOptions:
    """Keys of ``[twilio]``, which is served where its token is known, or no proof is asked for."""

    account_sid: str = ""
    """The account's id; for calls that we place or lead elsewhere."""
    auth_token: str = field(default="", repr=False)
    """The account's secret, with which Twilio signs its requests."""
    verify_signatures: bool = True
    """Whether webhooks and the WebSocket upgrade must be signed, and streams carry a token."""
    busy_message: str = "All our lines are busy. Please call again in a few minutes."
    """Spoken when `max_calls` is reached or the server drains."""
    failure_message: str = "We are sorry, something went wrong. Please call again in a few minutes."
    """Spoken to a caller whom the answer did not reach, where the number's fallback URL asks for it."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Who answers, by the number that was called, in E.164, where its URL names no agent."""
    api_url: str = "https://api.twilio.com"
    """Where Twilio's REST API is; another one for another region, or for tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExotelOptions:
    """Keys of ``[exotel]``, which is served where a password is set, or no proof is asked for."""

    stream_user: str = "exotel"
    """User of the Basic credentials in the URLs that Exotel is given."""
    stream_password: str = field(default="", repr=False)
    """Password of those; Exotel does not sign anything."""
    verify_signatures: bool = True
    """Whether requests must bring those credentials; false where a firewall lets nobody but Exotel in."""
    sample_rate: int = 8000
    """Rate of the audio that Exotel is asked for in hertz: 8000, 16000 or 24000."""
    account_sid: str = ""
    """The account's id; for calls that we place."""
    api_key: str = field(default="", repr=False)
    """User of the REST API."""
    api_token: str = field(default="", repr=False)
    """Password of the REST API."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Who answers, by the number that was called, in E.164, where its URL names no agent."""
    api_url: str = "https://api.in.exotel.com"
    """Where Exotel's REST API is: this is Mumbai, `https://api.exotel.com` Singapore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelnyxOptions:
    """Keys of ``[telnyx]``, which is served where its API key is known."""

    api_key: str = field(default="", repr=False)
    """The account's secret; calls are answered with it, and streams carry a token made of it."""
    public_key: str = ""
    """The account's public key, base64, with which webhooks are checked."""
    verify_signatures: bool = True
    """Whether webhooks must be signed and streams carry a token."""
    connection_id: str = ""
    """The Call Control application; for calls that we place."""
    codec: str = "PCMU"
    """What the stream carries: `PCMU`, `PCMA` or `L16` (16 kHz)."""
    voice: str = "AWS.Polly.Joanna"
    """Telnyx's own voice, which briefs those who calls are handed over to."""
    language: str = "en-US"
    """The language it speaks."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Who answers, by the number that was called, in E.164, where its URL names no agent."""
    api_url: str = "https://api.telnyx.com"
    """Where Telnyx's REST API is; another one for tests."""
