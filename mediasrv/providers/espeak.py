"""espeak-ng, a voice of rules: robotic, in a hundred languages, ready at once, and it needs no weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mediasrv.providers import installed
from mediasrv.providers.processtts import ProcessTts


class EspeakTts(ProcessTts):
    """Speaks while it goes: the first audio of any text comes within a few milliseconds."""

    name = "espeak"
    worker = "mediasrv.providers.espeak_worker"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "espeak"``."""

        voice: str = "en-us"
        """espeak-ng's name of a language or voice."""
        words_per_minute: int = 165
        """Speed, 80 to 450."""

    @classmethod
    def missing(cls) -> str:
        return installed.missing(installed.LOCAL_EXTRA, "espeakng_loader")

    async def setup(self) -> Mapping[str, Any]:
        installed.require(installed.LOCAL_EXTRA, "espeakng_loader")
        return {"voice": self.options.voice, "words_per_minute": self.options.words_per_minute}
