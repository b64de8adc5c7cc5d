"""What the messages API sends, as it is on the wire: padded as it pads, in the order in which it comes."""

import json
from collections.abc import Mapping
from typing import Any, Final

SIGNATURE: Final = "EvMBCkYIAxgCKkBDYak8MWbaSLhYkDSp32X3x6JcZ4WLx9bWpJBWz3soCemhipomAzm6cvQzpBc1vGfLeOw7YUVpLwtgoBx9="
REDACTED: Final = "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP"


def started(**usage: object) -> dict[str, Any]:
    counts = {"input_tokens": 25, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}
    return {
        "type": "message_start",
        "message": {
            "id": "msg_01",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": {**counts, "service_tier": "standard", **usage},
        },
    }


def begins(index: int, **block: object) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def grows(index: int, kind: str, **piece: object) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **piece}}


def stops(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str | None, **usage: object) -> dict[str, Any]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 15, **usage}}


PING: Final[dict[str, Any]] = {"type": "ping"}
OVER: Final[dict[str, Any]] = {"type": "message_stop"}
OVERLOADED: Final[dict[str, Any]] = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    return [
        begins(index, type="text", text=""),
        *(grows(index, "text_delta", text=piece) for piece in pieces),
        stops(index),
    ]


def thinking(index: int, *pieces: str, signature: str = SIGNATURE) -> list[dict[str, Any]]:
    return [
        begins(index, type="thinking", thinking="", signature=""),
        *(grows(index, "thinking_delta", thinking=piece) for piece in pieces),
        grows(index, "signature_delta", signature=signature),
        stops(index),
    ]


def call(index: int, name: str, *pieces: str, id: str = "toolu_01") -> list[dict[str, Any]]:  # noqa: A002 - its name
    return [
        begins(index, type="tool_use", id=id, name=name, input={}),
        grows(index, "input_json_delta", partial_json=""),
        *(grows(index, "input_json_delta", partial_json=piece) for piece in pieces),
        stops(index),
    ]


HELLO: Final = [started(), PING, *text(0, "Hello", "!"), ended("end_turn"), OVER]

WORK: Final = [
    started(input_tokens=472, cache_creation_input_tokens=100, cache_read_input_tokens=2_000, output_tokens=89),
    *thinking(0, "Two cities", ", two calls."),
    begins(1, type="redacted_thinking", data=REDACTED),
    stops(1),
    PING,
    *text(2, "Okay", ", checking."),
    *call(3, "get_weather", '{"city":', ' "Zürich"}'),
    *call(4, "get_weather", '{"city": "Kyōto"', "}", id="toolu_02"),
    ended("tool_use", output_tokens=89, output_tokens_details={"thinking_tokens": 30}),
    OVER,
]


def stream(events: list[dict[str, Any]], padding: str = "    ") -> bytes:
    """The events as bytes. The API pads them with spaces, so that their lengths tell nothing."""
    lines = (f"event: {body['type']}\ndata: {_padded(body, padding)}\n\n" for body in events)
    return "".join(lines).encode()


def _padded(body: Mapping[str, Any], padding: str) -> str:
    return json.dumps(body, ensure_ascii=False)[:-1] + padding + "}"


def message(*content: Mapping[str, Any], reason: str | None = "end_turn", **usage: object) -> dict[str, Any]:
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 25, "output_tokens": 15, **usage},
    }
