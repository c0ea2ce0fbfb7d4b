"""Keys toward the far end, for carriers whose stream has no message for them."""

from __future__ import annotations

import logging

from mediasrv.carriers.base import Keypad
from mediasrv.errors import CarrierError
from mediasrv.wire.fields import are_digits

log = logging.getLogger(__name__)


async def press(keypad: Keypad, call_id: str, digits: str) -> None:
    """Press keys; what is no key, and what fails, is told to the log and does not raise."""
    if not are_digits(digits):
        log.error("only the keys of a telephone can be sent", extra={"call": call_id})
        return
    try:
        await keypad.send_digits(call_id, digits)
    except CarrierError as error:
        log.error("keys were not pressed", extra={"call": call_id, "error": str(error)})
