"""The clerk: does what an operator asks for, with what this server has; plain data in, plain data out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from mediasrv.call.call import Call
from mediasrv.carriers.base import Control, RecordingOrder
from mediasrv.errors import ConfigError, LocalProtocolError
from mediasrv.outbound.donotcall import DoNotCall
from mediasrv.outbound.number import e164
from mediasrv.outbound.request import DialRefused, DialRequest
from mediasrv.records.archive import MOST_CALLS, Wanted
from mediasrv.records.records import Records
from mediasrv.server.api.fault import Fault, unavailable
from mediasrv.server.api.tapes import Tapes
from mediasrv.server.board import Board, Entry
from mediasrv.server.calls import Calls
from mediasrv.server.console.gallery import Gallery
from mediasrv.server.contracts import LiveCall

if TYPE_CHECKING:
    # It needs the cryptography package, and a server that records nothing does not.
    from mediasrv.records.recordings import Recordings

DEFAULT_MOST = 50
DONE_WITHIN_S = 5.0
"""Longest wait for a call to do what takes no time."""

Json = dict[str, Any]
_PARTS = ("legs", "turns", "transcript", "usage", "recordings")


async def nobody_else() -> Sequence[Entry]:
    """The answer where there is one process."""
    return ()


class Dialer(Protocol):
    """Who places calls."""

    async def dial(self, request: DialRequest, /) -> str:
        """Order a call and return the order's name; raise ``DialRefused`` or ``RecordsError``."""


@dataclass(slots=True)
class Means:
    """What a server has to do it with; what is not there is answered by 503."""

    token: str
    """Bearer token of those who may ask; empty: nobody may."""
    board: Board
    records: Records | None = None
    controls: Mapping[str, Control] = field(default_factory=dict)
    """REST APIs by carrier."""
    public_url: str = ""
    """Where carriers tell of recordings."""
    dialer: Dialer | None = None
    lists: DoNotCall | None = None
    """Do-not-call lists, on which nobody must stand to whom a caller is handed over."""
    recordings: Recordings | None = None
    gallery: Gallery | None = None
    """Where the console's visitors watch; without it there is no console."""
    others: Callable[[], Awaitable[Sequence[Entry]]] = nobody_else
    """Tells who is on the line at the other processes behind the same port."""
    console_is_public: bool = False
    """Whether the console is shown to others than those on this machine."""


class Clerk:
    """A method for each operation; all raise ``Fault``, ``RecordsError`` and ``CarrierError``."""

    def __init__(self, calls: Calls, means: Means) -> None:
        self._calls = calls
        self._means = means
        self._tapes = Tapes(calls.is_live)

    # -- what is known -------------------------------------------------------------------------------------------

    async def list_calls(self, query: Json) -> Json:
        """A page of calls."""
        wanted = _wanted(query)
        records = self._means.records
        calls = await (self._live_calls(wanted) if records is None else records.archive.calls(wanted))
        return {"calls": calls, "next": calls[-1]["id"] if len(calls) == wanted.most else None}

    async def _live_calls(self, wanted: Wanted) -> list[Json]:
        """The same of what this process and the others know themselves."""
        known = (*self._means.board.entries.values(), *await self._means.others())
        entries = sorted(known, key=lambda entry: (entry.began_s, entry.id), reverse=True)
        names = [entry.id for entry in entries]
        behind = names.index(wanted.after) + 1 if wanted.after in names else 0
        if (wanted.after and not behind) or wanted.is_live is False:
            return []
        return [entry.document() for entry in entries[behind:] if entry.fits(wanted)][: wanted.most]

    async def show_call(self, call_id: str) -> Json:
        """All that is known of a call."""
        records, entry = self._means.records, self._means.board.entries.get(call_id)
        call = None if records is None else await records.archive.call(call_id)
        if call is None and entry is not None:
            call = {**entry.document(), "body": entry.details.body, **{part: [] for part in _PARTS}}
        if call is None:
            raise _unknown()
        return call

    # -- what is to be done --------------------------------------------------------------------------------------

    async def place_call(self, body: Json) -> Json:
        """Order a call."""
        if self._means.dialer is None:
            raise unavailable("no_dialer", "this server places no calls: configure [outbound] and a carrier's REST API")
        given = {("number" if name == "to_number" else name): value for name, value in body.items()}
        try:
            return {"order": await self._means.dialer.dial(DialRequest(**given))}
        except DialRefused as refusal:
            raise Fault(422, refusal.rule.replace(" ", "_").replace("-", "_"), refusal.reason) from None

    async def say(self, call_id: str, body: Json) -> Json:
        """Have the bot say something; nobody waits until it is heard."""

        async def say(call: Call) -> None:
            await call.say(body["text"], interruptible=body.get("interruptible", True))

        if not (await self._live_call(call_id)).instruct(say):
            raise _over()
        return {"id": call_id}

    async def dtmf(self, call_id: str, body: Json) -> Json:
        """Press keys."""
        live = await self._live_call(call_id)
        await self._do(live, lambda call: call.send_digits(body["digits"]))
        return {"id": call_id}

    async def record(self, call_id: str, body: Json) -> Json:
        """Record a call, by the carrier or ourselves; once it is recorded, asking again changes nothing."""
        live = await self._live_call(call_id)
        control = self._control(call_id)
        if body.get("by", "server" if control is None else "carrier") == "server":
            await self._do(live, lambda call: call.record())
            return {"id": call_id, "recording": None}
        if control is None:
            raise unavailable("no_carrier_api", "this carrier's REST API is not configured")
        url = self._means.public_url
        order = RecordingOrder(callback_url=f"{url}/{control.name}/callback/details" if url else "")
        return {"id": call_id, "recording": await self._tapes.start(call_id, control, order)}

    async def transfer(self, call_id: str, body: Json) -> Json:
        """Hand a caller over; nobody waits until somebody has answered there."""
        live, entry = await self._live_call(call_id), self._means.board.entries.get(call_id)
        to = body["to"] if body["to"].startswith(("sip:", "sips:")) else e164(body["to"])
        if not to:
            raise Fault(422, "number", "expected a number in E.164, such as +912212345678, or a SIP URI")
        if entry is None or entry.details.control is None:
            raise unavailable(
                "no_carrier_api",
                "this call cannot be handed over: its carrier's REST API is not configured, or it is Exotel, which has "
                "none for that: put a Connect applet behind the stream",
            )
        more = {name: value for name, value in body.items() if name != "to"}

        async def transfer(call: Call) -> None:
            await call.transfer(to, **more)

        if not live.instruct(transfer):
            raise _over()
        return {"id": call_id}

    async def end_call(self, call_id: str) -> Json:
        """Hang up; by the carrier's API too, where a call may be that has no stream."""
        live = self._calls.live_call(call_id)
        if live is not None:
            live.end("operator hung up")
        elif (control := self._control(call_id)) is not None:
            await control.hang_up(call_id)
        else:
            await self._live_call(call_id)
        return {"id": call_id}

    # -- live calls ----------------------------------------------------------------------------------------------

    async def _live_call(self, call_id: str) -> LiveCall:
        """A call to do something with; raise ``Fault`` for one that is over, and for one that never was."""
        live = self._calls.live_call(call_id)
        if live is None:
            await self.show_call(call_id)
            raise _over()
        return live

    async def _do(self, live: LiveCall, work: Callable[[Call], Coroutine[Any, Any, None]]) -> None:
        """Have a call do what takes no time, and say whether it could."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def do(call: Call) -> None:
            try:
                await work(call)
            except (ConfigError, LocalProtocolError) as error:
                done.set_exception(Fault(409, "impossible", str(error)))
            else:
                done.set_result(None)

        if not live.instruct(do):
            raise _over()
        try:
            async with asyncio.timeout(DONE_WITHIN_S):
                await done
        except TimeoutError:
            raise _over() from None

    def _control(self, call_id: str) -> Control | None:
        """The REST API of a call's carrier; of the only one, for a call that is not live."""
        entry, controls = self._means.board.entries.get(call_id), self._means.controls
        if entry is not None:
            return controls.get(entry.details.carrier)
        return next(iter(controls.values())) if len(controls) == 1 else None


def _over() -> Fault:
    return Fault(409, "call_is_over", "this call is not live any more")


def _unknown() -> Fault:
    return Fault(404, "no_such_call", "nothing is known of this call")


def _wanted(query: Json) -> Wanted:
    number = e164(query["number"]) if "number" in query else ""
    if "number" in query and not number:
        raise Fault(400, "bad_query", "number: expected a number in E.164, such as %2B919812345678")
    most = min(int(query.get("most", DEFAULT_MOST)), MOST_CALLS)
    return Wanted(
        number=number,
        text=query.get("text", ""),
        agent=query.get("agent", ""),
        direction=query.get("direction", ""),
        is_live={"true": True, "false": False}.get(query.get("live", "")),
        since_s=_time(query, "since"),
        until_s=_time(query, "until"),
        after=query.get("after", ""),
        most=most,
    )


def _time(query: Json, name: str) -> float | None:
    if name not in query:
        return None
    try:
        moment = datetime.fromisoformat(query[name])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        raise Fault(400, "bad_query", f"{name}: expected a time such as 2026-11-21T09:52:00Z") from None
