"""The demo's agent: the story line, which you call to read somebody a story.

A model this small cannot hold a conversation, but shown how, it can listen as one wants to be listened to. What it says
is its own: the examples are about other people.
"""

from __future__ import annotations

from mediasrv.call.options import AgentOptions

LINES = ("lv_austen_0880", "lv_austen_0890", "lv_austen_0930", "lv_austen_0870")
"""What the caller reads, in this order: from the first chapter of Sense and Sensibility."""

STORY_LINE = AgentOptions(
    instructions=("You are a listener who loves stories. Answer each line of the story with a short cry of surprise."),
    greeting="Hello, this is the story line. I love stories! Please read me one.",
    llm={
        "provider": "smollm2",
        "memory_tokens": 0,
        "examples": (
            *("My neighbour has a new dog.", "A new dog! Is it a good dog?"),
            *("She was a very rich woman.", "A rich woman! Was she happy?"),
            *("He never spoke a kind word to his sister.", "Not one kind word! What a cold man!"),
            *("They might have been good friends.", "Good friends! What went wrong?"),
        ),
    },
)
