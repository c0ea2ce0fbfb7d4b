"""Twilio's voice API: what we ask of Twilio while calls are placed and live.

Base ``/2010-04-01/Accounts/{sid}/``, HTTP Basic, forms. A call that is over is answered with 404, code 20404, or with
400, code 21220, which says that it is not in progress.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from mediasrv.carriers.base import CallOrder, PlacedCall, RecordingOrder
from mediasrv.carriers.options import TwilioOptions
from mediasrv.carriers.rest import GONE, RestClient, basic_auth
from mediasrv.errors import CarrierError, ConfigError

_NOT_IN_PROGRESS = 21220
_BAD_REQUEST = 400
_PAGE = 50


class TwilioControl:
    """A ``Control``: calls placed, found, led elsewhere and ended."""

    name = "twilio"

    def __init__(self, options: TwilioOptions) -> None:
        """Raise ``ConfigError`` where the account is not known."""
        if not options.account_sid or not options.auth_token:
            raise ConfigError("Twilio's API needs an account: set twilio.account_sid and twilio.auth_token_env")
        self._rest = RestClient("twilio", options.api_url, basic_auth(options.account_sid, options.auth_token))
        self._account = f"/2010-04-01/Accounts/{quote(options.account_sid, safe='')}"

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._rest.aclose()

    async def get(self, *names: str, **query: str) -> dict[str, Any]:
        """A resource's fields."""
        return (await self._rest.get(self._path(*names), query)).fields

    async def post(self, *names: str, **fields: str) -> dict[str, Any]:
        """Change a resource; an empty text takes away what was there."""
        return (await self._rest.post(self._path(*names), form=fields)).fields

    # -- calls that are to come ----------------------------------------------------------------------------------

    async def place(self, order: CallOrder) -> PlacedCall:
        """Ask for a call, once: a request whose outcome is not known raises an ``uncertain`` error."""
        asked = {
            "To": order.to_number,
            "From": order.from_number,
            "Url": order.answer_url,
            "StatusCallback": order.status_url,
            "Timeout": str(order.ring_timeout_s),
            "TimeLimit": str(order.time_limit_s),
        }
        if order.machine_url:
            asked |= {"MachineDetection": "Enable", "AsyncAmd": "true", "AsyncAmdStatusCallback": order.machine_url}
        # Without a word Twilio tells of the end alone; that the phone rings is when an agent gets ready.
        events = [("StatusCallbackEvent", "ringing"), ("StatusCallbackEvent", "completed")]
        answer = await self._rest.post(self._path("Calls"), form=[*asked.items(), *events], attempts=1)
        call_id = answer.fields.get("sid")
        if not isinstance(call_id, str) or not call_id:
            raise CarrierError("answers a call without its name", carrier=self.name, uncertain=True)
        return _placed(answer.fields, order.to_number)

    async def find(self, to_number: str, since_s: float) -> list[PlacedCall]:
        """Calls placed to a number since then, in seconds since the epoch; whatever their state."""
        since = datetime.fromtimestamp(since_s, UTC)
        # Twilio tells days apart, and reads them in UTC.
        query = {"To": to_number, "StartTime>": since.strftime("%Y-%m-%d"), "PageSize": str(_PAGE)}
        answer = await self._rest.get(self._path("Calls"), query)
        calls = answer.fields.get("calls") or []
        return [_placed(call, to_number) for call in calls if _created(call, since) >= since]

    # -- calls that are live -------------------------------------------------------------------------------------

    async def hang_up(self, call_id: str) -> None:
        """End a call; one that is over already is no error."""
        form = {"Status": "completed"}
        answer = await self._rest.post(self._path("Calls", call_id), form=form, fine=(GONE, _BAD_REQUEST))
        if answer.status == _BAD_REQUEST and answer.fields.get("code") != _NOT_IN_PROGRESS:
            raise CarrierError(f"refuses, HTTP {answer.status}", carrier=self.name, status=answer.status)

    async def redirect(self, call_id: str, document_url: str) -> None:
        """Have the call go on with another document: the stream ends, the call does not."""
        await self._rest.post(self._path("Calls", call_id), form={"Url": document_url, "Method": "POST"})

    async def send_digits(self, call_id: str, digits: str) -> None:
        """Raise ``CarrierError``: keys are only in a document, and another document ends the stream."""
        raise CarrierError("takes no keys while a stream is open", carrier=self.name)

    async def start_recording(self, call_id: str, order: RecordingOrder) -> str:
        """Begin to record and return the recording's name."""
        asked = {"RecordingChannels": "dual" if order.is_stereo else "mono"}
        if order.callback_url:
            asked |= {"RecordingStatusCallback": order.callback_url}
        answer = await self._rest.post(self._path("Calls", call_id, "Recordings"), form=asked)
        return str(answer.fields.get("sid", ""))

    async def stop_recording(self, call_id: str, recording_id: str) -> None:
        """End a recording, the current one where it has no name; one that is over already is no error."""
        path = self._path("Calls", call_id, "Recordings", recording_id or "Twilio.CURRENT")
        await self._rest.post(path, form={"Status": "stopped"}, fine=(GONE,))

    async def delete_recording(self, recording_id: str) -> None:
        """Delete what was recorded, for good; what is gone already is no error."""
        await self._rest.delete(self._path("Recordings", recording_id))

    def _path(self, *names: str) -> str:
        return "/".join([self._account, *(quote(name, safe="") for name in names)]) + ".json"


def _placed(call: dict[str, Any], to_number: str) -> PlacedCall:
    call_id = str(call.get("sid", ""))
    return PlacedCall(request_id=call_id, call_id=call_id, to_number=to_number, state=str(call.get("status", "")))


def _created(call: dict[str, Any], otherwise: datetime) -> datetime:
    """When a call was asked for, an RFC 2822 date; ``otherwise`` where it does not say."""
    try:
        return parsedate_to_datetime(str(call.get("date_created")))
    except ValueError:
        return otherwise
