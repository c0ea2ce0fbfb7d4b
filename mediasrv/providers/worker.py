"""The worker's side of the pipe: a process that speaks phrases for the server that started it.

It exists for engines under the GPL, which must not be part of the server's own process. The main thread reads requests
from standard input, a second one speaks them in order; a request that is taken back stops at the next piece of audio.
When standard input ends the server is gone, and so is the worker, whatever it was doing.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mediasrv.providers.pipe import Decoder, Frame, Kind, encode

READ_BYTES = 65536

Emit = Callable[[bytes], bool]
"""Takes a piece of audio; returns whether more of this phrase is wanted."""


class Engine(Protocol):
    """What speaks."""

    rate_hz: int

    def speak(self, text: str, emit: Emit) -> None:
        """Say a text as 16-bit little-endian samples, piece by piece, until it is said or no more is wanted."""


class Worker:
    """Serves the requests of one pair of pipes."""

    def __init__(self, engine: Engine, inbox_fd: int, outbox_fd: int) -> None:
        self._engine = engine
        self._inbox_fd = inbox_fd
        self._outbox_fd = outbox_fd
        self._phrases: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        # Requests that were made and not taken back. Touched by both threads, a whole operation at a time.
        self._wanted: set[int] = set()

    def run(self) -> None:
        """Say READY and serve until the inbox ends."""
        self._send(Frame(Kind.READY, 0, str(self._engine.rate_hz).encode()))
        speaker = threading.Thread(target=self._speak_all, name="speaker", daemon=True)
        speaker.start()
        decoder = Decoder()
        while data := os.read(self._inbox_fd, READ_BYTES):
            for frame in decoder.push(data):
                self._receive(frame)
        self._wanted.clear()
        self._phrases.put(None)

    def _receive(self, frame: Frame) -> None:
        if frame.kind is Kind.SPEAK:
            self._wanted.add(frame.request)
            self._phrases.put(frame)
        else:
            self._wanted.discard(frame.request)

    def _speak_all(self) -> None:
        while phrase := self._phrases.get():
            try:
                self._speak(phrase)
            except BrokenPipeError:
                return

    def _speak(self, phrase: Frame) -> None:
        request = phrase.request

        def emit(audio: bytes) -> bool:
            if audio and request in self._wanted:
                self._send(Frame(Kind.AUDIO, request, audio))
            return request in self._wanted

        if request not in self._wanted:
            return
        try:
            self._engine.speak(phrase.text, emit)
            answer = Frame(Kind.DONE, request)
        except BrokenPipeError:
            raise
        except Exception as error:
            # The last door: the server logs what it is told. An engine's own words might quote the caller's.
            answer = Frame(Kind.FAILED, request, type(error).__name__.encode())
        self._wanted.discard(request)
        self._send(answer)

    def _send(self, frame: Frame) -> None:
        data = memoryview(encode(frame))
        while data:
            data = data[os.write(self._outbox_fd, data) :]


def serve(build: Callable[[Mapping[str, Any]], Engine]) -> None:
    """Be a worker process: build the engine from the JSON in the first argument and serve. Does not return."""
    # Ctrl-C and systemd's SIGTERM reach the whole group of processes, but the server still has goodbyes to speak.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    outbox_fd = os.dup(1)
    # Whatever a library prints goes to standard error, not between the frames.
    os.dup2(2, 1)
    try:
        engine = build(json.loads(sys.argv[1]))
    except Exception as error:
        # The last door: the server turns this into the one line that the operator sees.
        os.write(outbox_fd, encode(Frame(Kind.FAILED, 0, f"{type(error).__name__}: {error}"[:500].encode())))
        os._exit(1)
    Worker(engine, 0, outbox_fd).run()
    # An engine in the middle of a phrase cannot be interrupted, and nobody will hear it.
    os._exit(0)
