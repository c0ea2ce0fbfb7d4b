"""Whoever is called answers: each carrier has a table of its numbers and their agents."""

from __future__ import annotations

from typing import Any

import pytest

from mediasrv.carriers.options import ExotelOptions, PlivoOptions, TelnyxOptions, TwilioOptions
from mediasrv.carriers.roster import roster
from mediasrv.carriers.telnyx_rest import read_client_state
from tests.server.stage import stage
from tests.server.test_telnyx import telnyx

NUMBERS = {"+912266001234": "sales team", "+912266005678": "pbx"}
OPEN: dict[str, Any] = {"verify_signatures": False, "numbers": NUMBERS}
CALLS = {
    "plivo": ("agent=sales+team", {"CallUUID": "call-1", "To": "912266001234"}),
    "twilio": ('value="sales team"', {"CallSid": "call-1", "To": "+912266001234"}),
    "exotel": ("agent=sales+team", {"CallSid": "call-1", "CallTo": "02266001234"}),
}


@pytest.mark.parametrize("name", CALLS)
async def test_the_number_that_was_called_says_who_answers(name: str) -> None:
    said, form = CALLS[name]
    others = roster(TwilioOptions(**OPEN), ExotelOptions(**OPEN), TelnyxOptions())
    async with stage(plivo=PlivoOptions(**OPEN), others=others) as there:
        status, document = await there.post(f"/{name}/answer", form)
        assert (status, said in document) == (200, True)
        # The URL counts where it says something, and other numbers are the default agent's.
        assert said not in (await there.post(f"/{name}/answer?agent=default", form))[1]
        elsewhere = {key: "+15550100" if key.endswith("To") else value for key, value in form.items()}
        assert said not in (await there.post(f"/{name}/answer", elsewhere))[1]


async def test_likewise_where_the_carrier_follows_commands() -> None:
    async with telnyx(numbers={"+15550002": "sales team"}) as line:
        await line.ring()
        answer = await line.asked("answer")
        assert read_client_state(answer.given["client_state"])["agent"] == "sales team"


async def test_a_number_of_an_agent_that_forwards_is_put_through() -> None:
    async with stage(plivo=PlivoOptions(**OPEN)) as there:
        _, document = await there.post("/plivo/answer", {"CallUUID": "call-1", "To": "912266005678"})
        assert "<User>sip:pbx@example.in</User>" in document
