"""Nothing that is secret, or private to a caller, shows where it does not belong.

A real server is told canaries: keys, tokens, numbers, words, digits, a call's own data. A call goes well, providers
fail in many ways while quoting what they were sent, and strangers ask for what is not theirs. Then all that was written
is searched: the log at its lowest level, figures, documents, error pages, what the commands print, traces.

Where one may show is named here: the stream's token and the call's own data in the document for the carrier, words and
data in ``calls show`` and to the operator's token, full numbers there and where ``--show-numbers`` asks for them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from aiohttp import web

from mediasrv.audio.format import MULAW_8K
from mediasrv.net.websocket import HandshakeError, connect
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.script import AgentFinished, HangUp, Line, Performance, Press, Speak
from mediasrv.simulator.speech import recorded
from mediasrv.wire.signature import sign_v3
from native_bench.standins import cartesia, deepgram, openai
from native_bench.standins.base import Fault
from native_bench.standins.cartesia import CartesiaStandin
from native_bench.standins.deepgram import DeepgramStandin
from native_bench.standins.openai import OpenAiStandin
from tests import test_workers
from tests.call.stage import SHORT
from tests.net.peers import stranger
from tests.patience import WAIT_S
from tests.test_workers import Server, serving

pytestmark = pytest.mark.long

CANARIES = {
    "stt key": "canary-stt-key-5f1e",
    "llm key": "canary-llm-key-8a2b",
    "tts key": "canary-tts-key-77c0",
    "carrier's token": "canary-carrier-token-31d9",
    "operator's token": "canary-operator-token-9c44",
    "recording key": base64.b64encode(b"canary-recording-key-32-bytes-ok").decode(),
    "caller's number": "+919812345670",
    "our number": "+912212349870",
    "digits": "7319408625",
    "caller's words": "tangerine submarine",
    "bot's words": "marmalade zeppelin",
    "model's words": "lavender locomotive",
    "data": "canary-account-data-60ee",
    "header data": "canaryheaderdata60ff",
}
OPERATOR = {"Authorization": "Bearer " + CANARIES["operator's token"]}
SECRETS = [name for name in CANARIES if "key" in name or "token" in name]
QUOTED = " ".join(CANARIES.values())
BODY = base64.urlsafe_b64encode(json.dumps({"account": CANARIES["data"]}).encode()).decode()

CONFIG = """
[server]
port = 0
sheds_load = false
[api]
token_env = "T_API"
[plivo]
auth_id = "MAXXXXXXXXXXXXXXXXXX"
auth_token_env = "T_PLIVO"
[records]
path = "{folder}/calls.db"
[recording]
folder = "{folder}/recordings"
key_env = "T_RECORDING"
[otel]
endpoint = "{collector}/v1/traces"
[agents.default]
greeting = "Good day."
record = true
keep_audio = false
stt = {{ provider = "scripted", texts = ["{words}"] }}
llm = {{ provider = "scripted", replies = ["{reply}"] }}
tts = {{ provider = "scripted" }}
[agents.cloud]
greeting = "Good day."
keep_audio = false
stt = {{ provider = "deepgram", url = "{stt}", api_key_env = "T_STT" }}
llm = {{ provider = "openai", url = "{llm}", model = "m", api_key_env = "T_LLM" }}
tts = {{ provider = "cartesia", url = "{tts}", voice = "{voice}", api_key_env = "T_TTS" }}
"""
ENVIRONMENT = {
    "T_API": CANARIES["operator's token"],
    "T_PLIVO": CANARIES["carrier's token"],
    "T_RECORDING": CANARIES["recording key"],
    "T_STT": CANARIES["stt key"],
    "T_LLM": CANARIES["llm key"],
    "T_TTS": CANARIES["tts key"],
}
TROUBLE = {
    "stt": [
        Fault("refuse", status=401, reason=QUOTED),
        Fault("error", after=60, reason=QUOTED),
        Fault("close", after=60, reason=QUOTED[:100]),
        Fault("garbage", after=60),
        Fault("reset", after=60),
    ],
    "llm": [
        Fault("refuse", status=401, reason=QUOTED),
        Fault("refuse", status=400, reason=QUOTED),
        Fault("error", after=2, reason=QUOTED),
        Fault("garbage", after=2),
        Fault("cut", after=2),
    ],
    "tts": [
        Fault("refuse", status=402, reason=QUOTED),
        Fault("error", after=1, reason=QUOTED),
        Fault("close", after=1, reason=QUOTED[:100]),
        Fault("garbage", after=1),
    ],
}


class Seen:
    """Everything that was written, by where."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def add(self, place: str, text: str) -> None:
        self.places[place] = self.places.get(place, "") + text + "\n"

    def leaks(self, allowed: dict[str, set[str]]) -> Iterator[str]:
        for place, text in self.places.items():
            for name, canary in CANARIES.items():
                spellings = {canary, quote(canary), canary.lstrip("+"), base64.b64encode(canary.encode()).decode()}
                if any(each in text for each in spellings) and name not in allowed.get(place, set()):
                    yield f"{name} in {place}"


@asynccontextmanager
async def collector(seen: Seen) -> AsyncIterator[str]:
    """Takes traces."""

    async def take(request: web.Request) -> web.Response:
        seen.add("traces", (await request.read()).decode("latin-1"))
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class World:
    """A server that knows all canaries, and what it has shown."""

    def __init__(self, server: Server, seen: Seen) -> None:
        self.server, self.seen = server, seen
        self._nonces = count()

    async def ask(self, place: str, method: str, path: str, **options: object) -> str:
        async with self.server.session.request(method, self.server.http + path, **options) as response:  # type: ignore[arg-type]
            text = await response.text()
            self.seen.add(place, f"{response.status} {dict(response.headers)} {text}")
            return text

    async def webhook(self, place: str, path: str, form: dict[str, str]) -> str:
        signed = self.signed("POST", self.server.http + path, form)
        return await self.ask(place, "POST", path, data=form, headers=signed)

    def signed(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, str]:
        nonce = f"n-{next(self._nonces)}"
        signature = sign_v3(CANARIES["carrier's token"], method, url, nonce, form)
        return {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}

    async def call(self, agent: str) -> None:
        """Answer, talk, press keys, hang up."""
        caller = Caller(
            carrier_named("plivo"),
            MULAW_8K,
            Performance(
                [
                    Line(AgentFinished(600, 4000), Speak(recorded()[SHORT])),
                    Line(AgentFinished(600, 4000), Press(CANARIES["digits"])),
                    Line(AgentFinished(1500, 3000), HangUp()),
                ],
                MULAW_8K,
            ),
            Pacing(),
            headers=f"account={CANARIES['header data']}",
            limit_s=30,
        )
        form = {
            "CallUUID": caller.call_id,
            "From": CANARIES["caller's number"],
            "To": CANARIES["our number"],
            "Direction": "inbound",
        }
        query = urlencode({"agent": agent, "body": BODY})
        document = ElementTree.fromstring(await self.webhook("answer documents", f"/plivo/answer?{query}", form))
        stream = document.findtext("Stream")
        assert stream
        await caller.call(stream, headers=self.signed("GET", stream))
        gone = form | {"Event": "Hangup", "HangupCause": "NORMAL_CLEARING"}
        await self.webhook("other webhooks", "/plivo/callback/status", gone)


async def intrude(world: World) -> None:
    """What strangers and broken carriers send, each with all canaries in it."""
    loud = quote(QUOTED)
    await world.ask("error pages", "POST", f"/plivo/answer?body={loud}", data={"CallUUID": "x", "From": QUOTED})
    await world.ask("error pages", "GET", f"/{loud}?token={loud}")
    await world.ask("error pages", "GET", "/calls", headers={"Authorization": f"Bearer {QUOTED}"})
    await world.ask("error pages", "GET", f"/calls/{loud}", headers=OPERATOR)
    for body in (QUOTED, json.dumps({"to": QUOTED, QUOTED: 1}), json.dumps(QUOTED)):
        headers = OPERATOR | {"Content-Type": "application/json"}
        await world.ask("error pages", "POST", "/calls", headers=headers, data=body)
    await world.webhook("error pages", f"/plivo/answer?agent={loud}", {"CallUUID": QUOTED, "From": QUOTED})
    await world.webhook("error pages", f"/plivo/callback/{loud}", {"CallUUID": "x", "Digits": QUOTED})
    for path in (f"/plivo/stream?token={loud}&body={loud}", f"/plivo/stream?agent={loud}"):
        with pytest.raises(HandshakeError) as refused:
            await connect(world.server.ws + path)
        world.seen.add("error pages", str(refused.value))
    for sent in (
        f"{QUOTED}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{QUOTED}\r\n\r\n",
        f"GET /{loud} HTTP/1.1\r\nX: {QUOTED * 90}",
    ):
        async with stranger(int(world.server.http.rpartition(":")[2])) as peer:
            peer.writer.write(sent.encode())
            world.seen.add("error pages", (await peer.rest()).decode())


async def break_protocol(world: World) -> None:
    """A stream whose messages are broken, with canaries in every field."""
    form = {"CallUUID": "broken", "From": CANARIES["caller's number"], "To": CANARIES["our number"]}
    document = ElementTree.fromstring(await world.webhook("answer documents", "/plivo/answer?agent=default", form))
    stream = document.findtext("Stream") or ""
    phone = await connect(stream, headers=world.signed("GET", stream))
    closed = asyncio.get_running_loop().create_future()
    phone.listen(lambda message: None, lambda code, reason: closed.set_result(code))
    start = {"callId": "broken", "streamId": "s", "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}}
    phone.send(json.dumps({"event": "start", "start": start, "extra_headers": QUOTED}))
    for message in (
        {"event": QUOTED},
        {"event": "media", "media": {"payload": QUOTED}},
        {"event": "dtmf", "dtmf": {"digit": QUOTED}},
        {"event": "media", "streamId": QUOTED, "media": {"payload": "AAAA"}},
        {"event": "playedStream", "name": QUOTED},
        {"event": "start", "start": {"callId": QUOTED}},
    ):
        phone.send(json.dumps(message))
    phone.send(QUOTED)
    phone.close(1000, QUOTED[:100])
    assert await asyncio.wait_for(closed, WAIT_S) == 1000


async def strike(standin: CartesiaStandin) -> None:
    """Let its open sockets suffer, one thing after the other."""
    for fault in TROUBLE["tts"][1:]:
        await asyncio.sleep(1.5)
        await standin.strike(fault)


async def run(*arguments: str, environment: dict[str, str]) -> str:
    """A command, and all that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mediasrv", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
    )
    printed, _ = await process.communicate()
    return printed.decode()


async def test_no_canary_shows_where_it_does_not_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepgram, "KEY", CANARIES["stt key"])
    monkeypatch.setattr(openai, "KEY", CANARIES["llm key"])
    monkeypatch.setattr(cartesia, "KEY", CANARIES["tts key"])
    monkeypatch.setattr(test_workers, "WAIT_S", 150)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    seen, lines = Seen(), list[str]()
    stt, llm, tts = DeepgramStandin(), OpenAiStandin(text=CANARIES["model's words"] + ". Yes."), CartesiaStandin()
    config = tmp_path / "canaries.toml"
    async with collector(seen) as traces, stt as stt_url, llm as llm_url, tts as tts_url:
        config.write_text(
            CONFIG.format(
                folder=tmp_path,
                collector=traces,
                stt=stt_url,
                llm=f"{llm_url}/v1",
                tts=tts_url,
                voice=cartesia.VOICE,
                words=CANARIES["caller's words"],
                reply=CANARIES["bot's words"] + ", he said.",
            )
        )
        async with serving(tmp_path, "--config", str(config), "--log-level", "debug") as server:
            lines = server.lines
            world = World(server, seen)
            await asyncio.gather(world.call("default"), world.call("cloud"), intrude(world), break_protocol(world))
            stt.plan(TROUBLE["stt"] * 2)
            await asyncio.gather(*(world.call("cloud") for _ in TROUBLE["stt"]))
            stt.plan([])
            # Replies that are prepared and not needed take a fault too.
            llm.plan(TROUBLE["llm"] * 5)
            await asyncio.gather(*(world.call("cloud") for _ in range(3)))
            llm.plan([])
            await asyncio.gather(world.call("cloud"), world.call("cloud"), strike(tts))
            await world.ask("figures", "GET", "/metrics")
            shown = await world.ask("the operator's API", "GET", "/calls", headers=OPERATOR)
            server.process.terminate()
            await server.process.wait()
    assert server.process.returncode == 0
    seen.add("log", "".join(lines))
    environment = {**os.environ, **ENVIRONMENT}
    listed = await run("calls", "list", "--config", str(config), environment=environment)
    seen.add("calls list", listed)
    seen.add("check", await run("check", "--config", str(config), environment=environment))
    calls = [each for each in json.loads(shown)["calls"] if each["agent"] == "default" and each["id"] != "broken"]
    seen.add("calls show", await run("calls", "show", calls[0]["id"], "--config", str(config), environment=environment))
    # They went where they belong: a test that says nothing would find nothing either.
    assert all(CANARIES[name] in seen.places["calls show"] for name in ("caller's words", "bot's words"))
    assert "turn.response_ms" in seen.places["traces"]
    assert all(f"provider {name}: " in seen.places["log"] for name in ("deepgram", "openai"))
    private = set(CANARIES) - set(SECRETS)
    allowed = {
        "answer documents": {"data"},
        "the operator's API": private,
        "calls show": {"caller's words", "bot's words", "data", "header data"},
        # Words of the scripted providers, which stand in the configuration.
        "check": {"caller's words", "bot's words"},
    }
    leaks = list(seen.leaks(allowed))
    assert leaks == []


def test_a_leak_would_be_found() -> None:
    seen = Seen()
    for name, canary in CANARIES.items():
        seen.add(name, f"before {canary} behind")
        seen.add(f"{name}, quoted", f"/path?x={quote(canary)}")
    assert len({leak.partition(" in ")[0] for leak in seen.leaks({})}) == len(CANARIES)
    assert not list(seen.leaks({place: set(CANARIES) for place in seen.places}))
