"""Numbers of a Twilio account: the URLs that are asked when a number is called stand at the number itself.

What they were is told by a JSON text of them, which is written back as it is. A TwiML application of a number, or a SIP
trunk, outweighs its URLs: the application is taken away and put back with them; a number on a trunk is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mediasrv.carriers.account import Application
from mediasrv.carriers.twilio_rest import TwilioControl
from mediasrv.errors import CarrierError

_NUMBERS = "IncomingPhoneNumbers"
# As they are written, and as they are read.
_FIELDS = {
    "VoiceApplicationSid": "voice_application_sid",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
}


class TwilioAccount:
    """An ``Account``."""

    def __init__(self, control: TwilioControl) -> None:
        self._control = control

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._control.aclose()

    async def application_of(self, number: str) -> str:
        """The URLs of a number, as a JSON text."""
        found = await self._find(number)
        if found.get("trunk_sid"):
            raise CarrierError("has this number on a SIP trunk: take it off there first", carrier="twilio")
        return _text({name: str(found.get(field) or "") for name, field in _FIELDS.items()})

    async def application(self, app_id: str) -> Application:
        """What stands in such a text; where an application answers, no URLs."""
        given: dict[str, str] = orjson.loads(app_id)
        name = given["VoiceApplicationSid"]
        urls = ("", "", "") if name else (given["VoiceUrl"], given["StatusCallback"], given["VoiceFallbackUrl"])
        return Application(id=name, name=name, answer_url=urls[0], hangup_url=urls[1], fallback_url=urls[2])

    async def put(self, application: Application) -> str:
        """Such a text for an application; at Twilio there is nothing to be made."""
        return _text({
            "VoiceApplicationSid": "",
            "VoiceUrl": application.answer_url,
            "VoiceMethod": "POST",
            "VoiceFallbackUrl": application.fallback_url,
            "VoiceFallbackMethod": "POST",
            "StatusCallback": application.hangup_url,
            "StatusCallbackMethod": "POST",
        })  # fmt: skip

    async def assign(self, number: str, app_id: str) -> None:
        """Write the URLs of such a text to a number."""
        found = await self._find(number)
        await self._control.post(_NUMBERS, str(found.get("sid", "")), **orjson.loads(app_id))

    async def _find(self, number: str) -> Mapping[str, Any]:
        answer = await self._control.get(_NUMBERS, PhoneNumber=number)
        numbers = answer.get("incoming_phone_numbers") or []
        found: Mapping[str, Any] | None = next((each for each in numbers if each.get("phone_number") == number), None)
        if found is None:
            raise CarrierError("has no such number in this account", carrier="twilio", status=404)
        return found


def _text(fields: Mapping[str, str]) -> str:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()
