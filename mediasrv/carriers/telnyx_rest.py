"""Telnyx's Call Control: what we ask of Telnyx while calls come, are placed and live.

Commands are ``POST /v2/calls/{call_control_id}/actions/{command}``, JSON, with the API key as a bearer. A command for a
call that is over is answered with 422, code 90018. A ``command_id`` makes Telnyx obey a command once, however often it
comes.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import orjson

from mediasrv.call.link import OUTBOUND
from mediasrv.carriers.base import CallOrder, PlacedCall, RecordingOrder
from mediasrv.carriers.options import TelnyxOptions
from mediasrv.carriers.rest import RestAnswer, RestClient
from mediasrv.errors import CarrierError, ConfigError

_OVER = frozenset({"90018"})
"""The code of a call that has ended already."""
_UNPROCESSABLE = 422


_STATE = ("agent", "body", "direction", "handover", "call")


def client_state(agent: str, body: str, direction: str) -> str:
    """What Telnyx is to bring back with every later webhook of a call."""
    return b64encode(orjson.dumps({"agent": agent, "body": body, "direction": direction})).decode()


def handover_state(name: str, call_id: str) -> str:
    """The same for a leg to somebody who takes over this call."""
    return b64encode(orjson.dumps({"handover": name, "call": call_id})).decode()


def read_client_state(text: str) -> dict[str, str]:
    """That again; empty where it is not ours."""
    try:
        state = orjson.loads(b64decode(text, validate=True))
    except ValueError:
        return {}
    given = state if isinstance(state, dict) else {}
    return {name: given[name] for name in _STATE if isinstance(given.get(name), str)}


class TelnyxControl:
    """A ``Control``, and the commands that answer a call and open its stream."""

    name = "telnyx"

    def __init__(self, options: TelnyxOptions) -> None:
        """Raise ``ConfigError`` where the account is not known."""
        if not options.api_key:
            raise ConfigError("Telnyx's API needs the account's key: set telnyx.api_key_env")
        self._connection_id = options.connection_id
        self._rest = RestClient("telnyx", options.api_url, {"Authorization": f"Bearer {options.api_key}"})

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._rest.aclose()

    # -- numbers and applications --------------------------------------------------------------------------------

    async def get(self, kind: str, name: str) -> dict[str, Any]:
        """A resource's fields."""
        return _data(await self._rest.get(f"/v2/{kind}/{_quoted(name)}"))

    async def listed(self, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The first page of a list."""
        found = (await self._rest.get(f"/v2/{kind}", query)).fields.get("data")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    async def make(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """A new resource's fields."""
        return _data(await self._rest.post(f"/v2/{kind}", json=given))

    async def change(self, kind: str, name: str, given: Mapping[str, Any]) -> None:
        """Set fields of a resource."""
        await self._rest.patch(f"/v2/{kind}/{_quoted(name)}", json=given)

    # -- a call that comes ---------------------------------------------------------------------------------------

    async def answer(self, call_id: str, client_state: str, command_id: str) -> None:
        """Pick up; one that has hung up meanwhile is no error."""
        await self._command(call_id, "answer", client_state=client_state, command_id=command_id)

    async def reject(self, call_id: str, command_id: str) -> None:
        """Let the caller hear the busy tone, likewise."""
        await self._command(call_id, "reject", cause="USER_BUSY", command_id=command_id)

    async def start_stream(self, call_id: str, stream: Mapping[str, Any], command_id: str) -> None:
        """Open the stream that ``TelnyxCarrier.answer`` describes, likewise."""
        await self._command(call_id, "streaming_start", command_id=command_id, **stream)

    # -- calls that are to come ----------------------------------------------------------------------------------

    async def place(self, order: CallOrder) -> PlacedCall:
        """Ask for a call, once; all that happens to it is told to ``answer_url``, whose query says for which agent."""
        return await self.ring(order, order.answer_url, client_state("", "", OUTBOUND))

    async def ring(self, order: CallOrder, webhook_url: str, state: str) -> PlacedCall:
        """Likewise, told to ``webhook_url`` with this ``state``."""
        if not self._connection_id:
            raise ConfigError("Telnyx places calls for an application: set telnyx.connection_id")
        asked: dict[str, Any] = {
            "connection_id": self._connection_id,
            "to": order.to_number,
            "from": order.from_number,
            "webhook_url": webhook_url,
            "webhook_url_method": "POST",
            "timeout_secs": order.ring_timeout_s,
            "time_limit_secs": order.time_limit_s,
            "command_id": str(uuid4()),
            "client_state": state,
        }
        if order.machine_url:
            asked["answering_machine_detection"] = "detect"
        data = _data(await self._rest.post("/v2/calls", json=asked, attempts=1))
        call_id = data.get("call_control_id")
        if not isinstance(call_id, str) or not call_id:
            raise CarrierError("answers a call without its name", carrier=self.name, uncertain=True)
        return PlacedCall(request_id=call_id, call_id=call_id, to_number=order.to_number, state="queued")

    async def find(self, to_number: str, since_s: float) -> list[PlacedCall]:
        """Calls of the application that are live: of those that are over Telnyx tells by webhook alone."""
        answer = await self._rest.get(f"/v2/connections/{_quoted(self._connection_id)}/active_calls")
        calls = answer.fields.get("data") or []
        found = [await self._look_at(str(call.get("call_control_id", ""))) for call in calls]
        return [call for call in found if call.to_number == to_number]

    async def _look_at(self, call_id: str) -> PlacedCall:
        answer = await self._rest.get(f"/v2/calls/{_quoted(call_id)}", fine=(404,))
        data = _data(answer)
        state = "in-progress" if data.get("is_alive") else "completed"
        return PlacedCall(request_id=call_id, call_id=call_id, to_number=str(data.get("to", "")), state=state)

    # -- calls that are live -------------------------------------------------------------------------------------

    async def hang_up(self, call_id: str) -> None:
        """End a call; one that is over already is no error."""
        await self._command(call_id, "hangup")

    async def redirect(self, call_id: str, document_url: str) -> None:
        """Telnyx follows commands, not documents: raise ``CarrierError``; ``transfer`` is what leads a call on."""
        raise CarrierError("knows no documents to lead a call to", carrier=self.name)

    async def transfer(
        self, call_id: str, to_number: str, from_number: str = "", timeout_s: int = 30, **told: str
    ) -> None:
        """Ring another number or SIP URI, and bridge the call to it when that answers; otherwise the call is as it was.

        ``told`` are Telnyx's: ``webhook_url`` and ``target_leg_client_state``, by which what it tells is known again.
        """
        more: dict[str, Any] = {"from": from_number, **told} if from_number else told
        await self._command(call_id, "transfer", is_over_fine=False, to=to_number, timeout_secs=timeout_s, **more)

    async def bridge(self, call_id: str, other_id: str) -> None:
        """Have two calls talk with each other; when one ends, the other does."""
        await self._command(call_id, "bridge", is_over_fine=False, call_control_id=other_id)

    async def speak(self, call_id: str, words: str, voice: str, language: str) -> None:
        """Have Telnyx's own voice say something to the far end; a webhook tells when it is said."""
        await self._command(call_id, "speak", is_over_fine=False, payload=words, voice=voice, language=language)

    async def stop_stream(self, call_id: str) -> None:
        """End the call's stream, and not the call; one that is over already is no error."""
        await self._command(call_id, "streaming_stop")

    async def send_digits(self, call_id: str, digits: str) -> None:
        """Press keys toward the far end."""
        await self._command(call_id, "send_dtmf", is_over_fine=False, digits=digits)

    async def start_recording(self, call_id: str, order: RecordingOrder) -> str:
        """Begin to record; its name comes with the webhook that it is saved, so none is returned."""
        await self._command(
            call_id,
            "record_start",
            is_over_fine=False,
            format=order.file_format,
            channels="dual" if order.is_stereo else "single",
            max_length=order.time_limit_s,
        )
        return ""

    async def stop_recording(self, call_id: str, recording_id: str) -> None:
        """End a recording, the last one where it has no name; one that is over already is no error."""
        named: dict[str, Any] = {"recording_id": recording_id} if recording_id else {}
        await self._command(call_id, "record_stop", **named)

    async def delete_recording(self, recording_id: str) -> None:
        """Delete what was recorded, for good; what is gone already is no error."""
        await self._rest.delete(f"/v2/recordings/{_quoted(recording_id)}")

    async def _command(
        self, call_id: str, command: str, *, command_id: str = "", is_over_fine: bool = True, **fields: Any
    ) -> None:
        """Have a command obeyed once; where ``is_over_fine``, one that comes too late for its call is no error."""
        path = f"/v2/calls/{_quoted(call_id)}/actions/{command}"
        asked = {**fields, "command_id": command_id or str(uuid4())}
        answer = await self._rest.post(path, json=asked, fine=(_UNPROCESSABLE,))
        if answer.status == _UNPROCESSABLE and not (is_over_fine and _OVER & set(_codes(answer))):
            is_over = bool(_OVER & set(_codes(answer)))
            words = "says that the call is over" if is_over else f"refuses, HTTP {answer.status}"
            raise CarrierError(words, carrier=self.name, status=answer.status)


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _data(answer: RestAnswer) -> dict[str, Any]:
    data = answer.fields.get("data")
    return data if isinstance(data, dict) else {}


def _codes(answer: RestAnswer) -> Collection[str]:
    errors = answer.fields.get("errors")
    return [str(each.get("code")) for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
