"""What OpenAI's Realtime reports when it fails, as our errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediasrv.errors import ProviderError
from mediasrv.providers.loosejson import word

STAGE, PROVIDER = "realtime", "openai_realtime"

# What no other session of this account would be spared.
HOPELESS = frozenset(
    {"insufficient_quota", "invalid_api_key", "account_deactivated", "billing_hard_limit_reached", "model_not_found"}
)
# The session's end by its age; a new one goes on.
EXPIRED = "session_expired"
BUSY = "conversation_already_has_active_response"


def reported(error: Mapping[str, Any], what: str) -> ProviderError:
    """The error that a vendor's ``error`` object stands for; ``what`` says where it was met."""
    code, kind = word(error.get("code")), word(error.get("type"))
    is_ours = code in HOPELESS or kind == "invalid_request_error"
    return ended(f"{what} {code or kind or 'an error'}", retryable=not is_ours or code in (EXPIRED, BUSY))


def ended(what: str, *, retryable: bool) -> ProviderError:
    """An error of this provider."""
    return ProviderError(what, stage=STAGE, provider=PROVIDER, retryable=retryable)
