"""Names that were used: a signed request counts once, or whoever has seen one could send it again."""

from __future__ import annotations

from collections import OrderedDict

LIFE_S = 900.0
"""How long a nonce is remembered: carriers send a webhook again for a minute at most."""
MOST = 20_000
"""How many are remembered; a server of a thousand calls gets fewer webhooks in that time."""


class Nonces:
    """Of one carrier; what is remembered is bounded in number and time."""

    def __init__(self, life_s: float = LIFE_S, most: int = MOST) -> None:
        self._life_s = life_s
        self._most = most
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_new(self, nonce: str, now: float) -> bool:
        """Whether it was not used before, as far as is remembered; it is used from now on."""
        while self._seen and next(iter(self._seen.values())) <= now:
            self._seen.popitem(last=False)
        if nonce in self._seen:
            return False
        if len(self._seen) >= self._most:
            self._seen.popitem(last=False)
        self._seen[nonce] = now + self._life_s
        return True
