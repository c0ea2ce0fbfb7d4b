"""Network namespaces: machines of their own, as far as the network is concerned, with a cable that can be pulled."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from tests.fleet.processes import Site

IP = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")


class Namespaces:
    """One for each name, all on one switch."""

    def __init__(self, names: Collection[str]) -> None:
        # Interfaces have names of 15 characters at most; several test runs may be about.
        self._tag = f"{os.getpid() % 100_000:05d}"
        self._subnet = f"10.231.{os.getpid() % 250}"
        self._names = list(names)

    @property
    def sites(self) -> Mapping[str, Site]:
        """Where nodes are to run."""
        assert IP is not None
        here = f"{self._subnet}.1"
        return {
            name: Site(f"{self._subnet}.{number}", (IP, "netns", "exec", f"ms{self._tag}{name}"), here)
            for number, name in enumerate(self._names, 2)
        }

    def make(self) -> None:
        """Raise ``CalledProcessError`` where that is not allowed."""
        switch = f"ms{self._tag}"
        _ip(f"link add {switch} type bridge")
        _ip(f"addr add {self._subnet}.1/24 dev {switch}")
        _ip(f"link set {switch} up")
        for name, site in self.sites.items():
            space, cable = f"ms{self._tag}{name}", f"msv{self._tag}{name}"
            _ip(f"netns add {space}")
            _ip(f"link add {cable} type veth peer name eth0 netns {space}")
            _ip(f"link set {cable} master {switch} up")
            _ip(f"-n {space} addr add {site.host}/24 dev eth0")
            _ip(f"-n {space} link set eth0 up")
            _ip(f"-n {space} link set lo up")

    def plug(self, name: str, *, is_in: bool) -> None:
        """Pull a cable, or put it in again."""
        _ip(f"link set msv{self._tag}{name} {'up' if is_in else 'down'}")

    def clear(self) -> None:
        """Leave nothing behind."""
        for name in self._names:
            _ip(f"netns del ms{self._tag}{name}", must=False)
        _ip(f"link del ms{self._tag}", must=False)


@contextmanager
def namespaces(names: Collection[str]) -> Iterator[Namespaces]:
    """Raise ``PermissionError`` where there can be none."""
    if IP is None:
        raise PermissionError("there is no ip program: apt-get install iproute2")
    made = Namespaces(names)
    try:
        try:
            made.make()
        except subprocess.CalledProcessError as error:
            raise PermissionError(error.stderr.decode().strip()) from None
        yield made
    finally:
        made.clear()


def _ip(arguments: str, *, must: bool = True) -> None:
    assert IP is not None
    subprocess.run([IP, *arguments.split()], check=must, capture_output=True)
