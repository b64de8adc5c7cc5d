"""What a flow will do, how it looks, and what it can come to at worst."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.flow import Flow, Json, RetryPolicy
from orchestrator.flows import Bounds, bounds, graph, plan, say_seconds
from orchestrator.flows.bounds import longest_delays
from orchestrator.flows.counting import instances, with_known_lists
from tests.flows.fakes import flow_of, registry

DIAMOND = """
name: diamond
groups: {left: {max_concurrency: 2}}
tasks:
  start: {shell: echo}
  one: {depends_on: [start], group: left, for_each: [a, b, c], shell: "echo {{ item }}"}
  two: {depends_on: [start], group: left, shell: echo}
  end: {depends_on: [one, two], shell: echo}
  after: {depends_on: {end: not_succeeded}, shell: echo}
"""


def bounds_of(flow: Flow) -> Bounds:
    return bounds(flow, registry())


# ── plan ────────────────────────────────────────────────────────────────────────────────────────


def test_the_plan_shows_groups_width_and_the_longest_chain(tmp_path: Path) -> None:
    found = plan(flow_of(tmp_path, DIAMOND))
    assert [(group.name, [task.id for task in group.tasks]) for group in found.groups] == [
        ("default", ["start", "end", "after"]),
        ("left", ["one", "two"]),
    ]
    assert found.groups[1].max_concurrency == 2
    assert (found.tasks, found.widest, found.unknown) == (7, 4, ())
    assert found.longest == ("start", "one", "end", "after")


def test_what_only_the_run_can_tell_counts_once_and_is_named(tmp_path: Path) -> None:
    text = """
tasks:
  list: {shell: ls}
  each: {for_each: "{{ list | lines }}", shell: "echo {{ item }}"}
  then: {for_each: {each: each}, shell: "echo {{ item }}"}
"""
    found = plan(flow_of(tmp_path, text))
    assert found.unknown == ("each", "then")
    assert found.tasks == 3


def test_a_matrix_is_counted_with_what_is_added_and_left_out(tmp_path: Path) -> None:
    text = """
tasks:
  a:
    matrix: {os: [x, y], py: [1, 2, 3], include: [{os: z, py: 4}], exclude: [{os: x}, {os: x, py: 1}, {py: 9}]}
    shell: echo
"""
    assert plan(flow_of(tmp_path, text)).tasks == 4


def test_the_tasks_of_a_called_file_stand_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        "groups: {g: {}}\ntasks: {x: {shell: echo}, y: {shell: 'echo {{ x }}', group: g}, z: {shell: echo}}"
    )
    text = "tasks: {a: {shell: echo}, b: {depends_on: [a], flow: inner.yaml}, c: {depends_on: [b], shell: echo}}"
    found = plan(flow_of(tmp_path, text))
    assert found.longest == ("a", "b/x", "b/y", "c")
    assert [group.name for group in found.groups] == ["default", "b/g"]
    assert (found.tasks, found.widest) == (5, 2)
    needs = {task.id: task.needs for group in found.groups for task in group.tasks}
    assert needs["b/y"] == ("b/x",)
    assert needs["c"] == ("b",)


def test_thousands_that_wait_for_thousands_through_a_file_are_planned_quickly(tmp_path: Path) -> None:
    inner = ", ".join(f"x{n}: {{shell: echo}}" for n in range(3_000))
    (tmp_path / "inner.yaml").write_text(f"tasks: {{{inner}}}")
    after = ", ".join(f"y{n}: {{depends_on: [a], shell: echo}}" for n in range(3_000))
    found = plan(flow_of(tmp_path, f"tasks: {{a: {{flow: inner.yaml}}, {after}}}"))
    assert (found.tasks, found.widest, len(found.longest)) == (6_000, 3_000, 2)


# ── graph ───────────────────────────────────────────────────────────────────────────────────────


def test_the_graph_as_text(tmp_path: Path) -> None:
    assert graph(flow_of(tmp_path, DIAMOND), "text") == (
        "diamond\n"
        "  default\n"
        "    start (shell)\n"
        "    end (shell)    ← one, two\n"
        "    after (shell)  ← end (not succeeded)\n"
        "  left\n"
        "    one \u00d73 (shell)  ← start\n"
        "    two (shell)     ← start\n"
    )


def test_the_graph_as_mermaid(tmp_path: Path) -> None:
    drawn = graph(flow_of(tmp_path, DIAMOND), "mermaid").splitlines()
    assert drawn[0] == "flowchart LR"
    assert '  t0["start (shell)"]' in drawn
    assert '    t1["one \u00d73 (shell)"]' in drawn
    assert "  t0 --> t1" in drawn
    assert "  t3 -. not succeeded .-> t4" in drawn
    assert drawn.count("  end") == 1


def test_the_graph_as_dot(tmp_path: Path) -> None:
    drawn = graph(flow_of(tmp_path, DIAMOND), "dot").splitlines()
    assert drawn[0] == 'digraph "diamond" {'
    assert '    label="left"' in drawn
    assert '  t3 -> t4 [label="not succeeded", style=dashed]' in drawn
    assert drawn[-1] == "}"


def test_what_a_flow_is_called_cannot_break_out_of_a_drawing(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "name: 'a\"] } -> x'\ntasks: {a: {shell: echo}}")
    assert graph(flow, "dot").splitlines()[0] == 'digraph "a  - x" {'


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────


def test_forty_tasks_that_share_ten_requests_a_minute_need_three_minutes(tmp_path: Path) -> None:
    text = """
backends: {slow: {kind: simulated, rate_limit: {requests: 10, per: 1m}, price: {input: 1, output: 2}}}
tasks:
  each: {for_each: [ITEMS], llm: {backend: slow, prompt: hi, max_tokens: 100}, attempt_timeout: 10s}
"""
    flow = flow_of(tmp_path, text.replace("ITEMS", ", ".join(map(str, range(40)))))
    found = bounds_of(flow)
    said = "40 tasks share the backend 'slow' of 10 requests a minute: at least 3 min"
    assert found.forced == ((180.0, said),)
    assert found.at_least == 180.0
    assert found.attempts == 160
    assert found.tokens == 160 * 100
    assert found.cost_usd == pytest.approx(160 * 100 * 2 / 1e6)


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        ("requests: 10, per: 1m, burst: 1", 234.0),
        ("requests: 10, per: 1m, algorithm: sliding_window", 180.0),
        ("requests: 10, per: 1m, algorithm: fixed_window", 180.0),
        ("requests: 100, per: 1m", 0.0),
        ("tokens: 1000, per: 1m", 180.0),
    ],
)
def test_each_limit_forces_its_own_time(tmp_path: Path, limit: str, seconds: float) -> None:
    text = f"""
backends: {{slow: {{kind: simulated, rate_limit: {{{limit}}}}}}}
tasks:
  each: {{for_each: [{", ".join(map(str, range(40)))}], llm: {{backend: slow, prompt: hi, max_tokens: 100}}}}
"""
    assert bounds_of(flow_of(tmp_path, text)).at_least == pytest.approx(seconds)


def test_without_a_time_limit_there_is_no_bound_but_the_deadline(tmp_path: Path) -> None:
    text = "tasks: {a: {shell: echo}, b: {shell: echo, timeout: 1m}}"
    found = bounds_of(flow_of(tmp_path, text))
    assert found.seconds is None
    assert found.notes == ("no time limit holds for a",)
    assert bounds_of(flow_of(tmp_path, f"deadline: 2h\n{text}")).seconds == 7200.0


def test_after_the_deadline_always_tasks_have_a_minute_each(tmp_path: Path) -> None:
    text = """
deadline: 1h
tasks:
  a: {shell: echo}
  b: {shell: echo, depends_on: {a: not_succeeded}, always: true}
  c: {shell: echo, depends_on: {b: settled}, always: true}
  d: {shell: echo, always: true}
"""
    assert bounds_of(flow_of(tmp_path, text)).seconds == 3600.0 + 2 * 60.0


def test_a_chain_takes_the_sum_and_slots_share_the_rest(tmp_path: Path) -> None:
    text = """
max_concurrency: 2
tasks:
  a: {shell: echo, attempt_timeout: 10s}
  b: {shell: "echo {{ a }}", attempt_timeout: 10s}
"""
    assert bounds_of(flow_of(tmp_path, text)).seconds == 20.0


def test_retries_and_rounds_multiply_attempts_and_time(tmp_path: Path) -> None:
    text = """
tasks:
  a:
    shell: echo
    attempt_timeout: 10s
    retry: {max_attempts: 3, initial_delay: 1s, max_delay: 3s}
    until: exit_code == 0
    every: 5s
    max_rounds: 2
"""
    found = bounds_of(flow_of(tmp_path, text))
    assert found.attempts == 6
    assert found.seconds == pytest.approx(2 * (30 + 1.5 + 3) + 5)


def test_gates_make_no_attempts_and_are_named(tmp_path: Path) -> None:
    found = bounds_of(flow_of(tmp_path, "tasks: {a: {approve: Go?}}"))
    assert (found.attempts, found.seconds) == (0, 0.0)
    assert found.notes == ("the run waits for a person at a",)


def test_what_has_no_price_has_no_cost_but_the_budgets(tmp_path: Path) -> None:
    text = "backends: {m: {kind: simulated}}\ntasks: {a: {llm: {backend: m, prompt: hi}}}"
    found = bounds_of(flow_of(tmp_path, text))
    assert found.cost_usd is None
    assert "no price is known of m" in found.notes


def test_budgets_bound_tokens_and_cost(tmp_path: Path) -> None:
    text = """
budget: {tokens: 1k, cost_usd: 0.01}
backends: {m: {kind: simulated, price: {input: 100, output: 100}}}
tasks: {a: {llm: {backend: m, prompt: hi}}}
"""
    found = bounds_of(flow_of(tmp_path, text))
    assert (found.tokens, found.cost_usd) == (1_000, 0.01)


def test_a_budget_that_only_warns_bounds_nothing(tmp_path: Path) -> None:
    text = """
budget: {tokens: 1k, cost_usd: 0.01, on_exceeded: warn}
backends: {m: {kind: simulated, price: {input: 100, output: 100}, max_tokens: 1k}}
tasks: {a: {llm: {backend: m, prompt: hi}, budget: {tokens: 1k, on_exceeded: warn}}}
"""
    found = bounds_of(flow_of(tmp_path, text))
    assert found.tokens == 4_000
    assert found.cost_usd == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        (RetryPolicy(max_attempts=1), 0.0),
        (RetryPolicy(max_attempts=4, jitter=0.0), 1.0 + 2.0 + 4.0),
        (RetryPolicy(max_attempts=4, jitter=0.5), 1.5 + 3.0 + 6.0),
        (RetryPolicy(max_attempts=1_000_000, max_delay=1.0), 999_999.0),
        (RetryPolicy(max_attempts=9, max_elapsed=5.0), 5.0),
        (RetryPolicy(max_attempts=1_000_000, initial_delay=0.0), 0.0),
    ],
)
def test_delays_add_up_however_many_there_are(policy: RetryPolicy, seconds: float) -> None:
    assert longest_delays(policy) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.5, "0.5 s"), (45, "45 s"), (180, "3 min"), (5_400, "1 h 30 min"), (90_061, "1 d 1 h")],
)
def test_spans_are_said_in_the_units_of_people(seconds: float, words: str) -> None:
    assert say_seconds(seconds) == words


# ── lists that follow from the inputs ───────────────────────────────────────────────────────────

LISTED = """
name: listed
inputs:
  languages: {type: list, default: [de, fr]}
  places: {type: list, required: true}
tasks:
  first: {for_each: "${inputs.languages}", shell: "echo {{ item }}"}
  second: {for_each: {each: first}, shell: "echo {{ item }}"}
  third: {for_each: "{{ first }}", shell: "echo {{ item }}"}
  fourth: {matrix: {language: "${inputs.languages}", place: "${inputs.places}"}, shell: echo}
  fifth: {for_each: "{{ range(3) | list }}", shell: "echo {{ item }}"}
  sixth: {for_each: "{% for one in inputs.languages %}{{ one }}{% endfor %}", shell: "echo {{ item }}"}
"""


@pytest.mark.parametrize(
    ("inputs", "counts"),
    [(None, [2, 2, None, None, 3, None]), ({"languages": ["de"], "places": ["x", "y", "z"]}, [1, 1, None, 3, 3, None])],
)
def test_what_follows_from_the_inputs_is_counted(
    inputs: dict[str, Json] | None, counts: list[int | None], tmp_path: Path
) -> None:
    flow = with_known_lists(flow_of(tmp_path, LISTED), inputs)
    assert [instances(flow, task) for task in flow.tasks.values()] == counts
