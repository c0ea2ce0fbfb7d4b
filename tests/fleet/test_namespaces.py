"""A fleet in network namespaces, where a node is cut off as by a pulled cable: nothing comes back, not even a reset."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.fleet.namespaces import namespaces
from tests.fleet.processes import fleet, has_programs
from tests.patience import WAIT_S

pytestmark = [
    pytest.mark.long,
    pytest.mark.alone,
    pytest.mark.timeout(3 * WAIT_S),
    pytest.mark.skipif(not has_programs(), reason="needs haproxy and redis-server: apt-get install them"),
]


async def test_a_node_whose_cable_is_pulled_gets_no_new_calls_and_has_its_own_when_it_is_back(tmp_path: Path) -> None:
    try:
        with namespaces("ab") as made:
            async with fleet(tmp_path, made.sites) as there:
                callers = await there.callers(4)
                assert Counter(each.nodes[0] for each in callers) == {"a": 2, "b": 2}
                made.plug("b", is_in=False)
                # Nobody knows it yet: the registry takes it for the node with the most room.
                new = await there.callers(2)
                assert [each.nodes for each in new] == [["a"]] * 2
                await there.counts({"a": 4, "b": -1})
                made.plug("b", is_in=True)
                await there.counts({"a": 4, "b": 2})
                async with asyncio.timeout(WAIT_S):
                    assert all([await each.press() for each in callers + new])
                assert [len(each.nodes) for each in callers + new] == [1] * 6
                await there.are_over(callers + new)
    except PermissionError as error:
        pytest.skip(f"needs root and network namespaces: {error}")
