from collections.abc import AsyncGenerator, Sequence

import numpy as np
import pytest

from mediasrv.audio import codec
from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.call.ear import Ear, rehearse
from mediasrv.call.effort import Effort, Work
from mediasrv.call.memory import LEAD_IN_MS
from mediasrv.call.observer import Observer
from mediasrv.providers.base import PAUSE_MS, Recognition, Stt, Transcript
from mediasrv.simulator.speech import recorded, take
from mediasrv.wire.events import MediaReceived

FULL = Effort(Observer())
L16_24K = AudioFormat(Encoding.L16, 24000)


class Kept(Recognition):
    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def send(self, payload: bytes) -> None:
        self.payloads.append(payload)

    def finalize(self, request: int) -> None: ...

    def commit(self) -> None: ...

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        return
        yield


class KeepingStt(Stt):
    name = "keeping"

    def __init__(self, *formats: AudioFormat) -> None:
        super().__init__(None)
        self.formats: Sequence[AudioFormat] = formats  # type: ignore[misc]

    def listen(self, audio: AudioFormat) -> Recognition:
        assert audio in self.formats
        return Kept()


def hear(audio: AudioFormat, wanted: AudioFormat, media: list[MediaReceived]) -> tuple[list[bytes], list[bool]]:
    verdicts: list[bool] = []
    ear = Ear(audio, FULL)
    recognition = ear.listen(KeepingStt(wanted), lambda voiced, speech_ms, now: verdicts.append(voiced))
    for index, each in enumerate(media):
        ear.hear(each, index * 0.02)
    assert isinstance(recognition, Kept)
    return recognition.payloads, verdicts


def speech(audio: AudioFormat) -> list[MediaReceived]:
    frames = take(recorded()["ps_goforward"], audio).frames
    return [MediaReceived(frame, index + 1) for index, frame in enumerate(frames)]


def test_a_recogniser_that_takes_the_carriers_format_gets_its_very_payload() -> None:
    media = speech(MULAW_8K)
    payloads, _ = hear(MULAW_8K, MULAW_8K, media)
    assert all(sent is each.payload for sent, each in zip(payloads, media, strict=True))


def test_another_format_is_made_with_every_frame_and_nothing_is_held_back_for_long() -> None:
    media = speech(MULAW_8K)
    payloads, _ = hear(MULAW_8K, L16_16K, media)
    assert len(payloads) == len(media)
    heard_ms = sum(len(payload) for payload in payloads) / 2 / 16
    assert len(media) * 20 - heard_ms <= 3


@pytest.mark.parametrize("audio", [MULAW_8K, L16_16K, L16_24K], ids=str)
def test_voice_is_detected_in_every_rate_a_carrier_has(audio: AudioFormat) -> None:
    media = speech(audio)
    _, verdicts = hear(audio, audio, media)
    assert len(verdicts) >= len(media) - 1
    assert 0.2 < sum(verdicts) / len(verdicts) < 0.95


def test_pieces_of_any_size_are_judged_in_frames() -> None:
    whole = b"".join(each.payload for each in speech(MULAW_8K))
    for size in (80, 160, 240, 800):
        media = [MediaReceived(whole[at : at + size]) for at in range(0, len(whole), size)]
        payloads, verdicts = hear(MULAW_8K, MULAW_8K, media)
        assert b"".join(payloads) == whole
        assert len(verdicts) == len(whole) // 160


def test_a_gap_is_concealed_for_recogniser_and_detector_alike() -> None:
    media = speech(MULAW_8K)
    payloads, verdicts = hear(MULAW_8K, MULAW_8K, media[:60] + media[61:])
    assert len(payloads) == len(verdicts) == len(media)
    assert payloads[60] != media[60].payload
    assert len(payloads[60]) == 160


def test_the_judges_patience_is_the_ears_unless_somebody_wants_each_frame_as_it_comes() -> None:
    ear = Ear(MULAW_8K, FULL)
    assert ear.patience == 1
    patience: list[int | None] = [3, None, 3]
    ear.listen(KeepingStt(MULAW_8K), lambda voiced, speech_ms, now: patience.pop(0))
    assert ear.patience == 1
    told = []
    for at, each in enumerate(speech(MULAW_8K)[:3]):
        ear.hear(each, at * 0.02)
        told.append(ear.patience)
    assert told == [3, 1, 3]
    ear.is_private = True
    assert ear.patience == 1
    ear.is_private = False
    ear.tap = lambda frame: None
    assert ear.patience == 1


def test_no_frame_waits_for_another_while_a_voice_may_be_about_to_end() -> None:
    ear = Ear(MULAW_8K, FULL)
    voices: list[bool] = []

    def judge(voiced: bool, speech_ms: int, now: float) -> int:
        voices.append(voiced)
        return 2

    ear.listen(KeepingStt(MULAW_8K), judge)
    told: dict[bool, list[int]] = {True: [], False: []}
    for at, each in enumerate(speech(MULAW_8K)):
        ear.hear(each, at * 0.02)
        told[voices[-1]].append(ear.patience)
    assert {1, 2} == set(told[True])
    assert told[True].count(2) > len(told[True]) / 3


def test_frames_reach_the_tap_with_and_without_a_recogniser() -> None:
    tapped: list[int] = []
    ear = Ear(MULAW_8K, FULL)
    ear.tap = lambda frame: tapped.append(len(frame))
    ear.hear(MediaReceived(codec.encode(Encoding.MULAW, np.zeros(160, np.int16))), 0.0)
    assert tapped == [160]


def remembering(audio: AudioFormat, media: Sequence[MediaReceived], begins: int) -> Ear:
    """An ear that heard some media, an utterance beginning with one of them."""
    ear = Ear(audio, FULL)
    ear.listen(KeepingStt(audio), lambda voiced, speech_ms, now: None, remembers=True)
    for index, each in enumerate(media):
        if index == begins:
            ear.begin()
        ear.hear(each, index * 0.02)
    return ear


@pytest.mark.parametrize("audio", [MULAW_8K, L16_16K, L16_24K], ids=str)
def test_an_utterance_is_remembered_with_its_first_sounds(audio: AudioFormat) -> None:
    media = speech(audio)
    kept = remembering(audio, media, begins=20).utterance()
    assert kept.dtype == np.int16
    assert kept.size / 16 == pytest.approx((len(media) - 20) * 20 + LEAD_IN_MS, abs=20)
    whole = codec.decode(Encoding.L16, b"".join(hear(audio, L16_16K, media)[0]))
    assert (whole[-kept.size :] == kept).all()


def test_of_a_long_utterance_the_end_is_remembered() -> None:
    media = [MediaReceived(each.payload) for _ in range(9) for each in speech(MULAW_8K)]
    kept = remembering(MULAW_8K, media, begins=0).utterance()
    assert PAUSE_MS - 20 <= kept.size / 16 <= PAUSE_MS


def test_who_does_not_remember_remembers_nothing() -> None:
    ear = Ear(MULAW_8K, FULL)
    ear.begin()
    assert ear.utterance().size == 0
    ear.listen(KeepingStt(MULAW_8K), lambda voiced, speech_ms, now: None)
    ear.begin()
    ear.hear(speech(MULAW_8K)[0], 0.0)
    assert ear.utterance().size == 0


def test_hearing_can_be_rehearsed() -> None:
    rehearse()


@pytest.mark.parametrize("encoding", list(Encoding))
def test_what_is_private_is_silence_of_the_same_length_to_everybody(encoding: Encoding) -> None:
    audio, stt, tapped = AudioFormat(encoding, 8000), KeepingStt(AudioFormat(encoding, 8000)), []
    ear = Ear(audio, FULL)
    recognition = ear.listen(stt, lambda voiced, speech_ms, now: tapped.append(voiced))
    assert isinstance(recognition, Kept)
    ear.tap = lambda frame: tapped.append(bool(frame.any()))
    ear.is_private = True
    frames = take(recorded()["ps_goforward"], audio).frames
    for index, payload in enumerate(frames):
        ear.hear(MediaReceived(payload, index), index * 0.02)
    heard = codec.decode(encoding, b"".join(recognition.payloads))
    assert len(b"".join(recognition.payloads)) == len(b"".join(frames))
    assert np.abs(heard).max() <= 8  # A-law has no zero
    assert not any(tapped)


def test_without_time_for_more_all_voice_is_taken_for_speech_and_no_melody_is_heard() -> None:
    effort = Effort(Observer())
    effort.leave_out({Work.TIMBRE, Work.PROSODY})
    ear = Ear(MULAW_8K, effort)
    heard: list[tuple[bool, int]] = []
    ear.listen(KeepingStt(MULAW_8K), lambda voiced, speech_ms, now: heard.append((voiced, speech_ms)))
    for index, each in enumerate(speech(MULAW_8K)):
        ear.hear(each, index * 0.02)
    assert {speech_ms for voiced, speech_ms in heard if voiced} == {20}
    assert {speech_ms for voiced, speech_ms in heard if not voiced} <= {0, 20}
    assert ear.finality() is None
    effort.leave_out(())
    assert ear.finality() is not None
