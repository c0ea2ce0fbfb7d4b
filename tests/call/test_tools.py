import asyncio
from typing import Any, Literal

import pytest

from mediasrv import Agent, Call, tool
from mediasrv.call.tools import MAX_RESULT_CHARS, TOOL_LIMIT_S, run_tool, tools_of
from mediasrv.errors import ConfigError
from mediasrv.providers.base import ToolCall
from tests.virtual import run_virtually

CALL: Any = object()


class Courier(Agent):
    @tool
    async def order_status(self, call: Call, order_id: str, urgent: bool = False) -> str:
        """Look up where
        an order is.

        Not for the model.
        """
        assert call is CALL
        return f"{order_id} is in Pune{' now' if urgent else ''}"

    @tool
    async def rate(self, stars: Literal[1, 2, 3], remark: str | None = None) -> dict[str, Any]:
        """Rate us."""
        return {"stars": stars, "remark": remark}

    @tool
    async def several(self, names: list[str], weight: float, count: int) -> None:
        """Take several things."""

    @tool
    async def fail(self) -> str:
        """Fail."""
        raise ValueError("secret detail")

    @tool
    async def hang(self) -> str:
        """Hang."""
        import asyncio

        await asyncio.sleep(1000)
        return "never"

    @tool
    async def flood(self) -> str:
        """Say too much."""
        return "x" * 1_000_000

    @tool
    async def give_object(self) -> Any:
        """Give what is no JSON."""
        return {"what": object, "when": {1, 2}}

    @tool
    async def give_keys(self) -> dict[int, str]:
        """Return a table by numbers."""
        return {1: "one"}

    @tool
    async def give_strange_keys(self) -> dict[bytes, int]:
        """Return what JSON has no word for."""
        return {b"key": 1}

    @tool
    async def give_circle(self) -> list[object]:
        """Return what has no end."""
        circle: list[object] = []
        circle.append(circle)
        return circle

    @tool
    async def lose_a_task(self) -> None:
        """Wait for what is cancelled."""
        task = asyncio.create_task(asyncio.sleep(1))
        task.cancel()
        await task

    async def not_a_tool(self) -> None:
        """Not for the model."""


def run(name: str, arguments: str = "{}") -> str:
    return run_virtually(run_tool(tools_of(Courier()), ToolCall("c", name, arguments), CALL), limit_s=TOOL_LIMIT_S + 1)


def test_only_marked_methods_are_tools() -> None:
    names = set(tools_of(Courier()))
    assert "order_status" in names
    assert "not_a_tool" not in names


def test_the_model_sees_name_purpose_and_parameters_but_not_the_call() -> None:
    spec = tools_of(Courier())["order_status"].spec
    assert spec.description == "Look up where an order is."
    assert spec.parameters == {
        "type": "object",
        "properties": {"order_id": {"type": "string"}, "urgent": {"type": "boolean"}},
        "required": ["order_id"],
        "additionalProperties": False,
    }


def test_literals_optionals_and_lists_have_schemas() -> None:
    tools = tools_of(Courier())
    assert tools["rate"].spec.parameters["properties"] == {
        "stars": {"type": "integer", "enum": [1, 2, 3]},
        "remark": {"type": "string"},
    }
    assert tools["several"].spec.parameters["properties"]["names"] == {"type": "array", "items": {"type": "string"}}


def test_a_parameter_no_model_can_fill_is_refused_at_the_start() -> None:
    class Odd(Agent):
        @tool
        async def take(self, thing: complex) -> None:
            """Take a thing."""

    with pytest.raises(ConfigError, match=r"take.*thing"):
        tools_of(Odd())


def test_a_tool_that_would_block_is_refused() -> None:
    with pytest.raises(ConfigError, match="async"):

        @tool  # type: ignore[type-var]
        def block() -> None:
            """Block."""


def test_a_tool_is_run_with_the_call_and_the_models_arguments() -> None:
    assert run("order_status", '{"order_id":"7","urgent":true}') == "7 is in Pune now"


def test_a_result_that_is_no_text_is_json() -> None:
    assert run("rate", '{"stars":3}') == '{"stars":3,"remark":null}'


@pytest.mark.parametrize("arguments", ["not json", "[1]", '{"nonsense":1}', "", "null", '"text"'])
def test_bad_arguments_are_told_to_the_model(arguments: str) -> None:
    assert run("order_status", arguments).startswith("error: bad arguments")


def test_a_model_cannot_hand_in_a_call_of_its_own() -> None:
    assert run("order_status", '{"order_id":"7","call":"mine"}') == "7 is in Pune"


def test_an_unknown_tool_is_told_to_the_model() -> None:
    assert run("nonsense") == "error: there is no tool nonsense"


def test_a_tool_that_raises_tells_the_model_without_detail() -> None:
    assert run("fail") == "error: ValueError"


def test_a_tool_that_hangs_is_given_up() -> None:
    assert run("hang") == "error: this takes too long"


def test_a_flood_of_words_is_cut() -> None:
    assert len(run("flood")) == MAX_RESULT_CHARS


def test_what_cannot_be_json_is_told_as_text() -> None:
    assert run("give_object").startswith("{")
    assert run("give_keys") == '{"1":"one"}'
    assert run("give_strange_keys") == "{b'key': 1}"
    assert run("give_circle").startswith("[[")


def test_a_tool_whose_own_task_was_cancelled_does_not_take_the_reply_with_it() -> None:
    assert run("lose_a_task") == "error: this was cancelled"


def test_cancelling_a_reply_cancels_its_tool() -> None:
    async def act() -> None:
        task = asyncio.create_task(run_tool(tools_of(Courier()), ToolCall("c", "hang", "{}"), CALL))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtually(act())


def test_a_tool_may_be_given_less_time() -> None:
    tools = tools_of(Courier(), limit_s=0.5)
    call = ToolCall("c", "hang", "{}")
    assert run_virtually(run_tool(tools, call, CALL), limit_s=1.0) == "error: this takes too long"
