from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.server.api.fault import Fault
from mediasrv.server.api.guard import MAX_PEERS, Guard, peer_of
from tests.clock import Clock

TOKEN = "a token that nobody guesses"


def refusal(guard: Guard, authorization: str, peer: str = "198.51.100.7") -> int:
    try:
        guard.check(authorization, peer)
    except Fault as fault:
        return fault.status
    return 0


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_token_lets_in(scheme: str) -> None:
    assert refusal(Guard(TOKEN), f"{scheme} {TOKEN}") == 0


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \udcff"]
)
def test_nothing_else_does(authorization: str) -> None:
    with pytest.raises(Fault) as fault:
        Guard(TOKEN).check(authorization, "198.51.100.7")
    assert fault.value.status == 401
    assert fault.value.headers["WWW-Authenticate"].startswith("Bearer")


@given(st.text(max_size=60).filter(lambda text: text.strip() != TOKEN))
def test_no_other_text_is_the_token(text: str) -> None:
    assert refusal(Guard(TOKEN), f"Bearer {text}") == 401


def test_without_a_token_nobody_is_let_in() -> None:
    assert refusal(Guard(""), "Bearer ") == 403


def test_who_guesses_has_to_wait_even_with_the_right_token() -> None:
    clock = Clock()
    guard = Guard(TOKEN, clock)
    assert [refusal(guard, "Bearer wrong") for _ in range(6)] == [401] * 6
    with pytest.raises(Fault) as fault:
        guard.check(f"Bearer {TOKEN}", "198.51.100.7")
    assert (fault.value.status, fault.value.headers) == (429, {"Retry-After": "12"})
    assert refusal(guard, f"Bearer {TOKEN}", "198.51.100.8") == 0
    clock.now += 12.1
    assert refusal(guard, f"Bearer {TOKEN}") == 0
    assert refusal(guard, "Bearer wrong") == 401
    assert refusal(guard, f"Bearer {TOKEN}") == 429


def test_who_forgets_the_token_is_no_guesser() -> None:
    guard = Guard(TOKEN)
    assert [refusal(guard, "") for _ in range(20)] == [401] * 20
    assert refusal(guard, f"Bearer {TOKEN}") == 0


def test_many_guessers_cost_no_more_than_some() -> None:
    guard = Guard(TOKEN)
    for peer in range(MAX_PEERS + 10):
        refusal(guard, "Bearer wrong", str(peer))
    assert len(guard._buckets) == len(guard._until_s) == MAX_PEERS


@pytest.mark.parametrize(
    ("remote", "forwarded", "peer"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::1", "192.0.2.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("", "203.0.113.9", "203.0.113.9"),
        (None, "203.0.113.9", ""),
    ],
)
def test_a_proxy_on_this_machine_tells_whom_it_speaks_for(remote: str | None, forwarded: str, peer: str) -> None:
    assert peer_of(remote, {"X-Forwarded-For": forwarded} if forwarded else {}) == peer
