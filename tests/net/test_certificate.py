"""When a certificate ends, and what is said of one that is of no use."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import ConfigError
from mediasrv.net.certificate import Certificate, expiry_of
from tests.certificates import write

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def der_of(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


@pytest.mark.parametrize("days", [1, 400, 9000, 30000])
def test_the_end_is_read_in_either_spelling(days: int, tmp_path: Path) -> None:
    assert expiry_of(der_of(write(tmp_path, NOW, days).certificate)) == NOW + timedelta(days=days)


@pytest.fixture(scope="module")
def der(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return der_of(write(tmp_path_factory.mktemp("certificate"), NOW, 30).certificate)


@given(data=st.data())
def test_a_broken_certificate_is_none_and_nothing_worse(data: st.DataObject, der: bytes) -> None:
    broken = bytearray(der)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, 120))] = data.draw(st.integers(0, 255))
    try:
        assert expiry_of(bytes(broken[: data.draw(st.integers(0, len(der)))])).tzinfo is UTC
    except ValueError as error:
        assert str(error) == "no certificate"  # noqa: PT017


def test_a_good_one_is_used_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = write(tmp_path, NOW, 15)
    assert Certificate(files.certificate, files.key, NOW).context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert caplog.messages == []


def test_one_that_ends_soon_is_complained_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = write(tmp_path, NOW, 13.5)
    Certificate(files.certificate, files.key, NOW)
    assert caplog.messages == ["certificate expires in 13 days"]
    assert caplog.records[0].levelno == logging.WARNING


def test_an_expired_one_is_refused_in_one_line(tmp_path: Path) -> None:
    files = write(tmp_path, NOW, 1)
    with pytest.raises(ConfigError, match=r"^the certificate in .*server\.pem has expired on 2026-11-22: renew it$"):
        Certificate(files.certificate, files.key, NOW + timedelta(days=1))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    files = write(tmp_path, NOW, 30)
    nowhere = tmp_path / "nowhere"
    with pytest.raises(ConfigError, match=r"^cannot read the certificate in .*nowhere: No such file or directory$"):
        Certificate(nowhere, files.key, NOW)
    with pytest.raises(ConfigError, match=r"^cannot read the key in .*nowhere: No such file or directory$"):
        Certificate(files.certificate, nowhere, NOW)
    with pytest.raises(ConfigError, match=r"^there is no certificate in .*server\.key: expected PEM$"):
        Certificate(files.key, files.key, NOW)
    with pytest.raises(ConfigError, match=r"^the key in .*server\.pem cannot be used"):
        Certificate(files.certificate, files.certificate, NOW)


def test_a_key_with_a_password_asks_nobody(tmp_path: Path) -> None:
    files = write(tmp_path, NOW, 30, password="correct horse")
    with pytest.raises(ConfigError, match="cannot be used: expected PEM without a password"):
        Certificate(files.certificate, files.key, NOW)


def test_the_old_one_stays_when_the_new_one_is_of_no_use(tmp_path: Path) -> None:
    files = write(tmp_path, NOW, 30)
    certificate = Certificate(files.certificate, files.key, NOW)
    old_key = files.key.read_bytes()
    write(tmp_path, NOW, 60)
    files.key.write_bytes(old_key)
    with pytest.raises(ConfigError, match="is for another certificate"):
        certificate.renew(NOW)
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    caller = client.wrap_bio(outward, inward)
    server = certificate.context.wrap_bio(inward, outward, server_side=True)
    for side in (caller, server, caller, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    der = caller.getpeercert(binary_form=True)
    assert der is not None
    assert expiry_of(der) == NOW + timedelta(days=30)
