"""A bot of Pipecat's on a Plivo stream: run by the Python of an environment that has Pipecat, never by ours.

    python pipecat_server.py PORT SETTINGS

``SETTINGS`` is JSON: where the stand-ins are (``stt``, ``llm``, ``tts``), their keys and the voice. It is built as
Pipecat's own starter for telephones is: its serializer for Plivo, its transport for FastAPI's WebSockets, its Silero
voice detector, its default strategies of turn-taking (Smart Turn on the same core), its Deepgram, OpenAI and ElevenLabs
services, 8 kHz in and out. Metrics are off and uvloop is used, which is cheaper than its defaults. Nothing else is set.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import WorkerRunner
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.serializers.plivo import PlivoFrameSerializer
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.elevenlabs.tts import ElevenLabsTTSService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport

RATE_HZ = 8000

settings: dict[str, Any] = {}


async def ready() -> dict[str, str]:
    return {}


async def answer(websocket: WebSocket) -> None:
    """One call, from the carrier's ``start`` to its end."""
    await websocket.accept()
    start = json.loads(await websocket.receive_text())["start"]
    serializer = PlivoFrameSerializer(
        start["streamId"], start["callId"], params=PlivoFrameSerializer.InputParams(auto_hang_up=False)
    )
    params = FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer)
    transport = FastAPIWebsocketTransport(websocket, params)
    worker = PipelineWorker(
        pipeline(transport), params=PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ)
    )

    async def leave(*_: object) -> None:
        await worker.cancel()

    transport.add_event_handler("on_client_disconnected", leave)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def pipeline(transport: FastAPIWebsocketTransport) -> Pipeline:
    """Hear, think, speak."""
    stt = DeepgramSTTService(api_key=settings["stt_key"], base_url=settings["stt"])
    llm = OpenAILLMService(
        api_key=settings["llm_key"],
        base_url=f"{settings['llm']}/v1",
        settings=OpenAILLMService.Settings(model="stand-in", system_instruction=settings["instructions"]),
    )
    tts = ElevenLabsTTSService(
        api_key=settings["tts_key"],
        url=settings["tts"].replace("http", "ws", 1),
        settings=ElevenLabsTTSService.Settings(voice=settings["voice"]),
    )
    user, assistant = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    return Pipeline([transport.input(), stt, user, llm, tts, transport.output(), assistant])


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    settings.update(json.loads(sys.argv[2]))
    app = FastAPI()
    app.add_api_route("/readyz", ready)
    app.add_api_websocket_route("/plivo/stream", answer)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
