"""An agent of LiveKit's on a Plivo stream: run by the Python of an environment that has it, never by ours.

    python livekit_server.py PORT SETTINGS

``SETTINGS`` is JSON: where the stand-ins are (``stt``, ``llm``, ``tts``), their keys, the voice, and the port at which
the server says that it is ready (``health_port``). The stream is served by agent-transport, Plivo's adapter for LiveKit
Agents, which paces audio in Rust; the agent is an ``AgentSession`` with LiveKit's own Deepgram, OpenAI and ElevenLabs
plugins and all else at its default. What is set makes it cheaper: 8 kHz for the recogniser and for the voice, which is
asked for plain samples instead of MP3, and a log without information.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from agent_transport.audio_stream.livekit import AudioStreamServer, JobContext
from livekit.agents import Agent, AgentSession
from livekit.plugins import deepgram, elevenlabs, openai

RATE_HZ = 8000


def session(settings: dict[str, Any]) -> AgentSession:
    """Hear, think, speak."""
    return AgentSession(
        stt=deepgram.STT(api_key=settings["stt_key"], base_url=f"{settings['stt']}/v1/listen", sample_rate=RATE_HZ),
        llm=openai.LLM(api_key=settings["llm_key"], base_url=f"{settings['llm']}/v1", model="stand-in"),
        tts=elevenlabs.TTS(
            api_key=settings["tts_key"],
            base_url=f"{settings['tts']}/v1",
            voice_id=settings["voice"],
            encoding=f"pcm_{RATE_HZ}",
        ),
    )


def main(port: str, settings: dict[str, Any]) -> None:
    """Serve until SIGTERM."""
    logging.disable(logging.INFO)
    server = AudioStreamServer(
        listen_addr=f"127.0.0.1:{port}", host="127.0.0.1", port=settings["health_port"], sample_rate=RATE_HZ
    )

    async def answer(context: JobContext) -> None:
        context.session = session(settings)
        await context.session.start(agent=Agent(instructions=settings["instructions"]), room=context.room)

    server.audio_stream_session()(answer)
    # Its ``run`` is a command line of its own.
    sys.argv[1:] = ["start"]
    server.run()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
