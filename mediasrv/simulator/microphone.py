"""A person at the caller's end: the machine's own microphone and speaker.

Two clocks meet here, the call's and the sound card's, so a small buffer stands in each direction; when it runs dry it
gives silence until it has filled up again, when it is full it forgets its oldest. The card calls us in a thread of its
own. Nothing cancels the echo of the speaker: wear a headset.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from mediasrv.audio.codec import decode, encode
from mediasrv.audio.format import PTIME_MS, AudioFormat, samples_in
from mediasrv.audio.l16 import decode_l16, encode_l16
from mediasrv.errors import ConfigError
from mediasrv.simulator.person import Act, Said

FILL_FRAMES = 3
"""Before a buffer begins to give: the jitter of a sound card that serves a whole desktop."""
MOST_FRAMES = 12
"""More than these is delay that nobody needs."""


class Elastic:
    """Frames between two clocks. One thread may push while another pops."""

    def __init__(self, silence: bytes) -> None:
        self._silence = silence
        self._frames: deque[bytes] = deque(maxlen=MOST_FRAMES)
        self._is_filled = False

    def push(self, frame: bytes) -> None:
        """Add a frame, at the cost of the oldest when there are too many."""
        self._frames.append(frame)
        self._is_filled = self._is_filled or len(self._frames) >= FILL_FRAMES

    def pop(self) -> bytes:
        """Take the oldest frame, or silence."""
        if self._is_filled and self._frames:
            return self._frames.popleft()
        self._is_filled = False
        return self._silence


class Microphone:
    """A ``Person`` who sits at this machine. The devices are open from here to ``leave``.

    Raise ``ConfigError`` when ``sounddevice`` or its PortAudio library is missing, or there is no device to open.
    """

    def __init__(self, audio: AudioFormat) -> None:
        self.said: list[Said] = []
        self._audio = audio
        samples = samples_in(PTIME_MS, audio.rate_hz)
        self._mouth, self._ear = (Elastic(bytes(2 * samples)) for _ in range(2))
        sounddevice = _sounddevice()
        try:
            self._stream = sounddevice.RawStream(
                samplerate=audio.rate_hz, blocksize=samples, channels=1, dtype="int16", callback=self._serve
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise ConfigError(f"no microphone and speaker to talk with: {error}; plug in a headset") from error

    def exchange(self, heard: bytes) -> Act:
        self._ear.push(encode_l16(decode(self._audio.encoding, heard)))
        return Act(encode(self._audio.encoding, decode_l16(self._mouth.pop())))

    def leave(self) -> None:
        self._stream.close()

    def _serve(self, spoken: Any, to_play: Any, frames: int, times: Any, status: Any) -> None:
        """Called by PortAudio in its own thread, with a ptime of each."""
        self._mouth.push(bytes(spoken))
        to_play[:] = self._ear.pop()


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise ConfigError("talking needs the sounddevice package: pip install 'mediasrv[mic]'") from error
    except OSError as error:
        raise ConfigError("talking needs the PortAudio library: apt-get install libportaudio2") from error
    return sounddevice
