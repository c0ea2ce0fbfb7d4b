"""The console in a real browser, with a real call on a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.server.console import desk as desks
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.script import AgentFinished, HangUp, Line, Performance, Speak
from mediasrv.simulator.speech import recorded
from tests.call.stage import SHORT
from tests.chromium import DESK, PHONE, Tab, chromium, needs_chromium
from tests.server.api.stage import CALLER, TOKEN
from tests.server.console.stage import ConsoleStage, console

pytestmark = [needs_chromium, pytest.mark.long]

ASKED = ("Where is my order?", "<img src=x onerror=alert(1)> and when will it come?")
ANSWERED = ("It left our house this morning.", "It will be with you tomorrow before noon.")
INK = """(canvas => {
    const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return bytes.filter(byte => byte).length / bytes.length;
})(document.querySelector('.lane.%s canvas'))"""
"""How much of a lane is painted."""
GREETING = "Swift Couriers, good day."


async def ring(stage: ConsoleStage) -> Conversation:
    """A caller who asks twice and hangs up."""
    cue = AgentFinished(quiet_ms=600, patience_ms=4000)
    script = [*(Line(cue, Speak(recorded()[SHORT])) for _ in ASKED), Line(AgentFinished(1500, 4000), HangUp())]
    pacing = Pacing(asyncio.get_running_loop().time)
    caller = Caller(carrier_named("plivo"), MULAW_8K, Performance(script, MULAW_8K), pacing, limit_s=60.0)
    await stage.post("/plivo/answer", {"CallUUID": caller.call_id, "From": CALLER[1:], "To": "912266001234"})
    return await caller.call(f"{stage.ws}/plivo/stream?call={caller.call_id}")


@asynccontextmanager
async def visiting(folder: Path) -> AsyncIterator[tuple[ConsoleStage, Tab]]:
    words = console(folder, greeting=GREETING, stt={"texts": ASKED}, llm={"replies": ANSWERED})
    async with words as stage, chromium(folder / "browser") as tab:
        yield stage, tab


async def enter(stage: ConsoleStage, tab: Tab, token: str = TOKEN) -> None:
    await tab.go(f"{stage.http}/console")
    await tab.fill("#token", token)
    await tab.click("#door-form button")


def shows(text: str, selector: str = "#view") -> str:
    return f"(document.querySelector({json.dumps(selector)})?.innerText ?? '').includes({json.dumps(text)})"


async def fits(tab: Tab) -> bool:
    return bool(await tab.see("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


async def test_who_has_a_wrong_token_stays_at_the_door(tmp_path: Path) -> None:
    async with visiting(tmp_path) as (stage, tab):
        await tab.become(PHONE)
        await enter(stage, tab, "a token that is not the one")
        await tab.until(shows("not the one", "#door-fault"))
        assert await tab.see("document.querySelector('#house').hidden")
        assert await tab.see("sessionStorage.length") == 0
        assert await fits(tab)
        await tab.shoot(tmp_path / "door.png")
        await tab.fill("#token", TOKEN)
        await tab.click("#door-form button")
        await tab.until("document.querySelector('#door').hidden")
        await tab.until(shows("Nobody is on the line."))
        await tab.shoot(tmp_path / "nobody.png")
        await tab.click("#leave")
        await tab.until("!document.querySelector('#door').hidden")
        assert await tab.see("sessionStorage.length") == 0


async def test_a_call_is_watched_and_found_and_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A recording of seconds comes in as many parts as one of hours.
    monkeypatch.setattr(desks, "MOST_PART_BYTES", 1 << 16)
    async with visiting(tmp_path) as (stage, tab):
        await tab.become(PHONE)
        await enter(stage, tab)
        await tab.until(shows("Nobody is on the line."))
        calling = asyncio.create_task(ring(stage))
        await tab.until(shows(CALLER, "#live"))
        await tab.until(shows(GREETING, "#live"))
        assert await fits(tab)
        await tab.shoot(tmp_path / "live-list.png")
        await tab.click("#live a")

        await tab.until("document.querySelector('.levels.wide .bot i')?.getBoundingClientRect().width > 20")
        await tab.until(shows(ASKED[0], "#talk"))
        await tab.until(shows(ANSWERED[0], "#talk"))
        assert await tab.see(shows(GREETING, "#talk")), "what was said before is told too"
        await tab.until("document.querySelectorAll('#talk .turn').length === 1")
        await tab.see("document.querySelector('#talk .turn details').open = true")
        stages = await tab.see("[...document.querySelectorAll('.stages .name')].map(name => name.innerText)")
        assert stages[0] == "silence until the turn is ours"
        await tab.until(shows(ASKED[1], "#talk"))
        assert await tab.see("document.querySelector('#talk img') === null"), "words are text, and no markup"
        assert await fits(tab)
        await tab.shoot(tmp_path / "live-call.png")
        await tab.become(DESK, "dark")
        await tab.shoot(tmp_path / "live-call-dark.png")
        await calling

        await tab.until("document.querySelector('#timeline') !== null")
        await tab.until(shows("caller hung up"))
        await search(tab, tmp_path)
        await hear(tab, tmp_path)
        assert tab.complaints == []


async def search(tab: Tab, folder: Path) -> None:
    await tab.click("#to-ended")
    await tab.until(shows(CALLER, "#ended"))
    await tab.fill(".search input", "nobody ever said this")
    await tab.click(".search button")
    await tab.until(shows("No such call."))
    await tab.fill(".search input", "TOMORROW before")
    await tab.click(".search button")
    await tab.until(shows(CALLER, "#ended"))
    await tab.become(PHONE)
    assert await fits(tab)
    await tab.shoot(folder / "ended-list.png")
    await tab.click("#ended a")
    await tab.until("document.querySelector('#timeline') !== null")


async def hear(tab: Tab, folder: Path) -> None:
    assert await fits(tab)
    await tab.shoot(folder / "ended-call.png")
    await tab.click(".listen")
    await tab.until("document.querySelector('audio')?.duration > 5")
    await tab.until("document.querySelector('audio').currentTime > 0.2")
    assert await tab.see("document.querySelector('audio').src.startsWith(location.origin)")
    assert await tab.see("document.cookie") == "", "no script reads a ticket"
    await tab.see("{ const audio = document.querySelector('audio'); audio.currentTime = audio.duration - 1; }")
    await tab.until("document.querySelector('audio').ended")
    for side in ("caller", "bot"):
        # A line without a sound would be a hundredth of it.
        assert await tab.see(INK % side) > 0.02
    assert await fits(tab)
    await tab.shoot(folder / "ended-call-heard.png")
    await tab.become(DESK)
    await tab.see("document.querySelectorAll('details').forEach(turn => { turn.open = true; })")
    await tab.shoot(folder / "ended-call-wide.png")
    await tab.become(DESK, "dark")
    await tab.shoot(folder / "ended-call-dark.png")
