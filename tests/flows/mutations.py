"""A small flow with a bit of everything, and ways to spoil it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from orchestrator.core.errors import FlowError
from orchestrator.core.flow import Flow
from orchestrator.flows import load_flow
from tests.flows.fakes import registry

FLOW: dict[str, Any] = json.loads("""{
  "version": 1,
  "inputs": {"name": {"type": "string", "default": "x", "choices": ["x", "y"]}},
  "secrets": {"S": {"env": "S"}},
  "defaults": {"attempt_timeout": "1m", "with": ["bash", "-c"]},
  "budget": {"tokens": "10k"},
  "backends": {"off": {"kind": "simulated", "rate_limit": {"requests": 5, "per": "1s"}, "fallback": []}},
  "mcp_servers": {"git": {"command": ["git-server", "{{ inputs.name }}"], "env": {"A": 1}, "health_check": "1m"}},
  "roles": {"critic": {"backend": "off", "system": "Be {{ inputs.name }}.", "tools": ["git.*"], "max_turns": 3}},
  "degrade": {"reduced": {"when": ["off", "git"], "models": {"off": "small"}, "skip_optional": true}},
  "groups": {"late": {"max_concurrency": 2}},
  "tasks": {
    "build": {"shell": {"command": "make {{ inputs.name }}", "env": {"A": 1}}, "retry": {"max_attempts": 3}},
    "each": {"for_each": {"items": ["a", "b"], "as": "word"}, "http": {"url": "/{{ word }}", "json": {"x": [1]}}},
    "pair": {"for_each": {"each": "each"}, "llm": {"backend": "off", "prompt": "{{ each.text }}", "max_tokens": 5}},
    "grid": {"matrix": {"os": ["x"], "py": "{{ build.parsed }}"}, "function": {"call": "m:f", "args": ["{{ os }}"]}},
    "agent": {"agent": {"role": "critic", "prompt": "{{ build }}", "confirm": ["git.*"]}, "save": "x/{{ build }}.md"},
    "lead": {"agent": {"role": "orchestrator", "backend": "off", "prompt": "go", "subagents": ["critic", "writer"]}},
    "tool": {"mcp": {"tool": "git.log", "arguments": {"x": ["{{ agent.text }}"]}}},
    "kept": {"llm": {"backend": "off", "prompt": "hi"}, "cache": {"ttl": "1h"}},
    "gate": {"approve": {"message": "Go?", "timeout": "1h"}, "depends_on": ["group:default"], "group": "late"},
    "last": {"depends_on": {"gate": "settled"}, "group": "late", "shell": "echo {{ build }}", "until": "parsed.ok"}
  },
  "outputs": {"x": "{{ last }}"}
}""")

WORDS = st.sampled_from(
    [
        "",
        "x",
        "build",
        "{{ build }}",
        "{{ x",
        "${x}",
        "{% if %}",
        "3s",
        "-1",
        "group:late",
        "item",
        "\0",
        "a/b",
        "~",
        "git",
        "git.x",
    ]
)
HUGE = st.sampled_from([10**299, -(10**299), "9" * 400, 1e308])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | HUGE | WORDS | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from(list(FLOW)), inner, max_size=3),
    max_leaves=6,
)


def paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """Return the places of all values."""
    found = [path]
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        found += paths(value, (*path, key))
    return found


PLACES = [path for path in paths(FLOW) if path]


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the data with another value at the path; where that is gone, the data as it is."""
    if not path:
        return value
    try:
        copy = data.copy()
        copy[path[0]] = changed(copy[path[0]], path[1:], value)
    except (AttributeError, KeyError, IndexError, TypeError):
        return data
    return copy


def load(folder: Path, text: str) -> Flow | None:
    path = folder / "flow.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        return load_flow(str(path), registry(), environ={}).flow
    except FlowError as error:
        said = error.problems
    assert said
    assert all(problem.file and problem.message for problem in said)
    return None
