"""A real browser without a window, driven over its DevTools protocol; nothing between it and the tests but a WebSocket.

Source: https://chromedevtools.github.io/devtools-protocol/ (domains Target, Page, Runtime, Emulation, Input).
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.patience import WAIT_S

PROGRAM = shutil.which("chromium")
PHONE = (360, 740)
DESK = (1200, 900)

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-default-apps",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--no-proxy-server", "--mute-audio", "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0",
)  # fmt: skip

needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed: apt-get install chromium")


class PageError(Exception):
    """What went wrong in the page, or what never came."""


class Tab:
    """One page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session = ""
        self.complaints: list[str] = []
        """What the page has written on its console, or thrown."""

    async def listen(self) -> None:
        """Take what the browser says, until it is gone."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            elif told["method"] in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
                self.complaints.append(json.dumps(told["params"])[:1000])

    async def open(self) -> None:
        """Open the page."""
        target = await self.do("Target.createTarget", url="about:blank")
        attached = await self.do("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.do(f"{domain}.enable")

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": parameters, **session})
        async with asyncio.timeout(WAIT_S):
            told = await answer
        if "error" in told:
            raise PageError(f"{method}: {told['error']['message']}")
        result: dict[str, Any] = told["result"]
        return result

    async def see(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page."""
        told = await self.do("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise PageError(json.dumps(told["exceptionDetails"])[:1000])
        return told["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Its value, once that is true."""
        try:
            async with asyncio.timeout(WAIT_S):
                # The page tells nobody when it changes.
                while not (value := await self.see(expression)):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                return value
        except TimeoutError:
            shown = await self.see("document.body.innerText")
            raise PageError(f"never true: {expression}\n{shown}\n{self.complaints}") from None

    async def go(self, url: str) -> None:
        """Load a page."""
        await self.do("Page.navigate", url=url)
        await self.until(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")

    async def fill(self, selector: str, text: str) -> None:
        """Type into a field, in place of what is there."""
        await self.see(
            f"(field => {{ field.focus(); field.select(); }})(document.querySelector({json.dumps(selector)}))"
        )
        await self.do("Input.insertText", text=text)

    async def click(self, selector: str) -> None:
        """Press with the mouse where an element is."""
        await self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        box = await self.see(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
            f" return [b.x + b.width / 2, b.y + b.height / 2]; }})(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.do("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    async def become(self, size: tuple[int, int], scheme: str = "light") -> None:
        """Have a screen of this size, and like it ``light`` or ``dark``."""
        width, height = size
        is_phone = width < 500
        await self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=is_phone
        )
        await self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def shoot(self, path: Path) -> None:
        """Keep what is to be seen, as a PNG."""
        shot = await self.do("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Tab]:
    """A browser that keeps what it has to keep in a folder."""
    assert PROGRAM is not None
    arguments = (*_FLAGS, f"--user-data-dir={folder}", "about:blank")
    devnull = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *arguments, stdout=devnull, stderr=devnull, start_new_session=True
    )
    try:
        async with asyncio.timeout(WAIT_S):
            told = folder / "DevToolsActivePort"
            while not (told.exists() and told.read_text().count("\n")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        port, path = told.read_text().split("\n")[:2]
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket,
        ):
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            try:
                await tab.open()
                yield tab
            finally:
                listening.cancel()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
