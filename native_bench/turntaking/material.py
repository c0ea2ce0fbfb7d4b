"""Recorded human speech with the times of its words: what simulated callers have to say.

The project's own clips, and the prompts of Debian's ``asterisk-core-sounds-en-wav`` where it is installed. Times were
made once, by forced alignment (PocketSphinx, its en-us model; prompts as they were at 8 kHz), held against the energy
at the words' edges and against a second alignment, and are kept in ``native_bench/speech`` under each recording's name
and SHA-256. A recording that is another one is left out.

A hash of a sentence's recording's name decides whether it may be used to tune (``tune``) or to report (``report``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import orjson
from numpy.typing import NDArray

from mediasrv.audio.resample import Resampler
from mediasrv.errors import ConfigError
from mediasrv.simulator.speech import read_clip
from mediasrv.simulator.voice import Span, levels_db, voiced

RATE_HZ = 8000
SOUNDS = Path("/usr/share/asterisk/sounds/en")
"""Where Debian's package puts its prompts."""
PARTS = ("report", "tune")
BOTS = ("lv_austen_0870", "lv_austen_0880")
"""Clips that the bot's voice is made of; no caller says them."""
LEVEL_DBFS = -26.0
"""ITU-T P.56's usual level of active speech."""

_HOME = Path(__file__).parent.parent / "speech"
_LEAD_MS, _TAIL_MS = 40, 80

Signal = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its place, in samples."""

    text: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """Something to say: samples at 8 kHz on the scale of int16, at ``LEVEL_DBFS``."""

    name: str
    pcm: Signal
    words: tuple[Word, ...]
    voiced: Span
    """From the first to the last voiced sample."""


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to say."""

    sentences: Sequence[Sentence]
    backchannels: Sequence[Sentence]
    """Single words that want no answer."""
    bot: Signal
    """The bot's voice, without pauses."""
    notes: Sequence[str]
    """What is missing, in lines for the report."""


def load(part: str, sounds: Path = SOUNDS) -> Material:
    """Read all recordings of a part of the material that are there; raise ``ConfigError`` when there are none."""
    notes: list[str] = []
    with resources.as_file(resources.files("mediasrv") / "speech") as clips:
        found = _sentences("clips", clips, part, notes)
        bot = without_pauses(np.concatenate([recording(clips / f"{name}.wav") for name in BOTS]))
    asterisk = _sentences("asterisk", sounds, part, notes) if sounds.is_dir() else []
    if not asterisk:
        notes.append(f"no prompts in {sounds} (Debian: asterisk-core-sounds-en-wav): only the project's own clips")
    sentences = [*found, *asterisk]
    if not sentences:
        raise ConfigError(f"no recorded speech for {part!r}: install asterisk-core-sounds-en-wav, or name --sounds")
    return Material(sentences, _backchannels(sounds, notes), bot, notes)


def part_of(name: str) -> str:
    """Whether a recording is for reports or for tuning."""
    return PARTS[crc32(name.encode()) % len(PARTS)]


def recording(path: Path) -> Signal:
    """Read a recording at 8 kHz, at ``LEVEL_DBFS``."""
    clip = read_clip(path)
    pcm = clip.pcm
    if clip.rate_hz != RATE_HZ:
        resampler = Resampler(clip.rate_hz, RATE_HZ)
        pcm = np.concatenate((resampler.push(pcm), resampler.flush()))
    return pcm.astype(np.float64) * 10 ** ((LEVEL_DBFS - active_dbfs(pcm)) / 20)


def active_dbfs(pcm: NDArray[np.int16]) -> float:
    """The level while there is speech: of all frames less than 15.9 dB under it, as in ITU-T P.56."""
    levels = levels_db(pcm, RATE_HZ // 50)
    active = float(levels.max()) - 10
    for _ in range(20):
        active = float(10 * np.log10(np.mean(10 ** (levels[levels > active - 15.9] / 10))))
    return active


def without_pauses(pcm: Signal, longest_ms: int = 80) -> Signal:
    """Cut pauses down to this length, at their quietest."""
    window = RATE_HZ // 100
    levels = levels_db(pcm.astype(np.int16), window)
    quiet = levels < LEVEL_DBFS - 20
    kept, run = [], 0
    for place, is_quiet in enumerate(quiet):
        run = run + 1 if is_quiet else 0
        if 10 * run <= longest_ms:
            kept.append(place)
    first = int(np.flatnonzero(~quiet)[0])
    pieces = [pcm[place * window : (place + 1) * window] for place in kept if place >= first]
    return np.concatenate(pieces)


def _sentences(kind: str, folder: Path, part: str, notes: list[str]) -> list[Sentence]:
    found: list[Sentence] = []
    for name, prompt in _data(kind)["prompts"].items():
        if name in BOTS or part_of(name) != part:
            continue
        path = folder / f"{name}.wav"
        if not _is_known(path, prompt["sha256"]):
            notes.append(f"{path} is missing or another recording")
            continue
        pcm = recording(path)
        for number, said in enumerate(prompt["sentences"], 1):
            words = [Word(text, _place(begin), _place(end)) for text, begin, end in said]
            found.append(_cut(f"{name} {number}", pcm, words))
    return found


def _cut(name: str, pcm: Signal, words: Sequence[Word]) -> Sentence:
    """Take a sentence out of a recording; its outer words end where the voice does."""
    lead, tail = (RATE_HZ * ms // 1000 for ms in (_LEAD_MS, _TAIL_MS))
    begin, end = max(0, words[0].begin - lead), min(len(pcm), words[-1].end + tail)
    piece = faded(pcm[begin:end])
    span = voiced(piece.astype(np.int16), RATE_HZ)
    placed = [Word(word.text, _within(span, word.begin - begin), _within(span, word.end - begin)) for word in words]
    return Sentence(name, piece, tuple(placed), span)


def _backchannels(sounds: Path, notes: list[str]) -> list[Sentence]:
    """Cut them out of prompts; "okay" is the letters O and K, "mhm" the closed lips of the letter M, twice."""
    found: list[Sentence] = []
    for text, pieces in _data("asterisk")["backchannels"].items():
        if not all(_is_known(sounds / f"{name}.wav", known) for name, known, _, _ in pieces):
            notes.append(f"no recording of {text!r}")
            continue
        cuts = [recording(sounds / f"{name}.wav")[_place(begin) : _place(end)] for name, _, begin, end in pieces]
        pcm = np.concatenate([faded(cut) for cut in cuts])
        span = voiced(pcm.astype(np.int16), RATE_HZ)
        found.append(Sentence(text, pcm, (Word(text, span.begin, span.end),), span))
    return found


def faded(pcm: Signal, ms: int = 5) -> Signal:
    """Fade in and out, so that a cut makes no click."""
    samples = min(RATE_HZ * ms // 1000, len(pcm) // 2)
    ramp = np.linspace(0, 1, samples)
    shaped = pcm.copy()
    shaped[:samples] *= ramp
    shaped[len(pcm) - samples :] *= ramp[::-1]
    return shaped


def _data(kind: str) -> dict[str, dict[str, Any]]:
    data: dict[str, dict[str, Any]] = orjson.loads((_HOME / f"{kind}.json").read_bytes())
    return data


def _is_known(path: Path, known: str) -> bool:
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == known


def _place(ms: int) -> int:
    return RATE_HZ * ms // 1000


def _within(span: Span, place: int) -> int:
    return min(max(place, span.begin), span.end)
