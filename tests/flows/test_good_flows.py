"""What a flow file says becomes the flow that it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.errors import FlowError
from orchestrator.core.flow import (
    ONE_ATTEMPT,
    REPEATABLE,
    Algorithm,
    Approval,
    BreakerPolicy,
    BudgetPolicy,
    Condition,
    DegradeLevel,
    FlowCall,
    ForEach,
    Group,
    HealthCheck,
    InputType,
    Matrix,
    Need,
    OnTimeout,
    Price,
    RateLimit,
    RetryPolicy,
    SecretSource,
    Task,
    Until,
    WhenOpen,
)
from orchestrator.flows import load_flow
from orchestrator.flows.ready_roles import READY_ROLES
from orchestrator.flows.toolbox import BUILT_IN_TOOLS
from tests.flows.fakes import (
    BACKENDS,
    KINDS,
    AgentSettings,
    HttpSettings,
    LlmSettings,
    Loads,
    McpTaskSettings,
    PromptFile,
    ServerSettings,
    ShellSettings,
    flow_of,
    registry,
)

GOOD = Path(__file__).parent / "good"


def needs(*tasks: str) -> tuple[Need, ...]:
    return tuple(Need(task) for task in tasks)


# ── the example ─────────────────────────────────────────────────────────────────────────────────


def test_the_example_is_what_it_says() -> None:
    flow = load_flow(str(GOOD / "release_notes.yaml"), registry(), environ={}).flow
    assert flow.name == "release-notes"
    assert flow.folder == str(GOOD)
    assert (flow.max_concurrency, flow.deadline) == (10, 3600.0)
    assert flow.budget == BudgetPolicy(tokens=200_000, cost_usd=5.0, time=1800.0)
    assert flow.env == {"TZ": "UTC"}
    assert flow.secrets == {"PUBLISH_TOKEN": SecretSource(env="NOTES_TOKEN")}
    assert flow.inputs["languages"].type is InputType.LIST
    assert flow.inputs["languages"].default == ["de", "fr", "ja"]
    assert flow.groups == {
        "translations": Group("translations", max_concurrency=3, budget=BudgetPolicy(tokens=50_000)),
    }
    assert flow.outputs == {"notes": "{{ summary }}"}


def test_the_example_has_its_backends() -> None:
    backends = load_flow(str(GOOD / "release_notes.yaml"), registry(), environ={}).flow.backends
    writer = backends["writer"]
    assert (writer.name, writer.kind, writer.max_concurrency, writer.fallback) == ("writer", "model", 8, ("local",))
    assert writer.api_key == SecretSource(env="ANTHROPIC_API_KEY")
    assert writer.rate_limits == (RateLimit(60.0, 50, 40_000, 5, Algorithm.TOKEN_BUCKET),)
    assert writer.breaker == BreakerPolicy()
    assert writer.price == Price(3.0, 15.0)
    assert backends["site"].breaker.when_open is WhenOpen.FAIL


def test_the_example_has_its_tasks() -> None:
    tasks = load_flow(str(GOOD / "release_notes.yaml"), registry(), environ={}).flow.tasks
    assert list(tasks) == ["log", "summary", "translation", "review", "publish", "report_failure"]
    assert {task.attempt_timeout for task in tasks.values()} == {120.0}
    assert tasks["log"].settings == ShellSettings("git -C ${inputs.repository} log --oneline -50")
    assert tasks["summary"].needs == needs("log")
    assert tasks["translation"].fan_out == ForEach("${inputs.languages}", name="language", max_concurrency=3)
    assert tasks["translation"].group == "translations"
    assert tasks["review"].fan_out == ForEach(each="translation")
    assert tasks["review"].needs == needs("translation")
    assert tasks["publish"].needs == needs("review", "summary")
    assert tasks["publish"].approval == Approval("Publish {{ run.id }}?", show="{{ summary }}")
    assert tasks["publish"].backend == "site"
    assert tasks["report_failure"].needs == (Need("publish", Condition.NOT_SUCCEEDED),)
    assert tasks["report_failure"].always


# ── tasks ───────────────────────────────────────────────────────────────────────────────────────


def test_a_kind_in_short_is_its_first_key(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "tasks: {a: {shell: [git, status]}, b: {http: 'http://127.0.0.1/'}}")
    assert flow.tasks["a"].settings == ShellSettings(("git", "status"))
    assert flow.tasks["b"].settings == HttpSettings("http://127.0.0.1/")


def test_a_key_that_python_cannot_name_reaches_its_field(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "tasks: {a: {shell: {command: hello, with: [cat]}}}")
    assert flow.tasks["a"].settings == ShellSettings("hello", with_=("cat",))


def test_what_runs_commands_can_be_a_default(tmp_path: Path) -> None:
    flow = flow_of(
        tmp_path,
        "defaults: {with: sh -c}\ntasks: {a: {shell: x}, b: {shell: {command: x, with: zsh}}, c: {function: m:f}}",
    )
    assert flow.tasks["a"].settings == ShellSettings("x", with_="sh -c")
    assert flow.tasks["b"].settings == ShellSettings("x", with_="zsh")


def test_a_measure_may_be_a_template_and_text_may_be_anything(tmp_path: Path) -> None:
    text = """
inputs: {size: {}}
backends: {offline: {kind: simulated, latency: 200ms..1s}}
tasks:
  a: {http: {url: /x, max_size: "{{ inputs.size }}"}}
  b: {http: {url: /x, max_size: 2KB}}
  c: {llm: {backend: offline, prompt: hello, max_tokens: 2k}}
"""
    flow = flow_of(tmp_path, text)
    assert flow.tasks["a"].settings == HttpSettings("/x", max_size="{{ inputs.size }}")
    assert flow.tasks["b"].settings == HttpSettings("/x", max_size=2_000)
    assert flow.tasks["c"].settings == LlmSettings("hello", max_tokens=2_000)


def test_numbers_that_print_as_written_are_text_where_text_is_expected(tmp_path: Path) -> None:
    flow = flow_of(
        tmp_path, "env: {PORT: 8080, DEBUG: true, RATE: 0.5}\ntasks: {a: {shell: {command: x, env: {N: 1}}}}"
    )
    assert flow.env == {"PORT": "8080", "DEBUG": "true", "RATE": "0.5"}
    assert flow.tasks["a"].settings == ShellSettings("x", env={"N": "1"})


def test_what_an_alias_shares_stays_a_number_elsewhere(tmp_path: Path) -> None:
    text = "tasks: {a: {shell: {command: x, env: &env {N: 1}}}, b: {function: {call: 'm:f', kwargs: {e: *env}}}}"
    flow = flow_of(tmp_path, text)
    assert flow.tasks["a"].settings == ShellSettings("x", env={"N": "1"})
    assert getattr(flow.tasks["b"].settings, "kwargs", None) == {"e": {"N": 1}}


def test_approve_alone_is_a_gate(tmp_path: Path) -> None:
    task = flow_of(tmp_path, "tasks: {a: {approve: Go on?}}").tasks["a"]
    assert (task.kind, task.settings) == ("gate", None)
    assert task.approval == Approval("Go on?")


def test_an_approval_has_its_own_keys(tmp_path: Path) -> None:
    text = "tasks: {a: {approve: {message: Go?, timeout: 1h, on_timeout: approve, once: true}, shell: echo}}"
    assert flow_of(tmp_path, text).tasks["a"].approval == Approval(
        "Go?", timeout=3600.0, on_timeout=OnTimeout.APPROVE, once=True
    )


def test_until_sees_the_fields_of_the_output(tmp_path: Path) -> None:
    text = """
tasks:
  a: {shell: check, until: exit_code == 0 and parsed.ready, every: 5s, max_rounds: 3}
  b: {function: "m:f", until: anything.goes > 3}
"""
    flow = flow_of(tmp_path, text)
    assert flow.tasks["a"].until == Until("exit_code == 0 and parsed.ready", every=5.0, max_rounds=3)
    assert flow.tasks["b"].until == Until("anything.goes > 3")


def test_matrix_axes_are_names(tmp_path: Path) -> None:
    text = """
tasks:
  a:
    matrix: {os: [linux, mac], py: ["3.11"], include: [{os: bsd, py: "3.12"}], exclude: [{os: mac}], max_concurrency: 2}
    shell: build {{ os }} {{ py }} {{ matrix.os }} {{ label }}
"""
    assert flow_of(tmp_path, text).tasks["a"].fan_out == Matrix(
        {"os": ("linux", "mac"), "py": ("3.11",)}, ({"os": "bsd", "py": "3.12"},), ({"os": "mac"},), 2
    )


def test_an_instance_sees_all_that_its_partners_saw(tmp_path: Path) -> None:
    text = """
tasks:
  a: {for_each: {items: [x], as: word}, shell: "echo {{ word }}"}
  b: {for_each: {each: a}, shell: "echo {{ word }} {{ a.stdout }} {{ label }}"}
  c: {for_each: {each: b}, shell: "echo {{ word }} {{ a.stdout }} {{ b.stdout }}"}
"""
    flow = flow_of(tmp_path, text)
    assert flow.tasks["c"].needs == needs("b")


# ── dependencies ────────────────────────────────────────────────────────────────────────────────


def test_a_template_makes_a_dependency_unless_depends_on_says_otherwise(tmp_path: Path) -> None:
    text = """
tasks:
  a: {shell: echo}
  b: {shell: "echo {{ a }}"}
  c: {depends_on: {a: failed}, shell: "echo {{ a.stderr }}"}
  d: {when: b.exit_code == 0, for_each: "{{ c.stdout | lines }}", shell: "echo {{ item }}"}
  e: {approve: "{{ d[0].stdout }}"}
"""
    flow = flow_of(tmp_path, text)
    assert flow.tasks["b"].needs == needs("a")
    assert flow.tasks["c"].needs == (Need("a", Condition.FAILED),)
    assert set(flow.tasks["d"].needs) == set(needs("b", "c"))
    assert flow.tasks["e"].needs == needs("d")


def test_a_group_stands_for_all_its_tasks(tmp_path: Path) -> None:
    text = """
groups: {night: }
tasks:
  a: {group: night, shell: echo}
  b: {group: night, shell: echo}
  c: {depends_on: {"group:night": settled, d: succeeded}, shell: echo}
  d: {depends_on: "group:night", shell: echo}
"""
    flow = flow_of(tmp_path, text)
    settled = tuple(Need(task, Condition.SETTLED) for task in "ab")
    assert flow.tasks["c"].needs == (*settled, Need("d"))
    assert flow.tasks["d"].needs == needs("a", "b")


def test_an_id_with_hyphens_is_written_as_it_is(tmp_path: Path) -> None:
    text = """
tasks:
  my-task: {shell: echo}
  next-one: {shell: "echo {{ my-task }}", when: my-task.exit_code - 1 < 3}
"""
    assert flow_of(tmp_path, text).tasks["next-one"].needs == needs("my-task")


def test_outputs_make_no_dependencies(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "tasks: {a: {shell: echo}, b: {shell: echo}}\noutputs: {x: '{{ a }}', y: [1, '{{ b }}']}")
    assert flow.outputs == {"x": "{{ a }}", "y": [1, "{{ b }}"]}
    assert flow.tasks["b"].needs == ()


def test_a_command_without_templates_may_hold_braces(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "tasks: {a: {shell: {command: 'echo {{ x }} ${y}', templates: false}}}")
    assert flow.tasks["a"].needs == ()


# ── retry ───────────────────────────────────────────────────────────────────────────────────────

RETRIES = """
backends: {offline: {kind: simulated}}
defaults: {retry: {max_attempts: 7}, backend: offline}
tasks:
  plain: {shell: echo}
  asked: {shell: echo, retry: {initial_delay: 2s}}
  only: {shell: echo, retry: {max_attempts: 2, retry_on: ["exit:3"]}}
  model: {llm: hello}
  own: {llm: hello, retry: {max_delay: 5s}}
  post: {http: {url: /x, method: POST}}
"""


def test_retry_is_resolved_from_task_defaults_and_kind(tmp_path: Path) -> None:
    tasks = flow_of(tmp_path, RETRIES).tasks
    everything = ("transient", "timeout", "work")
    assert tasks["plain"].retry == ONE_ATTEMPT
    assert tasks["post"].retry == ONE_ATTEMPT
    assert tasks["asked"].retry == RetryPolicy(max_attempts=4, initial_delay=2.0, retry_on=everything)
    assert tasks["only"].retry == RetryPolicy(max_attempts=2, retry_on=("exit:3",))
    assert tasks["model"].retry == RetryPolicy(max_attempts=7, retry_on=REPEATABLE.retry_on)
    assert tasks["own"].retry == RetryPolicy(max_attempts=7, max_delay=5.0, retry_on=everything)


def test_the_default_backend_is_for_tasks_that_need_one(tmp_path: Path) -> None:
    tasks = flow_of(tmp_path, RETRIES).tasks
    assert tasks["model"].backend == "offline"
    assert tasks["post"].backend is None


def test_a_backend_may_be_a_template_of_known_names(tmp_path: Path) -> None:
    text = """
inputs: {tier: {choices: [fast, slow]}}
backends: {fast-model: {kind: simulated}, slow-model: {kind: simulated}}
tasks:
  a: {llm: {backend: "{{ inputs.tier }}-model", prompt: hello}}
  b: {for_each: [{name: fast-model}, {name: slow-model}], llm: {backend: "{{ item.name }}", prompt: hello}}
  c: {matrix: {model: [fast-model], include: [{model: slow-model}]}, llm: {backend: "{{ model }}", prompt: hello}}
"""
    assert flow_of(tmp_path, text).tasks["a"].backend == "{{ inputs.tier }}-model"


# ── other files ─────────────────────────────────────────────────────────────────────────────────


def test_a_flow_that_is_called_is_loaded_too(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "one.yaml").write_text(
        "inputs: {n: {type: int}}\ntasks: {x: {shell: echo}}\noutputs: {last: '{{ x }}'}\n"
    )
    text = """
tasks:
  a: {flow: {file: inner/one.yaml, inputs: {n: 3}}}
  b: {flow: inner/one.yaml}
  c: {shell: "echo {{ a.last }} {{ a.state }}"}
"""
    flow = flow_of(tmp_path, text)
    assert flow.tasks["a"].settings == FlowCall(str(folder / "one.yaml"), {"n": 3})
    assert flow.flows["a"] is flow.flows["b"]
    assert flow.flows["a"].folder == str(folder)
    assert flow.flows["a"].name == "one"
    assert flow.tasks["c"].needs == needs("a")


def test_a_prompt_file_is_found_beside_the_flow_and_its_names_are_dependencies(tmp_path: Path) -> None:
    (tmp_path / "ask.txt").write_text("Summarise:\n{{ build.stdout }}\n")
    text = """
backends: {offline: {kind: simulated}}
tasks:
  build: {shell: make}
  ask: {llm: {backend: offline, prompt: {file: ask.txt}}}
"""
    task = flow_of(tmp_path, text).tasks["ask"]
    assert task.settings == LlmSettings(PromptFile(str(tmp_path / "ask.txt")))
    assert task.needs == needs("build")


def test_files_beside_the_flow_are_absolute(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "env_file: conf/.env\ntasks: {a: {shell: echo}}")
    assert flow.env_file == str(tmp_path / "conf" / ".env")
    assert flow.file == str(tmp_path / "flow.yaml")


# ── the registry ────────────────────────────────────────────────────────────────────────────────


def test_only_the_kinds_that_a_flow_names_are_loaded(tmp_path: Path) -> None:
    kinds, backends = Loads(KINDS), Loads(BACKENDS)
    path = tmp_path / "flow.yaml"
    path.write_text("tasks: {a: {shell: echo}, b: {shell: echo}, c: {function: m:f}}")
    load_flow(str(path), registry(kinds, backends), environ={})
    assert kinds.asked == ["shell", "function"]
    assert backends.asked == []


def test_a_kind_that_cannot_be_loaded_is_a_problem_of_the_flow(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text("backends: {x: {kind: cursed}}\ntasks: {a: {cursed: echo}}")
    broken = frozenset({"cursed"})
    with pytest.raises(FlowError) as caught:
        load_flow(str(path), registry(Loads(KINDS, broken), Loads(BACKENDS, broken)), environ={})
    assert [problem.line for problem in caught.value.problems] == [1, 2]
    assert "No module named 'nowhere'" in str(caught.value)


def test_recover_without_optional_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text("tasks: {a: {shell: echo, recover: none}, b: {shell: echo, optional: true, recover: none}}")
    [warning] = load_flow(str(path), registry(), environ={}).warnings
    assert (warning.line, warning.message) == (1, "`recover` is used of optional tasks only")


# ── MCP servers, tools and roles ────────────────────────────────────────────────────────────────

SERVERS = """
mcp_servers:
  git: {command: [git-server, "${inputs.repository}"], env: {A: "{{ env.B }}"}, max_concurrency: 2, health_check: 1m}
  docs: {url: "https://example.org/mcp", headers: {X: y}, api_key: {env: DOCS_KEY}, breaker: {failure_threshold: 2}}
  moved: {command: [server], cwd: sub/../other}
  abroad: {command: [server], cwd: "{{ inputs.repository }}/x"}
inputs: {repository: {type: path}}
"""


def test_an_mcp_server_is_a_backend_of_the_flow(tmp_path: Path) -> None:
    backends = flow_of(tmp_path, f"{SERVERS}\ntasks: {{a: {{shell: echo}}}}").backends
    assert {name: spec.kind for name, spec in backends.items()} == dict.fromkeys(
        ["git", "docs", "moved", "abroad"], "mcp"
    )
    assert backends["git"].settings == ServerSettings(
        ("git-server", "${inputs.repository}"), {"A": "{{ env.B }}"}, str(tmp_path)
    )
    assert (backends["git"].max_concurrency, backends["git"].health_check) == (2, HealthCheck(60.0))
    assert backends["docs"].settings == ServerSettings(url="https://example.org/mcp")
    assert (backends["docs"].api_key, backends["docs"].headers) == (SecretSource(env="DOCS_KEY"), {"X": "y"})
    assert backends["docs"].breaker == BreakerPolicy(failure_threshold=2)


def test_a_server_runs_in_the_folder_of_the_file_or_where_it_says(tmp_path: Path) -> None:
    backends = flow_of(tmp_path, f"{SERVERS}\ntasks: {{a: {{shell: echo}}}}").backends
    folders = {name: getattr(spec.settings, "cwd", None) for name, spec in backends.items()}
    assert folders == {
        "git": str(tmp_path),
        "docs": None,
        "moved": str(tmp_path / "other"),
        "abroad": "{{ inputs.repository }}/x",
    }


def test_a_task_that_calls_a_tool_has_its_server_as_backend(tmp_path: Path) -> None:
    text = f"""{SERVERS}
defaults: {{fallback: [model], backend: model}}
backends: {{model: {{kind: simulated}}}}
tasks:
  a: {{mcp: git.git_log}}
  b: {{mcp: {{tool: "docs.search.{{{{ a }}}}", arguments: {{query: "{{{{ a.structured }}}}"}}}}}}
"""
    tasks = flow_of(tmp_path, text).tasks
    assert (tasks["a"].kind, tasks["a"].backend, tasks["a"].fallback) == ("mcp", "git", None)
    assert tasks["a"].settings == McpTaskSettings("git.git_log")
    assert (tasks["b"].backend, tasks["b"].needs) == ("docs", needs("a"))


AGENTS = """
backends: {model: {kind: simulated}, other: {kind: simulated}}
mcp_servers: {git: {command: [git-server]}}
roles:
  reviewer: {backend: other, model: strict-1, max_turns: 5, tools: [read_file, git.git_*]}
  reader: {description: Reads., tools: [git], confirm: ["git.*"], token_budget: 10k, extra: {seed: 1}}
"""


def agent(folder: Path, task: str) -> tuple[Task, AgentSettings]:
    flow = flow_of(folder, f"{AGENTS}\ntasks: {{a: {{agent: {task}}}}}")
    settings = flow.tasks["a"].settings
    assert isinstance(settings, AgentSettings)
    return flow.tasks["a"], settings


def test_a_role_gives_what_the_task_does_not(tmp_path: Path) -> None:
    task, settings = agent(tmp_path, "{role: reviewer, prompt: hello, max_turns: 2}")
    assert (task.backend, settings.model, settings.max_turns) == ("other", "strict-1", 2)
    assert settings.tools == ("read_file", "git.git_*")
    assert settings.system == READY_ROLES["reviewer"]["system"]
    assert settings.role == "reviewer"


def test_a_backend_of_the_tasks_own_does_not_get_the_model_of_the_roles_backend(tmp_path: Path) -> None:
    task, settings = agent(tmp_path, "{role: reviewer, prompt: hello, backend: model}")
    assert (task.backend, settings.model) == ("model", None)
    task, settings = agent(tmp_path, "{role: reviewer, prompt: hello, backend: other}")
    assert (task.backend, settings.model) == ("other", "strict-1")


def test_every_key_of_a_role_reaches_the_agent(tmp_path: Path) -> None:
    _, settings = agent(tmp_path, "{role: reader, backend: model, prompt: hello}")
    assert (settings.confirm, settings.token_budget, settings.extra) == (("git.*",), 10_000, {"seed": 1})
    assert settings.description == "Reads."


def test_a_ready_role_needs_only_a_backend(tmp_path: Path) -> None:
    task, settings = agent(tmp_path, "{role: coder, backend: model, prompt: hello}")
    assert task.backend == "model"
    assert {"write_file", "shell"} <= set(settings.tools)
    assert settings.confirm == "on_write"


@pytest.mark.parametrize("name", READY_ROLES)
def test_a_ready_role_says_who_it_is_in_plain_text(name: str, tmp_path: Path) -> None:
    given = READY_ROLES[name]
    assert given["description"]
    assert 400 < len(given["system"]) < 1_500
    assert not [sign for sign in ("{{", "${", "{%", "\t", "  ") if sign in given["system"]]
    assert set(given.get("tools", ())) <= set(BUILT_IN_TOOLS)
    team = "subagents: [writer], " if name == "orchestrator" else ""
    assert agent(tmp_path, f"{{role: {name}, {team}backend: model, prompt: hello}}")[1].system == given["system"]


def test_an_agent_without_a_role_is_what_it_says_itself(tmp_path: Path) -> None:
    _, settings = agent(tmp_path, "{backend: model, prompt: hello, tools: [shell, git]}")
    assert settings == AgentSettings("hello", tools=("shell", "git"))


def test_a_team_has_the_settings_of_its_roles(tmp_path: Path) -> None:
    _, settings = agent(
        tmp_path, "{role: orchestrator, backend: model, prompt: hello, subagents: [reader, reviewer, writer]}"
    )
    assert list(settings.team) == ["reader", "reviewer", "writer"]
    assert settings.team["reader"].tools == ("git",)
    assert (settings.team["reviewer"].backend, settings.team["reviewer"].max_turns) == ("other", 5)
    assert settings.team["writer"].description == READY_ROLES["writer"]["description"]
    assert {member.role for member in settings.team.values()} == {"reader", "reviewer", "writer"}


def test_those_whom_the_members_of_a_team_may_start_are_known_too(tmp_path: Path) -> None:
    text = """
backends: {model: {kind: simulated}, other: {kind: simulated}}
mcp_servers: {git: {command: [git-server]}}
roles:
  lead: {tools: [start_subagent], subagents: [researcher, checker]}
  researcher: {subagents: [checker], tools: [start_subagent]}
  checker: {backend: other, tools: [git]}
tasks: {a: {agent: {role: lead, backend: model, prompt: hello}}}
"""
    flow = flow_of(tmp_path, text)
    settings = flow.tasks["a"].settings
    assert isinstance(settings, AgentSettings)
    assert settings.subagents == ("researcher", "checker")
    assert list(settings.team) == ["researcher", "checker"]
    assert (settings.team["researcher"].subagents, settings.team["checker"].subagents) == (("checker",), ())
    assert {"other", "git"} <= flow.backends.keys()


# ── save, cache, health and levels ──────────────────────────────────────────────────────────────


def test_a_task_may_save_its_output_and_keep_its_answer(tmp_path: Path) -> None:
    text = """
backends: {model: {kind: simulated, health_check: {every: 10s, degraded_above: 2s}}, plain: {kind: resource}}
tasks:
  a: {for_each: [x], llm: {backend: model, prompt: hi}, save: "out/{{ label }}.md", cache: 1h}
  b: {llm: {backend: model, prompt: hi}, save: "{{ a[0].text }}.md", cache: {ttl: 7d}}
"""
    flow = flow_of(tmp_path, text)
    assert (flow.tasks["a"].save, flow.tasks["a"].cache_ttl) == ("out/{{ label }}.md", 3_600.0)
    assert (flow.tasks["b"].needs, flow.tasks["b"].cache_ttl) == (needs("a"), 604_800.0)
    assert flow.backends["model"].health_check == HealthCheck(10.0, 2.0)
    assert flow.backends["plain"].health_check is None


def test_levels_stand_in_their_order_the_lowest_last(tmp_path: Path) -> None:
    text = """
backends: {model: {kind: simulated}, other: {kind: simulated}}
degrade:
  minimal: {when: [model, other], all_of: true, skip_optional: true, use_cache: true}
  reduced: {when: [model], models: {model: small}}
tasks: {a: {llm: {backend: model, prompt: hi}}}
"""
    assert flow_of(tmp_path, text).degrade == (
        DegradeLevel("reduced", ("model",), models={"model": "small"}),
        DegradeLevel("minimal", ("model", "other"), all_of=True, skip_optional=True, use_cache=True),
    )
