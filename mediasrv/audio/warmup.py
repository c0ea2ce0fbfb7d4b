"""Makes sure that nothing is compiled, designed or loaded for the first time while a call waits for it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import permutations
from pkgutil import iter_modules

import numpy as np

from mediasrv import audio
from mediasrv.audio.kernel import compile_all

_PTIME_SAMPLES_8K = 160


def warm(*rehearsals: Callable[[], object]) -> None:
    """Compile every kernel, or load it from disk, and walk every path of this room once.

    Call it before the first connection is accepted, when the modules of other rooms that hold kernels are imported;
    their paths are walked too when they are passed as ``rehearsals``. Takes seconds when the cache is empty.
    """
    for module in iter_modules(audio.__path__):
        import_module(f"{audio.__name__}.{module.name}")
    compile_all()
    _rehearse()
    for rehearsal in rehearsals:
        rehearsal()


def _rehearse() -> None:
    from mediasrv.audio import codec, level, pitch, spectrum
    from mediasrv.audio.correlate import FRAME_SAMPLES, RATE_HZ, Band, Correlator, energy
    from mediasrv.audio.format import Encoding
    from mediasrv.audio.jitterbuffer import JitterBuffer
    from mediasrv.audio.resample import RATES_HZ, Resampler

    # Views of bytes are read-only and what a kernel returns is not: numba looks up each kind once.
    read_only = np.frombuffer(bytes(2 * _PTIME_SAMPLES_8K), np.int16)
    for pcm in (read_only, read_only.copy()):
        for encoding in Encoding:
            codec.decode(encoding, codec.encode(encoding, pcm))
        level.mix(level.gain(pcm, 0.0), level.fade(pcm, 1.0, 0.0))
        level.level_db(pcm)
        for from_hz, to_hz in permutations(RATES_HZ, 2):
            resampler = Resampler(from_hz, to_hz)
            resampler.push(pcm)
            resampler.flush()
        jitter = JitterBuffer(8000, pcm.size, max_delay_ms=0)
        for chunk in (1, 3):
            jitter.push(chunk, pcm, 0.0)
    two_frames = np.frombuffer(bytes(4 * _PTIME_SAMPLES_8K), np.int16)
    for pcm in (two_frames, two_frames.copy()):
        pitch.track(pcm, pitch.RATES_HZ[0])
        spectrum.compare(np.tile(pcm, 2), spectrum.RATES_HZ[0])
    band = Band(RATE_HZ)
    for pcm in (read_only, read_only.copy()):
        energy(band.of(pcm))
        Correlator(1, pcm.size - FRAME_SAMPLES + 1).compare(pcm[:FRAME_SAMPLES], pcm, 1.0)
