"""Who is let into the console, and what is served there."""

from __future__ import annotations

import asyncio
import re
import socket
import wave
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.trace import STAGES
from mediasrv.server.console import desk as desks
from mediasrv.server.console import visitor as visitors
from mediasrv.server.console.tickets import GOOD_FOR_S
from tests.patience import WAIT_S, until
from tests.records.stage import converse
from tests.server.api.stage import TOKEN
from tests.server.console.stage import console

PAGES = ("/console", "/console/console.css", "/console/console.js")
CLOSED = ("/console/about", "/console/events", "/console/calls/call-1/recording")
HOME = Path(desks.__file__).parent


async def test_the_page_comes_whole_and_may_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with console(tmp_path, keeps=False) as stage:
        for path in PAGES:
            status, body, headers = await stage.visit(path, token="")
            assert status == 200
            assert headers.items() >= desks.HEADERS.items()
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
            assert not re.search(rb"https?://|//[a-z]+\.", body), "it works where there is no internet"
            assert not re.search(rb"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|style=|onclick=\"", body)
        links = re.findall(r'(?:href|src)="(console/[^"]+)"', (HOME / "index.html").read_text())
        assert {f"/{link}" for link in links} == set(PAGES[1:])


def luminance(colour: str) -> float:
    """As WCAG 2.2 has it, of #rrggbb."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_all_is_to_be_read_in_both_schemes(scheme: int) -> None:
    block = (HOME / "console.css").read_text().split(":root {")[1 + scheme].partition("}")[0]
    colours = dict(re.findall(r"--([a-z_-]+): (#[0-9a-f]{6});", block))
    sheets = ("paper", "sheet", "well", "caller-sheet", "bot-sheet")
    texts = {"ink": sheets, "quiet": sheets, "caller": sheets[1:4], "bot": ("sheet", "well", "bot-sheet")}
    texts |= dict.fromkeys(("live", "fault", "warn"), ("paper", "sheet"))
    shapes = {"edge": ("paper", "sheet")} | {name: ("well",) for name, _ in STAGES}
    for wanted, pairs in ((4.5, texts), (3.0, shapes)):
        for name, behind in pairs.items():
            for sheet in behind:
                dark, light = sorted((luminance(colours[name]), luminance(colours[sheet])))
                assert (light + 0.05) / (dark + 0.05) >= wanted, (name, sheet)


async def test_every_stage_has_a_colour() -> None:
    css = (HOME / "console.css").read_text()
    assert all(f".{name} {{" in css and css.count(f"--{name}:") == 2 for name, _ in STAGES)


@pytest.mark.parametrize("path", CLOSED)
async def test_nothing_is_told_without_the_token(tmp_path: Path, path: str) -> None:
    async with console(tmp_path) as stage:
        for token in ("", "a token that is wrong", TOKEN[:-1]):
            status, body, headers = await stage.visit(path, token=token)
            assert (status, b"unauthorized" in body) == (401, True)
            assert headers["X-Content-Type-Options"] == "nosniff"


async def test_whoever_guesses_waits_at_the_console_as_at_the_api(tmp_path: Path) -> None:
    async with console(tmp_path, keeps=False) as stage:
        for number in range(6):
            await stage.visit("/console/about", token=f"guess number {number} of mine")
        status, _, headers = await stage.visit("/console/about")
        assert status == 429
        assert int(headers["Retry-After"]) > 0
        assert (await stage.answer("GET", "/calls"))[0] == 429


async def test_without_a_token_in_the_configuration_there_is_no_console(tmp_path: Path) -> None:
    async with console(tmp_path, keeps=False, token="") as stage:
        for path in (*PAGES, *CLOSED):
            assert (await stage.visit(path))[0] == 404


@pytest.mark.parametrize(
    ("means", "headers"),
    [
        ({"public_url": "https://voice.example.in"}, {}),
        ({}, {"Host": "voice.example.in"}),
        ({}, {"Host": "192.0.2.1:8080"}),
        ({}, {"X-Forwarded-For": "192.0.2.1"}),
        ({}, {"Forwarded": "for=192.0.2.1"}),
        ({}, {"X-Real-IP": "192.0.2.1"}),
    ],
)
@pytest.mark.parametrize("path", [PAGES[0], PAGES[2], *CLOSED])
async def test_the_console_is_closed_to_the_public_unless_it_is_opened(
    tmp_path: Path, means: Mapping[str, Any], headers: Mapping[str, str], path: str
) -> None:
    async with console(tmp_path, keeps=False, means=means) as stage:
        status, body, _ = await stage.visit(path, headers=headers)
        assert (status, b"console_is_closed" in body) == (403, True)
    async with console(tmp_path, keeps=False, means={**means, "console_is_public": True}) as stage:
        assert (await stage.visit("/console/about", headers=headers))[0] == 200


async def test_an_address_that_others_reach_is_public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The one address that a machine surely has is its loopback; what is asked is which one the visitor has come to.
    monkeypatch.setattr(desks, "is_loopback", lambda host: host == "localhost")
    async with console(tmp_path, keeps=False) as stage:
        assert (await stage.visit("/console", headers={"Host": "localhost"}))[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/console/../console/desk.py",
        "/console/..%2fdesk.py",
        "/console/%2e%2e/desk.py",
        "/console/desk.py",
        "/console/console.css/../desk.py",
        "/console//etc/passwd",
        "/console/index.html",
        "/console/calls/..%2f..%2fetc%2fpasswd/recording",
        "/console/calls/call-1/recording?part=..%2f0",
        "/console/calls/call-1/recording?part=-1",
        "/console/calls/call-1/recording?part=1",
        "/console/calls/call-1/recording?part=99999999999",
        "/console/calls/%00/recording",
    ],
)
async def test_no_path_leads_to_anything_else(tmp_path: Path, path: str) -> None:
    async with console(tmp_path) as stage:
        request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
        )
        # A client of ours would tidy up the path.
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(request.encode())
        async with asyncio.timeout(WAIT_S):
            answer = await reader.read()
        writer.close()
        assert re.match(rb"HTTP/1.1 40[034] ", answer), answer
        assert b"root:" not in answer
        assert b"import" not in answer


async def test_who_reads_too_slowly_is_cut_off_and_the_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "READ_WITHIN_S", 0.2)
    async with console(tmp_path, keeps=False) as stage:
        await stage.ring("call-1")
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", stage.port))
        slow.send(f"GET /console/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        await until(lambda: stage.gallery.is_visited)
        words = "nobody reads this " * 1000
        async with asyncio.timeout(WAIT_S):
            while stage.gallery.is_visited:
                stage.gallery.said("call-1", "bot", words, 1.0)
                await asyncio.sleep(0.002)
        slow.close()
        assert "call-1" in stage.board.entries


async def test_who_leaves_far_too_much_untold_is_told_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "MOST_UNTOLD", 10)
    async with console(tmp_path, keeps=False) as stage, stage.watching() as watching:
        await stage.ring("call-1")
        for _ in range(50):
            stage.gallery.said("call-1", "bot", "quick", 1.0)
        await watching.end()
        await until(lambda: not stage.gallery.is_visited)


async def test_a_server_that_stops_does_not_wait_for_who_watches(tmp_path: Path) -> None:
    async with console(tmp_path, keeps=False) as stage, stage.watching() as watching:
        await watching.next("calls")
        async with asyncio.timeout(WAIT_S):
            await stage.service.aclose()
            await watching.end()


async def test_a_stream_that_has_no_news_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "PING_S", 0.01)
    async with console(tmp_path, keeps=False) as stage, stage.watching("nobody") as watching:
        read = b""
        async with asyncio.timeout(WAIT_S):
            while b":\n\n:\n\n" not in read:
                read += await watching.response.content.readany()


async def test_the_gallery_is_full_at_some_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediasrv.server.console.gallery.MOST_VISITORS", 1)
    async with console(tmp_path, keeps=False) as stage, stage.watching() as watching:
        await watching.next("calls")
        status, body, _ = await stage.visit("/console/events")
        assert (status, b"too_many_visitors" in body) == (503, True)


async def test_the_console_tells_what_there_is_to_be_seen(tmp_path: Path) -> None:
    for keeps in (False, True):
        async with console(tmp_path, keeps=keeps) as stage:
            status, body, _ = await stage.visit("/console/about")
            assert status == 200
            assert (b'"records":true' in body) == (b'"recordings":true' in body) == keeps


async def test_a_recording_is_heard_and_only_that_of_a_call(tmp_path: Path) -> None:
    async with console(tmp_path, greeting="Good day to all of you out there.") as stage:
        phone = await stage.ring("call-1")
        for _ in range(40):
            phone.speak()
            await asyncio.sleep(0.005)
        await phone.hang_up()
        await stage.is_over()
        assert stage.records is not None
        assert stage.recordings is not None
        await stage.recordings.aclose()
        await asyncio.sleep(0)
        await stage.records.database.flush()
        status, body, headers = await stage.visit("/console/calls/call-1/recording")
        assert (status, headers["Content-Type"], int(headers["Content-Length"])) == (200, "audio/wav", len(body))
        assert headers.items() >= desks.HEADERS.items()
        with wave.open(BytesIO(body)) as file:
            assert (file.getnchannels(), file.getframerate()) == (2, 8000)
            assert file.getnframes() > 3000
        path, size = "/console/calls/call-1/recording", len(body)
        assert headers["Accept-Ranges"] == "bytes"
        for asked, part in (("bytes=40-4999", body[40:5000]), ("bytes=-100", body[-100:]), (f"bytes=0-{size}", body)):
            status, found, headers = await stage.visit(path, headers={"Range": asked})
            assert (status, found, int(headers["Content-Length"])) == (206, part, len(part))
            assert headers["Content-Range"].endswith(f"/{size}")
        assert (await stage.visit(path, headers={"Range": "bytes=0-1,5-6"}))[1] == body
        status, found, headers = await stage.visit(path, headers={"Range": f"bytes={size}-"})
        assert (status, found, headers["Content-Range"]) == (416, b"", f"bytes */{size}")
        assert headers.items() >= desks.HEADERS.items()
        assert (await stage.visit("/console/calls/call-1/recording?part=1"))[0] == 404
        assert (await stage.visit("/console/calls/call-2/recording"))[0] == 404
        (sealed,) = stage.recordings.folder.glob("*.sealed")
        data = bytearray(sealed.read_bytes())
        data[-30] ^= 1
        sealed.write_bytes(data)
        assert b"broken_recording" in (await stage.visit("/console/calls/call-1/recording"))[1]
        sealed.unlink()
        assert (await stage.visit("/console/calls/call-1/recording"))[0] == 404


async def test_a_ticket_lets_a_player_hear_one_call_and_do_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "MOST_PART_BYTES", 1000)
    async with console(tmp_path) as stage:
        assert stage.records is not None
        assert stage.recordings is not None
        for call_id in ("call-1", "call-2"):
            reel = stage.recordings.open(call_id, MULAW_8K)
            reel.write(bytes(1600))
            reel.close()
        await stage.recordings.aclose()
        for call_id, sealed in zip(("call-1", "call-2"), stage.recordings.folder.glob("*.sealed"), strict=True):
            converse(stage.records, call_id, recording=sealed)
        await stage.records.database.flush()
        path = "/console/calls/call-1/recording"
        async with stage.session.post(stage.http + path) as refused:
            assert (refused.status, refused.headers.get("Set-Cookie")) == (401, None)
        given = {"Authorization": f"Bearer {TOKEN}"}
        async with stage.session.post(stage.http + path, headers=given) as answer:
            assert answer.status == 204
            cookie, *about = answer.headers["Set-Cookie"].split("; ")
        assert set(about) == {"HttpOnly", f"Max-Age={GOOD_FOR_S}", f"Path={path}", "SameSite=Strict"}
        async with stage.session.post(stage.http + path, headers={**given, "X-Forwarded-Proto": "https"}) as closed:
            assert closed.status == 204
            assert "Secure" in closed.headers["Set-Cookie"].split("; ")
        shown = {"Cookie": cookie}
        status, body, _ = await stage.visit(f"{path}?part=0", token="", headers=shown)
        assert (status, body[:4]) == (200, b"RIFF")
        status, part, headers = await stage.visit(path, token="", headers={**shown, "Range": "bytes=100-"})
        assert (status, part) == (206, body[100:1100])
        assert headers["Content-Range"] == f"bytes 100-1099/{len(body)}"
        for other in ("/console/calls/call-2/recording", "/console/about", "/console/events", "/calls"):
            assert (await stage.visit(other, token="", headers=shown))[0] == 401
        async with stage.session.post(stage.http + path, headers=shown) as refused:
            assert refused.status == 401, "a ticket brings no other ticket"
        assert (await stage.visit(path, token="", headers={"Cookie": cookie[:-1]}))[0] == 401
        closed_door = {**shown, "X-Real-IP": "192.0.2.1"}
        assert (await stage.visit(path, token="", headers=closed_door))[0] == 403


async def test_calls_are_heard_only_where_they_are_kept(tmp_path: Path) -> None:
    async with console(tmp_path, keeps=False) as stage:
        assert (await stage.visit("/console/calls/call-1/recording"))[0] == 503


async def test_a_place_outside_the_folder_is_no_recording(tmp_path: Path) -> None:
    async with console(tmp_path) as stage:
        assert stage.records is not None
        (tmp_path / "secret").write_bytes(b"mediasrv sealed 1\n")
        converse(stage.records, "call-1", recording=tmp_path / "secret")
        await stage.records.database.flush()
        assert (await stage.visit("/console/calls/call-1/recording"))[0] == 404
