"""All providers in the cloud, each with the stand-in of its vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mediasrv.providers import registry
from mediasrv.providers.base import Provider
from native_bench.standins import anthropic, detector, gemini, openai, openai_realtime, transcriptions
from native_bench.standins.base import Standin
from tests.providers import stt, tts

WEATHER = (("weather", '{"city": "Pune"}'),)


@dataclass(frozen=True)
class Site:
    """A provider that is pointed at a stand-in."""

    stage: str
    name: str
    standin: Callable[..., Standin]
    key: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    """Behind the origin, where the adapter adds none."""

    def __str__(self) -> str:
        return f"{self.stage}-{self.name}"

    def build(self, url: str, **options: Any) -> Provider:
        """The provider, not started."""
        return registry.build(self.stage, {**self.table(url), **options})

    def table(self, url: str) -> dict[str, Any]:
        """Its table in a configuration."""
        return {"provider": self.name, "url": url + self.path, "api_key": self.key, **self.settings}


def _stt(vendor: stt.Vendor) -> Site:
    # AssemblyAI's refuses audio that runs ahead of real time by more than a lead.
    options = {"lead_ms": 1e9} if vendor.name == "assemblyai" else {}
    return Site("stt", vendor.name, partial(vendor.standin, **options), vendor.key)


SITES = [
    *map(_stt, stt.VENDORS),
    Site("stt", "transcriptions", transcriptions.TranscriptionsStandin, transcriptions.KEY),
    Site("llm", "openai", partial(openai.OpenAiStandin, calls=WEATHER), openai.KEY),
    Site("llm", "anthropic", partial(anthropic.AnthropicStandin, calls=WEATHER), anthropic.KEY),
    Site("llm", "gemini", partial(gemini.GeminiStandin, calls=WEATHER), gemini.KEY),
    *(Site("tts", vendor.name, vendor.standin, vendor.key, vendor.settings) for vendor in tts.VENDORS),
    Site("realtime", "openai_realtime", openai_realtime.OpenAiRealtimeStandin, openai_realtime.KEY),
    Site("detector", "http", detector.DetectorStandin, detector.KEY, path="/judge"),
]
