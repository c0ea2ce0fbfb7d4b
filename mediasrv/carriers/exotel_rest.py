"""Exotel's voice API: calls that we place, which are connected with a stream to us.

``POST /v1/Accounts/{sid}/Calls/connect`` rings a number and streams it to us, HTTP Basic, a form; ``.json`` behind it
asks for JSON. Of what can be done to a call that is live Exotel documents nothing: closing the stream ends it, or leads
to the flow's next applet.
"""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import parse_qsl, quote, urlsplit

from mediasrv.call.link import OUTBOUND
from mediasrv.carriers.base import CallOrder, PlacedCall, RecordingOrder
from mediasrv.carriers.exotel import with_credentials
from mediasrv.carriers.options import ExotelOptions
from mediasrv.carriers.rest import GONE, RestClient, basic_auth
from mediasrv.carriers.urls import stream_url, with_query
from mediasrv.errors import CarrierError, ConfigError

# Of the address of a stream.
_URL_CHARS = 600


class ExotelControl:
    """A ``Control`` that can place calls and look them up."""

    name = "exotel"

    def __init__(self, options: ExotelOptions) -> None:
        """Raise ``ConfigError`` where the account is not known."""
        if not (options.account_sid and options.api_key and options.api_token):
            raise ConfigError(
                "Exotel's API needs an account: set exotel.account_sid, exotel.api_key_env and exotel.api_token_env"
            )
        self._options = options
        self._rest = RestClient("exotel", options.api_url, basic_auth(options.api_key, options.api_token))
        self._account = f"/v1/Accounts/{quote(options.account_sid, safe='')}"

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._rest.aclose()

    async def place(self, order: CallOrder) -> PlacedCall:
        """Ask for a call, once: a request whose outcome is not known raises an ``uncertain`` error.

        Exotel fetches no document for it: the stream's address is made of ``answer_url``, its origin and its query.
        """
        asked = {
            "From": order.to_number,
            "CallerId": order.from_number,
            "StreamType": "bidirectional",
            "StreamUrl": self._stream_url(order.answer_url),
            "StatusCallback": with_credentials(order.status_url, self._options),
            "StatusCallbackContentType": "application/json",
            "StatusCallbackEvents[0]": "terminal",
            "StatusCallbackEvents[1]": "answered",
            "TimeLimit": str(order.time_limit_s),
            "TimeOut": str(order.ring_timeout_s),
        }
        answer = await self._rest.post(f"{self._account}/Calls/connect.json", form=asked, attempts=1)
        call = _call_in(answer.fields)
        call_id = call.get("sid", "")
        if not call_id:
            raise CarrierError("answers a call without its name", carrier=self.name, uncertain=True)
        return PlacedCall(
            request_id=call_id, call_id=call_id, to_number=order.to_number, state=call.get("status", "queued")
        )

    def _stream_url(self, answer_url: str) -> str:
        parts = urlsplit(answer_url)
        # Three parameters are what Exotel lets through; that the call is ours nothing else would tell its stream.
        query = {name: value for name, value in parse_qsl(parts.query) if name in ("agent", "body")}
        url = stream_url(f"{parts.scheme}://{parts.netloc}", self.name)
        url = with_credentials(with_query(url, {**query, "direction": OUTBOUND}), self._options)
        if len(url) > _URL_CHARS:
            raise CarrierError("takes no stream address that long: send a shorter body", carrier=self.name)
        return url

    async def find(self, to_number: str, since_s: float) -> list[PlacedCall]:
        """Exotel keeps no list that is documented: raise ``CarrierError``, so that nobody is called again in doubt."""
        self._cannot("tell of calls whose name it has not told")

    async def state(self, call_id: str) -> str:
        """What has become of a call, in Exotel's word; empty where it knows none of this name."""
        answer = await self._rest.get(f"{self._account}/Calls/{quote(call_id, safe='')}.json", fine=(GONE,))
        return _call_in(answer.fields).get("status", "")

    async def hang_up(self, call_id: str) -> None:
        """Raise ``CarrierError``: who closes the stream has the flow go on, and end."""
        self._cannot("end a call")

    async def redirect(self, call_id: str, document_url: str) -> None:
        """Raise ``CarrierError``, likewise."""
        self._cannot("lead a call elsewhere")

    async def send_digits(self, call_id: str, digits: str) -> None:
        """Raise ``CarrierError``, likewise."""
        self._cannot("press keys")

    async def start_recording(self, call_id: str, order: RecordingOrder) -> str:
        """Raise ``CarrierError``, likewise."""
        self._cannot("begin to record a live call")

    async def stop_recording(self, call_id: str, recording_id: str) -> None:
        """Raise ``CarrierError``, likewise."""
        self._cannot("end a recording")

    async def delete_recording(self, recording_id: str) -> None:
        """Raise ``CarrierError``, likewise."""
        self._cannot("delete a recording")

    def _cannot(self, what: str) -> NoReturn:
        raise CarrierError(f"cannot {what}", carrier=self.name)


def _call_in(fields: dict[str, object]) -> dict[str, str]:
    """A call's texts, by their names in lower case: Exotel writes ``Call`` and ``Sid`` in one place, else ``sid``."""
    lower = {name.lower(): value for name, value in fields.items()}
    call = lower.get("call") or lower.get("response") or fields
    members = call.items() if isinstance(call, dict) else ()
    return {str(name).lower(): value for name, value in members if isinstance(value, str)}
