from __future__ import annotations

from mediasrv.carriers.nonces import Nonces


def test_a_nonce_counts_once_for_as_long_as_it_is_remembered() -> None:
    nonces = Nonces(life_s=10.0)
    assert [nonces.is_new("a", now) for now in (0.0, 5.0, 9.9)] == [True, False, False]
    assert nonces.is_new("a", 10.0)


def test_what_is_remembered_is_bounded_and_the_oldest_go() -> None:
    nonces = Nonces(most=2)
    assert all(nonces.is_new(name, 0.0) for name in "abc")
    assert nonces.is_new("a", 0.0)
    assert not nonces.is_new("c", 0.0)
