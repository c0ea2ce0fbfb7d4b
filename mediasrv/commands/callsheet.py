"""Records of calls, laid out for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mediasrv.simulator.table import columns

Json = dict[str, Any]
Shown = Callable[[str], str]
"""What may be shown of a number."""


def brief(calls: Sequence[Json], shown: Shown) -> list[str]:
    """A line for each call, under a head."""
    rows = [("started", "", "from", "to", "agent", "lasted", "ended by", "id")]
    for call in calls:
        ended = ("live", "") if call["ended"] is None else (_lasted(call["duration_s"]), call["cause"])
        numbers = shown(call["from_number"]), shown(call["to_number"])
        rows.append((_moment(call["started"]), call["direction"], *numbers, call["agent"], *ended, call["id"]))
    return columns(rows)


def whole(call: Json, shown: Shown) -> list[str]:
    """All that is known of one."""
    numbers = " to ".join(shown(call[name]) or "unknown" for name in ("from_number", "to_number"))
    head = [
        ("call", call["id"]),
        ("carrier", f"{call['carrier']}, {call['direction']}, {numbers}"),
        ("started", _moment(call["started"])),
        ("ended", "live" if call["ended"] is None else f"{_moment(call['ended'])}: {call['cause']}"),
    ]
    parties = (
        f"{leg['kind']} {leg['party'] if leg['kind'] == 'agent' else shown(leg['party'])}" for leg in call["legs"]
    )
    head.append(("legs", ", ".join(parties)))
    spent = (f"{use['provider']} {use['amount']:g} {use['use']}" for use in call["usage"])
    head.append(("used", ", ".join(spent) or "nothing"))
    head += [("recording", f"{each['place']} ({each['duration_ms'] / 1000:.1f} s)") for each in call["recordings"]]
    return [*columns(head), "", *_words(call["transcript"]), "", *_turns(call["turns"])]


def _words(transcript: Sequence[Json]) -> list[str]:
    if not transcript:
        return ["no words are kept"]
    return [f"{words['side']:>6}  {words['text']}{'' if words['complete'] else ' …'}" for words in transcript]


def _turns(turns: Sequence[Json]) -> list[str]:
    if not turns:
        return ["no turn was answered"]
    parts = [name for name in turns[0] if name.endswith("_ms") and name != "response_ms"]
    head = ("turn", *(part.removesuffix("_ms").replace("_", " ") for part in parts), "in all")
    rows = [(str(turn["turn"]), *(str(turn[part]) for part in parts), f"{turn['response_ms']} ms") for turn in turns]
    return columns([head, *rows])


def _moment(iso: str) -> str:
    """To the second."""
    return iso[:19].replace("T", " ")


def _lasted(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
