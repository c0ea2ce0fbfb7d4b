"""What is tried: the providers in the cloud, and what may befall each, chapter by chapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from native_bench.misfortune import Misfortune, Moment
from native_bench.ordeal import Ordeal, Vendor
from native_bench.standins import (
    anthropic,
    assemblyai,
    bulbul,
    cartesia,
    deepgram,
    elevenlabs,
    gemini,
    openai,
    openai_realtime,
    sarvam_stt,
    scribe,
    speech,
    transcriptions,
)
from native_bench.standins.base import Fault
from native_bench.verdict import ANSWER

_HEARS: dict[str, Any] = {"final_ms": 100}
_THINKS: dict[str, Any] = {"first_ms": 200, "token_ms": 15, "text": ANSWER}
_SPEAKS: dict[str, Any] = {"first_ms": 80, "gap_ms": 60}

SOCKET_STTS = [
    Vendor("stt", "deepgram", "deepgram", deepgram.KEY, delays=_HEARS),
    Vendor("stt", "deepgram_flux", "deepgram_flux", deepgram.KEY, delays=_HEARS),
    Vendor("stt", "assemblyai", "assemblyai", assemblyai.KEY, delays=_HEARS),
    Vendor("stt", "sarvam", "sarvam_stt", sarvam_stt.KEY, delays=_HEARS),
    Vendor("stt", "scribe", "scribe", scribe.KEY, delays=_HEARS),
]
HTTP_STTS = [Vendor("stt", "transcriptions", "transcriptions", transcriptions.KEY, delays=_HEARS)]
LLMS = [
    Vendor("llm", "openai", "openai", openai.KEY, delays=_THINKS),
    Vendor("llm", "anthropic", "anthropic", anthropic.KEY, delays=_THINKS),
    Vendor("llm", "gemini", "gemini", gemini.KEY, delays=_THINKS),
]
SOCKET_TTSS = [
    Vendor("tts", "cartesia", "cartesia", cartesia.KEY, {"voice": cartesia.VOICE}, _SPEAKS),
    Vendor("tts", "elevenlabs", "elevenlabs", elevenlabs.KEY, {"voice": elevenlabs.VOICE}, _SPEAKS),
    Vendor("tts", "aura", "aura", deepgram.KEY, delays=_SPEAKS),
    Vendor("tts", "flux_tts", "flux_tts", deepgram.KEY, delays=_SPEAKS),
    Vendor("tts", "sarvam", "bulbul", bulbul.KEY, delays=_SPEAKS),
]
HTTP_TTSS = [
    Vendor("tts", "elevenlabs_http", "elevenlabs_http", elevenlabs.KEY, {"voice": elevenlabs.VOICE}, _SPEAKS),
    Vendor("tts", "speech", "speech", speech.KEY, delays=_SPEAKS),
]

RESET, HANG, STALL, GARBAGE = (Fault(kind) for kind in ("reset", "hang", "stall", "garbage"))
REFUSALS = {
    "HTTP 401": Fault("refuse", status=401, reason="invalid_api_key"),
    "HTTP 429, retry after 1 s": Fault("refuse", status=429, reason="rate_limit_exceeded", delay_s=1),
    "HTTP 500": Fault("refuse", status=500),
    "no answer": STALL,
}
CLOSES = {
    f"close {code}": Fault("close", code=code, reason=reason)
    for code, reason in (
        (1000, "idle"),
        (1008, "policy"),
        (1011, "NET-0001"),
        (3007, "audio"),
        (4000, "invalid_request"),
    )
}
BREAKS = {"reset": RESET, "hang": HANG, "garbage": GARBAGE, **CLOSES}

OF_SOCKET_STTS = [
    *(
        Misfortune(f"{label} at the start", Moment.START, RESET, fault, True, False)
        for label, fault in REFUSALS.items()
    ),
    *(Misfortune(label, now=fault) for label, fault in BREAKS.items()),
    *(Misfortune(f"reset, then {label}", now=RESET, after=fault, lasts=True) for label, fault in REFUSALS.items()),
    Misfortune("final missing", now=Fault("missing")),
    Misfortune("final 2 s late", now=Fault("late", delay_s=2)),
    Misfortune("final twice", now=Fault("double")),
    Misfortune("error for a final", now=Fault("error", status=500)),
]
OF_HTTP_STTS = [
    *(Misfortune(f"{label}, once", after=fault) for label, fault in (REFUSALS | {"reset": RESET}).items()),
    *(Misfortune(label, after=fault, lasts=True) for label, fault in (REFUSALS | {"reset": RESET}).items()),
    *(
        Misfortune(label, after=fault, lasts=True)
        for label, fault in {
            "hang": HANG,
            "garbage": GARBAGE,
            "error for a final": Fault("error", status=500, reason="server_error"),
            "final 2 s late": Fault("late", delay_s=2),
            "oversized answer": Fault("oversize"),
        }.items()
    ),
]
_LLM_BREAKS = ("reset", "hang", "error", "garbage", "cut", "oversize")
OF_LLMS = [
    *(Misfortune(f"{label}, once", after=fault) for label, fault in (REFUSALS | {"reset": RESET}).items()),
    *(Misfortune(label, after=fault, lasts=True) for label, fault in (REFUSALS | {"reset": RESET}).items()),
    Misfortune("HTTP 500 for good", after=REFUSALS["HTTP 500"], lasts=True, heals=False),
    *(Misfortune(f"{kind} before the first word, once", after=Fault(kind, after=1)) for kind in _LLM_BREAKS),
    *(Misfortune(f"{kind} before the first word", after=Fault(kind, after=1), lasts=True) for kind in _LLM_BREAKS),
    *(Misfortune(f"{kind} in mid-reply", after=Fault(kind, after=25), lasts=True) for kind in _LLM_BREAKS),
    Misfortune("unknown model", after=Fault("refuse", status=404, reason="model_not_found"), lasts=True),
    Misfortune("quota exhausted", after=Fault("refuse", status=429, reason="insufficient_quota"), lasts=True),
    Misfortune("says nothing", text=""),
    Misfortune("says only whitespace", text=" \n "),
]
_TTS_BREAKS = BREAKS | {"error": Fault("error", status=500)}
OF_SOCKET_TTSS = [
    *(Misfortune(f"{label} before the first audio, once", Moment.ASKED, fault) for label, fault in _TTS_BREAKS.items()),
    *(
        Misfortune(f"{kind} before the first audio", Moment.ASKED, Fault(kind), Fault(kind, after=after), True)
        for kind, after in (("reset", 1), ("hang", 1), ("garbage", 1), ("close", 1), ("error", 0))
    ),
    *(Misfortune(f"reset, then {label}", Moment.ASKED, RESET, fault, True) for label, fault in REFUSALS.items()),
    Misfortune("down for good", Moment.ASKED, RESET, REFUSALS["HTTP 500"], lasts=True, heals=False),
    *(Misfortune(f"{label} in mid-reply", Moment.SPEAKING, fault) for label, fault in _TTS_BREAKS.items()),
    Misfortune("reset in mid-reply, then HTTP 500", Moment.SPEAKING, RESET, REFUSALS["HTTP 500"], True),
    Misfortune("no times", now=Fault("untimed", after=10**6)),
    Misfortune("times late", now=Fault("late", after=10**6, delay_s=0.5)),
    Misfortune("audio after cancel", now=Fault("afterlife", after=10**6), breaks_in=True),
    Misfortune("deaf to cancel", now=Fault("deaf", after=10**6), breaks_in=True),
]
OF_HTTP_TTSS = [
    *(Misfortune(f"{label}, once", after=fault) for label, fault in (REFUSALS | {"reset": RESET}).items()),
    *(Misfortune(label, after=fault, lasts=True) for label, fault in (REFUSALS | {"reset": RESET}).items()),
    Misfortune("HTTP 500 for good", after=REFUSALS["HTTP 500"], lasts=True, heals=False),
    Misfortune("hang before the first audio, once", after=Fault("mute")),
    Misfortune("hang before the first audio", after=Fault("mute"), lasts=True),
    Misfortune("hang in mid-reply", after=Fault("mute", after=3)),
    Misfortune("hang in mid-reply, again and again", after=Fault("mute", after=3), lasts=True),
    Misfortune("reset in mid-reply", after=Fault("cut", after=3)),
    Misfortune("reset in mid-reply, again and again", after=Fault("cut", after=3), lasts=True),
]

REALTIMES = [
    Vendor(
        "realtime",
        "openai_realtime",
        "openai_realtime",
        openai_realtime.KEY,
        delays={"replies": (ANSWER,), "texts": ("Where is my order?",), "first_audio_ms": 300, "ms_per_char": 20},
    )
]
OF_TOOLS = [
    Misfortune("a tool raises", tool="fail"),
    Misfortune("a tool hangs", tool="hang"),
    Misfortune("a tool gives a megabyte", tool="flood"),
    Misfortune("a tool gives what is no data", tool="give_what_is_no_data"),
    Misfortune("a tool's own task is cancelled", tool="lose_a_task"),
    Misfortune("a tool that does not exist", tool="no_such_tool"),
    Misfortune("arguments that do not fit", tool="fail", arguments='{"nonsense": 1}'),
    Misfortune("a tool is called, and nothing said", tool="note", text=""),
]
OF_REALTIMES = [
    *(
        Misfortune(f"{label} at the start", Moment.START, RESET, fault, True, False)
        for label, fault in REFUSALS.items()
    ),
    *(Misfortune(label, now=fault) for label, fault in BREAKS.items()),
    *(Misfortune(f"reset, then {label}", now=RESET, after=fault, lasts=True) for label, fault in REFUSALS.items()),
    Misfortune("first sound 2 s late", now=Fault("late", delay_s=2)),
    Misfortune("mute, once", now=Fault("mute")),
    Misfortune("mute", now=Fault("mute"), after=Fault("mute"), lasts=True),
    Misfortune("mute for good", now=Fault("mute"), after=Fault("mute"), lasts=True, heals=False),
    Misfortune("error event", now=Fault("error"), after=Fault("error"), lasts=True),
    Misfortune("quota exhausted", now=Fault("error", reason="insufficient_quota")),
    Misfortune("reset in mid-reply", now=Fault("break")),
    Misfortune("close 1011 in mid-reply", now=Fault("end", code=1011)),
    Misfortune("session expired in mid-reply", now=Fault("expired")),
    Misfortune("audio after cancel", now=Fault("tail"), breaks_in=True),
]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A table: vendors and what befalls them."""

    title: str
    vendors: Sequence[Vendor]
    misfortunes: Sequence[Misfortune]


CHAPTERS = [
    Chapter("Speech-to-text by WebSocket: in the middle of the caller's utterance", SOCKET_STTS, OF_SOCKET_STTS),
    Chapter("Speech-to-text by HTTP: when the final is asked for", HTTP_STTS, OF_HTTP_STTS),
    Chapter("Language models: when the reply is asked for, and within it", LLMS, OF_LLMS),
    Chapter("Text-to-speech by WebSocket: when the reply is to be spoken, and within it", SOCKET_TTSS, OF_SOCKET_TTSS),
    Chapter("Text-to-speech by HTTP: the same", HTTP_TTSS, OF_HTTP_TTSS),
    Chapter("Tools, when the model calls one", LLMS, OF_TOOLS),
    Chapter("Speech to speech, without another voice: in mid-utterance, or in the reply", REALTIMES, OF_REALTIMES),
]


SAMPLE = {
    "deepgram": ("HTTP 401 at the start", "reset, then HTTP 401", "reset, then no answer", "hang"),
    "transcriptions": ("HTTP 500", "no answer"),
    "openai": ("HTTP 401", "no answer", "reset before the first word", "reset in mid-reply"),
    "cartesia": ("reset, then HTTP 401", "hang before the first audio", "reset in mid-reply, then HTTP 500"),
    "speech": ("HTTP 500 for good", "reset in mid-reply, again and again"),
}
"""What is tried with a second provider too, by the first one's name."""


def ordeals(chapter: Chapter) -> list[Ordeal]:
    """All calls of a chapter."""
    return [Ordeal(vendor, each) for vendor in chapter.vendors for each in chapter.misfortunes]


def all_ordeals() -> list[Ordeal]:
    """All calls of all chapters, and of the sample."""
    alone = [ordeal for chapter in CHAPTERS for ordeal in ordeals(chapter)]
    return [*alone, *(replace(each, has_second=True) for each in alone if _is_in_sample(each))]


def _is_in_sample(ordeal: Ordeal) -> bool:
    return ordeal.misfortune.label in SAMPLE.get(ordeal.vendor.provider, ())
