"""Voices of captured and of replayed calls: what was recorded ahead of time is part of the call's world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mediasrv.audio.format import AudioFormat
from mediasrv.call.voice import Voice
from mediasrv.providers.base import Speech, Tts

Phrases = Mapping[str, Mapping[AudioFormat, Sequence[Speech]]]


class CapturedVoice(Voice):
    """Tells of every phrase that it had ready, once, as it was recorded."""

    def __init__(self, tts: Tts, voice: Voice, note: Callable[[str, AudioFormat, Sequence[Speech]], None]) -> None:
        super().__init__(tts, looked_up=voice._looked_up)
        self._rendered = voice._rendered
        self._note = note
        self._noted: set[str] = set()

    def rendered(self, text: str, wanted: AudioFormat) -> Sequence[Speech]:
        formats = self._rendered.get(text)
        if formats and text not in self._noted:
            self._noted.add(text)
            source = wanted if wanted in formats else next(iter(formats))
            self._note(text, source, formats[source])
        return super().rendered(text, wanted)


class ReplayedVoice(Voice):
    """Has those phrases ready, and no others."""

    def __init__(self, tts: Tts, phrases: Phrases) -> None:
        super().__init__(tts)
        self._rendered = {text: dict(formats) for text, formats in phrases.items()}
