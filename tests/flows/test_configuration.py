"""What the configuration declares for all flows, and how flows come by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator import yamlsource
from orchestrator.core.errors import FlowError
from orchestrator.core.flow import Flow, Price
from orchestrator.flows import load_flow
from orchestrator.flows.ready_roles import READY_ROLES
from orchestrator.yamlsource import YamlError
from tests.flows.fakes import AgentSettings, ServerSettings, registry
from tests.flows.mutations import VALUES, changed, paths


def load(folder: Path, flow: str, *configurations: str) -> Flow:
    """Load a flow under configurations, the nearest first; their files are called near.yaml, 1.yaml and so on."""
    (folder / "flow.yaml").write_text(flow, encoding="utf-8")
    files = []
    for number, text in enumerate(configurations):
        path = folder / (f"{number}.yaml" if number else "near.yaml")
        path.write_text(text, encoding="utf-8")
        files.append((str(path), yamlsource.read(path, environ={}, allow_empty=True)))
    return load_flow(str(folder / "flow.yaml"), registry(), environ={}, configuration=files).flow


def complaint(folder: Path, flow: str, *configurations: str) -> str:
    with pytest.raises(FlowError) as caught:
        load(folder, flow, *configurations)
    return str(caught.value).replace(f"{folder}/", "")


def agent(flow: Flow) -> AgentSettings:
    settings = flow.tasks["a"].settings
    assert isinstance(settings, AgentSettings)
    return settings


SHARED = """
backends:
  claude: {kind: model, model: claude-x, fallback: [spare], max_concurrency: 4}
  spare: {kind: model, model: small}
  unused: {kind: model, model: other}
mcp_servers:
  git: {command: [git-server, "{{ env.HOME }}"]}
  docs: {url: "https://example.org/mcp"}
"""
ASKS = "tasks: {a: {llm: {backend: claude, prompt: hi}}}"


def test_a_flow_gets_of_what_is_shared_that_which_it_uses(tmp_path: Path) -> None:
    backends = load(tmp_path, ASKS, SHARED).backends
    assert list(backends) == ["claude", "spare"]
    assert (backends["claude"].name, backends["claude"].max_concurrency) == ("claude", 4)


def test_the_flows_own_declaration_wins(tmp_path: Path) -> None:
    flow = load(tmp_path, f"backends: {{claude: {{kind: simulated}}}}\n{ASKS}", SHARED)
    assert {name: spec.kind for name, spec in flow.backends.items()} == {"claude": "simulated"}


def test_the_nearer_configuration_wins(tmp_path: Path) -> None:
    near = "backends: {claude: {kind: model, model: claude-y}}"
    assert load(tmp_path, ASKS, near, SHARED).backends["claude"].settings.model == "claude-y"  # type: ignore[attr-defined]  # the fake's


def test_servers_come_with_the_tools_that_name_them(tmp_path: Path) -> None:
    text = "tasks: {a: {agent: {backend: claude, prompt: hi, tools: [git.git_log]}}, b: {mcp: docs.search}}"
    backends = load(tmp_path, text, SHARED).backends
    assert {"git", "docs"} < backends.keys()
    assert backends["git"].settings == ServerSettings(("git-server", "{{ env.HOME }}"))


def test_levels_bring_what_they_name(tmp_path: Path) -> None:
    text = "degrade: {reduced: {when: [unused], skip_optional: true}}\ntasks: {a: {shell: echo}}"
    assert list(load(tmp_path, text, SHARED).backends) == ["unused"]


def test_what_a_called_file_uses_is_the_same_backend_above(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(ASKS)
    (tmp_path / "own.yaml").write_text(f"backends: {{claude: {{kind: simulated}}}}\n{ASKS}")
    flow = load(tmp_path, "tasks: {x: {flow: inner.yaml}, y: {flow: inner.yaml}}", SHARED)
    assert list(flow.backends) == ["claude", "spare"]
    assert flow.flows["x"].backends["claude"] is flow.backends["claude"]
    assert not load(tmp_path, "tasks: {x: {flow: own.yaml}}", SHARED).backends


# ── roles ───────────────────────────────────────────────────────────────────────────────────────

CRITIC = "roles: {critic: {system: Be strict., max_turns: 3}, reviewer: {max_turns: 4}}"


def test_roles_are_put_together_key_by_key(tmp_path: Path) -> None:
    text = "roles: {critic: {max_turns: 9}}\ntasks: {a: {agent: {role: critic, backend: claude, prompt: hi}}}"
    played = agent(load(tmp_path, text, CRITIC, "roles: {critic: {system: Be mild., tools: [shell]}}", SHARED))
    assert (played.system, played.max_turns, played.tools) == ("Be strict.", 9, ("shell",))


def test_a_ready_role_can_be_completed(tmp_path: Path) -> None:
    text = "tasks: {a: {agent: {role: reviewer, backend: claude, prompt: hi}}}"
    played = agent(load(tmp_path, text, CRITIC, SHARED))
    assert (played.max_turns, played.system) == (4, READY_ROLES["reviewer"]["system"])


def test_what_a_shared_role_names_is_looked_for_when_somebody_plays_it(tmp_path: Path) -> None:
    roles = "roles:\n  lost: {backend: nowhere, tools: [nothing]}\n"
    assert load(tmp_path, "tasks: {a: {shell: echo}}", roles).tasks
    said = complaint(tmp_path, "tasks: {a: {agent: {role: lost, prompt: hi}}}", roles)
    assert said.startswith("near.yaml:2:19: there is no backend 'nowhere'; declare it under `backends:`\n")
    assert "near.yaml:2:36: there is no tool 'nothing'" in said


def test_what_a_shared_backend_falls_back_to_is_looked_for_when_somebody_uses_it(tmp_path: Path) -> None:
    shared = "backends:\n  claude: {kind: model, model: x, fallback: [spare]}\n"
    assert load(tmp_path, "tasks: {a: {shell: echo}}", shared).tasks
    assert complaint(tmp_path, ASKS, shared).startswith("near.yaml:2:46: there is no backend 'spare'")
    assert load(tmp_path, f"backends: {{spare: {{kind: model, model: y}}}}\n{ASKS}", shared).tasks


# ── prices ──────────────────────────────────────────────────────────────────────────────────────

PRICES = "prices: {claude-x: {input: 3, output: 15, cached: 0.30}, small: {input: 1, output: 2}}"


def test_a_listed_model_has_its_price_unless_the_backend_says_another(tmp_path: Path) -> None:
    text = """
backends:
  mine: {kind: model, model: small}
  dear: {kind: model, model: small, price: {input: 9, output: 9}}
  free: {kind: model, model: unlisted}
tasks: {a: {llm: {backend: claude, prompt: hi}}}
"""
    backends = load(tmp_path, text, PRICES, "prices: {small: {input: 5, output: 5}}", SHARED).backends
    assert backends["mine"].price_of(None) == backends["free"].price_of("small") == Price(1.0, 2.0)
    assert backends["dear"].price_of(None) == backends["dear"].price_of("claude-x") == Price(9.0, 9.0)
    assert backends["free"].price_of(None) is None
    assert backends["claude"].price_of(None) == backends["mine"].price_of("claude-x") == Price(3.0, 15.0, 0.30)


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("backends: {a: {kind: modle}}", "near.yaml:1:22: backend kind 'modle' is not installed"),
        ("backends: {a: {kind: model, modle: x}}", "near.yaml:1:15: 'a' has no 'model'"),
        ("backends: [a]", "near.yaml:1:11: 'backends' is a list; expected a map of names"),
        ("mcp_servers: {git: {comand: [x]}}", "near.yaml:1:21: unknown key 'comand'"),
        ("mcp_servers: {shell: {command: [x]}}", "near.yaml:1:15: 'shell' is a built-in tool"),
        (
            "mcp_servers: {a: {command: [x]}}\nbackends: {a: {kind: simulated}}",
            "near.yaml:1:15: 'a' is the name of a backend",
        ),
        ("roles: {a: {sytem: x}}", "near.yaml:1:13: unknown key 'sytem'"),
        ("prices: {x: {input: 1}}", "near.yaml:1:13: 'x' has no 'output'; expected US dollars"),
        ("prices: {x: {input: 1, output: much}}", "near.yaml:1:32: 'output': much is no amount of money"),
        (
            "mcp_servers: {a: {command: [x, '${inputs.repository}']}}",
            "near.yaml:1:35: unknown name 'inputs' in a configuration; all flows share this",
        ),
        ("roles: {a: {system: 'On {{ topic }}.'}}", "near.yaml:1:28: unknown name 'topic' in a configuration"),
        ("backends: {a: {kind: model, model: '{{ x'}}", "near.yaml:1:37: a template opens here"),
    ],
)
def test_what_is_wrong_is_told_with_the_file_and_the_place(text: str, said: str, tmp_path: Path) -> None:
    assert complaint(tmp_path, "tasks: {a: {shell: echo}}", text).startswith(said)


def test_what_a_simulated_backend_renders_itself_is_no_business_of_the_configuration(tmp_path: Path) -> None:
    shared = "backends: {a: {kind: simulated, answer: 'Echo: {{ prompt }}'}}"
    assert load(tmp_path, "tasks: {a: {llm: {backend: a, prompt: hi}}}", shared).backends.keys() == {"a"}


# ── never a crash ───────────────────────────────────────────────────────────────────────────────

WHOLE: dict[str, Any] = {
    "backends": {"a": {"kind": "model", "model": "x", "fallback": ["b"], "health_check": "1m"}},
    "mcp_servers": {"git": {"command": ["x"], "env": {"A": "{{ env.B }}"}}},
    "roles": {"critic": {"backend": "a", "tools": ["git.*"], "confirm": ["shell"], "max_turns": 3}},
    "prices": {"x": {"input": 1, "output": "2.5"}},
}
WHOLE_PLACES = [path for path in paths(WHOLE) if path]
USES = """
tasks: {a: {agent: {role: critic, prompt: hi, subagents: [critic], tools: [git]}}, b: {llm: {backend: a, prompt: hi}}}
"""


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(WHOLE_PLACES), VALUES), min_size=1, max_size=2))
def test_whatever_a_configuration_holds_is_read_or_told_of(changes: list[tuple[Any, Any]], tmp_path: Path) -> None:
    data: Any = WHOLE
    for path, value in changes:
        data = changed(data, path, value)
    try:
        load(tmp_path, USES, json.dumps(data))
    except YamlError:
        return  # the file cannot be read at all, which whoever reads it tells
    except FlowError as error:
        said = error.problems
    else:
        return
    assert all(problem.file and problem.message for problem in said)
