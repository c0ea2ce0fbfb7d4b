"""What do words, voice and length say of whether a caller has finished? Fits the weights of ``turn.doubt``.

    python -m native_bench.doubt

Calls of six utterances are heard as they are in a call, mu-law coded, on the three lines of ``turn``: sentences, with a
pause put in mid-sentence, and answers of one to three words, which Asterisk's prompts have as recordings of their own.
Only recordings for tuning take part. Ends stand against pauses by logistic regression, four tenths of the ends being
those of short answers; words after which something must follow are decided by the rules, and left out.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.g711 import decode_ulaw, encode_ulaw
from mediasrv.audio.warmup import warm
from mediasrv.call.phrasebook import language_of
from mediasrv.simulator.voice import FULL_SCALE, Span, voiced
from mediasrv.turn import doubt
from mediasrv.turn.completeness import completeness
from mediasrv.turn.language import Level
from mediasrv.turn.prosody import Prosody
from mediasrv.turn.vad import VoiceDetector
from mediasrv.turn.voicerun import VoiceRun
from native_bench.machine import described
from native_bench.turntaking import material
from native_bench.turntaking.line import FRAME, LINES, Line
from native_bench.turntaking.material import RATE_HZ, Sentence, Word
from native_bench.turntaking.utterances import Kind, Utterance, as_recorded, with_pause

ROUNDS = 4
CALL = 6
SHORT_SHARE = 0.4
# Around a pause a silence of the detector's is the same one when it begins no earlier and no later than this.
EARLIER, LATER = 8 * FRAME, 12 * FRAME
LEAD, TAIL = np.zeros(RATE_HZ * 3 // 5), np.zeros(RATE_HZ)
EN = language_of("en")

# Prompts by their words; months and days, numbers and thanks are answers.
_SHORT = {
    "agent logged off": "agent-loggedoff",
    "thank you": "auth-thankyou",
    "cancelled": "cancelled",
    "hello world": "hello-world",
    "please try again": "please-try-again",
    "we're sorry": "sorry",
    "goodbye": "vm-goodbye",
    "location": "location",
    "extension": "extension",
    "tomorrow": "digits/tomorrow",
    "yesterday": "digits/yesterday",
    "india": "phonetic/i_p",
    "oscar": "phonetic/o_p",
    "charlie": "phonetic/c_p",
}
_LISTS = {
    "digits/": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
    "digits/day-": "sunday monday tuesday wednesday thursday friday saturday",
    "digits/mon-": "january february march april may june july august september october november december",
}


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence in or after an utterance, and what is known in it."""

    is_end: bool
    is_short: bool
    level: Level
    words: int
    finality: float

    @property
    def cues(self) -> tuple[float, float, float, float, float]:
        """What is weighed: unsure words, the odds of the voice, few words, many, and one for the constant."""
        likely = min(max(self.finality, doubt.LEAST_FINALITY), 1 - doubt.LEAST_FINALITY)
        brief, lengthy = float(self.words <= doubt.BRIEF_WORDS), float(self.words >= doubt.LENGTHY_WORDS)
        return float(self.level), math.log(likely / (1 - likely)), brief, lengthy, 1.0


def short_answers() -> list[Utterance]:
    """Recordings of one to three words that are for tuning, each as an utterance."""
    named = _SHORT | {word: f"{at}{n}" for at, words in _LISTS.items() for n, word in enumerate(words.split())}
    return [_answer(text, name) for text, name in named.items() if material.part_of(name) == "tune"]


def _answer(text: str, name: str) -> Utterance:
    pcm = material.faded(material.recording(material.SOUNDS / f"{name}.wav"))
    span = voiced(pcm.astype(np.int16), RATE_HZ)
    return Utterance(Sentence(name, pcm, (Word(text, span.begin, span.end),), span), Kind.FLOWING, ())


def calls(rng: np.random.Generator) -> Iterable[tuple[Line, Sequence[Utterance]]]:
    """Every recording once in each round and on each line, in an order of its own."""
    sentences, answers = material.load("tune").sentences, short_answers()
    for line in LINES * ROUNDS:
        said = [_said(sentence, rng) for sentence in sentences] + answers
        order = rng.permutation(len(said))
        yield from ((line, [said[place] for place in order[at : at + CALL]]) for at in range(0, len(said), CALL))


def _said(sentence: Sentence, rng: np.random.Generator) -> Utterance:
    if rng.random() < 1 / 5:
        return as_recorded(sentence)
    return with_pause(sentence, Kind.SHORT if rng.random() < 1 / 4 else Kind.LONG, rng)


def heard(line: Line, utterances: Sequence[Utterance], rng: np.random.Generator) -> Iterable[Pause]:
    """Hear one call, and tell of its pauses and ends."""
    detector, prosody = VoiceDetector(RATE_HZ), Prosody(RATE_HZ)
    for said in utterances:
        yield from _pauses_of(said, line, detector, prosody, rng).values()


def _pauses_of(
    said: Utterance, line: Line, detector: VoiceDetector, prosody: Prosody, rng: np.random.Generator
) -> dict[int, Pause]:
    """By where each is; what is known of it in its last silence counts."""
    pcm = np.concatenate((LEAD, said.sentence.pcm, TAIL))
    pcm = np.concatenate((pcm, np.zeros(-len(pcm) % FRAME)))
    noisy = np.clip(np.rint(pcm + line.noise(len(pcm), rng)), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    run, found = VoiceRun(), dict[int, Pause]()
    last = 0
    for place, frame in enumerate(decode_ulaw(encode_ulaw(noisy)).reshape(-1, FRAME), 1):
        stays = detector.hear(frame) and not detector.fades
        prosody.hear(frame, stays)
        run.hear(20 if stays else 0)
        last = place * FRAME - len(LEAD) if stays else last
        if run.silence_ms == 20 and (finality := prosody.finality()) is not None:
            found |= {at: _pause(said, at, finality) for at in _places(said, last)}
    return found


def _places(said: Utterance, last: int) -> list[int]:
    """Beginnings of the pauses, or the end, that a silence belongs to."""
    spans = [*said.pauses, Span(said.sentence.voiced.end, said.sentence.voiced.end + len(TAIL))]
    return [span.begin for span in spans if span.begin - EARLIER <= last <= min(span.begin + LATER, span.end - FRAME)]


def _pause(said: Utterance, at: int, finality: float) -> Pause:
    sentence = said.sentence
    text = " ".join(word.text for word in sentence.words if word.end <= at + FRAME)
    is_end = at == sentence.voiced.end
    return Pause(is_end, len(sentence.words) == 1, completeness(text, EN), len(text.split()), finality)


def fitted(pauses: Sequence[Pause]) -> NDArray[np.float64]:
    """Weights of the cues, by Newton's method."""
    cues, ends = np.array([pause.cues for pause in pauses]), np.array([pause.is_end for pause in pauses])
    short = np.array([pause.is_short for pause in pauses])
    shares = np.where(ends, np.where(short, SHORT_SHARE / short.sum(), (1 - SHORT_SHARE) / (ends & ~short).sum()), 0)
    shares = np.where(ends, shares, 1 / (~ends).sum()) * len(pauses) / 2
    weights = np.zeros(cues.shape[1])
    for _ in range(25):
        likely = 1 / (1 + np.exp(-cues @ weights))
        slope = cues.T @ (shares * (ends - likely)) - np.append(weights[:-1], 0)
        curve = (cues * (shares * likely * (1 - likely))[:, None]).T @ cues + np.eye(len(weights))
        weights += np.linalg.solve(curve, slope)
    return weights


def main() -> int:
    """Fit, and print what is in use beside it."""
    print(described())
    warm()
    rng = np.random.default_rng(1)
    pauses = [pause for line, said in calls(rng) for pause in heard(line, said, rng) if pause.level < Level.INCOMPLETE]
    level, voice, brief, lengthy, _ = fitted(pauses)
    print(f"{len(pauses)} pauses, {sum(pause.is_end for pause in pauses)} of them ends")
    for name, value, used in (
        ("unsure words, nats", -level, doubt.LEVEL_NATS),
        ("odds of the voice", voice, doubt.VOICE_WEIGHT),
        ("few words, nats", -brief, doubt.BRIEF_NATS),
        ("many words, nats", lengthy, doubt.LENGTHY_NATS),
    ):
        print(f"{name:<20} {value:6.2f}, in use {used:.2f}")
    ends = [pause for pause in pauses if pause.is_end and not pause.is_short]
    found = [doubt.doubt(end.level, end.words, end.finality, None) for end in ends]
    print("doubt of ends of sentences: p50 {:.2f}, p90 {:.2f}, p99 {:.2f}".format(*np.percentile(found, [50, 90, 99])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
