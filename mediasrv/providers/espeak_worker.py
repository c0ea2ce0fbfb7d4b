"""The process that holds espeak-ng, which is under the GPL: ``python -m mediasrv.providers.espeak_worker SETUP``.

The library is called by its C interface (``speak_lib.h``). It hands over audio while it goes, and stops when the
callback says so.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import espeakng_loader

from mediasrv.providers.worker import Emit, Engine, serve

PIECE_MS = 100
"""Audio in a frame."""

# From speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_PARAMETER_RATE_WPM = 1
_POSITION_CHARACTER = 1
_CHARS_UTF8 = 1
_OK = 0

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class EspeakEngine:
    """The one voice of this process; the library keeps its state in globals."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
            ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz = int(
            self._library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, PIECE_MS, data, _INITIALIZE_DONT_EXIT)
        )
        if self.rate_hz <= 0:
            raise RuntimeError("espeak-ng cannot read its data")
        # Kept, because the library calls it for as long as it lives.
        self._callback = _Callback(self._take)
        self._emit: Emit = lambda _: True
        self._library.espeak_SetSynthCallback(self._callback)
        if self._library.espeak_SetVoiceByName(setup["voice"].encode()) != _OK:
            raise ValueError(f"espeak-ng has no voice {setup['voice']!r}")
        self._library.espeak_SetParameter(_PARAMETER_RATE_WPM, setup["words_per_minute"], 0)
        self.speak("Hello.", lambda _: True)

    def speak(self, text: str, emit: Emit) -> None:
        """Say a text; cancelling takes effect at the next piece."""
        self._emit = emit
        data = text.replace("\0", " ").encode() + b"\0"
        if self._library.espeak_Synth(data, len(data), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None) != _OK:
            raise RuntimeError("espeak-ng cannot speak")

    def _take(self, samples: Any, count: int, _events: int | None) -> int:
        """Called by the library; anything but 0 stops it."""
        audio = ctypes.string_at(samples, 2 * count) if samples and count > 0 else b""
        return 0 if self._emit(audio) else 1


def build(setup: Mapping[str, Any]) -> Engine:
    """Make the engine from the voice's name and its speed."""
    return EspeakEngine(setup)


if __name__ == "__main__":
    serve(build)
