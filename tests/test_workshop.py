"""Backends that are made without a run: their templates rendered, their keys found, each for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.bootstrap import RunOptions, Workshop, configured, filled, load
from orchestrator.bootstrap.outside import Outside
from orchestrator.core.errors import FlowError
from orchestrator.core.flow import BackendSpec, Flow

FLOW = """
inputs: {name: {default: sim}, needed: {required: true}}
secrets: {TOKEN: {command: [echo, hunter2]}, LOST: {env: NO_SUCH_VARIABLE}}
backends:
  plain: {kind: simulated, model: "{{ inputs.name }}", headers: {X: "{{ secrets.TOKEN }}"}}
  keyless: {kind: simulated, api_key: {env: NO_SUCH_VARIABLE}}
  lost: {kind: simulated, model: "{{ secrets.LOST }}"}
  unnamed: {kind: simulated, model: "{{ inputs.needed }}"}
tasks: {a: {shell: echo}}
"""


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW, encoding="utf-8")
    return load(str(path)).flow


@pytest.fixture
def workshop(flow: Flow, tmp_path: Path) -> Workshop:
    return Workshop(flow, {}, str(tmp_path))


async def test_a_backend_gets_what_its_templates_name(workshop: Workshop, flow: Flow) -> None:
    spec = workshop.backend(flow.backends["plain"]).spec
    assert getattr(spec.settings, "model", None) == "sim"
    assert spec.headers == {"X": "hunter2"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("keyless", "the key of backend keyless: the environment variable NO_SUCH_VARIABLE is not set"),
        ("lost", "simulated 'lost': "),
        ("unnamed", "simulated 'unnamed': "),
    ],
)
async def test_what_one_backend_lacks_stops_no_other(name: str, said: str, workshop: Workshop, flow: Flow) -> None:
    assert [problem.message for problem in workshop.problems] == ["the input 'needed' is required"]
    with pytest.raises(FlowError, match=said):
        workshop.backend(flow.backends[name])
    assert workshop.backend(flow.backends["plain"]).spec.name == "plain"


def test_what_settings_refuse_of_a_rendered_value_is_told_with_the_name() -> None:
    from orchestrator.backends.mcp.backend import McpBackend  # noqa: PLC0415 - the one test that needs it
    from orchestrator.backends.mcp.settings import McpSettings  # noqa: PLC0415 - the one test that needs them

    spec = BackendSpec("docs", "mcp", McpSettings(url="${inputs.where}"))
    with pytest.raises(FlowError, match="mcp 'docs': 'ftp://x' is no address"):
        filled(spec, McpBackend, {"inputs": {"where": "ftp://x"}})


def test_what_a_backend_renders_by_itself_is_left_to_it() -> None:
    from orchestrator.backends.simulated import SimulatedBackend, SimulatedSettings  # noqa: PLC0415 - as above

    own = SimulatedSettings(model="{{ inputs.name }}", turns=("{{ messages[-1].content }}",))
    settings = filled(BackendSpec("m", "simulated", own), SimulatedBackend, {"inputs": {"name": "sim"}}).settings
    assert settings == SimulatedSettings(model="sim", turns=("{{ messages[-1].content }}",))


async def test_backends_of_files_that_are_called_get_what_these_are_called_with(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        "inputs: {name: {required: true}, odd: {type: int, default: 3}}\ntasks: {a: {shell: echo}}\n"
        "backends: {m: {kind: simulated, model: '{{ inputs.name }}-{{ inputs.odd }}'}}\n"
    )
    path = tmp_path / "flow.yaml"
    path.write_text(
        "inputs: {who: {default: me}}\ntasks:\n"
        "  one: {flow: {file: inner.yaml, inputs: {name: '{{ inputs.who }}', odd: '{{ inputs.who }}'}}}\n"
        "  two: {flow: {file: inner.yaml, inputs: {name: you, odd: 7}}}\n"
    )
    flow = load(str(path)).flow
    workshop = Workshop(flow, {}, str(tmp_path))
    made = [workshop.backend(flow.flows[task].backends["m"]).spec.settings for task in ("one", "two")]
    assert [getattr(settings, "model", None) for settings in made] == ["me-3", "you-7"]


def test_the_settings_beside_a_flow_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nothing"))
    (tmp_path / "project" / "flows").mkdir(parents=True)
    (tmp_path / "project" / ".orchestrator").mkdir()
    path = tmp_path / "project" / ".orchestrator" / "config.yaml"
    path.write_text("backends: {shared: {kind: simulated, answer: Hi}}\n")
    flow = tmp_path / "project" / "flows" / "flow.yaml"
    flow.write_text("tasks: {a: {llm: {backend: shared, prompt: hi}}}")
    assert [name for name, _ in configured(str(flow)).files] == [str(path)]
    assert load(str(flow)).flow.backends.keys() == {"shared"}


def beside_a_server(folder: Path) -> Path:
    """Return where a flow may stand that calls a file with a server, which is started with the input `name`."""
    (folder / "inner.yaml").write_text(
        "inputs: {name: {required: true}}\nenv: {NAME: '{{ inputs.name }}'}\n"
        "mcp_servers: {s: {command: [serve]}}\ntasks: {a: {mcp: {tool: s.t}}}\n"
    )
    return folder / "flow.yaml"


def test_servers_of_files_that_are_called_are_started_with_the_variables_of_their_own_call(tmp_path: Path) -> None:
    path = beside_a_server(tmp_path)
    path.write_text(
        "tasks:\n  one: {flow: {file: inner.yaml, inputs: {name: me}}}\n"
        "  two: {flow: {file: inner.yaml, inputs: {name: you}}}\n"
    )
    flow = load(str(path)).flow
    outside = Outside(flow, {}, RunOptions())
    homes = [outside.home(flow.flows[task].backends["s"]) for task in ("one", "two")]
    assert [outside.services_environment(home)["NAME"] for home in homes] == ["me", "you"]


def test_what_such_variables_name_is_known_before_the_run(tmp_path: Path) -> None:
    path = beside_a_server(tmp_path)
    path.write_text(
        "tasks:\n  late: {shell: echo me}\n  one: {flow: {file: inner.yaml, inputs: {name: '{{ late }}'}}}\n"
    )
    with pytest.raises(FlowError, match="'late' is known too late"):
        load(str(path))
