"""What the stand-ins of language models share."""

from __future__ import annotations

import math
from statistics import median

import aiohttp
import pytest

from native_bench.standins import __main__ as command
from native_bench.standins.chat import KEPT_BODIES, ChatStandin, halves, words
from native_bench.standins.openai import OpenAiStandin


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini"])
def test_each_is_found_by_its_name(name: str) -> None:
    assert issubclass(command.find(name), ChatStandin)


def test_what_is_shared_is_no_standin() -> None:
    with pytest.raises(SystemExit, match="unknown stand-in 'chat'"):
        command.find("chat")


@pytest.mark.parametrize("text", ["", " ", "one", "one two", " one  two "])
def test_words_make_up_the_text(text: str) -> None:
    assert "".join(words(text)) == text
    assert "".join(halves(text)) == text


@pytest.mark.parametrize("data", [b"", b"{", b"[]"])
async def test_a_body_that_is_no_object_is_refused(data: bytes) -> None:
    standin = OpenAiStandin()
    async with standin as url, aiohttp.request("POST", f"{url}{standin.path}", data=data) as response:
        assert response.status == 400
    assert len(standin.complaints) == 1


def test_the_first_word_is_late_as_often_as_was_set() -> None:
    standin = OpenAiStandin(first_ms=500, first_p99_ms=5000)
    waits_s = sorted(standin.first_wait_s() for _ in range(20_000))
    assert math.isclose(median(waits_s), 0.5, rel_tol=0.05)
    assert math.isclose(waits_s[-200], 5.0, rel_tol=0.15)


def test_the_first_word_is_punctual_without_a_spread() -> None:
    assert OpenAiStandin(first_ms=500).first_wait_s() == 0.5
    assert OpenAiStandin().first_wait_s() == 0.0


async def test_of_many_requests_only_the_last_are_kept() -> None:
    standin = OpenAiStandin()
    async with standin as url, aiohttp.ClientSession() as session:
        for number in range(KEPT_BODIES + 5):
            async with session.post(f"{url}{standin.path}", json={"number": number}):
                pass
    assert [body["number"] for body in standin.bodies] == list(range(5, KEPT_BODIES + 5))
