"""The demo's agent: a reading line, to which a caller reads Jane Austen aloud."""

from __future__ import annotations

from mediasrv.call.options import AgentOptions

LINES = ("lv_austen_0880", "lv_austen_0930", "lv_austen_0890")
"""What the caller reads, in this order."""

READING_LINE = AgentOptions(
    instructions="You are the host of a Jane Austen reading line.",
    greeting="Welcome to the Austen reading line. Read me a sentence, and I will tell you what I make of it.",
)
