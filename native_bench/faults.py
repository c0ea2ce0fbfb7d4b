"""Does the caller hear something, whatever breaks?

For every provider in the cloud and every fault that its stand-in plays, a call: the fault strikes at the worst moment,
and a simulated caller judges by ear. The rule: something is heard within 3 s of the end of what the caller said, the
call goes on (the next question is answered) or ends with a goodbye, and no task, socket or file is left.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import uvloop

from mediasrv.audio.warmup import warm
from mediasrv.call.ear import rehearse
from mediasrv.simulator.pacing import Pacing
from native_bench.leftovers import attribute_tasks, open_files
from native_bench.machine import described
from native_bench.misfortune import Misfortune, Moment
from native_bench.ordeal import ANSWER, Ordeal, Outcome, Vendor, undergo
from native_bench.standins import (
    anthropic,
    assemblyai,
    bulbul,
    cartesia,
    deepgram,
    elevenlabs,
    gemini,
    openai,
    sarvam_stt,
    scribe,
    speech,
    transcriptions,
)
from native_bench.standins.base import Fault

AT_A_TIME = 60
# From one call's beginning to the next one's: servers do not start in the same instant either.
_STAGGER_S = 0.1

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


async def undergo_all(wanted: Sequence[Ordeal]) -> tuple[list[Outcome], list[str]]:
    """Place all calls, many at a time; what became of each, and the file descriptors that are left in the end."""
    attribute_tasks()
    warm(rehearse)
    pacing, gate = Pacing(), asyncio.Semaphore(AT_A_TIME)
    before = Counter(open_files())

    async def place(index: int, ordeal: Ordeal) -> Outcome:
        async with gate:
            await asyncio.sleep(_STAGGER_S * (index if index < AT_A_TIME else 0))
            return await undergo(ordeal, pacing)

    placed = [asyncio.create_task(place(index, ordeal)) for index, ordeal in enumerate(wanted)]
    outcomes = await asyncio.gather(*placed)
    return outcomes, list((Counter(open_files()) - before).elements())


def tables(outcomes: Mapping[Ordeal, Outcome]) -> str:
    """Markdown: a table for each chapter, in bold what breaks the rule."""
    found = []
    for chapter in CHAPTERS:
        vendors = [each for each in chapter.vendors if any(Ordeal(each, of) in outcomes for of in chapter.misfortunes)]
        rows = [
            [of.label, *(_cell(outcomes.get(Ordeal(each, of))) for each in vendors)]
            for of in chapter.misfortunes
            if any(Ordeal(each, of) in outcomes for each in vendors)
        ]
        found.append((chapter.title, ["fault", *(each.provider for each in vendors)], rows))
    pairs = [(each, replace(each, has_second=False)) for each in outcomes if each.has_second]
    rows = [
        [f"{each.vendor.provider}: {each.misfortune.label}", _cell(outcomes.get(alone)), _cell(outcomes[each])]
        for each, alone in pairs
    ]
    found.append(("With a second provider, a sample", ["fault", "alone", "with a second provider"], rows))
    return "\n\n".join(f"{title}:\n\n{_table(head, rows)}" for title, head, rows in found if rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    return f"**{outcome.words}**" if outcome.breaches else outcome.words


def main() -> int:
    """Place the calls, print the tables; 1 when a caller would complain."""
    parser = argparse.ArgumentParser(
        prog="python -m native_bench.faults", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", default="", help="only vendors and faults in whose names this is")
    only = parser.parse_args().only
    logging.disable(logging.CRITICAL)
    wanted = [each for each in all_ordeals() if only in str(each)]
    outcomes, left = uvloop.run(undergo_all(wanted))
    print(f"{described()}\n\n{tables(dict(zip(wanted, outcomes, strict=True)))}\n")
    broken = [(each, outcome) for each, outcome in zip(wanted, outcomes, strict=True) if outcome.breaches]
    print(f"{len(wanted) - len(broken)} of {len(wanted)} calls kept the rule")
    for each, outcome in broken:
        print(f"{each}: {outcome.words}: {'; '.join(outcome.breaches)}")
    if left:
        print(f"file descriptors are left: {', '.join(left)}")
    return 1 if broken or left else 0


if __name__ == "__main__":
    sys.exit(main())
