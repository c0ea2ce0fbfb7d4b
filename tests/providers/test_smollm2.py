import asyncio
import ctypes
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import installed, smollm2
from mediasrv.providers.base import Message, TextDelta, ToolCall, Usage
from mediasrv.providers.smollm2 import SmolLm2
from tests.patience import WAIT_S
from tests.providers.local import needs

local = needs(SmolLm2)
HELLO = [Message("system", "Answer in one short sentence."), Message("user", "Hello, who are you?")]


# -- what it is shown --------------------------------------------------------------------------------------------


def shown(messages: Sequence[Message], **options: Any) -> list[tuple[str, str]]:
    llm = SmolLm2(SmolLm2.Options(**options))
    return [(each["role"], each["content"]) for each in llm._request(messages)["messages"]]


def test_examples_stand_between_the_instructions_and_the_conversation() -> None:
    chat = [Message("system", "Be kind."), Message("assistant", "Hello."), Message("user", "Hi.")]
    assert shown(chat, examples=("I fell.", "Poor you!")) == [
        ("system", "Be kind."),
        ("user", "I fell."),
        ("assistant", "Poor you!"),
        ("assistant", "Hello."),
        ("user", "Hi."),
    ]


def test_examples_need_no_instructions() -> None:
    assert shown([Message("user", "Hi.")], examples=("a", "b")) == [("user", "a"), ("assistant", "b"), ("user", "Hi.")]
    assert shown([], examples=("a", "b")) == [("user", "a"), ("assistant", "b")]


def test_what_tools_did_is_left_out() -> None:
    chat = [
        Message("user", "Where is it?"),
        Message("assistant", "", (ToolCall("1", "order_status", "{}"),)),
        Message("tool", "shipped", tool_call_id="1"),
        Message("assistant", "On its way."),
    ]
    assert shown(chat) == [("user", "Where is it?"), ("assistant", "On its way.")]


def test_old_exchanges_are_forgotten_some_at_a_time_and_the_instructions_never() -> None:
    def remembered(count: int) -> int:
        chat = [Message("system", "Be kind."), *(Message("user", "x" * 80) for _ in range(count))]
        roles = [role for role, _ in shown(chat, memory_tokens=250)]
        assert roles[0] == "system"
        return len(roles) - 1

    assert [remembered(count) for count in (1, 10, 11, 18, 19, 40)] == [1, 10, 3, 10, 3, 8]


def test_without_memory_only_the_last_words_are_shown() -> None:
    chat = [Message("system", "Be kind."), Message("user", "a"), Message("assistant", "b"), Message("user", "c")]
    assert shown(chat, memory_tokens=0) == [("system", "Be kind."), ("user", "c")]
    assert shown(chat[:1], memory_tokens=0) == [("system", "Be kind.")]


@pytest.mark.parametrize(
    "options", [{"max_tokens": 0}, {"threads": 0}, {"parallel": 0}, {"examples": ("a", "b", "and?")}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        SmolLm2.Options(**options)


async def test_missing_packages_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    llm = SmolLm2(SmolLm2.Options())
    with pytest.raises(ConfigError, match=r"xllamacpp is not installed: pip install 'mediasrv\[local\]'"):
        await llm.start()
    await llm.aclose()


async def test_a_missing_system_library_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(installed, "find_spec", lambda _: True)
    monkeypatch.setattr(ctypes, "CDLL", load)
    line = "libgomp.so.1 is not installed: apt-get install libgomp1"
    assert SmolLm2.missing() == line
    llm = SmolLm2(SmolLm2.Options())
    with pytest.raises(ConfigError, match=line):
        await llm.start()
    await llm.aclose()


# -- the real model ----------------------------------------------------------------------------------------------


@pytest.fixture
async def llm() -> AsyncGenerator[SmolLm2]:
    llm = SmolLm2(SmolLm2.Options(max_tokens=40))
    await llm.start()
    yield llm
    await llm.aclose()


async def answer(llm: SmolLm2, messages: Sequence[Message]) -> str:
    async with asyncio.timeout(WAIT_S):
        return "".join([delta.text async for delta in llm.reply(messages) if isinstance(delta, TextDelta)])


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=WAIT_S) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@local
async def test_the_librarys_own_port_is_closed_to_strangers(llm: SmolLm2) -> None:
    address = llm._server.listening_address
    for path in ("/props", "/slots", "/v1/models", "/v1/chat/completions", "/completion"):
        assert await asyncio.to_thread(status_of, address + path) == 401


@local
async def test_the_library_writes_nothing_to_standard_error(capfd: pytest.CaptureFixture[str], llm: SmolLm2) -> None:
    await answer(llm, HELLO)
    assert capfd.readouterr() == ("", "")


@local
async def test_a_reply_ends_with_its_cost_where_it_was_not_cut() -> None:
    llm = SmolLm2(SmolLm2.Options(sentences=0, max_tokens=5))
    await llm.start()
    *texts, cost = [delta async for delta in llm.reply(HELLO)]
    assert all(isinstance(delta, TextDelta) for delta in texts)
    assert isinstance(cost, Usage)
    assert cost.completion_tokens == 5
    await llm.aclose()


@local
async def test_examples_teach_it_a_manner() -> None:
    examples = (
        "She was a very rich woman.",
        "A rich woman! Was she happy?",
        "He had a dog.",
        "A dog! Was it a good dog?",
    )
    llm = SmolLm2(SmolLm2.Options(examples=examples))
    await llm.start()
    chat = [Message("system", "Answer with a short cry."), Message("user", "There was an old house.")]
    await llm.warm(chat[:1])
    reply = await answer(llm, chat)
    assert "!" in reply
    assert len(reply.split()) <= 20
    await llm.aclose()


@local
async def test_a_reply_that_nobody_wants_is_not_made_to_its_end() -> None:
    llm = SmolLm2(SmolLm2.Options(sentences=0, max_tokens=1000, parallel=1))
    await llm.start()
    story = [Message("user", "Tell me a very long story.")]
    pieces = 0
    generate = smollm2._generate

    def count(server: Any, request: Any, take: Any) -> None:
        def counted(chunk: Any) -> bool:
            nonlocal pieces
            pieces += 1
            return bool(take(chunk))

        generate(server, request, counted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smollm2, "_generate", count)
        async with aclosing(llm.reply(story)) as deltas:
            async for _ in deltas:
                break
        # One place for replies: the next waits until this one has really stopped.
        await answer(llm, [Message("user", "Hi.")])
    assert pieces < 500
    await llm.aclose()


@local
async def test_a_prompt_that_is_too_long_is_an_error(llm: SmolLm2) -> None:
    with pytest.raises(ProviderError, match="llm provider smollm2: it answered exceed_context_size_error") as caught:
        await answer(llm, [Message("user", "word " * 3000)])
    assert not caught.value.retryable
    assert await answer(llm, HELLO)


@local
async def test_a_failure_of_the_library_is_a_failure_of_the_provider(llm: SmolLm2) -> None:
    with pytest.raises(ProviderError, match=r"llm provider smollm2: (Type|Value)Error") as caught:
        await answer(llm, [Message("no such role", "\ud800")])
    assert caught.value.retryable


@local
async def test_closing_ends_what_is_being_said(llm: SmolLm2) -> None:
    waiting = [asyncio.create_task(answer(llm, HELLO)) for _ in range(6)]
    await asyncio.sleep(0)
    await llm.aclose()
    await asyncio.wait(waiting)
    outcomes = [task.exception() for task in waiting]
    assert any(isinstance(error, ProviderError) for error in outcomes)
    assert all(error is None or isinstance(error, ProviderError) for error in outcomes)


@local
async def test_an_engine_serves_all_that_are_set_up_alike() -> None:
    alike = [SmolLm2(SmolLm2.Options()), SmolLm2(SmolLm2.Options(max_tokens=5))]
    other = SmolLm2(SmolLm2.Options(parallel=1))
    for each in (*alike, other):
        await each.start()
    assert alike[0]._server is alike[1]._server
    assert alike[0]._server is not other._server
    await alike[0].aclose()
    assert await answer(alike[1], HELLO)
    for each in (alike[1], other):
        await each.aclose()


@local
async def test_a_file_that_is_no_model_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"no model")
    llm = SmolLm2(SmolLm2.Options())
    with pytest.raises(ConfigError, match="smollm2 cannot be loaded"):
        llm._load(tmp_path / "x.gguf")
    await llm.aclose()


@local
async def test_a_processor_without_what_the_library_needs_is_told_before_it_crashes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smollm2, "NEEDED_CPU_FLAGS", {"magic"})
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    llm = SmolLm2(SmolLm2.Options())
    with pytest.raises(ConfigError, match="needs a processor with magic"):
        await llm.start()
    await llm.aclose()
