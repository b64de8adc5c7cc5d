"""Whatever stands in a file, it is a flow or told to be none: never a crash, never a hang."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import FlowError
from orchestrator.core.flow import Flow
from orchestrator.flows import bounds, check_inputs, graph, load_flow, plan
from tests.flows.fakes import registry

EXAMPLE = (Path(__file__).parent / "good" / "release_notes.yaml").read_text(encoding="utf-8")

FLOW: dict[str, Any] = json.loads("""{
  "version": 1,
  "inputs": {"name": {"type": "string", "default": "x", "choices": ["x", "y"]}},
  "secrets": {"S": {"env": "S"}},
  "defaults": {"attempt_timeout": "1m", "with": ["bash", "-c"]},
  "budget": {"tokens": "10k"},
  "backends": {"off": {"kind": "simulated", "rate_limit": {"requests": 5, "per": "1s"}, "fallback": []}},
  "groups": {"late": {"max_concurrency": 2}},
  "tasks": {
    "build": {"shell": {"command": "make {{ inputs.name }}", "env": {"A": 1}}, "retry": {"max_attempts": 3}},
    "each": {"for_each": {"items": ["a", "b"], "as": "word"}, "http": {"url": "/{{ word }}", "json": {"x": [1]}}},
    "pair": {"for_each": {"each": "each"}, "llm": {"backend": "off", "prompt": "{{ each.text }}", "max_tokens": 5}},
    "grid": {"matrix": {"os": ["x"], "py": "{{ build.parsed }}"}, "function": {"call": "m:f", "args": ["{{ os }}"]}},
    "gate": {"approve": {"message": "Go?", "timeout": "1h"}, "depends_on": ["group:default"], "group": "late"},
    "last": {"depends_on": {"gate": "settled"}, "group": "late", "shell": "echo {{ build }}", "until": "parsed.ok"}
  },
  "outputs": {"x": "{{ last }}"}
}""")

WORDS = st.sampled_from(
    ["", "x", "build", "{{ build }}", "{{ x", "${x}", "{% if %}", "3s", "-1", "group:late", "item", "\0", "a/b", "~"]
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


def use(flow: Flow | None) -> None:
    """Do with a flow what can be done without running it."""
    if flow is not None:
        plan(flow)
        bounds(flow, registry())
        for shape in ("text", "mermaid", "dot"):
            graph(flow, shape)


CAREFUL = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_the_flow_that_is_mutated_is_right(tmp_path: Path) -> None:
    assert load(tmp_path, json.dumps(FLOW)) is not None


@CAREFUL
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=4))
def test_any_value_at_any_place_is_a_flow_or_a_flow_error(changes: list[tuple[Any, Any]], tmp_path: Path) -> None:
    data: Any = FLOW
    for path, value in changes:
        data = changed(data, path, value)
    use(load(tmp_path, json.dumps(data)))


@CAREFUL
@given(extra=st.dictionaries(st.text(max_size=10), VALUES, max_size=4), section=st.sampled_from(sorted(FLOW)))
def test_any_key_in_any_section_is_a_flow_or_a_flow_error(extra: dict[str, Any], section: str, tmp_path: Path) -> None:
    own = FLOW[section] if isinstance(FLOW[section], dict) else {}
    use(load(tmp_path, json.dumps({**FLOW, section: {**own, **extra}})))
    use(load(tmp_path, json.dumps({**FLOW, **extra})))


@CAREFUL
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 5))
def test_any_damage_to_the_text_is_a_flow_or_a_flow_error(seed: int, cuts: int, tmp_path: Path) -> None:
    chance, text = random.Random(seed), EXAMPLE  # noqa: S311 - damage need not be secret
    for _ in range(cuts):
        at, length = chance.randrange(len(text)), chance.randrange(30)
        pieces = ["", " ", "\t", "- ", ": ", "{{ ", "}}", "[", "&a ", "*a", "'", '"', "|\n", text[at : at + 40]]
        text = text[:at] + chance.choice(pieces) + text[at + length :]
    use(load(tmp_path, text))


@CAREFUL
@given(values=st.dictionaries(st.sampled_from(["s", "i", "f", "b", "p", "l", "m", "x"]), st.text(max_size=20)))
def test_any_text_for_an_input_is_a_value_or_a_flow_error(values: dict[str, str], tmp_path: Path) -> None:
    types = {"s": "string", "i": "int", "f": "float", "b": "bool", "p": "path", "l": "list", "m": "map"}
    declared = {name: {"type": kind} for name, kind in types.items()}
    flow = load(tmp_path, json.dumps({"inputs": declared, "tasks": {"a": {"shell": "x"}}}))
    assert flow is not None
    try:
        result = check_inputs(flow, values, cwd=str(tmp_path))
    except FlowError:
        return
    assert set(result) == set(types)


@pytest.mark.parametrize("name", ["\0", "x" * 5_000, "~nobody-of-that-name/x.yaml", "/dev", "."])
def test_strange_names_of_files_are_told(name: str, tmp_path: Path) -> None:
    tasks = {"a": {"flow": name}, "b": {"llm": {"backend": "off", "prompt": {"file": name}}}}
    assert load(tmp_path, json.dumps({"backends": {"off": {"kind": "simulated"}}, "tasks": tasks})) is None
