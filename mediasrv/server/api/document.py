"""What the API is: its operations and their shapes, from which routes, checks and the OpenAPI document are all made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mediasrv.outbound.options import PURPOSES
from mediasrv.records.archive import MOST_CALLS
from mediasrv.records.tables import PARTS
from mediasrv.server.api.schema import Schema

_NUMBER = r"^\+?[0-9 ().-]{3,30}$"
_MAX_CHARS = 500

TEXT: Schema = {"type": "string"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
_TIME: Schema = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_WHOLE_MS: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}


def _object(properties: Mapping[str, Schema], optional: Sequence[str] = (), **more: Any) -> Schema:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
        **more,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_CALL: dict[str, Schema] = {
    "id": {"type": "string", "description": "the carrier's name for the call"},
    "carrier": TEXT,
    "agent": TEXT,
    "direction": {"type": "string", "enum": ["inbound", "outbound"]},
    "from_number": TEXT,
    "to_number": TEXT,
    "started": _TIME,
    "ended": {**_MAYBE_TIME, "description": "null while the call is live"},
    "duration_s": _MAYBE_NUMBER,
    "cause": {**_MAYBE_TEXT, "description": "why it ended"},
}
_LEG = {
    "id": TEXT,
    "kind": TEXT,
    "party": {**TEXT, "description": "the agent, or a number"},
    "started": _TIME,
    "ended": _MAYBE_TIME,
    "cause": _MAYBE_TEXT,
}
_TURN = {"turn": {"type": "integer"}, "heard": _TIME, "response_ms": _WHOLE_MS, **dict.fromkeys(PARTS, _WHOLE_MS)}
_WORDS = {"at": _TIME, "side": {"type": "string", "enum": ["caller", "bot"]}, "text": TEXT, "complete": _FLAG}
_USE = {"provider": TEXT, "use": TEXT, "amount": {"type": "number"}}
_RECORDING = {"place": TEXT, "maker": TEXT, "began": _TIME, "duration_ms": _WHOLE_MS, "is_whole": _FLAG}

SCHEMAS: Mapping[str, Schema] = {
    "Error": _object({"error": _object({"code": TEXT, "message": TEXT})}),
    "Call": _object(_CALL),
    "Calls": _object(
        {"calls": _list(_ref("Call")), "next": {**_MAYBE_TEXT, "description": "`after` of the next page"}}
    ),
    "CallRecord": _object(
        {
            **_CALL,
            "body": {"type": "object", "description": "what was handed to the agent"},
            "legs": _list(_object(_LEG)),
            "turns": _list(_object(_TURN)),
            "transcript": _list(_object(_WORDS)),
            "usage": _list(_object(_USE)),
            "recordings": _list(_object(_RECORDING)),
        }
    ),
    "CallOrder": _object(
        {
            "to_number": {"type": "string", "pattern": _NUMBER, "description": "a number in E.164"},
            "agent": {"type": "string", "minLength": 1, "maxLength": 100, "default": "default"},
            "purpose": {"type": "string", "enum": list(PURPOSES), "default": "transactional"},
            "body": {"type": "object", "description": "handed to the agent as call.body"},
            "from_number": {"type": "string", "pattern": _NUMBER, "description": "a number in E.164"},
            "zone": {"type": "string", "maxLength": 100, "description": "where the callee lives: Asia/Kolkata"},
            "campaign": {"type": "string", "maxLength": 100},
        },
        optional=("agent", "purpose", "body", "from_number", "zone", "campaign"),
    ),
    "Order": _object({"order": {"type": "string", "description": "name of the order; the call follows"}}),
    "Words": _object(
        {"text": {"type": "string", "minLength": 1, "maxLength": 5000}, "interruptible": {**_FLAG, "default": True}},
        optional=("interruptible",),
    ),
    "Keys": _object(
        {"digits": {"type": "string", "pattern": "^[0-9A-D*#]{1,64}$", "description": "1 to 64 of 0-9, A-D, * and #"}}
    ),
    "Target": _object(
        {
            "to": {
                "type": "string",
                "minLength": 3,
                "maxLength": 200,
                "description": "a number in E.164, or a SIP URI",
            },
            "briefing": {"type": "string", "maxLength": 5000, "description": "what he is told before he is connected"},
            "caller_id": {"type": "string", "pattern": _NUMBER, "description": "a number in E.164, which he sees"},
            "timeout_s": {"type": "integer", "minimum": 5, "maximum": 120, "default": 30},
        },
        optional=("briefing", "caller_id", "timeout_s"),
    ),
    "RecordingWish": _object(
        {"by": {"type": "string", "enum": ["carrier", "server"], "description": "the carrier, where it is reachable"}},
        optional=("by",),
    ),
    "Done": _object({"id": TEXT, "recording": _MAYBE_TEXT}, optional=("recording",)),
}

_QUERY: Mapping[str, Schema] = {
    "number": {"type": "string", "pattern": _NUMBER, "description": "a number in E.164, of either side"},
    "text": {"type": "string", "maxLength": 200, "description": "in numbers, names, the cause, or what was said"},
    "agent": {"type": "string", "maxLength": 100},
    "direction": {"type": "string", "enum": ["inbound", "outbound"]},
    "live": {"type": "string", "enum": ["true", "false"]},
    "since": {"type": "string", "maxLength": 40, "format": "date-time", "description": "started then or later"},
    "until": {"type": "string", "maxLength": 40, "format": "date-time", "description": "started before then"},
    "after": {"type": "string", "maxLength": _MAX_CHARS, "description": "`next` of the page before"},
    "most": {"type": "string", "pattern": "^[1-9][0-9]{0,2}$", "description": f"1 to {MOST_CALLS}"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that may be asked."""

    name: str
    method: str
    path: str
    summary: str
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: str = ""
    """Schema of the body, if there is to be one."""
    status: int = 200
    answer: str = ""
    """Schema of the answer where all is well."""
    faults: tuple[int, ...] = ()
    """What else may be answered, besides ``COMMON_FAULTS``."""


COMMON_FAULTS = (400, 401, 403, 408, 413, 415, 422, 429, 500, 503)
FAULTS: Mapping[int, str] = {
    400: "the request is not what the operation takes",
    401: "no token, or a wrong one",
    403: "no token is configured",
    404: "there is no such call",
    408: "the request's body did not come",
    409: "the call cannot do that, or is over",
    413: "the body is too large",
    415: "the body is no JSON",
    422: "the request is understood and refused; the code says by which rule",
    429: "too many wrong tokens",
    500: "our mistake",
    502: "the carrier refused, or did not answer",
    503: "not configured, or not to be had just now",
}
_ON_LIVE = (404, 409, 502)

OPERATIONS = (
    Operation(
        name="list_calls", method="GET", path="/calls", query=_QUERY, answer="Calls",
        summary="Calls, newest first: live ones, and those that are over where records are kept.",
    ),
    Operation(
        name="place_call", method="POST", path="/calls", body="CallOrder", status=202, answer="Order", faults=(409,),
        summary="Order a call, through the compliance gate.",
    ),
    Operation(
        name="show_call", method="GET", path="/calls/{id}", answer="CallRecord", faults=(404,),
        summary="All that is known of a call.",
    ),
    Operation(
        name="end_call", method="DELETE", path="/calls/{id}", status=202, answer="Done", faults=_ON_LIVE,
        summary="Hang up.",
    ),
    Operation(
        name="say", method="POST", path="/calls/{id}/say", body="Words", status=202, answer="Done", faults=_ON_LIVE,
        summary="Have the bot say something, behind what it is saying.",
    ),
    Operation(
        name="dtmf", method="POST", path="/calls/{id}/dtmf", body="Keys", status=202, answer="Done", faults=_ON_LIVE,
        summary="Press keys toward the far end.",
    ),
    Operation(
        name="transfer", method="POST", path="/calls/{id}/transfer", body="Target", status=202, answer="Done",
        faults=_ON_LIVE, summary="Hand the caller over to somebody else.",
    ),
    Operation(
        name="record", method="POST", path="/calls/{id}/record", body="RecordingWish", status=202, answer="Done",
        faults=_ON_LIVE,
        summary="Record the call from now on, once for all that ask; whoever asks sees that the caller is told.",
    ),
)  # fmt: skip


def document(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mediasrv operator's API", "version": version},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()
    ]
    if "{id}" in operation.path:
        parameters.append({"name": "id", "in": "path", "required": True, "schema": TEXT})
    answers = {str(operation.status): {"description": "done", "content": _json(operation.answer)}}
    for status in sorted({*COMMON_FAULTS, *operation.faults}):
        answers[str(status)] = {"description": FAULTS[status], "content": _json("Error")}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": answers,
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    return described


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": _ref(name)}}
