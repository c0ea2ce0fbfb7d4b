"""A worker process that is killed, hangs, babbles or will not start; the processes are real."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import workerprocess
from mediasrv.providers.pipe import Frame
from mediasrv.providers.workerprocess import Life, WorkerProcess
from tests.patience import WAIT_S, until

ROOT = Path(__file__).parents[2]
MODULE = "tests.providers.tone_worker"


@pytest.fixture(autouse=True)
def findable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
async def worker() -> AsyncGenerator[WorkerProcess]:
    worker = WorkerProcess("tone", MODULE, {"rate_hz": 16000})
    await worker.start()
    yield worker
    await worker.aclose()


async def said(worker: WorkerProcess, text: str) -> bytes:
    async with asyncio.timeout(WAIT_S):
        return b"".join([piece async for piece in worker.speak(text)])


def pid_of(worker: WorkerProcess) -> int:
    assert worker._life is not None
    return worker._life._process.pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_worker_tells_its_rate_and_speaks(worker: WorkerProcess) -> None:
    assert worker.rate_hz == 16000
    assert await said(worker, "abc") == b"aabbcc"


async def test_phrases_at_the_same_time_do_not_mix(worker: WorkerProcess) -> None:
    texts = [letter * 50 for letter in "abcdefgh"]
    assert await asyncio.gather(*(said(worker, text) for text in texts)) == [(2 * text).encode() for text in texts]


async def test_what_a_library_prints_does_not_reach_the_pipe(worker: WorkerProcess) -> None:
    assert await said(worker, "print") == b"pprriinntt"


async def test_a_phrase_that_fails_leaves_the_worker_alive(worker: WorkerProcess) -> None:
    pid = pid_of(worker)
    with pytest.raises(ProviderError, match="tts provider tone: ValueError") as caught:
        await said(worker, "fail")
    assert caught.value.retryable
    assert await said(worker, "a") == b"aa"
    assert pid_of(worker) == pid


async def test_a_phrase_that_is_not_wanted_any_more_makes_room(worker: WorkerProcess) -> None:
    async with aclosing(worker.speak("endless")) as pieces:
        assert await anext(pieces) == b"ee"
    assert await said(worker, "a") == b"aa"
    assert worker._waiting == {}


async def test_cancelling_while_nothing_comes_takes_the_request_back(worker: WorkerProcess) -> None:
    endless = asyncio.create_task(said(worker, "endless"))
    waiting = asyncio.create_task(said(worker, "b"))
    await until(lambda: len(worker._waiting) == 2)
    waiting.cancel()
    endless.cancel()
    await asyncio.wait([waiting, endless])
    assert await said(worker, "c") == b"cc"
    assert worker._waiting == {}


async def test_a_worker_that_dies_fails_its_phrases_and_is_replaced(worker: WorkerProcess) -> None:
    pid = pid_of(worker)
    with pytest.raises(ProviderError, match="its process ended") as caught:
        await said(worker, "crash")
    assert caught.value.retryable
    assert await said(worker, "a") == b"aa"
    assert pid_of(worker) != pid
    assert not is_alive(pid)


async def test_a_worker_that_hangs_is_killed_and_replaced(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workerprocess, "STUCK_S", 0.5)
    assert await said(worker, "a") == b"aa"
    with pytest.raises(ProviderError, match="its process ended"):
        await said(worker, "hang")
    assert await said(worker, "a") == b"aa"


async def test_an_idle_worker_is_not_taken_for_one_that_hangs(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workerprocess, "STUCK_S", 0.01)
    assert await said(worker, "a") == b"aa"
    pid = pid_of(worker)
    await asyncio.sleep(0.05)
    monkeypatch.setattr(workerprocess, "STUCK_S", WAIT_S)
    assert await said(worker, "b") == b"bb"
    assert pid_of(worker) == pid


async def test_a_worker_that_cannot_be_replaced_is_an_error_and_not_silence(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workerprocess, "RESTART_WAIT_S", 0.05)
    worker._setup = {"start": "refuse"}
    with pytest.raises(ProviderError, match="its process ended"):
        await said(worker, "crash")
    with pytest.raises(ProviderError, match="its process is not running"):
        await said(worker, "a")
    monkeypatch.setattr(workerprocess, "RESTART_WAIT_S", WAIT_S)
    worker._setup = {"rate_hz": 16000}
    assert await said(worker, "a") == b"aa"


async def test_closing_ends_the_process_and_what_waits_for_it(worker: WorkerProcess) -> None:
    pid = pid_of(worker)
    speaking = asyncio.create_task(said(worker, "endless"))
    await until(lambda: bool(worker._waiting))
    await worker.aclose()
    with pytest.raises(ProviderError, match="its process was stopped"):
        await speaking
    assert not is_alive(pid)
    with pytest.raises(ProviderError, match="its process is not running"):
        await said(worker, "a")


async def test_closing_at_once_after_the_start_leaves_no_process() -> None:
    worker = WorkerProcess("tone", MODULE, {"rate_hz": 16000})
    await worker.start()
    pid = pid_of(worker)
    await worker.aclose()
    assert not is_alive(pid)


async def test_a_worker_that_hangs_does_not_hold_up_the_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workerprocess, "END_LIMIT_S", 0.01)
    worker = WorkerProcess("tone", MODULE, {"rate_hz": 16000})
    await worker.start()
    pid = pid_of(worker)
    # It cannot even see that its input has ended.
    os.kill(pid, signal.SIGSTOP)
    await worker.aclose()
    assert not is_alive(pid)


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        ({"start": "refuse"}, "did not start: RuntimeError: no such voice"),
        ({"start": "die"}, "did not start: it ended with status 7"),
        ({}, "did not start: KeyError: 'rate_hz'"),
    ],
)
async def test_a_worker_that_does_not_start_is_explained_in_a_line(setup: dict[str, str], why: str) -> None:
    worker = WorkerProcess("tone", MODULE, setup)
    with pytest.raises(ConfigError) as caught:
        await worker.start()
    assert str(caught.value) == f"{MODULE} {why}"
    await worker.aclose()


async def test_a_worker_that_never_gets_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workerprocess, "START_LIMIT_S", 0.05)
    with pytest.raises(ConfigError, match="was not ready after 0 s"):
        await WorkerProcess("tone", MODULE, {"start": "hang"}).start()


async def test_cancelling_the_start_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    lives: list[Life] = []
    hear = Life.hear

    async def listen(life: Life) -> list[Frame]:
        lives.append(life)
        return await hear(life)

    monkeypatch.setattr(Life, "hear", listen)
    starting = asyncio.create_task(WorkerProcess("tone", MODULE, {"start": "hang"}).start())
    await until(lambda: bool(lives))
    starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled()
    assert lives[0].status is not None


async def test_a_program_that_speaks_no_frames_is_not_a_worker() -> None:
    with pytest.raises(ConfigError, match="platform did not start"):
        await WorkerProcess("tone", "platform", {}).start()
