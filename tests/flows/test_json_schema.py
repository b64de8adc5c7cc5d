"""The JSON Schema for editors says what the loader accepts, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator import yamlsource
from orchestrator.core.errors import FlowError
from orchestrator.flows import json_schema, load_flow
from orchestrator.flows.schema import BACKEND, DEFAULTS, NOT_OF_SERVERS, ROLE, TASK
from orchestrator.flows.settings import form_of
from tests.flows.fakes import BACKENDS, KINDS, AgentSettings, Loads, registry
from tests.flows.json_schema_checker import faults, fits, unknown_words
from tests.flows.mutations import FLOW as FLOW_DATA
from tests.flows.mutations import PLACES, VALUES, changed, load

SCHEMA = json_schema(registry())
TASKS = SCHEMA["properties"]["tasks"]["additionalProperties"]
BACKEND_FORMS = (
    {form["properties"]["kind"]["const"]: form for form in backends["anyOf"]}
    if (backends := SCHEMA["properties"]["backends"]["additionalProperties"])
    else {}
)

STRANGE = "no_such_key"
BAD = Path(__file__).parent / "bad"
GOOD = Path(__file__).parent / "good" / "release_notes.yaml"

HOLDERS = {
    "": "{KEY: 1, tasks: {a: {shell: echo}}}",
    "defaults": "{defaults: {KEY: 1}, tasks: {a: {shell: echo}}}",
    "budget": "{budget: {KEY: 1}, tasks: {a: {shell: echo}}}",
    "inputs/*": "{inputs: {x: {KEY: 1}}, tasks: {a: {shell: echo}}}",
    "secrets/*": "{secrets: {x: {KEY: 1}}, tasks: {a: {shell: echo}}}",
    "groups/*": "{groups: {x: {KEY: 1}}, tasks: {a: {shell: echo}}}",
    "tasks/*": "{tasks: {a: {KEY: 1, shell: echo}}}",
    "tasks/*/retry": "{tasks: {a: {shell: echo, retry: {KEY: 1}}}}",
    "tasks/*/budget": "{tasks: {a: {shell: echo, budget: {KEY: 1}}}}",
    "tasks/*/approve": "{tasks: {a: {shell: echo, approve: {KEY: 1}}}}",
    "tasks/*/for_each": "{tasks: {a: {shell: echo, for_each: {KEY: 1}}}}",
    "tasks/*/shell": "{tasks: {a: {shell: {KEY: 1}}}}",
    "tasks/*/http": "{tasks: {a: {http: {KEY: 1}}}}",
    "tasks/*/llm": "{tasks: {a: {llm: {KEY: 1}}}}",
    "tasks/*/function": "{tasks: {a: {function: {KEY: 1}}}}",
    "tasks/*/flow": "{tasks: {a: {flow: {KEY: 1}}}}",
    "tasks/*/agent": "{tasks: {a: {agent: {KEY: 1}}}}",
    "tasks/*/mcp": "{tasks: {a: {mcp: {KEY: 1}}}}",
    "tasks/*/cache": "{tasks: {a: {llm: hi, cache: {KEY: 1}}}}",
    "mcp_servers/*": "{mcp_servers: {x: {KEY: 1}}, tasks: {a: {shell: echo}}}",
    "roles/*": "{roles: {x: {KEY: 1}}, tasks: {a: {shell: echo}}}",
    "degrade": "{degrade: {KEY: 1}, tasks: {a: {shell: echo}}}",
    "degrade/reduced": "{degrade: {reduced: {KEY: 1}}, tasks: {a: {shell: echo}}}",
    "backends/*/health_check": "{backends: {x: {kind: http, health_check: {KEY: 1}}}, tasks: {a: {shell: echo}}}",
}


def below(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schema and those that it is made of."""
    yield schema
    for inner in schema.get("anyOf", ()):
        yield from below(inner)


def at(place: str) -> dict[str, Any]:
    """Return the schema of the map at a place; `*` is any name."""
    schema: dict[str, Any] = SCHEMA
    for step in filter(None, place.split("/")):
        maps = [one for one in below(schema) if "properties" in one or "additionalProperties" in one]
        schema = maps[0]["additionalProperties"] if step == "*" else maps[0]["properties"][step]
    return [one for one in below(schema) if "properties" in one][-1]


def unknown_keys(folder: Path, text: str) -> set[str]:
    """Return the keys that the loader calls unknown."""
    path = folder / "flow.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_flow(str(path), registry(), environ={})
    except FlowError as error:
        messages = [problem.message for problem in error.problems]
        return {message.split("'")[1] for message in messages if message.startswith("unknown key")}
    return set()


@pytest.mark.parametrize("place", HOLDERS)
def test_the_loader_knows_every_key_of_the_schema(place: str, tmp_path: Path) -> None:
    for key in at(place)["properties"]:
        assert unknown_keys(tmp_path, HOLDERS[place].replace("KEY", key)) == set(), key


@pytest.mark.parametrize("place", HOLDERS)
def test_the_loader_refuses_what_the_schema_does_not_have(place: str, tmp_path: Path) -> None:
    assert at(place)["additionalProperties"] is False
    assert unknown_keys(tmp_path, HOLDERS[place].replace("KEY", STRANGE)) == {STRANGE}


@pytest.mark.parametrize("kind", sorted(BACKENDS.keys() - {"mcp"}))
def test_a_backend_has_its_own_keys_and_the_common_ones(kind: str, tmp_path: Path) -> None:
    form = BACKEND_FORMS[kind]
    assert set(BACKEND) <= set(form["properties"])
    for key in form["properties"]:
        text = f"{{backends: {{x: {{kind: {kind}, {key}: 1}}}}, tasks: {{a: {{shell: echo}}}}}}"
        if key != "kind":
            assert unknown_keys(tmp_path, text) == set(), key


def keys_without_description(schema: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from keys_without_description(inner, f"{path}/{number}")
    if not isinstance(schema, dict):
        return
    for key, inner in schema.get("properties", {}).items():
        if not inner.get("description"):
            yield f"{path}/{key}"
    for key, inner in schema.items():
        yield from keys_without_description(inner, f"{path}/{key}")


def test_every_key_has_a_description() -> None:
    assert list(keys_without_description(SCHEMA)) == []


def test_keys_of_a_later_version_are_not_offered() -> None:
    assert "on_resume" not in TASKS["properties"]
    assert "on_resume" in TASK


def test_what_only_the_program_fills_is_not_offered() -> None:
    assert not {"team", "description", "backend"} & set(form_of(AgentSettings).keys)


def test_an_mcp_server_is_no_kind_of_backend() -> None:
    assert "mcp" not in BACKEND_FORMS
    assert not NOT_OF_SERVERS & set(at("mcp_servers/*")["properties"])
    assert set(BACKEND) - NOT_OF_SERVERS <= set(at("mcp_servers/*")["properties"])


def test_a_role_has_its_own_keys() -> None:
    assert set(at("roles/*")["properties"]) == set(ROLE)


def test_what_a_task_takes_is_every_kind_that_is_installed() -> None:
    assert {"shell", "http", "llm", "function", "flow"} <= set(TASKS["properties"])
    assert {tuple(choice["required"]) for choice in TASKS["oneOf"]} == {
        ("shell",),
        ("http",),
        ("llm",),
        ("function",),
        ("agent",),
        ("subagent",),
        ("mcp",),
        ("flow",),
        ("approve",),
    }


def test_defaults_are_keys_of_tasks_and_of_kinds() -> None:
    assert set(DEFAULTS.keys) - set(TASK) == {"backend", "with"}


def test_the_schema_is_plain_json() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"].startswith("https://json-schema.org/")


def test_a_kind_that_cannot_be_loaded_is_left_out() -> None:
    broken = frozenset({"cursed"})
    schema = json_schema(registry(Loads(KINDS, broken), Loads(BACKENDS, broken)))
    assert schema == SCHEMA


# ── the schema as a whole ───────────────────────────────────────────────────────────────────────


def test_the_checker_knows_every_word_of_the_schema() -> None:
    assert unknown_words(SCHEMA) == set()


def test_the_example_fits_the_schema() -> None:
    assert list(faults(SCHEMA, yamlsource.read(GOOD, environ={}).data)) == []


@pytest.mark.parametrize("name", ["unknown_keys", "wrong_types", "no_kind", "two_kinds", "bad_ids", "matrix", "retry"])
def test_what_a_schema_can_see_to_be_wrong_does_not_fit(name: str) -> None:
    assert not fits(SCHEMA, yamlsource.read(BAD / f"{name}.yaml", environ={}).data)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=2))
def test_what_the_loader_accepts_fits_the_schema(changes: list[tuple[Any, Any]], tmp_path: Path) -> None:
    data: Any = FLOW_DATA
    for path, value in changes:
        data = changed(data, path, value)
    path = tmp_path / "flow.yaml"
    path.write_text(json.dumps(data), encoding="utf-8", errors="replace")
    if load(tmp_path, path.read_text(encoding="utf-8")) is not None:
        assert list(faults(SCHEMA, yamlsource.read(path, environ={}).data)) == []
