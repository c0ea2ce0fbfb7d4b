from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mediasrv.errors import ConfigError
from mediasrv.schema import Given, Table, given
from mediasrv.vault import MASK, Secret, Vault, is_loopback, is_loopback_host, is_secret_name


@dataclass(frozen=True, kw_only=True)
class Account:
    name: str = ""
    auth_token: str = ""
    pin: str = field(default="", repr=False)
    model_file: str = ""
    model: str = ""


def table(**values: object) -> Table:
    entries = given(values, "a.toml").value
    assert isinstance(entries, dict)
    return entries


def unseal(
    values: Table, options: type | None = None, environ: dict[str, str] | None = None, folder: Path = Path()
) -> dict[str, object]:
    opened = Vault(environ or {}, folder).unseal(values, "part", options)
    return {name: item.value for name, item in opened.items()}


def refused(message: str) -> AbstractContextManager[object]:
    return pytest.raises(ConfigError, match=f"^{re.escape(message)}$")


def test_a_variable_gives_the_secret() -> None:
    assert unseal(table(api_key_env="KEY"), environ={"KEY": " s3cret\n"}) == {"api_key": "s3cret"}


def test_a_file_beside_the_configuration_gives_the_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    assert unseal(table(api_key_file="key"), folder=tmp_path) == {"api_key": "s3cret"}


def test_the_credentials_directory_comes_before_the_folder(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the credentials directory")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert unseal(table(api_key_file="key"), environ=environ, folder=Path("/nowhere")) == {
        "api_key": "from the credentials directory"
    }


def test_an_absolute_file_needs_no_folder(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret")
    environ = {"CREDENTIALS_DIRECTORY": "/nowhere"}
    assert unseal(table(api_key_file=str(tmp_path / "key")), environ=environ) == {"api_key": "s3cret"}


@pytest.mark.parametrize("environ", [{}, {"KEY": ""}, {"KEY": " \n"}])
def test_a_variable_that_is_unset_or_empty_is_named(environ: dict[str, str]) -> None:
    message = "a.toml: part.api_key_env: expected a secret in the environment variable KEY, which is unset or empty"
    with refused(message):
        unseal(table(api_key_env="KEY"), environ=environ)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with refused(f"a.toml: part.api_key_file: expected a secret in {tmp_path}/key, which is empty"):
        unseal(table(api_key_file="key"), folder=tmp_path)


def test_a_pem_file_is_no_secret_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")
    with refused(f"a.toml: part.api_key_file: expected a secret of one line in {tmp_path}/key"):
        unseal(table(api_key_file="key"), folder=tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    with refused(f"a.toml: part.api_key_file: expected text in {tmp_path}/key"):
        unseal(table(api_key_file="key"), folder=tmp_path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with refused(f"a.toml: part.api_key_file: cannot read {tmp_path}/key: No such file or directory"):
        unseal(table(api_key_file="key"), folder=tmp_path)
    with refused(f"a.toml: part.api_key_file: cannot read {tmp_path}: Is a directory"):
        unseal(table(api_key_file=str(tmp_path)))


def test_the_name_of_a_variable_or_file_must_be_text() -> None:
    with refused("a.toml: part.api_key_env: expected text, a variable"):
        unseal(table(api_key_env=5))
    with refused("a.toml: part.api_key_file: expected text, a path"):
        unseal(table(api_key_file=["a"]))


@pytest.mark.parametrize("values", [{"api_key": "s3cret"}, {"api_key": "s3cret", "url": "https://api.example.com"}])
def test_plain_text_is_refused_and_not_repeated(values: dict[str, object]) -> None:
    with refused(
        'a.toml: part.api_key: expected no secret in plain text, but api_key_env = "NAME" or api_key_file = "PATH"'
    ):
        unseal(table(**values))


def test_plain_text_will_do_beside_a_loopback_url() -> None:
    values = {"api_key": "test", "url": "ws://127.0.0.1:9000"}
    assert unseal(table(**values)) == values


def test_plain_text_will_do_in_a_variable() -> None:
    plain = {"api_key": Given("123", "MEDIASRV_X", is_text=True)}
    assert unseal(plain) == {"api_key": "123"}


def test_an_options_class_says_by_repr_what_is_secret() -> None:
    with refused('a.toml: part.pin: expected no secret in plain text, but pin_env = "NAME" or pin_file = "PATH"'):
        unseal(table(pin="1234"), Account)
    with pytest.raises(ConfigError, match="auth_token"):
        unseal(table(auth_token="x"), Account)
    assert unseal(table(name="x"), Account) == {"name": "x"}


def test_a_key_an_options_class_does_not_know_is_left_for_the_reader() -> None:
    values: dict[str, object] = {"api_key": "x", "nam_env": "NAME"}
    assert unseal(table(**values), Account) == values


def test_a_field_that_ends_like_a_sealed_key_is_itself() -> None:
    assert unseal(table(model_file="/m.gguf"), Account) == {"model_file": "/m.gguf"}


def test_two_spellings_of_one_key_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret")
    with refused("a.toml: part.api_key_file: expected one of api_key, its _env and its _file, got two"):
        unseal(table(api_key_env="KEY", api_key_file="key"), environ={"KEY": "x"}, folder=tmp_path)


def test_a_table_with_a_secret_name_is_a_table() -> None:
    assert set(unseal(table(credentials={"user": "x"}))) == {"credentials"}


def test_a_suffix_alone_is_no_sealed_key() -> None:
    assert unseal(table(_env="x")) == {"_env": "x"}


def test_a_secret_does_not_show_itself() -> None:
    assert repr({"key": Secret("s3cret")}) == f"{{'key': '{MASK}'}}"
    assert Secret("s3cret").encode() == b"s3cret"


@pytest.mark.parametrize("name", ["api_key", "auth_token", "key", "client_secret", "password", "Authorization"])
def test_names_that_say_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["keyterms", "max_tokens", "monkey", "token_limit", "voice"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "ws://127.9.9.9:80/x", "http://[::1]:1", "https://LOCALHOST/v1"])
def test_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "http://[bad",
        "127.0.0.1:80",
        "",
        "http://10.0.0.1",
    ],
)
def test_not_loopback(url: str) -> None:
    assert not is_loopback(url)


def test_loopback_hosts() -> None:
    assert all(map(is_loopback_host, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(is_loopback_host, ("0.0.0.0", "::", "", "example.com")))
