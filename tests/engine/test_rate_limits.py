"""How limits of a backend order those who call it."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelTask, SkipWait
from orchestrator.core.errors import Code
from orchestrator.core.flow import Algorithm, BackendSpec, RateLimit
from orchestrator.core.states import State
from tests.engine.kit import Free, Setting, Usage, backend, busy, call, flow, task, tell


def limited(*limits: RateLimit, **fields: Free) -> BackendSpec:
    return backend("x", rate_limits=limits, **fields)


def window(requests: int | None = None, tokens: int | None = None, per: float = 10.0) -> RateLimit:
    return RateLimit(per, requests=requests, tokens=tokens, algorithm=Algorithm.SLIDING_WINDOW)


def test_no_more_calls_begin_than_the_limit_allows() -> None:
    story = tell(flow(*(task(f"t{n}", backend="x") for n in range(5)), backends=[limited(window(2))]))
    assert [story.started(f"t{n}")[0] for n in range(5)] == [0.0, 0.0, 10.0, 10.0, 20.0]


def test_the_head_of_the_line_says_until_when_it_waits() -> None:
    story = tell(flow(*(task(f"t{n}", backend="x") for n in range(3)), backends=[limited(window(1))]))
    assert story.waits("t1") == [("rate_limit", 10.0)]
    assert story.waits("t2") == [("rate_limit", None), ("rate_limit", 20.0)]


def test_a_list_of_limits_combines_them() -> None:
    spec = limited(window(1, per=2.0), window(2, per=60.0))
    story = tell(flow(*(task(f"t{n}", backend="x") for n in range(3)), backends=[spec]))
    assert [story.started(f"t{n}")[0] for n in range(3)] == [0.0, 2.0, 60.0]


def test_a_bucket_lets_a_burst_through() -> None:
    spec = limited(RateLimit(10.0, requests=10, burst=3))
    story = tell(flow(*(task(f"t{n}", backend="x") for n in range(5)), backends=[spec]))
    assert [story.started(f"t{n}")[0] for n in range(5)] == [0.0, 0.0, 0.0, pytest.approx(1.0), pytest.approx(2.0)]


def test_calls_weigh_what_they_may_use() -> None:
    tasks = [task("heavy", [Usage(40, 30)], tokens=80, backend="x"), task("light", tokens=30, backend="x")]
    story = tell(flow(*tasks, backends=[limited(window(tokens=100))]))
    assert story.started("light") == [0.0], "the heavy one left just enough"
    tasks = [task("heavy", [Usage(50, 40)], tokens=80, backend="x"), task("light", tokens=30, backend="x")]
    story = tell(flow(*tasks, backends=[limited(window(tokens=100))]))
    assert story.started("light") == [10.0]


def test_what_a_call_did_not_use_is_there_for_others_when_it_ends() -> None:
    tasks = [task("heavy", [2.0, Usage(10, 10)], tokens=80, backend="x"), task("light", tokens=30, backend="x")]
    story = tell(flow(*tasks, backends=[limited(window(tokens=100))]))
    assert story.started("light") == [2.0]


def test_what_can_never_fit_fails_for_good() -> None:
    story = tell(flow(task("a", tokens=101, backend="x", retries=5), backends=[limited(window(tokens=100))]))
    assert story.error("a").code == Code.NEVER_FITS
    assert story.state("a") is State.FAILED


def test_a_heavy_call_at_the_head_is_not_overtaken_by_light_ones() -> None:
    first = task("first", [30.0, Usage(60, 0)], tokens=60, backend="x")
    heavy = task("heavy", [Usage(90, 0)], tokens=90, backend="x")
    light = [task(f"light{n}", [Usage(10, 0)], tokens=10, backend="x") for n in range(3)]
    story = tell(flow(first, heavy, *light, backends=[limited(window(tokens=100))]))
    assert story.started("heavy") == [10.0]
    assert [story.started(one.id) for one in light] == [[10.0], [20.0], [20.0]]


def test_calls_begin_in_the_order_in_which_tasks_became_ready() -> None:
    late = [task(f"late{n}", backend="x", needs=["wait"]) for n in range(2)]
    early = [task(f"early{n}", backend="x") for n in range(4)]
    story = tell(flow(*late, task("wait", [1.0]), *early, backends=[limited(window(1))], max_concurrency=20))
    order = sorted((one.id for one in (*late, *early)), key=story.started)
    assert order == ["early0", "early1", "early2", "early3", "late0", "late1"]


def test_who_waits_at_one_backend_holds_up_nobody_at_another() -> None:
    tasks = [task(f"x{n}", backend="x") for n in range(5)] + [task(f"y{n}", backend="y") for n in range(2)]
    story = tell(flow(*tasks, backends=[limited(window(1)), backend("y")], max_concurrency=1))
    assert story.started("y1") == [0.0]


def test_too_many_requests_hold_the_backend_for_all_who_call_it() -> None:
    tasks = [
        task("a", [busy(429, 7.0)], [], backend="x", retries=2),
        task("b", backend="x", needs=["c"]),
        task("c", [1.0]),
    ]
    story = tell(flow(*tasks, backends=[backend("x")]))
    assert story.waits("b") == [("rate_limit", 7.0)]
    assert story.started("a") == [0.0, 7.0]
    assert story.started("b") == [7.0]


def test_a_hold_is_told_when_it_begins_and_when_it_ends() -> None:
    tasks = [task("a", [busy(429, 7.0)], [1.0], backend="x", retries=2)]
    story = tell(flow(*tasks, backends=[backend("x")]))
    told = [(record.at, record.event.until) for record in story.records if isinstance(record.event, ev.BackendHeld)]
    assert told == [(0.0, 7.0), (7.0, None)]
    assert story.run.backends["x"].held_until is None


def test_a_hold_can_be_extended_and_is_never_shortened() -> None:
    long, short = task("a", [busy(429, 9.0)], backend="x"), task("b", [1.0, busy(429, 2.0)], backend="x")
    longer = task("c", [2.0, busy(429, 20.0)], backend="x")
    story = tell(
        flow(long, short, longer, task("wait", [3.0]), task("d", backend="x", needs=["wait"]), backends=[backend("x")])
    )
    assert story.started("d") == [22.0]


def test_a_hold_of_years_is_taken_for_a_week() -> None:
    story = tell(
        flow(
            task("a", [busy(429, 1e9)], backend="x"),
            task("wait", [1.0]),
            task("b", backend="x", needs=["wait"]),
            backends=[backend("x")],
        )
    )
    assert story.started("b") == [7 * 86_400.0]


def test_a_person_sends_one_probe_to_a_held_backend() -> None:
    waiting = [task(name, [2.0], backend="x", needs=["wait"]) for name in "bcd"]
    tasks = [task("a", [busy(429, 600.0)], backend="x"), task("wait", [1.0]), *waiting]
    story = tell(flow(*tasks, backends=[backend("x")]), Setting([(5.0, SkipWait(task="c"))]))
    assert [story.started(name) for name in "bcd"] == [[7.0], [5.0], [7.0]]
    assert story.times(ev.BackendHeld) == [0.0, 7.0]


def test_a_probe_that_is_refused_again_sends_nobody_after_it() -> None:
    waiting = [task(name, [2.0, busy(429, 5.0)], [], backend="x", needs=["wait"], retries=2) for name in "bcd"]
    tasks = [task("a", [busy(429, 600.0)], backend="x"), task("wait", [1.0]), *waiting]
    story = tell(flow(*tasks, backends=[backend("x")]), Setting([(5.0, SkipWait(task="b"))]))
    assert story.started("c")[0] == 600.0


def test_a_person_sends_a_task_to_the_head_of_the_line() -> None:
    tasks = [task(f"t{n}", backend="x") for n in range(4)]
    story = tell(flow(*tasks, backends=[limited(window(1))]), Setting([(1.0, SkipWait(task="t3"))]))
    assert [story.started(one.id)[0] for one in tasks] == [0.0, 20.0, 30.0, 10.0]


def test_a_tasks_fallback_counts_tokens_even_if_its_own_backend_does_not() -> None:
    specs = [backend("x", fallback=("y",)), backend("y", rate_limits=(window(tokens=50),))]
    held = task("a", [busy(429, 60.0)], backend="x")
    others = [task(name, [Usage(30, 0)], tokens=30, backend="x", needs=["wait"]) for name in "bc"]
    story = tell(flow(held, task("wait", [1.0]), *others, backends=specs))
    assert [story.started(name) for name in "bc"] == [[1.0], [11.0]]


def test_each_call_of_an_agent_counts() -> None:
    agent = task("a", [call(), call(), call()], kind="agentic", backend="x")
    story = tell(flow(agent, backends=[limited(window(1))]))
    assert story.ended("a") == 20.0
    assert story.run.backends["x"].calls == 3


def test_when_the_head_of_the_line_leaves_the_next_has_its_turn() -> None:
    first = task("first", [30.0, Usage(60, 0)], tokens=60, backend="x")
    heavy, light = task("heavy", tokens=90, backend="x"), task("light", tokens=10, backend="x")
    story = tell(
        flow(first, heavy, light, backends=[limited(window(tokens=100))]), Setting([(2.0, CancelTask(task="heavy"))])
    )
    assert story.started("light") == [2.0]
