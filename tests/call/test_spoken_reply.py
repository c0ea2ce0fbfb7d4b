"""A model that writes for the eye, in a call."""

from __future__ import annotations

from tests.call.stage import Stage, agent_options, perform

WRITTEN = """<think>They want plans.</think>Here are **our plans**, take your time:

1. Basic - ₹1,23,456/-
2. *Premium* 😀

```json
{"never": "said"}
```
See [our page](https://example.com/a), or write to ravi@example.com. Call 98765 43210!"""

SAID = (
    "Here are our plans, take your time: 1. Basic - 1 lakh 23 thousand 456 rupees. 2. Premium. "
    "See our page, or write to ravi at example dot com. Call 9 8 7 6 5, 4 3 2 1 0!"
)


def test_what_is_written_for_the_eye_is_neither_heard_nor_kept() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(20)

    stage = perform(act, agent_options(llm={"replies": (WRITTEN,)}, stt={"texts": ("Which plans?",)}))
    assert stage.watch.words[:2] == [("caller", "Which plans?"), ("bot", SAID)]
