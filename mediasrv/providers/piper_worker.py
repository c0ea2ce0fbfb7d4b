"""The process that holds Piper, which is under the GPL: ``python -m mediasrv.providers.piper_worker SETUP``.

Piper synthesises a sentence at a time. Its sentences begin with up to 60 ms of near silence, for which the caller would
wait: all but a soft start of it is cut.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from piper.config import PiperConfig, SynthesisConfig
from piper.voice import PiperVoice

from mediasrv.providers.worker import Emit, Engine, serve

PIECE_MS = 200
"""Audio in a frame: little enough for the server's loop to take in its stride."""
# 40 dB under the loudest sample, to which Piper scales each sentence: breath and the onset of a fricative lie above.
SILENCE_LEVEL = 0.01
SOFT_START_MS = 8
# One sentence in each cut of the range that the first model run prepares memory for.
WARM_UP = ("Hello.", "Good morning, how can I help you?")


class PiperEngine:
    """One voice."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = setup["threads"]
        options.inter_op_num_threads = 1
        # A thread that waits by spinning would take the core from the server.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = Path(setup["model"])
        config = PiperConfig.from_dict(json.loads(Path(f"{model}.json").read_text(encoding="utf-8")))
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._voice = PiperVoice(session=session, config=config)
        self._manner = SynthesisConfig(length_scale=config.length_scale * setup["length_scale"], volume=setup["volume"])
        self._silence = SILENCE_LEVEL * setup["volume"]
        self.rate_hz = int(config.sample_rate)
        for text in WARM_UP:
            self.speak(text, lambda _: True)

    def speak(self, text: str, emit: Emit) -> None:
        """Say a text; cancelling takes effect between sentences and between pieces."""
        piece = self.rate_hz * PIECE_MS // 1000
        for sentence in self._voice.synthesize(text, self._manner):
            pcm = self._without_lead(sentence.audio_float_array)
            pcm16 = np.clip(pcm * 32767.0, -32768, 32767).astype("<i2")
            for at in range(0, len(pcm16), piece):
                if not emit(pcm16[at : at + piece].tobytes()):
                    return

    def _without_lead(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        loud = np.flatnonzero(np.abs(pcm) > self._silence)
        lead = int(loud[0]) - self.rate_hz * SOFT_START_MS // 1000 if len(loud) else 0
        return pcm[max(0, lead) :]


def build(setup: Mapping[str, Any]) -> Engine:
    """Make the engine from the model's path and the manner of speaking."""
    return PiperEngine(setup)


if __name__ == "__main__":
    serve(build)
