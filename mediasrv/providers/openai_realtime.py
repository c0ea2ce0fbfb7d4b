"""OpenAI Realtime: speech to speech over a WebSocket, in the telephone's own mu-law both ways.

There is no resuming a session: one that is lost, and one that has grown old, is followed by another that is told what
was said. The vendor ends each after 60 minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from mediasrv.audio.format import MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import ConfigError
from mediasrv.net.origin import rooted, websocket_url
from mediasrv.net.tls import client_context
from mediasrv.net.websocket import Limits, WebSocket, connect
from mediasrv.providers.base import Message, ToolSpec
from mediasrv.providers.lines import Lines
from mediasrv.providers.openai_dialogue import OpenAiDialogue
from mediasrv.providers.openai_exchange import Exchange
from mediasrv.providers.openai_faults import PROVIDER, STAGE
from mediasrv.providers.realtime import Dialogue, Realtime
from mediasrv.providers.sunset import warn_of_sunset
from mediasrv.providers.vendor import CONNECT_LIMIT_S, VendorOptions, require_key

_FORMATS: Mapping[AudioFormat, Mapping[str, Any]] = {
    MULAW_8K: {"type": "audio/pcmu"},
    AudioFormat(Encoding.ALAW, 8000): {"type": "audio/pcma"},
    AudioFormat(Encoding.L16, 24000): {"type": "audio/pcm", "rate": 24000},
}
# A ping that goes unanswered so long has lost the session: a caller is waiting at the other end of it.
_LIMITS = Limits(message_bytes=16 * 1024 * 1024, ping_s=1.5, close_s=2.0)


class OpenAiRealtime(Realtime):
    """OpenAI Realtime, and what speaks like it."""

    name = PROVIDER
    formats = tuple(_FORMATS)
    vendor_url: ClassVar[str] = "wss://api.openai.com/v1"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(VendorOptions):
        """Keys of ``provider = "openai_realtime"``."""

        model: str = "gpt-realtime-2.1"
        voice: str = "marin"
        """``marin`` and ``cedar`` are said to be best; a name that begins with ``voice_`` is one of your own."""
        speed: float = 1.0
        """From 0.25 to 1.5."""
        language: str = ""
        """ISO 639-1 code of what callers speak, for the transcript; empty: whichever is heard."""
        transcription_model: str = "gpt-transcribe"
        """Writes down what callers say; empty: nobody does."""
        reasoning_effort: str = "low"
        """``minimal`` to ``xhigh``; empty for models that do not reason."""
        noise_reduction: str = "near_field"
        """``far_field`` for callers who use loudspeakers; empty: none."""
        context_ratio: float = 0.8
        """Part of a conversation that is kept when it has grown too long."""
        session_limit_s: int = 1200
        """Age at which a session is followed by a fresh one; the vendor ends it at 3600, on Azure at 1800."""

        def __post_init__(self) -> None:
            if not 0.25 <= self.speed <= 1.5:
                raise ConfigError("speed must be from 0.25 to 1.5")
            if not 0 < self.context_ratio <= 1:
                raise ConfigError("context_ratio must be above 0 and at most 1")

    options: Options

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._lines = Lines(self._dial)

    async def start(self) -> None:
        require_key(self.options, STAGE, self.name)
        self.url()
        today = date.today()
        warn_of_sunset(self.options.model, today)
        warn_of_sunset(self.options.transcription_model, today)
        client_context()

    async def prepare(self) -> None:
        await self._lines.prepare()

    async def aclose(self) -> None:
        self._lines.close()

    def converse(
        self, audio: AudioFormat, instructions: str, tools: Sequence[ToolSpec] = (), history: Sequence[Message] = ()
    ) -> Dialogue:
        exchange = Exchange(audio, self.session(audio, instructions, tools), history)
        return OpenAiDialogue(exchange, self._lines.open, self.options.session_limit_s)

    def url(self) -> str:
        """Where a session is opened; raise ``ConfigError`` for an origin that is none."""
        return websocket_url(rooted(self.options.url, self.vendor_url), "/realtime", {"model": self.options.model})

    def session(self, audio: AudioFormat, instructions: str, tools: Sequence[ToolSpec]) -> Mapping[str, Any]:
        """What a session is asked to be."""
        options = self.options
        voice = {"id": options.voice} if options.voice.startswith("voice_") else options.voice
        transcription = {"model": options.transcription_model, "language": options.language}
        session: dict[str, Any] = {
            "type": "realtime",
            "instructions": instructions,
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": _FORMATS[audio],
                    "noise_reduction": {"type": options.noise_reduction} if options.noise_reduction else None,
                    "transcription": {key: value for key, value in transcription.items() if value}
                    if options.transcription_model
                    else None,
                    # Turns are ours: one judge of them for all providers, and no silence is paid for.
                    "turn_detection": None,
                },
                "output": {"format": _FORMATS[audio], "voice": voice, "speed": options.speed},
            },
            "tools": [_tool(each) for each in tools],
            "truncation": {"type": "retention_ratio", "retention_ratio": options.context_ratio},
        }
        if options.reasoning_effort:
            session["reasoning"] = {"effort": options.reasoning_effort}
        return session

    async def _dial(self) -> WebSocket:
        return await connect(
            self.url(),
            headers={"Authorization": f"Bearer {self.options.api_key}"},
            ssl=client_context(),
            timeout_s=CONNECT_LIMIT_S,
            limits=_LIMITS,
        )


def _tool(spec: ToolSpec) -> Mapping[str, Any]:
    return {
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
    }
