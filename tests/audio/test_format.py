from __future__ import annotations

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat, Encoding, samples_in


def test_samples_in_a_duration_are_whole() -> None:
    assert samples_in(20, 8000) == 160
    assert samples_in(5, 22050) == 110


def test_sizes_follow_from_encoding_and_rate() -> None:
    assert MULAW_8K.bytes_per_sample == 1
    assert MULAW_8K.frame_bytes == 160
    assert L16_16K.bytes_per_sample == 2
    assert L16_16K.frame_bytes == 640
    assert L16_16K.bytes_in(5) == 160


def test_half_a_sample_does_not_count() -> None:
    assert L16_16K.samples_of(b"\x00" * 641) == 320
    assert MULAW_8K.samples_of(b"\x00" * 641) == 641


def test_a_format_reads_as_a_media_type() -> None:
    assert str(AudioFormat(Encoding.ALAW, 8000)) == "audio/x-alaw;rate=8000"
