"""WebSocket frames on their shortest way (RFC 6455 section 5).

Nearly all that comes is a whole message in a frame of its own, and a glance at its head is enough to read it. So bytes
are cut at the ends of frames: such a message is read here, and every other frame (of control, a fragment, a broken one)
goes to the protocol object of ``websockets``, whole and in its place, which thus always stands between two frames.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from struct import Struct

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # machine code, where the package has it

TEXT, BINARY = 1, 2
_FIRST_OF_CONTROL = 8
_FINAL, _OPCODE, _MASKED, _SIZE = 0x80, 0x0F, 0x80, 0x7F
_WHOLE = frozenset({_FINAL | TEXT, _FINAL | BINARY})
_MASK_BYTES = 4
# Sizes that stand for a size of two and of eight bytes.
_LONG, _VERY_LONG = 126, 127
_LONG_HEAD, _VERY_LONG_HEAD = Struct("!BBH"), Struct("!BBQ")
# The system is asked for so many masking keys at a time: to ask takes longer than to send.
_KEYS_AT_ONCE = 256
_keys: list[bytes] = []

Span = tuple[int, int, int]
"""Where a frame begins, where its payload does, and what is behind it; 0 for the payload: the protocol's to read."""


class Cutter:
    """Cuts what one peer sends, who masks if he is the client."""

    __slots__ = (
        *("_held", "_in_fragments", "_long", "_long_body", "_mask_bit", "_mask_bytes", "_most_bytes", "_usual_bytes"),
        *("_usual_head", "_wanted"),
    )

    def __init__(self, *, masked: bool, most_bytes: int) -> None:
        """A frame whose payload is longer than ``most_bytes``, or whose masking is wrong, is not waited for."""
        self._mask_bit = _MASKED if masked else 0
        self._mask_bytes = _MASK_BYTES if masked else 0
        self._most_bytes = most_bytes
        # What a frame has whose size takes two bytes, as that of all audio does.
        self._long, self._long_body = self._mask_bit | _LONG, 4 + self._mask_bytes
        self._in_fragments = False
        self._held = bytearray()
        self._wanted = 0
        # The last lone message's first four bytes and its length, while nothing came that another would be part of.
        self._usual_head, self._usual_bytes = b"", -1

    def lone_message(self, data: bytes) -> bytes | None:
        """The payload of a whole message of some length where bytes are that and nothing else, as they nearly always
        are; ``None``: they have to be ``cut``.

        Messages of one stream are mostly as long as the one before, and then begin alike.
        """
        body = self._long_body
        if len(data) == self._usual_bytes and data.startswith(self._usual_head):
            return apply_mask(data[body:], data[body - _MASK_BYTES : body]) if self._mask_bit else data[body:]
        if (
            0 < (size := len(data) - body) <= self._most_bytes
            and data[1] == self._long
            and data[2] << 8 | data[3] == size
            and data[0] in _WHOLE
            and not self._held
            and not self._in_fragments
        ):
            self._usual_head, self._usual_bytes = data[:4], len(data)
            return apply_mask(data[body:], data[body - _MASK_BYTES : body]) if self._mask_bit else data[body:]
        return None

    def cut(self, data: bytes) -> tuple[bytes, Sequence[Span]]:
        """Return the spans of whole frames, and the bytes that they are in: these, behind what was held back."""
        self._usual_bytes = -1
        if self._held:
            self._held += data
            if len(self._held) < self._wanted:
                return b"", ()
            data, self._held = bytes(self._held), bytearray()
        spans: list[Span] = []
        at, end = 0, len(data)
        while at < end:
            body, size = at + 2 + self._mask_bytes, 0
            if body <= end:
                second = data[at + 1]
                size = second & _SIZE
                if size >= _LONG:
                    body += 2 if size == _LONG else 8
                    # Nothing is known of a size that is not all there, not even to whom it is too much.
                    sized = body - self._mask_bytes
                    size = int.from_bytes(data[at + 2 : sized], "big") if sized <= end else 0
                if second & _MASKED != self._mask_bit or size > self._most_bytes:
                    spans.append((at, 0, end))
                    break
            following = body + size
            if following > end:
                self._held += data[at:]
                self._wanted = following - at
                break
            is_message = data[at] in _WHOLE and not self._in_fragments
            spans.append((at, body if is_message else 0, following))
            if not is_message and data[at] & _OPCODE < _FIRST_OF_CONTROL:
                self._in_fragments = not data[at] & _FINAL
            at = following
        return data, spans


def payload_of(data: bytes, body: int, end: int, *, masked: bool) -> bytes:
    """The payload of a frame, which a mask stands before if there is one."""
    return apply_mask(data[body:end], data[body - _MASK_BYTES : body]) if masked else data[body:end]


def message_frame(message: str | bytes, *, masked: bool) -> bytes:
    """A whole message as a frame of its own."""
    if isinstance(message, str):
        first, payload = _FINAL | TEXT, message.encode()
    else:
        first, payload = _FINAL | BINARY, message
    size, mask_bit = len(payload), _MASKED if masked else 0
    if size < _LONG:
        head = bytes((first, mask_bit | size))
    elif size < 1 << 16:
        head = _LONG_HEAD.pack(first, mask_bit | _LONG, size)
    else:
        head = _VERY_LONG_HEAD.pack(first, mask_bit | _VERY_LONG, size)
    if not masked:
        return head + payload
    key = _new_key()
    return head + key + apply_mask(payload, key)


def _new_key() -> bytes:
    """A masking key that nobody can predict (RFC 6455 section 5.3), and that is used but once."""
    try:
        return _keys.pop()
    except IndexError:
        drawn = os.urandom(_KEYS_AT_ONCE * _MASK_BYTES)
        first, *more = (drawn[at : at + _MASK_BYTES] for at in range(0, len(drawn), _MASK_BYTES))
        _keys.extend(more)
        return first
