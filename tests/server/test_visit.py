from __future__ import annotations

from dataclasses import replace

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.link import CallDetails
from mediasrv.carriers.options import TwilioOptions
from mediasrv.carriers.twilio import TwilioCarrier
from mediasrv.errors import SignatureError
from mediasrv.server.admission import Slot
from mediasrv.server.switchboard import Switchboards
from mediasrv.server.visit import DEFAULT_AGENT, Visit, visit_of
from mediasrv.wire.events import StreamStarted
from mediasrv.wire.signature import stream_token

ORIGIN = "https://voice.example.in"
SECRET = "twilio_token_0123456789"
CALL = "CA00000000000000000000000000000001"
BODY = "eyJvcmRlciI6IDd9"
STARTED = StreamStarted(CALL, "stream-1", MULAW_8K)


@pytest.fixture
def twilio() -> TwilioCarrier:
    return TwilioCarrier(TwilioOptions(auth_token=SECRET))


def visit_by(twilio: TwilioCarrier, slot: Slot | None = None, **params: str) -> Visit:
    return visit_of(twilio, slot or Slot(), ORIGIN, params, CALL)


def test_a_url_tells_who_is_wanted_and_with_what(twilio: TwilioCarrier) -> None:
    visit = visit_by(twilio, agent="sales", body=BODY, direction="outbound")
    assert (visit.agent, visit.body, visit.direction) == ("sales", {"order": 7}, "outbound")
    assert visit.proven_call_id == CALL


def test_a_url_that_tells_nothing_wants_the_default_agent(twilio: TwilioCarrier) -> None:
    visit = visit_by(twilio)
    assert (visit.agent, visit.body, visit.direction) == (DEFAULT_AGENT, {}, "")


def test_a_body_that_cannot_be_read_is_left_out(twilio: TwilioCarrier, caplog: pytest.LogCaptureFixture) -> None:
    assert visit_by(twilio, body="!").body == {}
    assert "body parameter is left out" in caplog.text


def test_a_start_tells_what_the_url_did_not(twilio: TwilioCarrier) -> None:
    told = {"agent": "sales", "body": BODY, "direction": "outbound", "token": stream_token(SECRET.encode(), CALL, 2000)}
    visit = visit_by(twilio).told_by(replace(STARTED, headers=told), 1000.0)
    assert (visit.agent, visit.body, visit.direction) == ("sales", {"order": 7}, "outbound")
    bare = visit.told_by(replace(STARTED, headers={"token": told["token"]}), 1000.0)
    assert bare == visit


def test_a_start_that_does_not_prove_whose_it_is_tells_nothing(twilio: TwilioCarrier) -> None:
    with pytest.raises(SignatureError):
        visit_by(twilio).told_by(replace(STARTED, headers={"agent": "sales"}), 1000.0)


def test_the_stream_knows_better_who_calls_whom_than_the_announcement(twilio: TwilioCarrier) -> None:
    slot = Slot(CALL, from_number="+911", to_number="+912")
    visit = visit_by(twilio, slot, body=BODY)
    assert visit.details(STARTED, "twilio", Switchboards()) == CallDetails(
        carrier="twilio", from_number="+911", to_number="+912", body={"order": 7}, direction="inbound"
    )
    started = replace(STARTED, from_number="+913", to_number="+914")
    details = visit.details(started, "twilio", Switchboards())
    assert (details.from_number, details.to_number) == ("+913", "+914")


def test_whoever_announced_the_call_knows_its_direction(twilio: TwilioCarrier) -> None:
    visit = visit_by(twilio, Slot(direction="inbound"), direction="outbound")
    assert visit.details(STARTED, "twilio", Switchboards()).direction == "inbound"
    visit = visit_by(twilio, direction="outbound")
    assert visit.details(STARTED, "twilio", Switchboards()).direction == "outbound"
