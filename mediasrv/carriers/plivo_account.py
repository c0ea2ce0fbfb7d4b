"""Numbers and applications of a Plivo account: which URL is asked when a number is called.

A number belongs to an application, and an application holds the URLs. The API takes no application away from a number
that had none; that is left to Plivo's console.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediasrv.carriers.account import Application
from mediasrv.carriers.plivo_rest import PlivoApi, plain
from mediasrv.errors import CarrierError


class PlivoAccount:
    """All methods raise ``CarrierError``; what is not there has status 404."""

    def __init__(self, api: PlivoApi) -> None:
        self._api = api

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._api.aclose()

    async def application_of(self, number: str) -> str:
        """The id of the application that a number of the account belongs to; empty for none."""
        found = await self._api.get("Number", plain(number))
        return str(found.get("application") or "").rstrip("/").rpartition("/")[2]

    async def application(self, app_id: str) -> Application:
        """What stands in an application."""
        return _read(await self._api.get("Application", app_id))

    async def applications(self) -> list[Application]:
        """All of the account."""
        return [_read(each) async for each in self._api.pages("Application")]

    async def put(self, application: Application) -> str:
        """Make an application, or change the one of the same name; return its id."""
        fields: dict[str, Any] = {
            "answer_url": application.answer_url,
            "answer_method": "POST",
            "hangup_url": application.hangup_url,
            "hangup_method": "POST",
            "fallback_answer_url": application.fallback_url,
            "fallback_method": "POST",
        }
        for each in await self.applications():
            if each.name == application.name:
                await self._api.post("Application", each.id, **fields)
                return each.id
        made = await self._api.post("Application", app_name=application.name, **fields)
        if not made.get("app_id"):
            raise CarrierError("answers an application without its id", carrier="plivo", uncertain=True)
        return str(made["app_id"])

    async def assign(self, number: str, app_id: str) -> None:
        """Let a number belong to an application."""
        await self._api.post("Number", plain(number), app_id=app_id)


def _read(fields: Mapping[str, Any]) -> Application:
    return Application(
        id=str(fields.get("app_id", "")),
        name=str(fields.get("app_name", "")),
        answer_url=str(fields.get("answer_url") or ""),
        hangup_url=str(fields.get("hangup_url") or ""),
        fallback_url=str(fields.get("fallback_answer_url") or ""),
    )
