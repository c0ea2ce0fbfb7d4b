"""What a number of an account is answered by, whatever its carrier calls that.

Plivo and Telnyx have applications, to which numbers belong; with Twilio the URLs stand at the number itself. Either is
told by a text of the carrier's own, by which what was there can be put back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What is asked, and where."""

    name: str
    answer_url: str
    hangup_url: str = ""
    fallback_url: str = ""
    """Asked when the answer URL did not answer."""
    id: str = ""
    """The carrier's; empty for one that is yet to be made."""


class Account(Protocol):
    """Numbers of an account; all methods raise ``CarrierError``, and what is not there has status 404."""

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""

    async def application_of(self, number: str, /) -> str:
        """The id of what answers a number of the account; empty for nothing."""

    async def application(self, app_id: str, /) -> Application:
        """What that is."""

    async def put(self, application: Application, /) -> str:
        """Make an application, or change the one of the same name; return its id."""

    async def assign(self, number: str, app_id: str, /) -> None:
        """Let a number be answered by it."""
