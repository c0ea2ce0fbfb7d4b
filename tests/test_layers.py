"""The law of the house: who may import whom, where time and I/O may not enter, and which door leads to each library.

Every rule is a function from a parsed module to its offences. It is held against the whole package, and shown to catch
an offender, so that a rule which has gone blind fails too.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "mediasrv"
LONGEST_MODULE_LINES = 260
LONGEST_BENCHMARK_LINES = 300
"""Of the measuring instruments: a stand-in for a vendor holds all that the vendor does."""
LONGEST_FUNCTION_LINES = 60

# fmt: off
NEIGHBOURS = {
    "audio": (),
    "wire": ("audio",),
    # The playout ledger speaks to the carrier in the wire's commands.
    "turn": ("audio", "wire.events"),
    "net": (),
    "providers": ("audio", "net", "schema"),
    "call": ("turn", "wire", "providers", "audio"),
    "carriers": ("call.control", "call.link", "wire", "audio", "net"),
    "fleet": ("call.link", "call.observer"),
    "records": ("call", "audio", "providers.meter"),
    "replay": (
        "records.recordingfiles", "records.recordings", "records.sealed", "call", "turn", "wire", "providers", "audio",
    ),
    "outbound": ("carriers", "records", "call.link", "call.observer", "wire", "net"),
    "server": ("fleet", "outbound", "records", "carriers", "call", "turn", "wire", "providers", "audio", "net"),
    "simulator": ("net", "wire", "audio"),
    "schema": (),
    "vault": ("schema",),
    "journal": (),
    "config": (
        "schema", "vault", "providers.registry", "server.options", "carriers.options", "call.options", "turn.options",
        "records.options", "replay.options", "fleet.options", "outbound.options", "audio.format",
    ),
    "localvoice": ("call.voice", "providers", "audio.format"),
    "livecheck": ("providers", "simulator.speech", "audio.warmup", "vault"),
    "pytest_plugin": ("livecheck", "providers"),
    "persona": ("call", "providers"),
    "demo": ("server", "carriers.options", "call", "providers", "simulator", "audio", "persona"),
    "commands": ("",),
    "cli": ("commands", "journal"),
    "__main__": ("cli",),
    "__init__": ("call",),
    "errors": (),
}
# fmt: on
"""What each room, or module beside the rooms, may import besides itself and ``errors``; commands import anything."""

PURE_ROOMS = ("audio", "wire", "turn")
# fmt: off
WORLDLY = frozenset({
    "aiohttp", "asyncio", "concurrent", "datetime", "glob", "http", "io", "logging", "multiprocessing", "os",
    "pathlib", "queue", "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver",
    "ssl", "subprocess", "sys", "tempfile", "threading", "time", "timeit", "uuid",
})
# fmt: on
"""Libraries that know the time or touch the world."""
WORLDLY_CALLS = frozenset({"input", "open", "print"})
"""Functions that do."""
NUMPYS_CHANCE = ("np.random", "numpy.random")

DOORS = {
    "aiohttp": ("carriers", "net", "outbound.donotcall", "providers", "server"),
    "cryptography": ("records.sealed",),
    "espeakng_loader": ("providers.espeak_worker",),
    "matplotlib": ("simulator.timeline",),
    "moonshine_voice": ("providers.moonshine",),
    "numba": ("audio.kernel",),
    "numpy": ("",),
    "opentelemetry": ("server.tracing",),
    "onnxruntime": ("providers.piper_worker",),
    "orjson": ("",),
    "piper": ("providers.piper_worker",),
    "plivo": ("carriers.plivo_documents",),
    "prometheus_client": ("server.census", "server.instruments", "server.metrics"),
    "pytest": ("pytest_plugin",),
    "redis": ("fleet.registry",),
    "sounddevice": ("simulator.microphone",),
    "uvloop": ("commands.base",),
    "_webrtcvad": ("turn.vad",),
    "websockets": ("net.frames", "net.websocket"),
    "xllamacpp": ("providers.smollm2",),
}
"""Where each library of others may be imported; one that is not named here has no door yet."""

OUTSIDERS = ("providers.espeak_worker", "providers.piper_worker")
"""Programs of their own, started as processes: what they import is under the GPL."""

PROMISE = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|not implemented yet|for now", re.IGNORECASE)


@dataclass(frozen=True)
class Module:
    """A source file, by its name within the package (``audio.g711``)."""

    name: str
    source: str

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.source)))

    @cached_property
    def imports(self) -> list[str]:
        """Dotted names of all it imports, wherever in the file: ``from a import b`` counts as ``a.b``."""
        names = [alias.name for node in self.nodes if isinstance(node, ast.Import) for alias in node.names]
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom):
                home = "." * node.level + (node.module or "")
                names += [f"{home}.{alias.name}" for alias in node.names]
        return names

    @property
    def own_imports(self) -> list[str]:
        """Imports from this package, without its name."""
        return [name.removeprefix(f"{PACKAGE}.") for name in self.imports if name.startswith(f"{PACKAGE}.")]

    @property
    def libraries(self) -> set[str]:
        """Top names of what others wrote."""
        tops = {name.partition(".")[0] for name in self.imports if not name.startswith(".")}
        return tops - sys.stdlib_module_names - {PACKAGE}


def lies_in(name: str, place: str) -> bool:
    """Whether a module, or a name in it, lies in a room or module; everything lies in ``""``."""
    return not place or name == place or name.startswith(f"{place}.")


def imports_of_strangers(module: Module) -> Iterator[str]:
    """Imports that do not go one way, from the server down to audio."""
    if module.room not in NEIGHBOURS:
        yield f"{module.name} lies in no known room"
        return
    allowed = (module.room, "errors", *NEIGHBOURS[module.room])
    for name in module.own_imports:
        if not any(lies_in(name, place) for place in allowed):
            yield f"{module.name} imports {name}"
    if any(name.startswith(".") for name in module.imports):
        yield f"{module.name} imports by a relative name"


def imports_of_config(module: Module) -> Iterator[str]:
    """Configuration is gathered at the top and handed down."""
    if module.room not in ("commands", "config") and any(lies_in(name, "config") for name in module.own_imports):
        yield f"{module.name} imports config"


def worldly_affairs(module: Module) -> Iterator[str]:
    """Time and I/O in a pure room."""
    if module.room in PURE_ROOMS:
        for name in module.imports:
            if name.partition(".")[0] in WORLDLY or lies_in(name, "numpy.random"):
                yield f"{module.name} imports {name}"
        for node in module.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORLDLY_CALLS:
                yield f"{module.name}:{node.lineno} calls {node.func.id}"
            if isinstance(node, ast.Attribute) and node.attr == "random" and ast.unparse(node) in NUMPYS_CHANCE:
                yield f"{module.name}:{node.lineno} uses {ast.unparse(node)}"
            if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
                yield f"{module.name}:{node.lineno} is asynchronous"


def side_entrances(module: Module) -> Iterator[str]:
    """Libraries imported by another way than their door."""
    for library in sorted(module.libraries):
        if not any(lies_in(module.name, door) for door in DOORS.get(library, ())):
            yield f"{module.name} imports {library}"


def imports_of_outsiders(module: Module) -> Iterator[str]:
    """Code under the GPL drawn into our process."""
    for name in module.own_imports:
        if any(lies_in(name, outsider) for outsider in OUTSIDERS):
            yield f"{module.name} imports {name}"


def long_modules(module: Module) -> Iterator[str]:
    """Modules that hold a second noun."""
    return longer_than(LONGEST_MODULE_LINES, module)


def long_benchmarks(module: Module) -> Iterator[str]:
    """The same of the benchmarks."""
    return longer_than(LONGEST_BENCHMARK_LINES, module)


def longer_than(limit: int, module: Module) -> Iterator[str]:
    """A module of more lines than that."""
    lines = len(module.source.splitlines())
    if lines > limit:
        yield f"{module.name}: {lines} lines"


def long_functions(module: Module) -> Iterator[str]:
    """Functions that fit no screen."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > LONGEST_FUNCTION_LINES:
                yield f"{module.name}:{node.lineno} {node.name}: {lines} lines"


def promises(module: Module) -> Iterator[str]:
    """Words that promise later work."""
    for number, line in enumerate(module.source.splitlines(), start=1):
        if found := PROMISE.search(line):
            yield f"{module.name}:{number} says {found.group()}"


Rule = Callable[[Module], Iterator[str]]
RULES: tuple[Rule, ...] = (
    imports_of_strangers,
    imports_of_config,
    worldly_affairs,
    side_entrances,
    imports_of_outsiders,
    long_modules,
    long_functions,
    promises,
)
RULES_OF_SIZE: tuple[Rule, ...] = (long_benchmarks, long_functions, promises)


def modules(folder: str) -> Iterator[Module]:
    """All modules of a package of the repository, one by one: their trees together are too large to keep."""
    home = ROOT / folder
    for path in sorted(home.rglob("*.py")):
        yield Module(".".join(path.relative_to(home).with_suffix("").parts), path.read_text(encoding="utf-8"))


@cache
def offences(folder: str, rules: tuple[Rule, ...]) -> Mapping[Rule, Sequence[str]]:
    """What each rule has against a package, each module of which is parsed but once."""
    found: dict[Rule, list[str]] = {rule: [] for rule in rules}
    for module in modules(folder):
        for rule in rules:
            found[rule] += rule(module)
    return found


def rule_name(rule: Rule) -> str:
    return rule.__name__


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_the_package_keeps_the_law(rule: Rule) -> None:
    assert offences(PACKAGE, RULES)[rule] == []


@pytest.mark.parametrize("rule", RULES_OF_SIZE, ids=rule_name)
def test_the_benchmarks_keep_their_size_and_promise_nothing(rule: Rule) -> None:
    assert offences("native_bench", RULES_OF_SIZE)[rule] == []


def test_the_law_knows_every_room_and_no_other() -> None:
    assert {module.room for module in modules(PACKAGE)} == set(NEIGHBOURS)


@pytest.mark.parametrize(
    ("rule", "name", "source", "offence"),
    [
        (imports_of_strangers, "audio.level", "from mediasrv.wire.events import Mark", "imports wire.events.Mark"),
        (imports_of_strangers, "audio.level", "import mediasrv.turn.machine", "imports turn.machine"),
        (imports_of_strangers, "audio.level", "from mediasrv import turn", "imports turn"),
        (imports_of_strangers, "audio.level", "from ..turn import machine", "relative name"),
        (imports_of_strangers, "turn.machine", "from mediasrv.wire.plivo import Plivo", "imports wire.plivo.Plivo"),
        (imports_of_strangers, "wire.plivo", "def f():\n    from mediasrv.call import call", "imports call.call"),
        (imports_of_strangers, "call.live", "from mediasrv.server import media", "imports server.media"),
        (imports_of_strangers, "providers.base", "from mediasrv.call import live", "imports call.live"),
        (imports_of_strangers, "net.websocket", "from mediasrv.wire import events", "imports wire.events"),
        (imports_of_strangers, "server.media", "from mediasrv.simulator import caller", "imports simulator.caller"),
        (imports_of_strangers, "errors", "from mediasrv.audio import format", "imports audio.format"),
        (imports_of_strangers, "attic.chest", "", "no known room"),
        (imports_of_config, "server.service", "from mediasrv.config import load", "imports config"),
        (imports_of_config, "demo", "from mediasrv import config", "imports config"),
        (worldly_affairs, "turn.machine", "import time", "imports time"),
        (worldly_affairs, "turn.machine", "from os import path", "imports os.path"),
        (worldly_affairs, "wire.plivo", "def f():\n    import logging.handlers", "imports logging.handlers"),
        (worldly_affairs, "audio.level", "open('x')", "calls open"),
        (worldly_affairs, "audio.level", "import numpy as np\nnp.random.rand()", "uses np.random"),
        (worldly_affairs, "audio.level", "from numpy import random", "imports numpy.random"),
        (worldly_affairs, "audio.level", "async def f(): ...", "is asynchronous"),
        (side_entrances, "audio.level", "import numba", "imports numba"),
        (side_entrances, "audio.kernel_of_another", "import numba", "imports numba"),
        (side_entrances, "demo", "from websockets.asyncio import server", "imports websockets"),
        (side_entrances, "server.service", "def f():\n    import uvloop", "imports uvloop"),
        (side_entrances, "server.service", "import requests", "imports requests"),
        (imports_of_outsiders, "providers.piper", "from mediasrv.providers import piper_worker", "imports providers."),
        (long_modules, "a", "pass\n" * 261, "261 lines"),
        (long_benchmarks, "a", "pass\n" * 301, "301 lines"),
        (long_functions, "a", "def f():\n" + "    pass\n" * 60, "f: 61 lines"),
        (long_functions, "a", "class A:\n    async def g(self):\n" + "        pass\n" * 60, "g: 61 lines"),
        (promises, "a", "x = 1  # TO" + "DO: more", "says TO" + "DO"),
        (promises, "a", "# good enough for" + " now", "says for" + " now"),
        (promises, "a", "raise Not" + "ImplementedError", "says Not" + "ImplementedError"),
    ],
)
def test_an_offender_is_caught(rule: Rule, name: str, source: str, offence: str) -> None:
    found = list(rule(Module(name, source)))
    assert len(found) == 1
    assert offence in found[0]


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("audio.kernel", "import numba\nimport numpy as np\nfrom mediasrv.errors import ConfigError"),
        ("turn.playout", "from mediasrv.wire.events import Mark\nfrom mediasrv.turn.vad import Vad\nimport math"),
        ("wire.plivo", "from mediasrv.audio.format import AudioFormat\nimport mediasrv.wire.events"),
        ("server.media", "import time, asyncio\nfrom mediasrv.call.live import LiveCall"),
        ("commands.base", "import uvloop\nfrom mediasrv.config import load\nfrom mediasrv import demo"),
        ("net.websocket", "from websockets.server import ServerProtocol"),
        ("call.live", "def f():\n" + "    pass\n" * 59),
        ("call.live", "pass\n" * 260),
    ],
)
def test_the_lawful_are_left_alone(rule: Rule, name: str, source: str) -> None:
    assert list(rule(Module(name, source))) == []
