"""SmolLM2-135M-Instruct in this process, by llama.cpp through xllamacpp: fluent and small, and often silly.

The library is llama.cpp's server without the socket: it makes several replies at a time and keeps the beginnings of
prompts. A reply is a blocking call in a thread of its own, which hands over each token as it is made and stops when it
is told so. The library also opens a port on loopback, which nobody asked for; with a key that nobody knows, it answers
401.

To free an engine is to risk a deadlock: one that is freed before its queue has begun to run waits for it for ever, and
holds the interpreter meanwhile. So one that was made serves whoever asks for the like of it until the process ends.

A model this small learns from examples, not from rules. So it can be shown exchanges as if they had been said before,
and its reply is cut after a number of sentences, where it tends to go in circles.
"""

from __future__ import annotations

import asyncio
import ctypes
import secrets
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import installed
from mediasrv.providers.base import Delta, Llm, Message, TextDelta, ToolSpec, Usage
from mediasrv.providers.sentences import SentenceCut
from mediasrv.providers.weights import SMOLLM2_135M, verify

CONTEXT_TOKENS = 2048
"""Of each reply: prompt and answer."""
# Forgotten at a time, because all that follows has to be read anew, at 300 tokens a second.
FORGOTTEN_MESSAGES = 8
# English text, and what the chat format puts around each message.
CHARS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 5
# What the library's wheel for x86-64 is compiled for; any other such processor dies of an illegal instruction.
NEEDED_CPU_FLAGS = frozenset({"avx2", "bmi2", "f16c", "fma"})

_NO_LOG = -1

Chunk = Mapping[str, Any]
Take = Callable[[Chunk], bool]
"""Takes a piece of a reply, in the generating thread; returns whether to stop."""


class SmolLm2(Llm):
    """One model for all calls."""

    name = "smollm2"
    is_elastic = False

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "smollm2"``."""

        examples: tuple[str, ...] = ()
        """What a caller says and what the agent answers, in turns."""
        sentences: int = 2
        """A reply is cut after so many; 0 cuts none."""
        memory_tokens: int = 600
        """How much of the conversation it is shown. It repeats itself; 0 shows it the caller's last words only."""
        max_tokens: int = 60
        """Longest reply; a word is about 1.3 tokens."""
        stop: tuple[str, ...] = ()
        """Texts that end a reply when the model writes them."""
        temperature: float = 0.0
        """0 always answers alike; 1 is as the model was trained."""
        threads: int = 1
        """Cores used at a time."""
        parallel: int = 2
        """Replies made at a time; more wait."""

        def __post_init__(self) -> None:
            if min(self.max_tokens, self.threads, self.parallel) < 1:
                raise ConfigError("max_tokens, threads and parallel must be at least 1")
            if len(self.examples) % 2:
                raise ConfigError("examples: what the last caller says has no answer")

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._callers = ThreadPoolExecutor(options.parallel, thread_name_prefix="smollm2")
        self._server: Any = None

    @classmethod
    def missing(cls) -> str:
        return (
            installed.missing(installed.LOCAL_EXTRA, "xllamacpp")
            or installed.missing_library("apt-get install libgomp1", "libgomp.so.1")
            or SMOLLM2_135M.missing()
        )

    async def start(self) -> None:
        if line := self.missing():
            raise ConfigError(line)
        folder = await verify(SMOLLM2_135M)
        if absent := await asyncio.to_thread(installed.absent_cpu_flags, NEEDED_CPU_FLAGS):
            raise ConfigError(f"llm provider smollm2 needs a processor with {', '.join(absent)}: use another provider")
        (file,) = SMOLLM2_135M.sha256
        await self._in_thread(partial(self._load, folder / file))

    async def aclose(self) -> None:
        self._server = None
        await asyncio.to_thread(self._callers.shutdown, cancel_futures=True)

    async def warm(self, messages: Sequence[Message]) -> None:
        """Read the beginning of conversations ahead of time, in each of the places that replies are made in."""
        request = self._request(messages) | {"max_tokens": 1}
        # Without a number, the library takes the place that knows the text already.
        requests = [request | {"id_slot": place} for place in range(self.options.parallel)]
        await asyncio.gather(
            *(self._in_thread(partial(_generate, self._server, each, _take_nothing)) for each in requests)
        )

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        """Stream the answer. The model is too small for tools, so it is not shown any."""
        if self._server is None:
            raise self._error("it is not running", retryable=False)
        hatch = _Hatch()
        work = self._in_thread(partial(_generate, self._server, self._request(messages), hatch.take))
        work.add_done_callback(hatch.close)
        cut = SentenceCut(self.options.sentences)
        try:
            while (chunk := await hatch.chunks.get()) is not None:
                for delta in self._deltas(chunk, cut):
                    yield delta
                if cut.is_done:
                    return
            if work.cancelled():
                raise self._error("it was stopped", retryable=True)
            if error := work.exception():
                raise self._error(type(error).__name__, retryable=True) from error
        finally:
            hatch.unwanted.set()
            work.cancel()

    def _request(self, messages: Sequence[Message]) -> dict[str, Any]:
        return {
            "messages": [{"role": message.role, "content": message.text} for message in self._shown(messages)],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": self.options.temperature,
            "max_tokens": self.options.max_tokens,
            "stop": list(self.options.stop),
        }

    def _shown(self, messages: Sequence[Message]) -> list[Message]:
        """The instructions, the examples, and what is remembered of the conversation; what tools did is left out."""
        said = [message for message in messages if message.text and message.role != "tool"]
        instructions = said[:1] if said and said[0].role == "system" else []
        examples = [Message(("user", "assistant")[index % 2], text) for index, text in enumerate(self.options.examples)]
        return instructions + examples + self._remembered(said[len(instructions) :])

    def _remembered(self, said: list[Message]) -> list[Message]:
        if not self.options.memory_tokens:
            return said[-1:]
        while len(said) > FORGOTTEN_MESSAGES and _tokens(said) > self.options.memory_tokens:
            said = said[FORGOTTEN_MESSAGES:]
        return said

    def _deltas(self, chunk: Chunk, cut: SentenceCut) -> list[Delta]:
        if "error" in chunk:
            raise self._error(f"it answered {chunk['error'].get('type')}", retryable=False)
        deltas: list[Delta] = []
        for choice in chunk.get("choices", ()):
            if text := cut.push(choice["delta"].get("content") or ""):
                deltas.append(TextDelta(text))
        if usage := chunk.get("usage"):
            deltas.append(Usage(usage["prompt_tokens"], usage["completion_tokens"]))
        return deltas

    def _error(self, why: str, *, retryable: bool) -> ProviderError:
        return ProviderError(why, stage="llm", provider=self.name, retryable=retryable)

    # -- in a thread ---------------------------------------------------------------------------------------------

    def _in_thread(self, work: Callable[[], None]) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._callers, work)

    def _load(self, model: Path) -> None:
        try:
            with _making:
                self._server = _engine(model, self.options.parallel, self.options.threads)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise ConfigError(f"smollm2 cannot be loaded ({error}): {installed.LOCAL_EXTRA}") from error


_making = threading.Lock()


@cache
def _engine(model: Path, parallel: int, threads: int) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_parallel = parallel
    params.n_ctx = CONTEXT_TOKENS * parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.api_keys = [secrets.token_urlsafe(32)]
    params.n_threads_http = 1
    # Copies of old prompts, up to 8 GB of them.
    params.cache_ram_mib = 0
    params.verbosity = _NO_LOG
    engine = xllamacpp.Server(params)
    # A reference that nobody holds: not even the end of the interpreter runs the destructor.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
    return engine


class _Hatch:
    """Through which a generating thread hands its pieces to the event loop, and is told when they are not wanted."""

    def __init__(self) -> None:
        self.chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self.unwanted = threading.Event()
        self._loop = asyncio.get_running_loop()

    def take(self, chunk: Chunk) -> bool:
        """Take a piece, in the thread."""
        if not self.unwanted.is_set():
            self._loop.call_soon_threadsafe(self.chunks.put_nowait, chunk)
        return self.unwanted.is_set()

    def close(self, work: asyncio.Future[None]) -> None:
        """Nothing more comes, on the event loop."""
        self.chunks.put_nowait(None)


def _generate(server: Any, request: Mapping[str, Any], take: Take) -> None:
    server.handle_chat_completions(request, take)


def _take_nothing(_: Chunk) -> bool:
    return False


def _tokens(messages: Sequence[Message]) -> int:
    return sum(len(message.text) // CHARS_PER_TOKEN + TOKENS_PER_MESSAGE for message in messages)
