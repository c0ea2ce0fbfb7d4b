"""Ed25519 signatures, checked but never made (RFC 8032 section 5.1).

For webhooks, a few a call: it takes some milliseconds, and no secret passes through, so nothing here needs to take the
same time for every input. Where the RFC leaves a choice the strict one is taken: numbers and points must be written in
their one canonical way, and a public key of small order, for which anybody can sign, is no key.
"""

from __future__ import annotations

from hashlib import sha512

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
"""A square root of -1."""

Point = tuple[int, int, int, int]
"""Extended homogeneous coordinates, section 5.1.4: X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z."""

_NEUTRAL: Point = (0, 1, 1, 0)


def verify_ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this key's owner has signed this message; false too for a key or a signature that is none."""
    key = _point(public_key)
    if key is None or len(signature) != SIGNATURE_BYTES or is_of_small_order(key):
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= _ORDER:
        # RFC 8032 section 8.4: otherwise one signature makes others.
        return False
    digest = sha512(signature[:32] + public_key + message).digest()
    factor = int.from_bytes(digest, "little") % _ORDER
    return _written(_sum_of_products(scalar, _BASE, factor, _negative(key))) == signature[:32]


def is_public_key(public_key: bytes) -> bool:
    """Whether these bytes are a key that can prove anything."""
    point = _point(public_key)
    return point is not None and not is_of_small_order(point)


def is_of_small_order(point: Point) -> bool:
    """Whether eight times a point is nothing."""
    for _ in range(3):
        point = _add(point, point)
    return point[0] == 0 and point[1] == point[2]


def _point(written: bytes) -> Point | None:
    """Read a point, section 5.1.3; ``None`` for what is none."""
    if len(written) != PUBLIC_KEY_BYTES:
        return None
    number = int.from_bytes(written, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P != u:
        x = x * _ROOT % _P
    if v * x * x % _P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _written(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(PUBLIC_KEY_BYTES, "little")


def _negative(point: Point) -> Point:
    return -point[0] % _P, point[1], point[2], -point[3] % _P


def _add(one: Point, other: Point) -> Point:
    """Section 5.1.4; it holds for equal points too."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _sum_of_products(m: int, one: Point, n: int, other: Point) -> Point:
    """``m * one + n * other``, bit by bit of both at once."""
    table = (_NEUTRAL, one, other, _add(one, other))
    total = _NEUTRAL
    for bit in reversed(range(max(m.bit_length(), n.bit_length()))):
        total = _add(total, total)
        chosen = (m >> bit & 1) | (n >> bit & 1) << 1
        if chosen:
            total = _add(total, table[chosen])
    return total


def _base() -> Point:
    """The point of which all keys are multiples: y is 4/5 and x even."""
    point = _point((4 * pow(5, -1, _P) % _P).to_bytes(PUBLIC_KEY_BYTES, "little"))
    assert point is not None
    return point


_BASE = _base()
