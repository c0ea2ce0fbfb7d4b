from __future__ import annotations

import json
from pathlib import Path

import pytest

from mediasrv.audio.warmup import warm
from tests.audio.test_kernel import run_python

SCRIPT = """
        import json
        import numpy as np
        from mediasrv.audio.warmup import warm
        warm()
        from mediasrv.audio import codec, g711, kernel, level, pitch
        from mediasrv.audio.conceal import Concealer
        from mediasrv.audio.format import Encoding
        from mediasrv.audio.jitterbuffer import JitterBuffer
        from mediasrv.audio.resample import RATES_HZ, Resampler
        warmed = sum(each.compiled for each in kernel.kernels())
        fresh = np.arange(-400, 400, dtype=np.int16)
        for pcm in (fresh, np.frombuffer(fresh.tobytes(), np.int16), fresh[3:50]):
            for encoding in Encoding:
                codec.decode(encoding, bytearray(codec.encode(encoding, pcm)))
            for rate_hz in RATES_HZ:
                resampler = Resampler(8000, rate_hz)
                resampler.push(pcm), resampler.push(pcm[:0]), resampler.flush()
            level.level_db(pcm), level.gain(pcm, -3), level.fade(pcm, 1, 0), level.mix(pcm, pcm)
            pitch.track(pcm, 16000), pitch.track(pcm, 8000)
            concealer = Concealer(16000)
            concealer.heard(pcm), concealer.conceal(7)
            jitter = JitterBuffer(8000, 160)
            jitter.push(1, pcm, 0.0), jitter.push(3, pcm, 0.1), jitter.pop(0.5)
        called = sum(each.compiled for each in kernel.kernels())
        print(json.dumps([len(kernel.kernels()), warmed, called]))
"""


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cache that was empty when a server started first, and what that start told."""
    cache = tmp_path_factory.mktemp("kernels")
    return cache, run_python(SCRIPT, cache)


def test_nothing_compiles_after_warming(first_start: tuple[Path, str]) -> None:
    kernels, warmed, called = json.loads(first_start[1])
    assert warmed == called == kernels
    assert kernels > 0


def test_the_second_start_compiles_nothing(first_start: tuple[Path, str]) -> None:
    kernels, warmed, called = json.loads(run_python(SCRIPT, first_start[0]))
    assert kernels > 0
    assert warmed == called == 0


def test_kernels_of_other_rooms_are_compiled_too(first_start: tuple[Path, str]) -> None:
    script = """
        from mediasrv.audio.kernel import kernel
        from mediasrv.audio.warmup import warm
        elsewhere = kernel("int64(int64)")(lambda number: number + 1)
        warm()
        print(elsewhere.compiled)
    """
    assert run_python(script, first_start[0]) == "1"


def test_paths_of_other_rooms_are_walked_too() -> None:
    walked: list[str] = []
    warm(lambda: walked.append("turn"))
    assert walked == ["turn"]
