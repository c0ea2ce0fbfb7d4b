"""The fields that Plivo's voice API takes, request by request."""

from __future__ import annotations

from native_bench.standins.base import Fault


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CALL_FIELDS = _names(
    "from to answer_url answer_method ring_url ring_method hangup_url hangup_method fallback_url fallback_method "
    "caller_name send_digits send_on_preanswer time_limit hangup_on_ring ring_timeout machine_detection "
    "machine_detection_time machine_detection_url machine_detection_method machine_detection_maximum_speech_length "
    "machine_detection_initial_silence machine_detection_maximum_words sip_headers parent_call_uuid "
    "error_if_parent_not_found callback_url callback_method"
)
"""Of ``POST Call/``."""
TRANSFER_FIELDS = _names("call_uuid legs aleg_url aleg_method bleg_url bleg_method callback_url callback_method")
"""Of ``POST Call/{uuid}/``."""
DEEDS = {
    "Record": _names("call_uuid time_limit file_format record_channel_type callback_url callback_method"),
    "Play": _names("call_uuid urls length legs loop mix callback_url callback_method"),
    "Speak": _names("call_uuid text voice language legs loop mix type callback_url callback_method"),
    "DTMF": _names("call_uuid digits leg callback_url callback_method"),
    "Stream": _names(
        "call_uuid service_url bidirectional audio_track stream_timeout status_callback_url status_callback_method "
        "content_type extra_headers noise_cancellation noise_cancellation_level cx_bot"
    ),
}
"""Of what is done to a live call, by the last part of the path; Plivo's own client repeats the call's name."""
NEEDED = {"Play": "urls", "Speak": "text", "DTMF": "digits", "Stream": "service_url"}
"""The one field without which it is refused."""
MESSAGES = {"Record": "call recording started", "Stream": "audio streaming started", "DTMF": "digits sent"}
"""What is answered."""

FAULTS = (
    Fault("refuse", status=500),
    Fault("refuse", status=429),
    Fault("reset"),
    Fault("lost"),
    Fault("obeyed", status=503),
)
"""What befalls requests by chance."""
