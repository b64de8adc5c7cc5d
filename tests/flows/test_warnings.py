"""What may surprise is told before the run: as a warning, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.flows import bounds, load_flow
from tests.flows.fakes import flow_of, registry

BACKENDS = """
backends:
  model: {kind: model, model: m, price: {input: 1, output: 2}}
  short: {kind: model, model: m, price: {input: 1, output: 2}, max_tokens: 500}
  offline: {kind: simulated, price: {input: 1, output: 2}}
mcp_servers: {git: {command: [git-server]}}
"""


def warnings_of(folder: Path, text: str) -> list[str]:
    path = folder / "flow.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(one).replace(f"{path}:", "") for one in load_flow(str(path), registry(), environ={}).warnings]


def test_an_answer_without_a_length_reserves_more_of_the_budget_than_one_thinks(tmp_path: Path) -> None:
    text = f"budget: {{tokens: 10k}}\n{BACKENDS}\ntasks:\n  a: {{llm: {{backend: model, prompt: hi}}}}\n"
    [said] = warnings_of(tmp_path, f"{text}  b: {{llm: {{backend: model, prompt: hi}}}}\n")
    assert said.startswith("10:12: the answers of 'a' have no max_tokens, so each call reserves 4,096 tokens of the")


@pytest.mark.parametrize(
    "task",
    [
        "llm: {backend: model, prompt: hi, max_tokens: 500}",
        "llm: {backend: short, prompt: hi}",
        "llm: {backend: offline, prompt: hi}",
        "shell: echo",
    ],
)
def test_who_bounds_the_answers_is_not_warned(task: str, tmp_path: Path) -> None:
    assert not warnings_of(tmp_path, f"budget: {{cost_usd: 1}}\n{BACKENDS}\ntasks:\n  a: {{{task}}}\n")


def test_budgets_of_groups_and_tasks_count_too(tmp_path: Path) -> None:
    text = f"""{BACKENDS}
groups: {{g: {{budget: {{tokens: 5k}}}}}}
tasks:
  a: {{group: g, llm: {{backend: model, prompt: hi}}}}
  b: {{budget: {{cost_usd: 1}}, llm: {{backend: model, prompt: hi}}}}
  c: {{budget: {{time: 1h}}, llm: {{backend: model, prompt: hi}}}}
"""
    assert [said.partition(" ")[2][:18] for said in warnings_of(tmp_path, text)] == [
        "the answers of 'a'",
        "the answers of 'b'",
    ]


@pytest.mark.parametrize(
    ("task", "warned"),
    [
        ("agent: {backend: model, prompt: hi}", True),
        ("agent: {backend: model, prompt: hi, max_tokens: 500}", True),
        ("subagent: {backend: model, prompt: hi, max_turns: 3}", True),
        ("agent: {backend: model, prompt: hi, token_budget: 10k}", False),
        ("agent: {backend: offline, prompt: hi}", False),
        ("budget: {tokens: 10k}, agent: {backend: model, prompt: hi, max_tokens: 500}", False),
    ],
)
def test_an_agent_that_nothing_bounds_is_told_of(task: str, warned: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    said = warnings_of(tmp_path, f"{BACKENDS}\ntasks:\n  a: {{{task}}}\n")
    assert bool(said) is warned
    assert all("nothing bounds what 'a' spends but its" in one for one in said)


def test_forty_tasks_behind_ten_requests_a_minute_are_warned_of_when_that_takes_long(tmp_path: Path) -> None:
    text = """
backends:
  slow: {kind: simulated, rate_limit: {requests: 10, per: 1m}}
tasks: {a: {for_each: [ITEMS], llm: {backend: slow, prompt: hi}}}
"""
    assert not warnings_of(tmp_path, text.replace("ITEMS", ", ".join(map(str, range(40)))))
    [said] = warnings_of(tmp_path, text.replace("ITEMS", ", ".join(map(str, range(70)))))
    assert said.startswith("3:39: 70 tasks share the backend 'slow' of 10 requests a minute: at least 6 min; raise")


def test_a_level_that_skips_what_is_not_there_is_told_of(tmp_path: Path) -> None:
    text = "degrade: {reduced: {when: [offline], skip_optional: true}}\ntasks:\n  a: {shell: echo}\n"
    [said] = warnings_of(tmp_path, f"{BACKENDS}\n{text}")
    assert said.startswith("8:53: no task is optional, so none is skipped")
    assert not warnings_of(tmp_path, f"{BACKENDS}\n{text}  b: {{shell: echo, optional: true}}\n")


def test_a_health_check_of_what_cannot_tell_is_told_of(tmp_path: Path) -> None:
    text = "backends: {db: {kind: resource, health_check: 10s}}\ntasks: {a: {shell: echo}}"
    assert warnings_of(tmp_path, text) == [
        "1:47: a backend of kind resource cannot tell how it is, so nothing is checked; leave it out"
    ]


# ── people ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("agent", "asks"),
    [
        ("tools: [read_file]", False),
        ("tools: [read_file], confirm: always", True),
        ("tools: [write_file]", False),
        ("tools: [write_file], confirm: on_write", True),
        ("tools: [git], confirm: on_write", True),
        ("tools: [git], confirm: never", False),
        ("tools: [git.git_log], confirm: ['git.git_p*']", True),
        ("tools: [git], confirm: [shell]", False),
        ("tools: [ask_operator]", True),
        ("role: coder", True),
        ("role: coder, confirm: never", False),
        ("role: orchestrator, subagents: [writer]", False),
        ("role: orchestrator, subagents: [coder]", True),
    ],
)
def test_validation_notes_where_agents_ask_a_person(agent: str, asks: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    flow = flow_of(tmp_path, f"{BACKENDS}\ntasks:\n  a: {{agent: {{backend: offline, prompt: hi, {agent}}}}}")
    notes = [note for note in bounds(flow, registry()).notes if note.startswith("a person is asked")]
    assert bool(notes) is asks


def test_an_input_that_may_be_empty_is_told_of_once(tmp_path: Path) -> None:
    text = """
inputs:
  who:
  where: {type: path}
tasks:
  a: {shell: "echo {{ inputs.who }}"}
  b: {shell: "echo {{ inputs.who }}", for_each: "${inputs.where}"}
"""
    assert [one.partition(";")[0] for one in warnings_of(tmp_path, text)] == [
        "3:7: the input 'who' may be empty: nobody has to give it, and it has no default",
        "4:10: the input 'where' may be empty: nobody has to give it, and it has no default",
    ]


@pytest.mark.parametrize(
    ("who", "task"),
    [
        ("{required: true}", 'shell: "echo {{ inputs.who }}"'),
        ("{default: null}", 'shell: "echo {{ inputs.who }}"'),
        ("{default: me}", 'shell: "echo {{ inputs.who }}"'),
        ("{}", "shell: echo"),
        ("{}", "when: inputs.who != none, shell: 'echo {{ inputs.who }}'"),
        ("{}", "shell: \"echo {{ inputs.who or 'nobody' }}\""),
        ("{}", "llm: {backend: offline, prompt: '{% if inputs.who %}for {{ inputs.who }}{% endif %}'}"),
    ],
)
def test_an_input_that_is_there_or_asked_for_is_not_told_of(who: str, task: str, tmp_path: Path) -> None:
    model = "backends: {offline: {kind: simulated}}\n"
    assert not warnings_of(tmp_path, f"{model}inputs: {{who: {who}}}\ntasks:\n  a: {{{task}}}\n")


@pytest.mark.parametrize(
    ("task", "warned"),
    [
        ("for_each: [1, 2], save: same.txt", True),
        ("matrix: {x: [1, 2]}, save: same.txt", True),
        ('for_each: [1, 2], save: "{{ label }}.txt"', False),
        ("save: same.txt", False),
    ],
)
def test_instances_that_overwrite_each_other_s_file_are_told_of(task: str, warned: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    said = warnings_of(tmp_path, f"tasks:\n  a: {{shell: echo, {task}}}\n")
    assert [text.partition(": ")[2] for text in said] == (
        ["all instances of 'a' write the same file; write `{{ label }}` into its name"] if warned else []
    )
