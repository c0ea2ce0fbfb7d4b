"""Plivo's voice API: what we ask of Plivo while calls are placed and live.

Base ``/v1/Account/{auth_id}/``, HTTP Basic, JSON; 300 requests in 5 s, then 429. Plivo's own client blocks, and sends a
``POST Call/`` that was answered with a 5xx again, which may call somebody twice: ours is sent once.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from mediasrv.carriers.base import CallOrder, PlacedCall, RecordingOrder
from mediasrv.carriers.bucket import Rate
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.rest import GONE, RestAnswer, RestClient, basic_auth
from mediasrv.errors import CarrierError, ConfigError

API_RATE = Rate(300, 5.0)
"""Of an account."""
# Plivo's clock and ours differ, and a call may be noted a moment before it was asked for.
_SKEW_S = 30.0
# No clock on earth is further from UTC, and Plivo does not say in which zone it reads the times it is asked about.
_ANY_ZONE = timedelta(hours=14)
_PAGE, _MOST_PAGES = 20, 10

Fields = Mapping[str, Any]


def plain(number: str) -> str:
    """A number as Plivo writes it, without the plus; SIP addresses stay as they are."""
    return number[1:] if re.fullmatch(r"\+[0-9]+", number) else number


class PlivoApi:
    """The API of one account: paths below it, asked for with its secret."""

    def __init__(self, options: PlivoOptions) -> None:
        """Raise ``ConfigError`` where the account is not known."""
        if not options.auth_id or not options.auth_token:
            raise ConfigError("Plivo's API needs an account: set plivo.auth_id_env and plivo.auth_token_env")
        auth = basic_auth(options.auth_id, options.auth_token)
        self._rest = RestClient("plivo", options.api_url, auth, rate=API_RATE)
        self._account = f"/v1/Account/{quote(options.auth_id, safe='')}/"

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._rest.aclose()

    def path(self, *names: str) -> str:
        """Of a resource; names that are not ours may hold anything."""
        return self._account + "".join(f"{quote(name, safe='')}/" for name in names)

    async def get(self, *names: str, **query: str) -> Fields:
        """A resource's fields."""
        return (await self._rest.get(self.path(*names), query)).fields

    async def find(self, *names: str, **query: str) -> Fields:
        """Likewise; empty where there is no such thing."""
        answer = await self._rest.get(self.path(*names), query, fine=(GONE,))
        return {} if answer.status == GONE else answer.fields

    async def post(self, *names: str, attempts: int = 3, **fields: Any) -> Fields:
        """Have something done; fields that are ``None`` or empty are left out."""
        given = {name: value for name, value in fields.items() if value not in (None, "")}
        return (await self._rest.post(self.path(*names), json=given, attempts=attempts)).fields

    async def delete(self, *names: str) -> RestAnswer:
        """End something; what is gone already is no error."""
        return await self._rest.delete(self.path(*names))

    async def pages(self, *names: str, **query: str) -> AsyncIterator[Fields]:
        """The objects of a list, page by page."""
        for page in range(_MOST_PAGES):
            found = await self.get(*names, limit=str(_PAGE), offset=str(page * _PAGE), **query)
            objects = found.get("objects") or []
            for each in objects:
                yield each
            if len(objects) < _PAGE:
                return


class PlivoControl:
    """A ``Control``: calls placed, found, led elsewhere and ended."""

    name = "plivo"

    def __init__(self, options: PlivoOptions) -> None:
        """Raise ``ConfigError`` where the account is not known."""
        self.api = PlivoApi(options)

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self.api.aclose()

    # -- calls that are to come ----------------------------------------------------------------------------------

    async def place(self, order: CallOrder) -> PlacedCall:
        """Ask for a call, once: a request whose outcome is not known raises an ``uncertain`` error."""
        asked = {
            "from": plain(order.from_number),
            "to": plain(order.to_number),
            "answer_url": order.answer_url,
            "answer_method": "POST",
            "ring_url": order.status_url,
            "ring_method": "POST",
            # Without one Plivo asks for the answer document again when the call is over.
            "hangup_url": order.status_url,
            "hangup_method": "POST",
            "ring_timeout": order.ring_timeout_s,
            "time_limit": order.time_limit_s,
        }
        if order.machine_url:
            asked |= {
                "machine_detection": "true",
                "machine_detection_url": order.machine_url,
                "machine_detection_method": "POST",
            }
        answer = await self.api.post("Call", attempts=1, **asked)
        request_id = answer.get("request_uuid")
        if isinstance(request_id, list):
            request_id = request_id[0] if request_id else ""
        if not isinstance(request_id, str) or not request_id:
            raise CarrierError("answers a call without its name", carrier=self.name, uncertain=True)
        return PlacedCall(request_id=request_id, to_number=order.to_number, state="queued")

    async def cancel(self, request_id: str) -> None:
        """Take back a request whose call was not answered yet; one that is over is no error."""
        await self.api.delete("Request", request_id)

    async def find(self, to_number: str, since_s: float) -> list[PlacedCall]:
        """Calls placed to a number since then, in seconds since the epoch; whatever their state."""
        since = datetime.fromtimestamp(since_s - _SKEW_S, UTC)
        found: dict[str, PlacedCall] = {}
        for status in ("queued", "live"):
            listed = await self.api.get("Call", status=status, to_number=plain(to_number))
            for call_id in listed.get("calls") or []:
                call = await self.api.find("Call", str(call_id), status=status)
                if (
                    plain(str(call.get("to"))) == plain(to_number)
                    and _moment(call.get("session_start"), since) >= since
                ):
                    state = str(call.get("call_status", status))
                    found[str(call_id)] = _placed(str(call_id), call.get("request_uuid"), to_number, state)
        query = {"to_number": plain(to_number), "call_direction": "outbound"}
        after = (since - _ANY_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        async for call in self.api.pages("Call", **query, end_time__gte=after):
            call_id = str(call.get("call_uuid", ""))
            if _moment(call.get("initiation_time"), since) >= since and call_id not in found:
                found[call_id] = _placed(call_id, call.get("request_uuid"), to_number, "completed")
        return list(found.values())

    # -- calls that are live -------------------------------------------------------------------------------------

    async def hang_up(self, call_id: str) -> None:
        """End a call; one that is over already is no error."""
        await self.api.delete("Call", call_id)

    async def redirect(self, call_id: str, document_url: str) -> None:
        """Have the call go on with another document: the stream ends, the call does not."""
        await self.api.post("Call", call_id, legs="aleg", aleg_url=document_url, aleg_method="POST")

    async def send_digits(self, call_id: str, digits: str) -> None:
        """Press keys toward the far end."""
        await self.api.post("Call", call_id, "DTMF", digits=digits, leg="aleg")

    async def start_recording(self, call_id: str, order: RecordingOrder) -> str:
        """Begin to record and return the recording's name."""
        answer = await self.api.post(
            "Call",
            call_id,
            "Record",
            time_limit=order.time_limit_s,
            file_format=order.file_format,
            record_channel_type="stereo" if order.is_stereo else "mono",
            callback_url=order.callback_url,
            callback_method="POST" if order.callback_url else "",
        )
        return str(answer.get("recording_id", ""))

    async def stop_recording(self, call_id: str, recording_id: str) -> None:
        """End all recordings of the call: Plivo knows no single one here. None to end is no error."""
        await self.api.delete("Call", call_id, "Record")

    async def delete_recording(self, recording_id: str) -> None:
        """Delete what was recorded, for good; what is gone already is no error."""
        await self.api.delete("Recording", recording_id)

    async def start_playing(self, call_id: str, urls: str, *, loops: bool = False, mixes: bool = True) -> None:
        """Play MP3 or WAV files, ``urls`` parted by commas, to the far end."""
        await self.api.post("Call", call_id, "Play", urls=urls, legs="aleg", loop=loops, mix=mixes)

    async def stop_playing(self, call_id: str) -> None:
        """End that; nothing to end is no error."""
        await self.api.delete("Call", call_id, "Play")

    async def start_speaking(self, call_id: str, text: str, *, voice: str = "WOMAN", language: str = "en-US") -> None:
        """Have Plivo's own voice say something to the far end."""
        await self.api.post("Call", call_id, "Speak", text=text, voice=voice, language=language, legs="aleg")

    async def stop_speaking(self, call_id: str) -> None:
        """End that; nothing to end is no error."""
        await self.api.delete("Call", call_id, "Speak")

    async def start_stream(self, call_id: str, service_url: str, **options: Any) -> str:
        """Open a stream beside what the call is doing, and return its name.

        ``options`` are Plivo's: ``bidirectional``, ``audio_track``, ``stream_timeout``, ``status_callback_url``,
        ``content_type``, ``extra_headers``, ``noise_cancellation``, ``noise_cancellation_level``.
        """
        answer = await self.api.post("Call", call_id, "Stream", service_url=service_url, **options)
        return str(answer.get("stream_id", ""))

    async def streams(self, call_id: str) -> list[Fields]:
        """The streams of a call, as Plivo describes them."""
        return [each async for each in self.api.pages("Call", call_id, "Stream")]

    async def stop_stream(self, call_id: str, stream_id: str = "") -> None:
        """End a stream, or all of the call's; none to end is no error."""
        await self.api.delete("Call", call_id, "Stream", *([stream_id] if stream_id else []))


def _placed(call_id: str, request_id: object, to_number: str, state: str) -> PlacedCall:
    # A list of past calls does not name their requests; of single calls both names are the same.
    return PlacedCall(request_id=str(request_id or call_id), call_id=call_id, to_number=to_number, state=state)


def _moment(text: object, otherwise: datetime) -> datetime:
    """A time as Plivo writes it, in UTC where it names no zone; ``otherwise`` where it is none."""
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        return otherwise
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
