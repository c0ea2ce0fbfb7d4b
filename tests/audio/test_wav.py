import io
import wave

import pytest

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.audio.wav import wav


@pytest.mark.parametrize("audio", [MULAW_8K, AudioFormat(Encoding.ALAW, 8000), L16_8K, L16_16K], ids=str)
def test_a_wav_file_is_one_to_others_too(audio: AudioFormat) -> None:
    with wave.open(io.BytesIO(wav(audio, bytes(range(200)))), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, audio.rate_hz)
        assert file.getnframes() == 200 // audio.bytes_per_sample
        assert len(file.readframes(200)) == 2 * file.getnframes()
