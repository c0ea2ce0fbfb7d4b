from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasrv.wire.ed25519 import is_public_key, verify_ed25519
from tests import naive

VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2"
        "4655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302ae"
        "eb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28"
        "dc027beceea1ec40a",
    ),
]
"""RFC 8032 section 7.1: secret, public key, message, signature."""
SMALL = [
    # Every point whose eighth multiple is nothing, the last ones in spellings that are not canonical.
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
ORDER = 2**252 + 27742317777372353535851937790883648493
SECRET, KEY, MESSAGE, SIGNATURE = (bytes.fromhex(part) for part in VECTORS[2])


@pytest.mark.parametrize(("secret", "key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc_hold(secret: str, key: str, message: str, signature: str) -> None:
    assert verify_ed25519(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))
    assert naive.sign_ed25519(bytes.fromhex(secret), bytes.fromhex(message)).hex() == signature
    assert not verify_ed25519(bytes.fromhex(key), bytes.fromhex(message) + b"x", bytes.fromhex(signature))


@pytest.mark.parametrize("place", [0, 31, 32, 63])
@pytest.mark.parametrize("bit", [0, 7])
def test_a_bit_more_or_less_is_another_signature(place: int, bit: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[place] ^= 1 << bit
    assert not verify_ed25519(KEY, MESSAGE, bytes(changed))


@pytest.mark.parametrize("text", SMALL)
def test_a_key_of_small_order_or_of_another_spelling_is_none(text: str) -> None:
    key = bytes.fromhex(text)
    assert not is_public_key(key)
    # With such a key the neutral point and a zero are a signature of many messages.
    assert not any(verify_ed25519(key, bytes([n]), b"\x01" + bytes(63)) for n in range(16))


def test_a_signature_has_one_spelling() -> None:
    scalar = int.from_bytes(SIGNATURE[32:], "little")
    assert not verify_ed25519(KEY, MESSAGE, SIGNATURE[:32] + (scalar + ORDER).to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_length_is_none(size: int) -> None:
    assert not is_public_key(bytes(size))
    assert not verify_ed25519(bytes(size), MESSAGE, SIGNATURE)
    assert not verify_ed25519(KEY, MESSAGE, SIGNATURE[:size])


def test_a_number_that_is_on_no_point_is_no_key() -> None:
    assert not is_public_key((2).to_bytes(32, "little"))
    assert is_public_key(KEY)


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.binary(min_size=64, max_size=64))
def test_what_was_signed_is_known_and_rubbish_is_not(secret: bytes, message: bytes, rubbish: bytes) -> None:
    key = naive.public_key_ed25519(secret)
    assert verify_ed25519(key, message, naive.sign_ed25519(secret, message))
    assert not verify_ed25519(key, message, rubbish)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.binary(max_size=40), st.data())
def test_another_library_agrees(secret: bytes, message: bytes, other: bytes, data: st.DataObject) -> None:
    keys = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    invalid = pytest.importorskip("cryptography.exceptions").InvalidSignature
    private = keys.Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = private.public_key(), private.sign(message)
    claimed = data.draw(st.sampled_from([message, other]))
    try:
        public.verify(signature, claimed)
        is_genuine = True
    except invalid:
        is_genuine = False
    assert verify_ed25519(public.public_bytes_raw(), claimed, signature) is is_genuine
