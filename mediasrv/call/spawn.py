"""How a call's parts start tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, Protocol


class Spawn(Protocol):
    """Starts a task that ends with the call, in a context of its own or in the one given."""

    def __call__(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> asyncio.Task[None] | None:
        """Return the task; ``None`` when the call has ended already."""
