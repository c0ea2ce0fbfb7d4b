"""Hearing in numbers: rates of webrtcvad alone and of ours on human speech in noise, and what a frame costs.

    python -m native_bench vad

Prints Markdown tables. ``tests.hearing`` says what the figures mean.
"""

from __future__ import annotations

import time

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from mediasrv.turn.vad import RATES_HZ, VoiceDetector
from native_bench.machine import described
from tests import hearing

SNRS_DB = (40, 20, 10)
# ITU-T P.56's usual level, and a caller who shouts or whose phone amplifies.
LEVELS_DBFS = (-26, -16)
MODES = (0, 1, 2, 3)
FRAMES = 20_000


def webrtcvad_alone(mode: int) -> hearing.Detector:
    """webrtcvad in one of its modes, 0 to 3."""
    vad = webrtcvad.Vad(mode)
    return lambda frame: bool(vad.is_speech(frame.tobytes(), 8000))


def rates_table(level_dbfs: int) -> list[str]:
    """Return the lines of a table of all noises: found / false for each detector, and our delays."""
    heads = ["noise", "SNR", *(f"webrtcvad {mode}" for mode in MODES), "ours", "onset ms", "offset ms"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for snr_db in SNRS_DB:
        for kind in hearing.NOISES:
            heard = hearing.scenes(kind, snr_db, level_dbfs)
            others = [hearing.rate(lambda mode=mode: webrtcvad_alone(mode), heard) for mode in MODES]  # type: ignore[misc]
            ours = hearing.rate(hearing.ours, heard)
            verdicts = [f"{100 * each.found:.0f} / {100 * each.false:.0f}" for each in others]
            delays = ["{:.0f} / {:.0f}".format(*delay_ms) for delay_ms in (ours.onset_ms, ours.offset_ms)]
            cells = [kind, f"{snr_db} dB", *verdicts, f"**{100 * ours.found:.1f} / {100 * ours.false:.1f}**", *delays]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def costs_us(rate_hz: int) -> NDArray[np.float64]:
    """Return what each of many frames of speech in noise cost."""
    pcm = np.concatenate([frame for scene in hearing.scenes("pink", 20) for frame in scene.frames])
    frame = rate_hz // 50
    frames = pcm[: pcm.size // frame * frame].reshape(-1, frame)
    detector = VoiceDetector(rate_hz)
    costs = np.empty(FRAMES)
    for place in range(FRAMES):
        heard = frames[place % len(frames)]
        before = time.perf_counter()
        detector.hear(heard)
        costs[place] = time.perf_counter() - before
    return costs[1000:] * 1e6


def main() -> None:
    """Print the tables."""
    print(described(), end="\n\n")
    for level_dbfs in LEVELS_DBFS:
        print(f"Speech at {level_dbfs} dBFS: voice found / noise called voice in %, delays median / p90\n")
        print("\n".join([*rates_table(level_dbfs), ""]))
    for rate_hz in RATES_HZ:
        p50, p99 = np.percentile(costs_us(rate_hz), [50, 99])
        print(f"A frame at {rate_hz} Hz: {p50:.1f} us p50, {p99:.1f} us p99")


if __name__ == "__main__":
    main()
