"""The server's life: warm up, open the port, serve, drain, end.

    start ─► port open ─► SIGTERM ─► drain: busy document, 503, live calls end ─► aclose

A second SIGTERM, or ``drain_s``, ends what is left.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from mediasrv.carriers.base import Carrier
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo import PlivoCarrier
from mediasrv.errors import ConfigError
from mediasrv.outbound.outbound import Outbound
from mediasrv.server.admission import FULL
from mediasrv.server.api.clerk import Means
from mediasrv.server.api.desk import OperatorDesk
from mediasrv.server.api.guard import Guard
from mediasrv.server.calls import Calls
from mediasrv.server.console.desk import ConsoleDesk
from mediasrv.server.contracts import Agency
from mediasrv.server.crowd import Crowd
from mediasrv.server.door import FrontDoor, Http
from mediasrv.server.fleetgate import FleetGate, Membership
from mediasrv.server.handoverdesk import handover_desks
from mediasrv.server.http import Desk, Reception
from mediasrv.server.media import MediaDoor
from mediasrv.server.metrics import Metrics
from mediasrv.server.monitor import Monitor
from mediasrv.server.notify import Notifier
from mediasrv.server.options import ServerOptions
from mediasrv.server.port import HAND_OVER_S, Port
from mediasrv.server.repeats import Repeats
from mediasrv.server.succession import Succession
from mediasrv.server.telnyx import webhooks_of
from mediasrv.server.worker import Tether

log = logging.getLogger(__name__)

Renew = Callable[[], Awaitable[Agency]]
"""Makes an agency of the configuration as it is now; raises ``ConfigError``."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Service:
    """One server: ``start``, ``run``, and ``aclose`` in any case."""

    def __init__(
        self,
        options: ServerOptions,
        plivo: PlivoOptions,
        agency: Agency,
        metrics: Metrics | None = None,
        others: Sequence[Carrier] = (),
        port: Port | Tether | None = None,
        outbound: Outbound | None = None,
        means: Means | None = None,
        fleet: Membership | None = None,
    ) -> None:
        """``metrics`` are those that the agency's calls are watched by, if they are; ``others`` the carriers beside
        Plivo; ``port`` is where connections come from, if not where the options say; ``outbound`` calls
        out; ``means`` are the operator's API's, without which there is none; ``fleet`` is what this server is a
        member of. Raise ``ConfigError``.
        """
        self._options = options
        self._agency = agency = Succession(agency)
        self.metrics = metrics or Metrics()
        carriers = (PlivoCarrier(plivo), *others)
        self._calls = Calls(agency, options.max_calls, self.metrics)
        self._outbound = outbound
        self._gallery = means.gallery if means else None
        self.dialer = outbound.dialer(self._calls) if outbound else None
        """Takes orders to call out, where somebody may."""
        if outbound is not None:
            self._calls.on_webhook = outbound.on_webhook
        self.metrics.census.calls = self._calls.figures
        operators = self._operators(means)
        self._media = MediaDoor(self._calls, {f"/{each.name}/stream": each for each in carriers}, options.public_url)
        webhooks = [webhooks_of(self._calls, each, options.public_url) for each in carriers]
        self._webhooks = webhooks
        handovers = handover_desks(self._calls, webhooks, means)
        gate = None
        if fleet is not None:
            # Whether there is a slot the fleet counts itself.
            fleet.member.accepts = lambda: self._calls.refusal in ("", FULL)
            gate = FleetGate(fleet, webhooks)
            for desk in operators:
                if isinstance(desk, ConsoleDesk):
                    desk.watch, desk.fetch = gate.watch, gate.fetch
        desks: Sequence[Desk] = (*webhooks, *handovers, *operators)
        self._reception = Reception(self._calls, *desks, repeats=Repeats(carriers), gate=gate)
        self.metrics.census.watch("requests", lambda: self._reception.answering)
        self._port = port or Port(options.host, options.port)
        self._notifier = Notifier()
        self._reload = asyncio.Event()
        self._monitor = Monitor(options, self._calls)
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._crowd = Crowd(options.max_connections_per_address, self._calls.complaints.refused)

    def _operators(self, means: Means | None) -> list[Desk]:
        """Their desks, where there are any; what it is read from is written by what carriers tell, and watched."""
        if means is None:
            return []
        if means.records is not None:
            self._calls.on_recorded = means.records.carrier_recorded
            self.metrics.watch_records(means.records.database)
        if (recordings := means.recordings) is not None:
            self.metrics.census.watch_bytes("recordings", lambda: recordings.waiting_bytes)
        guard = Guard(means.token)
        desks: list[Desk] = [OperatorDesk(self._calls, replace(means, dialer=means.dialer or self.dialer), guard)]
        if means.gallery is not None and means.token:
            desks.append(ConsoleDesk(self._calls, means, guard, means.gallery))
        return desks

    @property
    def port(self) -> int:
        """The port in use, once the server has started."""
        return self._port.number

    async def start(self) -> None:
        """Claim the port, get the agents ready, then let callers in.

        Raise ``ListenError`` for a port that cannot be had, ``ConfigError`` for what the operator must mend. After
        a failure, and after cancelling, nothing is left behind.
        """
        try:
            await self._port.claim()
            await self._agency.start()
            await self._reception.start()
            await self._port.open(self._door)
            if self.dialer is not None:
                await self.dialer.start()
        except BaseException:
            await self.aclose()
            raise
        self._monitor.start()
        if isinstance(self._port, Tether):
            self._port.attend(self._calls, self.stop)
            return
        log.info("listening", extra={"host": self._options.host, "port": self.port})
        self._notifier.ready(self._status)

    def _door(self, http: Http | None = None) -> FrontDoor:
        """``http`` serves requests, if that is not done here."""
        served = http or self._reception.connection
        return FrontDoor(self._media, served, self._crowd, is_for_one=self._port.is_for_one)

    async def run(self, renew: Renew | None = None) -> None:
        """Serve until SIGTERM, SIGINT or ``stop``, then drain and end; a second signal ends live calls at once.

        With ``renew``, SIGHUP gives new calls to the agency that it makes.
        """
        loop = asyncio.get_running_loop()
        actions = dict.fromkeys(_SIGNALS, self.stop) | ({signal.SIGHUP: self._reload.set} if renew else {})
        for number, act in actions.items():
            loop.add_signal_handler(number, act)
        renewing = asyncio.create_task(self._renew_when_told(renew)) if renew else None
        try:
            await self._stopping.wait()
            await self._drain()
        finally:
            for number in actions:
                loop.remove_signal_handler(number)
            if renewing is not None:
                renewing.cancel()
            await self.aclose()

    async def _renew_when_told(self, renew: Renew) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self._notifier.reloading()
            try:
                await self._agency.replace(await renew())
                log.info("reloaded")
            except ConfigError as error:
                log.error("configuration is refused, the old one stays: %s", " ".join(str(error).split()))
            self._notifier.ready(self._status)

    def _status(self) -> str:
        return f"{self._calls.lasting_refusal or 'ready'}; {self._calls.live} calls"

    def stop(self) -> None:
        """Begin to drain; asked again, stop waiting for live calls."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def aclose(self) -> None:
        """End live calls and free everything; safe to call twice."""
        self._port.close()
        self._monitor.stop()
        self._crowd.disperse()
        if self._gallery is not None:
            self._gallery.close()
        if self._outbound is not None:
            await self._outbound.aclose()
        await self._calls.aclose()
        await self._reception.aclose()
        for desk in self._webhooks:
            await desk.aclose()
        await self._agency.aclose()
        self._notifier.close()

    async def _hand_over(self) -> None:
        """Leave the port to whoever else has it; those who are inside already are let in as ever."""
        self._port.close()
        self._reception.let_go()
        with suppress(TimeoutError):
            async with asyncio.timeout(HAND_OVER_S):
                await self._hurry.wait()

    async def _drain(self) -> None:
        """Wait until the last call is over, for as long as the operator and the options allow."""
        log.info("draining")
        self._notifier.stopping()
        if self._port.is_inherited:
            await self._hand_over()
        if self._outbound is not None:
            await self._outbound.aclose()
        async with asyncio.TaskGroup() as tasks:
            drained = tasks.create_task(self._calls.drain())
            hurried = tasks.create_task(self._hurry.wait())
            await asyncio.wait({drained, hurried}, timeout=self._options.drain_s, return_when=asyncio.FIRST_COMPLETED)
            log.info("drained" if drained.done() else "live calls are cut off")
            drained.cancel()
            hurried.cancel()
