"""Numbers and Call Control applications of a Telnyx account: which webhook is told when a number is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediasrv.carriers.account import Application
from mediasrv.carriers.telnyx_rest import TelnyxControl
from mediasrv.errors import CarrierError


class TelnyxAccount:
    """An ``Account``."""

    def __init__(self, control: TelnyxControl) -> None:
        self._control = control

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._control.aclose()

    async def application_of(self, number: str) -> str:
        """The id of the connection that a number belongs to; empty for none."""
        return str((await self._find(number)).get("connection_id") or "")

    async def application(self, app_id: str) -> Application:
        """What stands in an application; a connection of another kind is none."""
        return _read(await self._control.get("call_control_applications", app_id))

    async def put(self, application: Application) -> str:
        """Make an application, or change the one of the same name; return its id."""
        given = {"application_name": application.name, "webhook_event_url": application.answer_url}
        query = {"filter[application_name][contains]": application.name}
        for each in map(_read, await self._control.listed("call_control_applications", query)):
            if each.name == application.name:
                await self._control.change("call_control_applications", each.id, given)
                return each.id
        made = _read(await self._control.make("call_control_applications", {**given, "webhook_api_version": "2"}))
        if not made.id:
            raise CarrierError("answers an application without its id", carrier="telnyx", uncertain=True)
        return made.id

    async def assign(self, number: str, app_id: str) -> None:
        """Let a number belong to an application."""
        found = await self._find(number)
        await self._control.change("phone_numbers", str(found.get("id", "")), {"connection_id": app_id})

    async def _find(self, number: str) -> Mapping[str, Any]:
        numbers = await self._control.listed("phone_numbers", {"filter[phone_number]": number})
        found = next((each for each in numbers if each.get("phone_number") == number), None)
        if found is None:
            raise CarrierError("has no such number in this account", carrier="telnyx", status=404)
        return found


def _read(fields: Mapping[str, Any]) -> Application:
    return Application(
        id=str(fields.get("id") or ""),
        name=str(fields.get("application_name") or ""),
        answer_url=str(fields.get("webhook_event_url") or ""),
    )
