"""The supervisor: it owns the port, hands each connection to a worker process, and has nothing to do with audio.

    claim port ─► start workers ─► accept and hand over ─► SIGTERM: workers drain ─► the last is gone ─► end

One process that accepts for all knows what each has to do, so calls are spread by load and not by the luck of a hash,
as they would be by SO_REUSEPORT, and it can send what belongs to a call to the worker that has it. SIGHUP replaces the
workers one by one with such as read the configuration, and the code, anew: old calls go on in the old ones.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus

from mediasrv.errors import ConfigError
from mediasrv.server.lobby import Lobby
from mediasrv.server.notify import Notifier
from mediasrv.server.options import ServerOptions
from mediasrv.server.port import HAND_OVER_S, Port
from mediasrv.server.steering import Steering
from mediasrv.server.workforce import WorkerError, Workforce

log = logging.getLogger(__name__)


_NOT_THEIRS = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
"""Variables by which systemd speaks to us alone."""


class Supervisor:
    """``start``, ``run``, and ``aclose`` in any case."""

    def __init__(
        self,
        read: Callable[[], ServerOptions],
        count: int,
        command: Sequence[str],
        inherited: Sequence[socket.socket] = (),
    ) -> None:
        """``read`` reads the configuration, again for every reload; it raises ``ConfigError``.

        ``command`` starts a worker when the number of a descriptor is added to it; ``inherited`` see ``Port``.
        """
        self._read = read
        self._options = read()
        self._count = count
        self._port = Port(self._options.host, self._options.port, inherited)
        self._notifier = Notifier()
        self._steering = Steering()
        self._workforce = Workforce(command, self._environment(), self._steering)
        answers = {b"/healthz": self._healthz, b"/readyz": self._readyz, b"/metrics": self._metrics}
        is_sealed = bool(self._options.tls_key_file)
        self._lobby = Lobby(self._steering, self._workforce.hand, answers, is_sealed=is_sealed)
        self._workforce.on_unsealed = self._lobby.bring_back
        self._stopping = asyncio.Event()
        self._reload = asyncio.Event()

    @property
    def port(self) -> int:
        """The port in use, once the server has started."""
        return self._port.number

    async def start(self) -> None:
        """Claim the port, start the workers, then let callers in.

        Raise ``ListenError`` for a port that cannot be had, ``WorkerError`` when a worker does not start. After a
        failure, and after cancelling, nothing is left behind.
        """
        try:
            await self._port.claim()
            try:
                await self._workforce.start(self._count)
            except* WorkerError as failures:
                raise failures.exceptions[0] from None
            self._lobby.open(self._port.listen())
        except BaseException:
            await self.aclose()
            raise
        log.info("listening", extra={"host": self._options.host, "port": self.port, "workers": self._count})
        self._notifier.ready(self._status)

    async def run(self) -> None:
        """Serve until SIGTERM, SIGINT or ``stop``, then drain and end; a second signal ends live calls at once."""
        loop = asyncio.get_running_loop()
        actions = {signal.SIGTERM: self.stop, signal.SIGINT: self.stop, signal.SIGHUP: self._reload.set}
        for number, act in actions.items():
            loop.add_signal_handler(number, act)
        reloading = asyncio.create_task(self._reload_when_told())
        try:
            await self._stopping.wait()
            log.info("draining")
            self._notifier.stopping()
            reloading.cancel()
            await self._workforce.ended()
        finally:
            for number in actions:
                loop.remove_signal_handler(number)
            reloading.cancel()
            await self.aclose()

    def stop(self) -> None:
        """Begin to drain; asked again, stop waiting for live calls."""
        if self._port.is_inherited and not self._stopping.is_set():
            # Whoever else has the port takes the callers from here; those who are inside already are let in as ever.
            self._lobby.close_doors()
            self._port.close()
            asyncio.get_running_loop().call_later(HAND_OVER_S, self._workforce.stop)
        else:
            self._workforce.stop()
        self._stopping.set()

    async def aclose(self) -> None:
        """End everything; safe to call twice."""
        self._lobby.close()
        self._port.close()
        await self._workforce.aclose()
        self._notifier.close()

    async def _reload_when_told(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self._notifier.reloading()
            try:
                self._options = self._read()
                self._workforce.environment = self._environment()
                await self._workforce.replace()
                log.info("reloaded")
            except ConfigError as error:
                log.error("configuration is refused, the old one stays: %s", " ".join(str(error).split()))
            except WorkerError as error:
                log.error("reload is given up, those who are left go on: %s", error)
            self._notifier.ready(self._status)

    def _status(self) -> str:
        calls = sum(each.calls for each in self._steering.workers.values())
        return f"{self._refusal() or 'ready'}; {calls} calls, {len(self._steering.workers)} workers"

    def _refusal(self) -> str:
        """Why a new call would be refused, in a word; empty when it would not."""
        return "draining" if self._stopping.is_set() else self._steering.refusal(asyncio.get_running_loop().time())

    def _environment(self) -> dict[str, str]:
        """The workers', who share the calls evenly."""
        share = -(-self._options.max_calls // self._count)
        ours = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
        return {**ours, "MEDIASRV_SERVER__MAX_CALLS": str(share)}

    async def _healthz(self) -> tuple[HTTPStatus, str]:
        return HTTPStatus.OK, "alive\n"

    async def _readyz(self) -> tuple[HTTPStatus, str]:
        refusal = self._refusal()
        return (HTTPStatus.SERVICE_UNAVAILABLE, f"{refusal}\n") if refusal else (HTTPStatus.OK, "ready\n")

    async def _metrics(self) -> tuple[HTTPStatus, str]:
        return HTTPStatus.OK, await self._workforce.figures()
