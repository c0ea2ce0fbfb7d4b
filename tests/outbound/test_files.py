"""Files of numbers and of consents: what cannot be read is told by its line."""

from __future__ import annotations

import pytest

from mediasrv.errors import ConfigError
from mediasrv.outbound.files import consents_reader


def test_a_consent_that_would_outlive_the_calendar_is_told_by_its_line() -> None:
    lines = ["number,purpose,granted\n", "+912212345678,service,9999-12-31\n"]
    with pytest.raises(ConfigError, match=r"^line 2: granted: "):
        consents_reader(400)(lines)
