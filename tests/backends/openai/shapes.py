"""Answers as real servers send them, without what no client reads."""

from __future__ import annotations

from typing import Any

from orchestrator.core.model import ModelRequest, said
from tests.models.playback import named, sse

ID = "chatcmpl-Dx0Xq5Xx9rHB2ehcHZCRDsnuymUXc"
MODEL = "gpt-4o-mini-2024-07-18"
ASKED = ModelRequest((said("user", "What is the capital of the UK?"),), model="gpt-4o-mini")
USAGE = {
    "prompt_tokens": 78,
    "completion_tokens": 9,
    "total_tokens": 87,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0},
}


def delta(_finish: str | None = None, **said: object) -> dict[str, Any]:
    """A chunk of a streamed chat completion."""
    return {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": 1782955818,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": "fp_d0469e1700",
        "choices": [{"index": 0, "delta": said, "logprobs": None, "finish_reason": _finish}],
        "usage": None,
    }


def used(**usage: object) -> dict[str, Any]:
    return {**delta(), "choices": [], "usage": usage or USAGE}


def call(index: object, id_: str | None = None, name: str | None = None, arguments: object = "") -> dict[str, Any]:
    """A bit of a tool call, as a delta has it."""
    written: dict[str, Any] = {"function": {"arguments": arguments}}
    written |= {} if index is None else {"index": index}
    written |= {} if id_ is None else {"id": id_, "type": "function"}
    if name is not None:
        written["function"]["name"] = name
    return written


WORDS = ("The", " capital", " of", " the", " UK", " is", " London", ".")
TEXT = "".join(WORDS)

CHAT = sse(
    delta(role="assistant", content="", refusal=None),
    *(delta(content=word) for word in WORDS),
    delta("stop"),
    used(),
    "[DONE]",
)

CALLS = sse(
    delta(role="assistant", content=None, tool_calls=[call(0, "call_ZR5", "get_capital")], refusal=None),
    delta(tool_calls=[call(0, arguments='{"')]),
    delta(tool_calls=[call(0, arguments="country")]),
    delta(tool_calls=[call(0, arguments='":"UK"}')]),
    delta(tool_calls=[call(1, "call_9Qb", "get_capital")]),
    delta(tool_calls=[call(1, arguments='{"country":"France"}')]),
    delta("tool_calls"),
    used(),
    "[DONE]",
)


def completion(**message: object) -> dict[str, Any]:
    """A chat completion that comes at once."""
    return {
        "id": ID,
        "object": "chat.completion",
        "created": 1782955818,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "refusal": None, "annotations": [], **message},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
        "service_tier": "default",
    }


# ── responses ───────────────────────────────────────────────────────────────────────────────────

RESPONSE = {
    "id": "resp_6851100bb71481a2",
    "object": "response",
    "created_at": 1750142987,
    "status": "in_progress",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "model": "o3-mini-2025-01-31",
    "output": [],
    "reasoning": {"effort": "low", "summary": "detailed"},
    "store": False,
    "usage": None,
}
SPENT = {
    "input_tokens": 40,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 70,
}

THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA=="}
SAID = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": "It is sunny."}],
}
WISHED = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "arguments": '{"city":"Oslo"}',
    "call_id": "call_1",
    "name": "get_weather",
}


def response(*output: dict[str, Any], status: str = "completed", **more: object) -> dict[str, Any]:
    return {**RESPONSE, "status": status, "output": list(output), "usage": SPENT, **more}


def event(type_: str, **more: object) -> dict[str, Any]:
    return {"type": f"response.{type_}", "sequence_number": 1, **more}


RESPONSES = named(
    event("created", response=RESPONSE),
    event("in_progress", response=RESPONSE),
    event("output_item.added", output_index=0, item={**THOUGHT, "encrypted_content": None}),
    event("reasoning_summary_part.added", item_id="rs_1", output_index=0, summary_index=0, part={}),
    event("reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=0, delta="Look it"),
    event("reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=0, delta=" up."),
    event("reasoning_summary_part.added", item_id="rs_1", output_index=0, summary_index=1, part={}),
    event("reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=1, delta="Done."),
    event("output_item.done", output_index=0, item=THOUGHT),
    event("output_item.added", output_index=1, item={**SAID, "status": "in_progress", "content": []}),
    event("content_part.added", item_id="msg_1", output_index=1, content_index=0, part={"type": "output_text"}),
    event("output_text.delta", item_id="msg_1", output_index=1, content_index=0, delta="It is"),
    event("output_text.delta", item_id="msg_1", output_index=1, content_index=0, delta=" sunny."),
    event("output_text.done", item_id="msg_1", output_index=1, content_index=0, text="It is sunny."),
    event("output_item.done", output_index=1, item=SAID),
    event("output_item.added", output_index=2, item={**WISHED, "status": "in_progress", "arguments": ""}),
    event("function_call_arguments.delta", item_id="fc_1", output_index=2, delta='{"city"'),
    event("function_call_arguments.delta", item_id="fc_1", output_index=2, delta=':"Oslo"}'),
    event("function_call_arguments.done", item_id="fc_1", output_index=2, arguments='{"city":"Oslo"}'),
    event("output_item.done", output_index=2, item=WISHED),
    event("completed", response=response(THOUGHT, SAID, WISHED)),
)
