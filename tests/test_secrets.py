"""Nothing that is secret, or private to a caller, shows where it does not belong.

A real server is told canaries: keys, tokens, numbers, words, digits, a call's own data. A call goes well, providers
fail in many ways while quoting what they were sent, and strangers ask for what is not theirs. Then all that was written
is searched: the log at its lowest level, figures, documents, error pages, what the commands print, traces.

Where one may show is named here: the stream's token and the call's own data in the document for the carrier, Exotel's
password in the address that it is given, words and data in ``calls show`` and to the operator's token, full numbers
there and where ``--show-numbers`` asks for them, all of these in the records and in captures that are unsealed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from aiohttp import web

from mediasrv.carriers.rest import basic_auth
from mediasrv.carriers.telnyx import TOKEN_HEADER
from mediasrv.net.websocket import HandshakeError, connect
from mediasrv.records.sealed import Unsealer
from mediasrv.replay.file import read_capture
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.script import After, AgentFinished, AgentStarted, HangUp, Line, Performance, Press, Speak
from mediasrv.simulator.speech import recorded
from mediasrv.wire.signature import sign_v3
from mediasrv.wire.twilio_signature import sign_twilio
from native_bench.standins import cartesia, deepgram, openai
from native_bench.standins.base import Fault
from native_bench.standins.cartesia import CartesiaStandin
from native_bench.standins.deepgram import DeepgramStandin
from native_bench.standins.openai import OpenAiStandin
from tests import naive, test_workers
from tests.call.stage import SHORT
from tests.carriers import apis
from tests.net.peers import stranger
from tests.patience import WAIT_S, until
from tests.test_workers import Server, serving

pytestmark = pytest.mark.long

CANARIES = {
    "stt key": "canary-stt-key-5f1e",
    "llm key": "canary-llm-key-8a2b",
    "tts key": "canary-tts-key-77c0",
    "carrier's token": "canary-carrier-token-31d9",
    "Twilio's token": "canary-twilio-token-42ea",
    "Exotel's password token": "canary-exotel-token-53fb",
    "Exotel's REST key": "canary-exotel-key-640c",
    "Exotel's REST token": "canary-exotel-rest-751d",
    "Telnyx's key": "canary-telnyx-key-862e",
    "stranger's token": "canary-stranger-token-973f",
    "operator's token": "canary-operator-token-9c44",
    "recording key": base64.b64encode(b"canary-recording-key-32-bytes-ok").decode(),
    "capture key": base64.b64encode(b"canary-capture-key-of-32-bytes-k").decode(),
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
"""
CLOUD = """
[agents.cloud]
greeting = "Good day."
keep_audio = false
stt = {{ provider = "deepgram", url = "{stt}", api_key_env = "T_STT" }}
llm = {{ provider = "openai", url = "{llm}", model = "m", api_key_env = "T_LLM" }}
tts = {{ provider = "cartesia", url = "{tts}", voice = "{voice}", api_key_env = "T_TTS" }}
"""
OTHERS = """
[record]
on = true
folder = "{folder}/captures"
key_env = "T_CAPTURE"
[twilio]
auth_token_env = "T_TWILIO"
[exotel]
stream_password_env = "T_EXOTEL"
account_sid = "acme"
api_key_env = "T_EXOTEL_KEY"
api_token_env = "T_EXOTEL_TOKEN"
[telnyx]
api_key_env = "T_TELNYX"
public_key_env = "T_TELNYX_PUBLIC"
api_url = "{telnyx}"
"""
TELNYX_SECRET = bytes(range(32))
TELNYX_KEY = base64.b64encode(naive.public_key_ed25519(TELNYX_SECRET)).decode()
ENVIRONMENT = {
    "T_API": CANARIES["operator's token"],
    "T_PLIVO": CANARIES["carrier's token"],
    "T_RECORDING": CANARIES["recording key"],
    "T_CAPTURE": CANARIES["capture key"],
    "T_TWILIO": CANARIES["Twilio's token"],
    "T_EXOTEL": CANARIES["Exotel's password token"],
    "T_EXOTEL_KEY": CANARIES["Exotel's REST key"],
    "T_EXOTEL_TOKEN": CANARIES["Exotel's REST token"],
    "T_TELNYX": CANARIES["Telnyx's key"],
    "T_TELNYX_PUBLIC": TELNYX_KEY,
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


LIVELY = (
    Line(AgentFinished(600, 4000), Speak(recorded()[SHORT])),
    Line(AgentFinished(600, 4000), Press(CANARIES["digits"])),
    Line(AgentFinished(1500, 3000), HangUp()),
)
SPOKEN = (Line(After(100), Speak(recorded()[SHORT])), Line(AgentStarted(100), HangUp()))
PRESSED = (Line(After(100), Press(CANARIES["digits"])), Line(After(100), HangUp()))


def spellings(canary: str) -> set[str]:
    """How it may be written: as it is, in a URL, without a plus sign, and in base64 wherever it stands there."""
    data = canary.encode()
    texts = {base64.b64encode(data).decode()}
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + data).decode()
        texts.add(text[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6])
    return {
        canary,
        quote(canary),
        canary.lstrip("+"),
        *texts,
        *(text.replace("+", "-").replace("/", "_") for text in texts),
    }


SPELLINGS = {name: spellings(canary) for name, canary in CANARIES.items()}


class Seen:
    """Everything that was written, by where."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def add(self, place: str, text: str) -> None:
        self.places[place] = self.places.get(place, "") + text + "\n"

    def leaks(self, allowed: dict[str, set[str]]) -> Iterator[str]:
        for place, text in self.places.items():
            for name, written in SPELLINGS.items():
                if any(each in text for each in written) and name not in allowed.get(place, set()):
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
        """Told by the carrier that the path names."""
        signed = self.signed("POST", self.server.http + path, form)
        return await self.ask(place, "POST", path, data=form, headers=signed)

    def signed(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, str]:
        """The proof that the carrier which the URL names is asking."""
        match url.split("/")[3]:
            case "twilio":
                return {"X-Twilio-Signature": sign_twilio(CANARIES["Twilio's token"], url, form)}
            case "exotel":
                return basic_auth("exotel", CANARIES["Exotel's password token"])
        nonce = f"n-{next(self._nonces)}"
        signature = sign_v3(CANARIES["carrier's token"], method, url, nonce, form)
        return {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}

    async def call(self, agent: str, line: Phoning | Commanded | None = None, script: Sequence[Line] = LIVELY) -> None:
        """Answer, talk, press keys, hang up."""
        line = line or PLIVO
        call_id, carrier = str(uuid4()), carrier_named(line.name)
        stream = await line.answered(self, call_id, urlencode({"agent": agent, "body": BODY}))
        data = {**stream.parameters, "account": CANARIES["header data"]}
        caller = Caller(
            carrier,
            carrier.formats[0],
            Performance(list(script), carrier.formats[0]),
            Pacing(),
            headers=",".join(f"{name}={value}" for name, value in data.items()),
            limit_s=30,
        )
        caller.call_id = call_id
        await caller.call(stream.url, headers=stream.headers)
        await line.gone(self, call_id)


@dataclass(frozen=True)
class Stream:
    """Where a carrier was told to stream to."""

    url: str
    headers: Mapping[str, str]
    """Of its upgrade."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """That its start brings."""


@dataclass(frozen=True)
class Phoning:
    """How a carrier that fetches documents leads a call."""

    name: str
    told: Mapping[str, str]
    """With the question for the document."""
    ended: Mapping[str, str]
    """When the call is over."""
    call: str = "CallUUID"
    numbers: tuple[str, str] = ("From", "To")

    def form(self, call_id: str) -> dict[str, str]:
        parties = CANARIES["caller's number"], CANARIES["our number"]
        return {self.call: call_id, **dict(zip(self.numbers, parties, strict=True))}

    async def answered(self, world: World, call_id: str, query: str) -> Stream:
        place = "answer documents" if self.name != "exotel" else "documents with credentials"
        text = await world.webhook(place, f"/{self.name}/answer?{query}", self.form(call_id) | dict(self.told))
        if self.name == "exotel":
            return Stream(json.loads(text)["url"], {})
        document = ElementTree.fromstring(text)
        parameters = {each.get("name", ""): each.get("value", "") for each in document.iter("Parameter")}
        (element,) = document.iter("Stream")
        url = element.get("url") or element.text
        assert url
        return Stream(url, world.signed("GET", url), parameters)

    async def gone(self, world: World, call_id: str) -> None:
        path = f"/{self.name}/callback/status"
        await world.webhook("other webhooks", path, self.form(call_id) | dict(self.ended))


@dataclass(frozen=True)
class Commanded:
    """How Telnyx leads one: it tells, and is told by its API."""

    api: apis.FakeTelnyx
    name: str = "telnyx"

    async def tell(self, world: World, query: str, event: str, **payload: str) -> None:
        data = {"event_type": event, "id": f"{event} {uuid4()}", "payload": payload}
        await world.ask("other webhooks", "POST", f"/telnyx/webhook?{query}", **from_telnyx(json.dumps({"data": data})))

    async def asked(self, command: str) -> Mapping[str, str]:
        await until(lambda: any(each.path.endswith(command) for each in self.api.asked))
        return next(each.given for each in self.api.asked if each.path.endswith(command))

    async def answered(self, world: World, call_id: str, query: str) -> Stream:
        self.api.live.add(call_id)
        parties = {"from": CANARIES["caller's number"], "to": CANARIES["our number"]}
        await self.tell(world, query, "call.initiated", call_control_id=call_id, direction="incoming", **parties)
        state = (await self.asked(f"{call_id}/actions/answer"))["client_state"]
        await self.tell(world, query, "call.answered", call_control_id=call_id, client_state=state, **parties)
        stream = await self.asked(f"{call_id}/actions/streaming_start")
        return Stream(stream["stream_url"], {TOKEN_HEADER: stream["stream_auth_token"]})

    async def gone(self, world: World, call_id: str) -> None:
        await self.tell(world, "", "call.hangup", call_control_id=call_id, hangup_cause="normal_clearing")
        world.seen.add("Telnyx's API", repr([(each.path, each.given) for each in self.api.asked]))


def from_telnyx(body: str) -> dict[str, Any]:
    """A request as Telnyx signs it."""
    sent = str(int(time.time()))
    signature = base64.b64encode(naive.sign_ed25519(TELNYX_SECRET, f"{sent}|{body}".encode())).decode()
    headers = {"telnyx-timestamp": sent, "telnyx-signature-ed25519": signature, "Content-Type": "application/json"}
    return {"data": body, "headers": headers}


PLIVO = Phoning("plivo", {"Direction": "inbound"}, {"Event": "Hangup", "HangupCause": "NORMAL_CLEARING"})
TWILIO = Phoning("twilio", {"Direction": "inbound", "CallStatus": "ringing"}, {"CallStatus": "completed"}, "CallSid")
EXOTEL = Phoning(
    "exotel",
    {"Direction": "incoming"},
    {"EventType": "terminal", "Status": "completed"},
    "CallSid",
    ("CallFrom", "CallTo"),
)


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


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


async def test_no_canary_shows_where_it_does_not_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepgram, "KEY", CANARIES["stt key"])
    monkeypatch.setattr(openai, "KEY", CANARIES["llm key"])
    monkeypatch.setattr(cartesia, "KEY", CANARIES["tts key"])
    monkeypatch.setattr(test_workers, "WAIT_S", 150)
    seen, lines = Seen(), list[str]()
    stt, llm, tts = DeepgramStandin(), OpenAiStandin(text=CANARIES["model's words"] + ". Yes."), CartesiaStandin()
    config = tmp_path / "canaries.toml"
    async with collector(seen) as traces, stt as stt_url, llm as llm_url, tts as tts_url:
        config.write_text(
            (CONFIG + CLOUD).format(
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


async def pester(world: World) -> None:
    """Strangers who say that they are carriers, each with all canaries in what they send."""
    loud, form = quote(QUOTED), {"CallSid": QUOTED, "From": QUOTED, "Digits": QUOTED, "RecordingUrl": QUOTED}
    for name in ("twilio", "exotel", "telnyx"):
        path = f"/{name}/answer"
        wrong = {
            "X-Twilio-Signature": QUOTED,
            "telnyx-signature-ed25519": QUOTED,
            **basic_auth("exotel", CANARIES["stranger's token"]),
        }
        await world.ask("error pages", "POST", f"{path}?body={loud}", data=form)
        await world.ask("error pages", "POST", path, data=form, headers=wrong)
        await world.ask("error pages", "POST", path, json=form, headers=wrong)
        for headers in ({}, wrong | {TOKEN_HEADER: QUOTED}):
            with pytest.raises(HandshakeError) as refused:
                await connect(f"{world.server.ws}/{name}/stream?call={loud}&token={loud}", headers=headers)
            world.seen.add("error pages", str(refused.value))
    for path in ("answer", "callback/status", "callback/details", "callback/machine"):
        for name in ("twilio", "exotel"):
            await world.webhook("error pages", f"/{name}/{path}?agent={loud}&body={loud}", form)
    for body in (QUOTED, json.dumps(QUOTED), json.dumps({"data": {"payload": {"from": QUOTED}, "event_type": QUOTED}})):
        await world.ask("error pages", "POST", f"/telnyx/webhook?agent={loud}", **from_telnyx(body))
    for kind in ("text/plain", "multipart/form-data; boundary=x"):
        headers = {"Content-Type": kind, **world.signed("POST", f"{world.server.http}/exotel/answer")}
        await world.ask("error pages", "POST", "/exotel/answer", data=loud, headers=headers)


async def operate(world: World) -> None:
    """What the operator sees, and who is not he: by a token that is wrong, or that stands where it must not."""
    paths = ("/calls", f"/calls/{quote(QUOTED)}", "/openapi.json", "/console", "/console/console.js", "/console/about")
    token, wrong = quote(CANARIES["operator's token"]), quote(CANARIES["stranger's token"])
    for path in (*paths, f"/console/calls/{quote(QUOTED)}/recording"):
        await world.ask("the operator's API", "GET", path, headers=OPERATOR)
        for sent in (f"{path}?token={token}&access_token={wrong}", f"{path}/?token={token}", f"/{path}?token={token}"):
            await world.ask("error pages", "GET", sent, allow_redirects=False)
    strange = {"Authorization": "Bearer " + CANARIES["stranger's token"]}
    for path in ("/calls", "/console/about", "/console/events", "/console/calls/x/recording", "/openapi.json") * 2:
        await world.ask("error pages", "GET", path, headers=strange)
    for headers in (basic_auth(token, token), {"Authorization": token}, {"Cookie": f"token={token}"}):
        await world.ask("error pages", "DELETE", "/calls/x", headers=headers)


async def watch(world: World) -> None:
    """The console's stream of events, as long as it is let."""
    async with world.server.session.get(f"{world.server.http}/console/events", headers=OPERATOR) as response:
        async for line in response.content:
            world.seen.add("the operator's API", line.decode())


def search_files(folder: Path, seen: Seen) -> int:
    """All that a server leaves on the disk, sealed and unsealed; return how many files were sealed."""
    sealed = 0
    for path in folder.rglob("*"):
        if path.suffix in (".sealed", ".capture"):
            sealed += 1
            seen.add("sealed files", f"{path.name} {path.read_bytes().decode('latin-1')}")
        elif path.is_file() and path.suffix != ".toml":
            seen.add("records" if path.name.startswith("calls.db") else path.name, path.read_bytes().decode("latin-1"))
    for path in folder.rglob("*.sealed"):
        with path.open("rb") as file:
            seen.add("recordings", Unsealer(file, base64.b64decode(CANARIES["recording key"])).header.decode())
    for path in folder.rglob("*.capture"):
        with path.open("rb") as file:
            seen.add("captures", repr(read_capture(file, base64.b64decode(CANARIES["capture key"]))))
    return sealed


@pytest.mark.alone
async def test_no_carrier_no_operator_and_no_worker_shows_one(tmp_path: Path) -> None:
    seen, api = Seen(), apis.FakeTelnyx()
    config = tmp_path / "canaries.toml"
    async with collector(seen) as traces, apis.serving(api) as telnyx:
        text = (CONFIG + OTHERS).format(
            folder=tmp_path,
            collector=traces,
            telnyx=telnyx,
            words=CANARIES["caller's words"],
            reply=CANARIES["bot's words"] + ", he said.",
        )
        config.write_text(text)
        flags = ("--config", str(config), "--log-level", "debug", "--workers", "2")
        async with serving(tmp_path, *flags) as server:
            world = World(server, seen)
            watching = asyncio.create_task(watch(world))
            calls = [(line, script) for line in (TWILIO, EXOTEL, Commanded(api)) for script in (SPOKEN, PRESSED)]
            await asyncio.gather(*(world.call("default", *each) for each in calls), pester(world), operate(world))
            await world.ask("figures", "GET", "/metrics")
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            server.process.terminate()
            await server.process.wait()
    assert server.process.returncode == 0
    seen.add("log", "".join(server.lines))
    sealed = search_files(tmp_path, seen)
    # They went where they belong, for every carrier.
    assert sealed == 2 * len(calls)
    assert all(CANARIES[name] in seen.places["records"] for name in ("caller's words", "caller's number"))
    assert CANARIES["caller's words"] in seen.places["captures"]
    assert '"calls"' in seen.places["the operator's API"]
    assert {"401 {", "403 {", "404 {"} <= {line[:5] for line in seen.places["error pages"].splitlines()}
    private = set(CANARIES) - set(SECRETS)
    leaks = list(
        seen.leaks(
            {
                "answer documents": {"data"},
                # Exotel proves itself by what stands in the address that it is given.
                "documents with credentials": {"data", "Exotel's password token"},
                "Telnyx's API": {"data"},
                "the operator's API": private,
                "records": private,
                "captures": private,
            }
        )
    )
    assert leaks == []


def test_a_leak_would_be_found() -> None:
    seen = Seen()
    for name, canary in CANARIES.items():
        seen.add(name, f"before {canary} behind")
        seen.add(f"{name}, quoted", f"/path?x={quote(canary)}")
    assert len({leak.partition(" in ")[0] for leak in seen.leaks({})}) == len(CANARIES)
    assert not list(seen.leaks({place: set(CANARIES) for place in seen.places}))
