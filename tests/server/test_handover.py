"""Calls that are handed over, end to end: Plivo's stand-in rings, streams and obeys, over real sockets."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson
import pytest

from mediasrv.audio.level import level_db
from mediasrv.call.agency import Agency
from mediasrv.call.control import HandoverOrder, HandoverOutcome
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_rest import PlivoControl
from mediasrv.errors import RecordsError
from mediasrv.outbound.donotcall import DoNotCall
from mediasrv.outbound.options import ComplianceOptions
from mediasrv.server import switchboard
from mediasrv.server.api.clerk import Means
from mediasrv.server.board import Board
from mediasrv.server.glance import names_in
from mediasrv.server.handover import Handovers, Party
from mediasrv.server.handoverdesk import Screen
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.conversation import Conversation
from native_bench.standins.base import Fault
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from native_bench.standins.plivo_leg import NORMAL, HungUp, Leg, Subscriber
from tests.call.stage import Watch, agent_options
from tests.patience import WAIT_S, until
from tests.records.stage import kept
from tests.server import handing

OURS, CALLER, COLLEAGUE, PBX = "918000000000", "919999900000", "919876500001", "sip:pbx@example.in"
GREETING, COMES_BACK = "Good day.", "I am sorry, I could not reach anybody there. How else can I help you?"
BRIEFING = "Ann asks about order 7 & waits."


class Office:
    """A server, the carrier, and who has said what."""

    def __init__(self, service: Service, standin: PlivoStandin, watch: Watch) -> None:
        self.service, self.standin, self.watch = service, standin, watch
        self.origin = f"http://127.0.0.1:{service.port}"

    def rings(self, **order: Any) -> Leg:
        """Somebody calls, and is to be handed over."""
        body = urlsafe_b64encode(orjson.dumps(order)).decode()
        answer = f"{self.origin}/plivo/answer?{urlencode({'body': body})}"
        return self.standin.call_in(OURS, CALLER, answer_url=answer, hangup_url=f"{self.origin}/plivo/callback/status")

    @property
    def said(self) -> list[str]:
        return [text for side, text in self.watch.words if side == "bot"]


@asynccontextmanager
async def office(standin: PlivoStandin, max_calls: int = 300) -> AsyncIterator[Office]:
    handing.LOG.clear()
    watch = Watch()
    async with standin as url:
        plivo = PlivoOptions(auth_id=ACCOUNT, auth_token=TOKEN, api_url=url)
        control = PlivoControl(plivo)
        agency = Agency({"default": agent_options(class_="tests.server.handing:Receptionist")}, observer=watch)
        options = ServerOptions(port=0, sheds_load=False, max_calls=max_calls)
        means = Means(token="", board=Board(), controls={"plivo": control})
        service = Service(options, plivo, agency, means=means)
        await service.start()
        try:
            yield Office(service, standin, watch)
        finally:
            await service.aclose()
            await control.aclose()


def longest_silence_s(conversation: Conversation) -> float:
    """Of the agent, until the stream ended."""
    size = conversation.audio.rate_hz // 50
    frames = [conversation.agent[start : start + size] for start in range(0, len(conversation.agent), size)]
    longest = silence = 0
    for frame in frames:
        silence = 0 if level_db(np.asarray(frame)) > -50 else silence + 1
        longest = max(longest, silence)
    return longest / 50


async def test_a_caller_is_put_through_to_a_number() -> None:
    async with office(PlivoStandin()) as there:
        leg = there.rings(to=f"+{COLLEAGUE}", timeout_s=20)
        await there.standin.settle(leg)
        (other,) = there.standin.legs_to(COLLEAGUE)
        assert leg.bridged_to == {other.call_id}
        # Whoever is rung sees the number that the caller has dialled.
        assert other.from_number == f"+{OURS}"
        assert other.ring_timeout_s == 20
        dialled = f"dial Number {COLLEAGUE}"
        assert leg.deeds == ["ringing", "answered", "stream", "transferred", dialled, "bridged", "ended 4000"]
        assert there.said == [GREETING]
        assert there.watch.causes == ["transferred"]
        assert list(handing.LOG) == [HandoverOutcome.CONNECTED]
        assert there.standin.complaints == []


async def test_and_to_a_sip_address() -> None:
    async with office(PlivoStandin()) as there:
        leg = there.rings(to=PBX, caller_id="+911400000000")
        await there.standin.settle(leg)
        (other,) = there.standin.legs_to(PBX)
        assert leg.bridged_to == {other.call_id}
        assert other.from_number == "+911400000000"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [("busy", HandoverOutcome.BUSY), ("no", HandoverOutcome.NO_ANSWER), ("reject", HandoverOutcome.REJECTED)],
)
async def test_a_caller_whom_nobody_wants_comes_back_to_his_agent(answers: str, outcome: HandoverOutcome) -> None:
    async with office(PlivoStandin(people={COLLEAGUE: Subscriber(answers=answers)})) as there:
        order = {"to": f"+{COLLEAGUE}", "timeout_s": 1}
        leg = there.rings(**order)
        await there.standin.settle(leg)
        assert leg.deeds.count("stream") == 2
        assert handing.LOG[1:] == [("came back", outcome, [("bot", GREETING)], order)]
        assert there.said == [GREETING, COMES_BACK, "Bye."]
        assert there.watch.causes == ["transferred", "agent hung up"]


async def test_a_caller_who_comes_back_finds_room_even_where_there_is_none() -> None:
    people = {COLLEAGUE: Subscriber(answers="busy", after_s=0.3)}
    async with office(PlivoStandin(people=people), max_calls=1) as there:
        leg = there.rings(to=f"+{COLLEAGUE}")
        await until(lambda: "transferred" in leg.deeds)
        await until(lambda: not there.service._calls.live)
        assert "Stream" in await expected(there)
        await there.standin.settle(leg)
        assert leg.deeds.count("stream") == 2


async def expected(there: Office) -> str:
    """The answer to another caller, who then takes the last room."""
    call = {"CallUUID": "other", "From": CALLER, "To": OURS, "Event": "StartApp", "CallStatus": "in-progress"}
    _, document = await there.standin.callbacks.fetch(f"{there.origin}/plivo/answer", call)
    return document


async def test_a_server_that_wants_to_stop_waits_for_who_may_come_back() -> None:
    async with office(PlivoStandin(people={COLLEAGUE: Subscriber(answers="busy", after_s=0.5)})) as there:
        leg = there.rings(to=f"+{COLLEAGUE}")
        await until(lambda: any(deed.startswith("dial") for deed in leg.deeds))
        await until(lambda: not there.service._calls.live)
        draining = asyncio.create_task(there.service._calls.drain())
        await there.standin.settle(leg)
        assert leg.deeds.count("stream") == 2
        async with asyncio.timeout(WAIT_S):
            await draining


async def test_somebody_is_briefed_while_the_caller_hears_music_and_both_are_brought_together() -> None:
    async with office(PlivoStandin(people={COLLEAGUE: Subscriber(after_s=1.5)})) as there:
        leg = there.rings(to=f"+{COLLEAGUE}", briefing=BRIEFING)
        await there.standin.settle()
        (other,) = there.standin.legs_to(COLLEAGUE)
        assert leg.bridged_to == {other.call_id}
        assert leg.deeds[2:] == ["stream", "transferred", "conference", "bridged", "ended 4010"]
        assert other.deeds[2] == f"speak {BRIEFING}"
        assert "conference" in other.deeds
        assert there.watch.causes == ["transferred"]
        (conversation,) = leg.conversations
        assert len(conversation.agent) / conversation.audio.rate_hz > 1.5
        assert longest_silence_s(conversation) < 1.2
        assert there.standin.complaints == []


@pytest.mark.parametrize(
    ("colleague", "outcome"),
    [
        (Subscriber(answers="busy", after_s=0.3), HandoverOutcome.BUSY),
        (Subscriber(answers="no"), HandoverOutcome.NO_ANSWER),
        (Subscriber(answers="reject"), HandoverOutcome.REJECTED),
        (Subscriber(is_machine=True), HandoverOutcome.NO_ANSWER),
    ],
)
async def test_a_caller_stays_with_his_agent_when_nobody_can_be_briefed(
    colleague: Subscriber, outcome: HandoverOutcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("native_bench.standins.plivo_exchange.SPEAK_S", 0.5)
    async with office(PlivoStandin(people={COLLEAGUE: colleague})) as there:
        leg = there.rings(to=f"+{COLLEAGUE}", briefing=BRIEFING, timeout_s=1)
        await there.standin.settle()
        assert leg.deeds[2:] == ["stream", "ended 4000"]
        assert list(handing.LOG) == [outcome]
        assert there.said == [GREETING, f"Sorry, {outcome.value}."]
        assert leg.bridged_to == set()
        assert all(other.is_over for other in there.standin.legs)
        assert longest_silence_s(leg.conversations[0]) < 1.2


async def test_who_hangs_up_in_the_middle_of_the_briefing_does_not_want_to_talk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("native_bench.standins.plivo_exchange.SPEAK_S", 5.0)
    async with office(PlivoStandin()) as there:
        there.rings(to=f"+{COLLEAGUE}", briefing=BRIEFING)
        other = await briefed(there)
        other.interrupt(HungUp(NORMAL))
        await there.standin.settle()
        assert list(handing.LOG) == [HandoverOutcome.REJECTED]


async def briefed(there: Office) -> Leg:
    """The leg that is being briefed."""

    def is_briefed() -> bool:
        return any(deed.startswith("speak") for leg in there.standin.legs_to(COLLEAGUE) for deed in leg.deeds)

    await until(is_briefed)
    (other,) = there.standin.legs_to(COLLEAGUE)
    return other


async def test_a_caller_who_hangs_up_takes_the_other_leg_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("native_bench.standins.plivo_exchange.SPEAK_S", 30.0)
    async with office(PlivoStandin()) as there:
        leg = there.rings(to=f"+{COLLEAGUE}", briefing=BRIEFING)
        other = await briefed(there)
        leg.interrupt(HungUp(NORMAL))
        await there.standin.settle()
        assert other.deeds[-1] == "ended 4000"
        assert other.bridged_to == set()
        assert list(handing.LOG) == []


async def test_a_call_that_may_have_been_placed_is_waited_for_and_not_placed_again() -> None:
    async with office(PlivoStandin(faults=[Fault("lost")])) as there:
        leg = there.rings(to=f"+{COLLEAGUE}", briefing=BRIEFING)
        await there.standin.settle()
        (other,) = there.standin.legs_to(COLLEAGUE)
        assert leg.bridged_to == {other.call_id}


async def test_one_that_rings_on_is_looked_up_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "BRIEFING_LIMIT_S", -0.7)
    standin = PlivoStandin(people={COLLEAGUE: Subscriber(after_s=60.0)}, faults=[Fault("lost")])
    async with office(standin) as there:
        there.rings(to=f"+{COLLEAGUE}", briefing=BRIEFING, timeout_s=1)
        await until(lambda: bool(there.standin.legs_to(COLLEAGUE)))
        (other,) = there.standin.legs_to(COLLEAGUE)
        await there.standin.settle()
        assert other.deeds[-1] == "ended 1000"
        assert list(handing.LOG) == [HandoverOutcome.NO_ANSWER]


@pytest.mark.parametrize("fault", [Fault("refuse", status=400), Fault("refuse", status=500)])
async def test_a_caller_who_cannot_be_led_away_stays(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "_FETCH_LIMIT_S", 0.1)
    async with office(PlivoStandin(faults=[fault])) as there:
        leg = there.rings(to=f"+{COLLEAGUE}")
        await there.standin.settle()
        assert there.said == [GREETING, "Sorry, it did not work."]
        assert leg.deeds[2:] == ["stream", "ended 4000"]


async def test_one_who_was_led_away_without_an_answer_is_gone() -> None:
    async with office(PlivoStandin(faults=[Fault("obeyed", status=503)])) as there:
        leg = there.rings(to=f"+{COLLEAGUE}")
        await there.standin.settle()
        assert "bridged" in leg.deeds


async def test_a_briefing_is_given_up_when_the_call_is_refused() -> None:
    async with office(PlivoStandin(faults=[Fault("refuse", status=400)])) as there:
        there.rings(to=f"+{COLLEAGUE}", briefing=BRIEFING)
        await there.standin.settle()
        assert list(handing.LOG) == [HandoverOutcome.FAILED]


@pytest.mark.parametrize("to", ["", "12", "Ann", "sip:", "sip:a b", "tel:+911", "+91 98", "9" * 16])
async def test_nobody_is_rung_at_what_is_no_address(to: str) -> None:
    async with office(PlivoStandin()) as there:
        board = there.service._calls.switchboards["plivo"]
        party = Party(call_id="c", agent="default", origin=there.origin)
        outcome = await board.hand_over(party, HandoverOrder(to=to), [])
        assert outcome is HandoverOutcome.FAILED
        assert there.standin.asked == []


async def test_whoever_must_not_be_called_does_not_take_over_either() -> None:
    async with office(PlivoStandin()) as there:

        async def screen(number: str) -> str:
            return "suppression" if number == f"+{COLLEAGUE}" else ""

        there.service._calls.switchboards["plivo"]._screen = screen
        there.rings(to=f"+{COLLEAGUE}")
        await there.standin.settle()
        assert there.said == [GREETING, "Sorry, this number must not be called."]
        assert there.standin.asked == []


async def test_the_list_of_those_who_must_not_be_called_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(number: str) -> bool:
        raise RecordsError("the disk is gone")

    async with kept(tmp_path) as records:
        await records.suppressions.add(f"+{COLLEAGUE}", "speech")
        screen = Screen(records)
        assert await screen(f"+{COLLEAGUE}") == await screen(f"+{COLLEAGUE[:2]} {COLLEAGUE[2:]}") == "suppression"
        assert await screen(f"+{CALLER}") == await screen(PBX) == ""
        # A list that cannot be read protects everybody.
        monkeypatch.setattr(records.suppressions, "holds", fail)
        assert await screen(f"+{CALLER}") == "no records"


async def test_and_so_are_the_do_not_call_lists_with_records_or_without(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text(f"+{COLLEAGUE}\n")
    lists = DoNotCall(ComplianceOptions(do_not_call_file=str(file)))
    async with kept(tmp_path) as records:
        for screen in (Screen(None, lists), Screen(records, lists)):
            assert await screen(f"+{COLLEAGUE}") == "do-not-call list"
            assert await screen(f"+{CALLER}") == await screen(PBX) == ""
        # What cannot be read lists everybody, of whom it could tell.
        lost = Screen(records, DoNotCall(ComplianceOptions(do_not_call_file=str(tmp_path / "nowhere.txt"))))
        assert await lost(f"+{CALLER}") == "do-not-call list"
        assert await lost(PBX) == ""


async def test_questions_about_handovers_that_nobody_knows_end_the_call() -> None:
    async with office(PlivoStandin()) as there:
        for path in ("callback/transfer?part=room", "dial-up?x=1"):
            call = there.standin.callbacks.fetch(f"{there.origin}/plivo/{path}&handover=guess", {"CallUUID": "c"})
            assert await call == (200, "<Response><Hangup/></Response>")


def handovers(**limits: Any) -> tuple[Handovers, Callable[[str], Any]]:
    standing = Handovers(**limits)
    order = HandoverOrder(to="+911234567")
    return standing, lambda call_id: standing.begin(Party(call_id=call_id, agent="a", origin="o"), order, [])


async def test_what_is_asked_about_the_other_leg_finds_the_process_that_has_the_caller() -> None:
    _, begin = handovers()
    target = begin("call of the caller").url("/plivo/dial-up").removeprefix("o")
    request = f"POST {target} HTTP/1.1\r\nHost: x\r\n\r\nEvent=Hangup&CallUUID=other".encode()
    assert names_in(request) == ["call of the caller", "other"]


async def test_what_is_known_of_handovers_is_bounded_in_number_and_time() -> None:
    standing, begin = handovers(most=2)
    oldest, *others = [begin(name) for name in "abc"]
    assert standing.named(oldest.name) is None
    assert oldest.outcome.cancelled()
    assert [standing.named(each.name) for each in others] == others
    brief, begin = handovers(life_s=0.0)
    first = begin("a")
    await asyncio.sleep(0)
    begin("b")
    assert brief.of("a") == []
    assert brief.named(first.name) is None
