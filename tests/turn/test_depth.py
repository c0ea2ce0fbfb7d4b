from __future__ import annotations

from mediasrv.turn.depth import DEEP_HZ, KNOWN_FRAMES, STRANGER, Depth

DEEP, HIGH = DEEP_HZ - 10, DEEP_HZ + 90


def test_a_deep_voice_counts_in_full_while_nobody_is_known() -> None:
    depth = Depth()
    assert depth.toll(DEEP) == 0
    depth.know([HIGH] * KNOWN_FRAMES)
    assert depth.toll(DEEP) == 0


def test_where_all_voices_were_high_a_deep_one_is_strange() -> None:
    depth = Depth()
    depth.know([HIGH] * 3 * KNOWN_FRAMES)
    assert depth.toll(DEEP) == STRANGER
    assert depth.toll(HIGH) == depth.toll(0.0) == 0


def test_who_was_heard_once_is_no_stranger() -> None:
    depth = Depth()
    depth.know([HIGH] * 3 * KNOWN_FRAMES)
    depth.know([DEEP] * 3)
    assert depth.toll(DEEP) == 0
