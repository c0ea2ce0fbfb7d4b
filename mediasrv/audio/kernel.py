"""The only door to numba: sample loops become machine code before the first call, and never during one.

A kernel is a free function over contiguous arrays and numbers, decorated with the signatures it may be called with:

    @kernel("float64(const int16[::1])")
    def _mean(pcm): ...

Decorating costs nothing: numba itself is imported when the first kernel is compiled. ``compile_all`` compiles every
signature, or loads it from numba's cache on disk; a kernel called before that does so for its own signatures. Either
way no other signature is ever added, so arguments of a wrong type raise ``TypeError`` in place of a compiler run of
half a second in mid-call. The machine code takes the kernel's place in its module then: call a kernel by its name
there, and keep it nowhere else.

``const`` marks an array that the kernel only reads: both writable and read-only arrays may then be passed (a view of
a ``bytes`` object is read-only), and a write to it does not compile.

The cache is keyed by the source file of the kernel alone: a kernel may call others of its own file, but none of
another file, nor take a global constant from one. Kernels keep the GIL. They run for microseconds, and to let go of it
costs more than it gives: with one busy Python thread beside, p99 of a frame's kernels was 5.1 ms (a thread's switch
interval) with ``nogil`` and 20 µs without.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_kernels: list[Kernel] = []


class Kernel:
    """A function and its machine code, which is there from ``compile`` or the first call on."""

    __slots__ = ("_dispatcher", "_function", "_run", "_signatures")

    def __init__(self, function: Callable[..., Any], signatures: tuple[str, ...]) -> None:
        self._function = function
        self._signatures = signatures
        self._dispatcher: Any = None
        self._run: Callable[..., Any] = self._compile_and_run

    def __call__(self, *arguments: Any) -> Any:
        """Run the kernel; raise ``TypeError`` when no signature takes these arguments."""
        return self._run(*arguments)

    @property
    def name(self) -> str:
        """Module and name of the function."""
        return f"{self._function.__module__}.{self._function.__qualname__}"

    @property
    def signatures(self) -> tuple[str, ...]:
        """What it may be called with, as it was declared."""
        return self._signatures

    @property
    def compiled(self) -> int:
        """How many signatures the compiler itself has been run for, the cache holding none."""
        return sum(self._dispatcher.stats.cache_misses.values()) if self._dispatcher else 0

    @property
    def _numba_type_(self) -> Any:
        """What numba takes it for where another kernel of its file calls it."""
        self.compile()
        return self._dispatcher._numba_type_

    def compile(self) -> None:
        """Compile or load every signature, once."""
        if self._dispatcher is not None:
            return
        try:
            dispatcher = self._built(cached=True)
        # A cache that cannot be written (numba finds no place, the disk is full) or read (cut short by a power
        # failure) costs the next start its time, never this one its life.
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
            dispatcher = self._built(cached=False)
        self._dispatcher = self._run = dispatcher
        # Who calls it by its name in its module has the machine code from now on, without a way around by here.
        names = self._function.__globals__
        if names.get(self._function.__name__) is self:
            names[self._function.__name__] = dispatcher

    def _built(self, cached: bool) -> Any:
        import numba

        dispatcher = numba.njit(cache=cached)(self._function)
        for signature in self._signatures:
            dispatcher.compile(_spelled_out(signature))
        dispatcher.disable_compile()
        return dispatcher

    def _compile_and_run(self, *arguments: Any) -> Any:
        self.compile()
        return self._run(*arguments)


def kernel(*signatures: str) -> Callable[[F], F]:
    """Register a function as a kernel with these signatures, e.g. ``"float64(const int16[::1], float64)"``.

    The function is called with positional arguments only.
    """

    def register(function: F) -> F:
        registered = Kernel(function, signatures)
        _kernels.append(registered)
        return cast(F, registered)

    return register


def kernels() -> tuple[Kernel, ...]:
    """Every kernel of the modules imported so far."""
    return tuple(_kernels)


def compile_all() -> list[str]:
    """Compile every kernel registered so far, or load it from disk; return their names with their signatures.

    Takes seconds when the cache is empty; call it before the first connection is accepted.
    """
    for each in _kernels:
        each.compile()
    return [f"{each.name}: {signature}" for each in _kernels for signature in each.signatures]


def _spelled_out(signature: str) -> str:
    """Write ``const`` arrays as numba does."""
    return re.sub(r"const (\w+)\[::1\]", r"Array(\1, 1, 'C', readonly=True)", signature)
