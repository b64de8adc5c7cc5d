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
from orchestrator.flows import bounds, check_inputs, graph, plan
from tests.flows.fakes import registry
from tests.flows.mutations import FLOW, PLACES, VALUES, changed, load

EXAMPLE = (Path(__file__).parent / "good" / "release_notes.yaml").read_text(encoding="utf-8")


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
