"""Where a model's items lie on the playout axis, so that the model can be told how much of each was heard."""

from __future__ import annotations


class Spans:
    """Items by the positions, in samples, of their audio; an item may lie in several places."""

    def __init__(self) -> None:
        self._spans: list[tuple[str, int, int]] = []

    def add(self, item: str, start: int, samples: int) -> None:
        """Audio of an item was queued at a position."""
        if self._spans and self._spans[-1][0] == item and self._spans[-1][2] == start:
            _, first, _ = self._spans.pop()
            start, samples = first, start + samples - first
        self._spans.append((item, start, start + samples))

    def clear(self) -> None:
        """All of it was heard."""
        self._spans.clear()

    def cut(self, ear: int) -> list[tuple[str, int]]:
        """The caller heard up to a position: items that were not heard to their ends, with the samples that were."""
        heard: dict[str, int] = {}
        unheard: set[str] = set()
        for item, start, end in self._spans:
            heard[item] = heard.get(item, 0) + min(max(ear - start, 0), end - start)
            if ear < end:
                unheard.add(item)
        self._spans.clear()
        return [(item, samples) for item, samples in heard.items() if item in unheard]
