"""What every recogniser behind a WebSocket does, whoever the vendor is, and whatever befalls its socket."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.net.websocket import WebSocket
from mediasrv.providers import minutes, recogniser
from mediasrv.providers.backlog import unsent_s
from mediasrv.providers.base import Transcript
from mediasrv.providers.dialect import Dialect
from native_bench.standins.base import Fault
from tests.patience import until
from tests.providers.stt import VENDORS, Vendor, calling, open_sockets, site

# Longer than any noise.
LONG = "w70 w71 w72 w73 w74"

every_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)


@every_vendor
@pytest.mark.parametrize("audio", [MULAW_8K, L16_8K, L16_16K], ids=str)
async def test_a_final_holds_the_words_since_the_beginning(vendor: Vendor, audio: AudioFormat) -> None:
    async with site(vendor) as there, calling(there.stt, audio) as caller:
        await caller.quiet(400)
        await caller.begin("w65 w66 w67")
        assert await caller.ask(1) == Transcript("w65 w66 w67", True, 1)


@every_vendor
async def test_interims_grow(vendor: Vendor) -> None:
    async with site(vendor) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66 w67 w68 w69")
        await caller.ask(1)
        interims = [heard.text for heard in caller.heard if not heard.is_final]
        assert interims
        assert interims == sorted(interims)


@every_vendor
async def test_each_final_of_an_utterance_covers_all_of_it(vendor: Vendor) -> None:
    async with site(vendor) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        assert (await caller.ask(1)).text == "w65 w66"
        await caller.speak("w70 w71")
        assert (await caller.ask(2)).text == "w65 w66 w70 w71"


@every_vendor
async def test_the_next_utterance_begins_empty(vendor: Vendor) -> None:
    async with site(vendor) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.ask(1)
        caller.recognition.commit()
        await caller.quiet(600)
        await caller.begin("w80")
        assert (await caller.ask(2)).text == "w80"


@every_vendor
async def test_an_utterance_that_nobody_asked_about_leaves_nothing_behind(vendor: Vendor) -> None:
    async with site(vendor) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.quiet(300)
        caller.recognition.commit()
        await caller.quiet(500)
        await caller.begin("w80 w81")
        assert (await caller.ask(1)).text == "w80 w81"


@every_vendor
async def test_a_final_that_comes_after_the_commit_is_dropped(vendor: Vendor) -> None:
    async with (
        site(vendor, [Fault("late", delay_s=0.15)], {"final_wait_ms": 600}) as there,
        calling(there.stt) as caller,
    ):
        await caller.begin("w65 w66")
        await caller.quiet(120)
        caller.recognition.finalize(1)
        caller.recognition.commit()
        await caller.quiet(400)
        await caller.begin("w80 w81")
        assert (await caller.ask(2)).text == "w80 w81"
        assert not [heard for heard in caller.heard if heard.request == 1]


@every_vendor
async def test_a_final_that_does_not_come_is_replaced_by_the_text_so_far(vendor: Vendor) -> None:
    async with site(vendor, [Fault("missing")], {"final_wait_ms": 50}) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66 w67 w68")
        final = await caller.ask(1)
        assert final.is_final
        assert final.text.startswith("w65 w66")


@every_vendor
async def test_a_final_that_comes_twice_counts_once(vendor: Vendor) -> None:
    async with site(vendor, [Fault("double")]) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        assert (await caller.ask(1)).text == "w65 w66"
        await asyncio.sleep(0.02)
        assert [heard.text for heard in caller.heard if heard.request is not None] == ["w65 w66"]


@every_vendor
@pytest.mark.parametrize("kind", ["reset", "close", "oversize"])
async def test_what_was_said_over_a_socket_that_broke_is_heard_again(vendor: Vendor, kind: str) -> None:
    async with site(vendor) as there, calling(there.stt) as caller:
        await caller.quiet(200)
        await caller.begin("w65 w66 w67")
        await there.standin.strike(Fault(kind))
        await caller.speak("w68 w69")
        assert (await caller.ask(1)).text == "w65 w66 w67 w68 w69"
        assert there.standin.connections == 2


@every_vendor
async def test_an_utterance_outlives_its_socket_with_what_was_final(vendor: Vendor) -> None:
    async with site(vendor) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.ask(1)
        await caller.speak("w70 w71")
        await there.standin.strike(Fault("reset"))
        await caller.speak("w72 w73")
        assert (await caller.ask(2)).text == "w65 w66 w70 w71 w72 w73"
        assert there.standin.connections == 2


@every_vendor
async def test_a_socket_that_breaks_between_utterances_is_replaced_unnoticed(vendor: Vendor) -> None:
    async with site(vendor) as there, calling(there.stt) as caller:
        await caller.begin("w65")
        await caller.ask(1)
        caller.recognition.commit()
        await caller.quiet(200)
        await there.standin.strike(Fault("reset"))
        await caller.quiet(400)
        await caller.begin("w80 w81")
        assert (await caller.ask(2)).text == "w80 w81"
        assert there.standin.connections == 2


@every_vendor
async def test_an_error_in_midstream_is_answered_by_another_session(vendor: Vendor) -> None:
    async with site(vendor, [Fault("error", status=500)]) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        assert (await caller.ask(1)).text == "w65 w66"
        assert there.standin.connections == 2


@every_vendor
async def test_a_close_that_would_meet_us_again_is_final(vendor: Vendor) -> None:
    fault = Fault("close", after=2, code=vendor.fatal_code, reason="key 12345 is wrong")
    async with site(vendor, [fault]) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        error = await caller.failure()
        assert not error.retryable
        assert (error.stage, error.provider) == ("stt", vendor.name)
        assert str(vendor.fatal_code) in str(error)
        assert "12345" not in str(error)
        assert there.standin.connections == 1


@every_vendor
async def test_a_session_that_breaks_again_and_again_is_given_up(vendor: Vendor) -> None:
    async with site(vendor, [Fault("close", code=1011, reason="NET-0000")] * 9) as there, calling(there.stt) as caller:
        error = await caller.failure()
        assert error.retryable
        assert str(error).endswith("1011 NET-0000")
        assert there.standin.connections == 3


@every_vendor
@pytest.mark.parametrize(
    ("status", "retryable"), [(401, False), (402, False), (404, False), (403, False), (429, True), (500, True)]
)
async def test_a_refusal_is_told_at_once(vendor: Vendor, status: int, retryable: bool) -> None:
    async with site(vendor, [Fault("refuse", status=status, reason=vendor.key)]) as there, calling(there.stt) as caller:
        error = await caller.failure()
        assert error.retryable is retryable
        assert f"HTTP {status}" in str(error)
        assert vendor.key not in str(error)
        assert there.standin.connections == 1


@every_vendor
async def test_a_connection_that_breaks_in_the_handshake_is_tried_again(vendor: Vendor) -> None:
    async with site(vendor, [Fault("reset")]) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        assert (await caller.ask(1)).text == "w65 w66"
        assert there.standin.connections == 2


@every_vendor
async def test_a_wrong_key_is_refused(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    standin = vendor.standin()
    async with standin as url:
        async with calling(vendor.open(url, api_key="wrong-key")) as caller:
            error = await caller.failure()
        assert not error.retryable
        assert vendor.name in str(error)
    assert "wrong-key" not in caplog.text + str(error)
    assert len(standin.complaints) == 1


@every_vendor
async def test_a_vendor_that_is_not_there_is_given_up(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recogniser, "_BACKOFF_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
    async with calling(vendor.open(f"http://127.0.0.1:{port}")) as caller:
        error = await caller.failure()
        assert error.retryable
        assert "cannot be reached" in str(error)


@every_vendor
@pytest.mark.parametrize("kind", ["stall", "hang"])
async def test_a_vendor_that_does_not_get_ready_is_given_up(
    vendor: Vendor, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser, "CONNECT_LIMIT_S", 0.1)
    monkeypatch.setattr(minutes, "DEAF_S", 0.1)
    async with site(vendor, [Fault(kind)] * 3, {"final_wait_ms": 50}) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        caller.recognition.finalize(1)
        assert (await caller.failure()).retryable


@every_vendor
async def test_a_vendor_that_falls_silent_in_an_utterance_is_replaced(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minutes, "DEAF_S", 0.1)
    async with site(vendor, options={"final_wait_ms": 400}) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66 w67")
        await caller.until(lambda: caller.heard)
        await there.standin.strike(Fault("hang"))
        await asyncio.sleep(0.1)
        await caller.speak("w68")
        assert (await caller.ask(1)).text == "w65 w66 w67 w68"
        assert there.standin.connections == 2


@every_vendor
async def test_a_vendor_that_falls_silent_is_replaced(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minutes, "DEAF_S", 0.1)
    options = {"final_wait_ms": 400}
    async with site(vendor, options=options) as there, calling(there.stt) as caller:
        await caller.begin("w65")
        await caller.ask(1)
        caller.recognition.commit()
        await there.standin.strike(Fault("silent"))
        await caller.quiet(400)
        await caller.begin(LONG)
        assert (await caller.ask(2)).text == LONG
        assert there.standin.connections == 2


@every_vendor
async def test_a_vendor_that_answers_nothing_but_pings_is_given_up(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minutes, "DEAF_S", 0.1)
    faults, options = [Fault("silent", after=1)] * 3, {"final_wait_ms": 50}
    async with site(vendor, faults, options) as there, calling(there.stt) as caller:
        await caller.begin(LONG)
        caller.recognition.finalize(1)
        error = await caller.failure()
        assert (error.retryable, str(error)) == (True, f"stt provider {vendor.name}: does not answer")
        assert not caller.heard


@every_vendor
async def test_messages_that_are_none_are_skipped(vendor: Vendor) -> None:
    async with site(vendor, [Fault("garbage", after=5)]) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        assert (await caller.ask(1)).text == "w65 w66"
        assert there.standin.connections == 1


async def test_a_second_greeting_changes_nothing() -> None:
    vendor = next(each for each in VENDORS if each.name == "deepgram_flux")
    async with site(vendor) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        (peer,) = there.standin.peers
        await peer.say({"type": "Connected", "request_id": "r", "sequence_id": 9})
        await caller.speak("w67")
        assert (await caller.ask(1)).text == "w65 w66 w67"


@every_vendor
async def test_a_call_that_ends_leaves_nothing_behind(vendor: Vendor) -> None:
    async with site(vendor) as there:
        before = open_sockets()
        async with calling(there.stt) as caller:
            await caller.begin("w65 w66")
            assert open_sockets() == before + 2
        assert not [task for task in asyncio.all_tasks() if "mediasrv" in repr(task.get_coro())]
        await until(lambda: open_sockets() == before)
        caller.recognition.send(b"\xff" * 160)
        caller.recognition.begin()
        caller.recognition.finalize(1)
        caller.recognition.commit()


@every_vendor
@pytest.mark.parametrize("kind", ["stall", "hang"])
async def test_a_call_may_end_while_it_is_being_connected(vendor: Vendor, kind: str) -> None:
    async with site(vendor, [Fault(kind)]) as there, calling(there.stt):
        await until(lambda: there.standin.connections)


@every_vendor
async def test_what_is_said_before_the_socket_is_open_is_heard(vendor: Vendor) -> None:
    async with site(vendor) as there, calling(there.stt) as caller:
        # Nothing is awaited here: the socket cannot be open yet.
        audio = b"".join(bytes([code]) * 1600 for code in (65, 66))
        for at in range(0, len(audio), 160):
            if at == 480:
                caller.recognition.begin()
            caller.recognition.send(audio[at : at + 160])
        assert unsent_s(caller.recognition) == len(audio) / 8000
        caller.recognition.finalize(1)
        assert (await caller.final(1)).text == "w65 w66"
        assert unsent_s(caller.recognition) < 0.2


@every_vendor
async def test_a_session_without_audio_is_kept_alive(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialect, "idle_s", 0.05)
    async with site(vendor, idle_s=0.6) as there, calling(there.stt) as caller:
        await caller.begin("w65")
        await caller.ask(1)
        caller.recognition.commit()
        await asyncio.sleep(0.8)
        await caller.begin("w70 w71")
        assert (await caller.ask(2)).text == "w70 w71"
        assert there.standin.connections == 1


@every_vendor
async def test_a_model_that_ends_is_warned_of_at_the_start(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    stt = vendor.open("http://127.0.0.1:9", model="whisper-1")
    with caplog.at_level(logging.WARNING):
        await stt.start()
    await stt.aclose()
    assert [record.__dict__["model"] for record in caplog.records] == ["whisper-1"]


@every_vendor
async def test_a_line_that_was_prepared_is_taken(vendor: Vendor) -> None:
    async with site(vendor) as there:
        await there.stt.prepare()
        await until(lambda: there.standin.live == 1)
        async with calling(there.stt) as caller:
            await caller.begin("w65 w66")
            assert (await caller.ask(1)).text == "w65 w66"
        assert there.standin.connections == 1


def sizes_ms(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The audio in each message to a vendor that is sent from now on."""
    sent: list[int] = []
    send = WebSocket.send

    def note(websocket: WebSocket, *messages: str | bytes) -> None:
        sent.extend(len(message) // 8 for message in messages if isinstance(message, bytes))
        send(websocket, *messages)

    monkeypatch.setattr(WebSocket, "send", note)
    return sent


async def test_audio_is_sent_in_longer_messages_while_nobody_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sizes_ms(monkeypatch)
    async with site(VENDORS[0]) as there, calling(there.stt) as caller:
        await caller.quiet(100)
        await until(lambda: there.standin.connections)
        await asyncio.sleep(0.02)
        await caller.quiet(380)
        assert sent == [240, 240]
        caller.recognition.begin()
        await caller.quiet(120)
        assert sent[2:] == [120]
        caller.recognition.commit()
        await caller.quiet(240)
    assert sent[3:] == [240]


async def test_what_comes_in_larger_pieces_is_not_cut_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sizes_ms(monkeypatch)
    async with site(VENDORS[0]) as there, calling(there.stt) as caller:
        await until(lambda: there.standin.connections)
        await asyncio.sleep(0.02)
        caller.recognition.begin()
        for size_ms in (80, 80, 100, 600):
            caller.recognition.send(b"\xff" * 8 * size_ms)
        assert sent == [160, 240, 240, 220]
        caller.recognition.send(b"\xff" * 160)
        caller.recognition.finalize(1)
    assert sent[4:] == [20]
