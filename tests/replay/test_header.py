"""What a capture knows of its call before anything happens."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.agency import Agency
from mediasrv.call.call import Call
from mediasrv.call.control import HandoverOrder, HandoverOutcome, Words
from mediasrv.call.link import OUTBOUND, CallDetails
from mediasrv.call.options import AgentOptions
from mediasrv.call.role import CascadeRole, RealtimeRole
from mediasrv.replay.codec import decode, encode
from mediasrv.replay.header import describe, details_from, role_from
from mediasrv.replay.parts import DistantControl
from mediasrv.wire.events import StreamStarted
from tests.call.stage import agent_options
from tests.replay.test_capture import Notes, run

STARTED = StreamStarted("call-1", "stream-1", MULAW_8K, from_number="+911", to_number="+912")
DETAILS = CallDetails("plivo", "+911", "+912", {"customer": 7}, OUTBOUND)
DESK = agent_options(class_="tests.replay.agents:Desk", instructions="Be kind.", greeting="Good day.")
MENU = agent_options(class_="tests.replay.agents:menu", detector={"provider": "scripted"})
KEY = "canary-of-a-provider"


class Control:
    """Hands nobody over."""

    async def hand_over(self, order: HandoverOrder, words: Words) -> HandoverOutcome:
        return HandoverOutcome.FAILED


def _described(options: AgentOptions, details: CallDetails = DETAILS) -> tuple[CascadeRole | RealtimeRole, Any]:
    """A role, and its header as it is read from a file."""
    role = Agency({"default": options})._roles["default"]
    about = describe(role, role.voice._tts, STARTED, details, records=True)
    return role, decode(orjson.loads(orjson.dumps(encode(about))))


@pytest.mark.parametrize(
    ("options", "hooks", "is_conducted"), [(DESK, ["on_start", "on_dtmf", "on_end"], False), (MENU, [], True)]
)
def test_a_role_is_made_again_as_it_was(options: AgentOptions, hooks: list[str], is_conducted: bool) -> None:
    async def act(notes: Notes) -> None:
        role, header = _described(options)
        assert (header["hooks"], header["is_conducted"], header["records"]) == (hooks, is_conducted, True)
        again = role_from(header, {}, notes.capture)
        assert isinstance(role, CascadeRole)
        assert isinstance(again, CascadeRole)
        for one in ("name", "language"):
            assert getattr(again, one) == getattr(role, one)
        for one in ("instructions", "greeting"):
            assert getattr(again.agent, one) == getattr(role.agent, one)
        assert again.options.turn == role.options.turn
        assert list(again.stt.formats) == list(role.stt.formats)
        assert again.stt.renews_finals == role.stt.renews_finals
        assert again.voice._tts.joins == role.voice._tts.joins
        assert again.voice._tts.format_for(MULAW_8K) == role.voice._tts.format_for(MULAW_8K)
        assert (again.detector is not None) == (role.detector is not None) == is_conducted
        assert (again.conduct is not None) == (role.conduct is not None) == is_conducted

    run(act)


def test_tools_are_offered_as_they_were() -> None:
    async def act(notes: Notes) -> None:
        role, header = _described(DESK)
        again = role_from(header, {}, notes.capture)
        assert set(again.tools) == {"look", "tell", "fail"}
        for name, tool in again.tools.items():
            assert tool.spec == role.tools[name].spec
            assert (tool.has_side_effects, tool.limit_s) == (
                role.tools[name].has_side_effects,
                role.tools[name].limit_s,
            )
        look, tell = (inspect.signature(again.tools[name].run).parameters for name in ("look", "tell"))
        assert {name: each.default is each.empty for name, each in look.items()} == {"order": True, "again": False}
        assert tell["call"].annotation is Call

    run(act)


def test_what_providers_are_set_to_is_left_out() -> None:
    options = replace(DESK, llm={**DESK.llm, "replies": (KEY,)}, stt={**DESK.stt, "texts": (KEY,)})
    header = _described(options)[1]
    assert KEY not in str(header)
    assert header["options"]["llm"] == {"provider": "scripted"}
    assert header["options"]["greeting"] == "Good day."


@pytest.mark.parametrize("control", [None, Control()])
def test_what_is_known_of_the_call_is_known_again(control: Control | None) -> None:
    async def act(notes: Notes) -> None:
        _, header = _described(DESK, replace(DETAILS, control=control))
        details = details_from(header, notes.capture)
        assert replace(details, control=None) == DETAILS
        assert isinstance(details.control, DistantControl) is (control is not None)

    run(act)
    assert _described(DESK)[1]["started"] == STARTED
