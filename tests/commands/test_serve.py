"""What ``serve`` says of a certificate that is of no use, before it does anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mediasrv import cli
from tests.certificates import write

NOW = datetime.now(UTC)


def serve(folder: Path, *arguments: str, certificate: str = "server.pem") -> int:
    config = folder / "mediasrv.toml"
    config.write_text(
        '[server]\nport = 0\npublic_url = "https://voice.example.in"\n'
        f'tls_certificate_file = "{folder / certificate}"\ntls_key_file = "{folder / "server.key"}"\n'
        "[plivo]\nverify_signatures = false\n"
        '[agents.default]\nstt.provider = "scripted"\nllm.provider = "scripted"\ntts.provider = "scripted"\n'
    )
    return cli.main(["serve", "--config", str(config), *arguments])


def test_an_expired_certificate_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, NOW - timedelta(days=90), 89)
    assert serve(tmp_path) == 78
    said = capsys.readouterr().err
    assert f"server.pem has expired on {NOW - timedelta(days=1):%Y-%m-%d}: renew it" in said
    assert said.count("\n") == 1


def test_one_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, NOW, 30)
    assert serve(tmp_path, certificate="other.pem") == 78
    said = capsys.readouterr().err
    assert "other.pem: No such file or directory" in said
    assert said.count("\n") == 1


@pytest.mark.local
def test_it_is_looked_for_among_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    write(credentials, NOW - timedelta(days=90), 89)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    config = tmp_path / "mediasrv.toml"
    config.write_text(
        '[server]\npublic_url = "https://voice.example.in"\n'
        'tls_certificate_file = "server.pem"\ntls_key_file = "server.key"\n[plivo]\nverify_signatures = false\n'
    )
    assert cli.main(["serve", "--config", str(config)]) == 78
    assert f"{credentials}/server.pem has expired" in capsys.readouterr().err


def test_with_workers_it_is_the_first_workers_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, NOW - timedelta(days=90), 89)
    assert serve(tmp_path, "--workers", "2") == 78
    assert "server.pem has expired" in capfd.readouterr().err
