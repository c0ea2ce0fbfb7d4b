from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.audio.kernel import Kernel, compile_all, kernel, kernels
from tests.patience import WAIT_S

TYPED = "int64(const int16[::1], int64)"


def scaled_sum(pcm: NDArray[np.int16], factor: int) -> int:
    total = 0
    for i in range(pcm.size):
        total += pcm[i] * factor
    return total


def spoil(pcm: NDArray[np.int16]) -> None:
    pcm[0] = 1


@pytest.fixture
def sums() -> Kernel:
    return Kernel(scaled_sum, (TYPED,))


def test_a_kernel_called_before_compile_all_compiles_itself(sums: Kernel) -> None:
    assert sums(np.array([1, 2, 3], np.int16), 2) == 12


def test_read_only_and_writable_arrays_may_be_passed_where_const_is_promised(sums: Kernel) -> None:
    assert sums(np.frombuffer(b"\x01\x00\x02\x00", np.int16), 1) == 3
    assert sums(np.array([1, 2], np.int16), 1) == 3


@pytest.mark.parametrize(
    "pcm", [np.ones(4, np.float64), np.ones(4, np.int32), np.ones(8, np.int16)[::2], np.ones((2, 2), np.int16), [1]]
)
def test_arguments_of_another_type_raise_and_compile_nothing(sums: Kernel, pcm: Any) -> None:
    sums.compile()
    before = sums.compiled
    with pytest.raises(TypeError):
        sums(pcm, 1)
    assert sums.compiled == before


def test_even_the_first_call_compiles_no_signature_but_its_own(sums: Kernel) -> None:
    with pytest.raises(TypeError):
        sums(np.ones(4, np.float64), 1)


def test_writing_to_a_const_array_does_not_compile() -> None:
    with pytest.raises(Exception, match="Cannot modify readonly array"):
        Kernel(spoil, ("void(const int16[::1])",)).compile()


def test_a_kernel_whose_source_is_nowhere_runs_without_a_cache() -> None:
    scope: dict[str, Any] = {}
    exec("def double(x):\n    return 2 * x", scope)
    double = Kernel(scope["double"], ("int64(int64)",))
    assert double(21) == 42


def test_an_array_returned_by_one_call_is_taken_by_the_next(sums: Kernel) -> None:
    def twice(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        return pcm + pcm

    doubled: Callable[..., Any] = Kernel(twice, ("int16[::1](const int16[::1])",))
    assert sums(doubled(np.array([5], np.int16)), 1) == 10


def test_compile_all_names_every_signature_of_the_package() -> None:
    names = compile_all()
    assert "mediasrv.audio.g711._decode: void(const uint8[::1], const int16[::1], int16[::1])" in names
    assert len(names) == sum(len(each.signatures) for each in kernels())
    assert len(set(names)) == len(names)


def test_decorating_registers_and_imports_no_compiler(tmp_path: Path) -> None:
    script = """
        import sys
        from mediasrv.audio import codec, conceal, framer, jitterbuffer, kernel, level, resample
        assert not any(each.compiled for each in kernel.kernels()) and len(kernel.kernels()) >= 7
        assert "numba" not in sys.modules
    """
    run_python(script, tmp_path)


def test_a_cache_cut_short_is_made_anew(tmp_path: Path) -> None:
    script = """
        import numpy as np
        from mediasrv.audio import g711, kernel
        g711.decode_ulaw(b"1")
        print(sum(each.compiled for each in kernel.kernels()))
    """
    assert run_python(script, tmp_path) == "1"
    assert run_python(script, tmp_path) == "0"
    for index in tmp_path.rglob("*.nbi"):
        index.write_bytes(b"")
    assert run_python(script, tmp_path) == "1"


def test_a_cache_directory_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    script = """
        from mediasrv.audio import g711
        assert g711.decode_ulaw(b"\\xff").tolist() == [0]
    """
    run_python(script, tmp_path / "file" / "cache")


def run_python(script: str, cache: Path) -> str:
    """Run a script in a fresh interpreter whose compiled kernels live in ``cache``; return what it printed."""
    lines = "\n".join(line.removeprefix(" " * 8) for line in script.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", lines],
        env={"NUMBA_CACHE_DIR": str(cache), "HOME": str(cache), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=3 * WAIT_S,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@kernel("int64(int64)")
def _tripled(number: int) -> int:
    return 3 * number


def test_a_kernel_leaves_its_place_to_the_machine_code() -> None:
    registered = next(each for each in kernels() if each.name.endswith("._tripled"))
    assert _tripled(14) == 42
    assert _tripled is not registered
    assert _tripled(14) == registered(14)
    with pytest.raises(TypeError):
        _tripled("14")  # type: ignore[arg-type]


def test_a_kernel_may_call_another_of_its_file() -> None:
    scope: dict[str, Any] = {}
    exec("def double(x):\n    return 2 * x\ndef fourfold(x):\n    return double(double(x))", scope)
    scope["double"] = Kernel(scope["double"], ("int64(int64)",))
    fourfold = Kernel(scope["fourfold"], ("int64(int64)",))
    assert fourfold(10) == 40


def test_the_decorator_takes_a_function_and_gives_a_kernel() -> None:
    before = kernels()
    decorated: Any = kernel(TYPED)(scaled_sum)
    assert kernels() == (*before, decorated)
    assert decorated.name == f"{__name__}.scaled_sum"
    assert decorated.compiled == 0
