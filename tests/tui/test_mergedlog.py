"""All tasks' lines in the order of time."""

from __future__ import annotations

from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, GroupInfo
from orchestrator.core.states import BreakerState, Health, Reason
from orchestrator.tui.feed import Feed
from orchestrator.tui.loglines import Level
from orchestrator.tui.mergedlog import MergedLog
from tests.tui.scene import Scene, research, started, upstream


class Reading:
    """A log that is kept up to date as the screen keeps it."""

    def __init__(self, scene: Scene, kept: int = 1000) -> None:
        self.feed = Feed(scene)
        self.log = MergedLog(kept)
        self.log.begin(self.feed.run)
        self.grown: frozenset[int] = frozenset()

    def looks(self) -> list[str]:
        changes = self.feed.poll()
        self.grown = self.log.take(self.feed.run, changes.tasks, changes.news)
        return self.texts

    @property
    def texts(self) -> list[str]:
        return [f"{line.task}: {line.text}" for _, line in self.log.lines()]


def two() -> Scene:
    scene = Scene().tell(started([GroupInfo("g")], [BackendInfo("web", "http")], []))
    return scene.task("a", "g").task("b", "g").starts("a", at=1.0).starts("b", at=1.0)


def test_lines_of_all_tasks_stand_in_the_order_of_time() -> None:
    scene = two()
    reading = Reading(scene)
    scene.says("b", "one", at=2.0).says("a", "two", at=3.0).says("b", "three", at=4.0)
    assert reading.looks()[2:] == ["b: one", "a: two", "b: three"]


def test_what_a_run_remembers_is_read_as_if_one_had_been_there() -> None:
    scene = research()
    late = Reading(scene)
    assert len(late.texts) == 51
    times = [line.at for _, line in late.log.lines()]
    assert times == sorted(times)
    assert ": breaker web-fetch closed → open (5 failures in a row), probe in 59s" in late.texts


def test_reading_twice_adds_nothing() -> None:
    reading = Reading(research())
    before = reading.texts
    assert reading.looks() == before


def test_a_line_that_was_left_open_grows_where_it_stands() -> None:
    scene = two()
    reading = Reading(scene)
    scene.tell(ev.OutputProduced("a", 1, "out", "load"), at=2.0).says("b", "between", at=3.0)
    reading.looks()
    scene.tell(ev.OutputProduced("a", 1, "out", "ing"), at=4.0)
    assert reading.looks()[2:] == ["a: loading", "b: between"]
    assert reading.grown == {2}


def test_only_the_last_lines_are_kept_and_their_numbers_stay() -> None:
    scene = two()
    reading = Reading(scene, kept=10)
    for number in range(1200):
        scene.says("a", f"line {number}")
        if number % 100 == 0:
            reading.looks()
    reading.looks()
    assert reading.texts[-1] == "a: line 1199"
    assert reading.log.end == 1202
    assert reading.log[reading.log.end - 1].text == "line 1199"
    assert reading.log.first > 0


def test_a_marker_stands_where_it_was_set() -> None:
    scene = two()
    reading = Reading(scene)
    reading.log.mark(5.0)
    scene.says("a", "after", at=6.0)
    assert reading.looks()[2:] == [": ", "a: after"]


def test_what_happens_to_the_run_stands_between() -> None:
    scene = two()
    reading = Reading(scene)
    scene.tell(
        ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "5 failures", 32.0),
        ev.BackendHeld("web", None, "usage limit", Reason.QUOTA),
        ev.BackendHeld("web", None, "the hold ended"),
        ev.LevelChanged("reduced", "web is open"),
        ev.HealthChecked("web", Health.HEALTHY, 0.1, "fine"),
        ev.HealthChecked("web", Health.UNHEALTHY, 0.1, "HTTP 500"),
        ev.BudgetThreshold("run", "cost_usd", 90),
        ev.RunPaused("operator"),
        ev.RunUnpaused("operator"),
        ev.RunCancelling("operator", draining=True),
        ev.CommandRefused("c1", "RetryTask", "a runs"),
        at=2.0,
    )
    assert reading.looks()[2:] == [
        ": breaker web closed → open (5 failures), probe in 30s",
        ": web is held until somebody acts: usage limit",
        ": web takes calls again",
        ": the flow is reduced now: web is open",
        ": web is unhealthy: HTTP 500",
        ": budget run: 90% of cost is spent",
        ": the run is paused (operator)",
        ": the run goes on (operator)",
        ": the run drains: what runs may finish (operator)",
        ": refused: a runs",
    ]


def test_how_a_backend_is_is_told_when_it_changes() -> None:
    scene = two()
    fine, slow, down = (Health.HEALTHY, "fine"), (Health.DEGRADED, "slow"), (Health.UNHEALTHY, "HTTP 500")
    scene.tell(ev.HealthChecked("web", down[0], 0.1, down[1]))
    reading = Reading(scene)
    for number, (health, found) in enumerate((down, down, slow, slow, fine, fine, down)):
        scene.tell(ev.HealthChecked("web", health, 0.1, found), at=2.0 + number)
    told = [": web is degraded: slow", ": web is well again: fine", ": web is unhealthy: HTTP 500"]
    assert reading.looks()[2:] == told


def test_questions_and_tools_stand_with_their_task() -> None:
    scene = two()
    reading = Reading(scene)
    scene.tell(
        ev.ToolCalled("a", 1, "c1", "read", '{"path": "x"}'),
        ev.ToolReturned("a", 1, "c1", "no such file\nat all", is_error=True),
        ev.ToolReturned("a", 1, "c2", "fine"),
        at=2.0,
    )
    scene.waits("a", Reason.ANSWER).tell(ev.QuestionAsked("a", "Which?", ("x", "y")), at=3.0)
    scene.tell(ev.QuestionAnswered("a", "x", "ada"), ev.ApprovalDenied("a", "bob", "too late"), at=4.0)
    reading.looks()
    found = [(line.tag, line.text) for _, line in reading.log.lines(2)]
    assert found == [
        ("tool", 'read {"path": "x"}'),
        ("tool", "no such file"),
        ("ask", "Which? (x | y)"),
        ("ask", "answered by ada: x"),
        ("ask", "denied by bob: too late"),
    ]


def test_levels_are_told_by_words_by_streams_and_by_what_happened() -> None:
    scene = two()
    reading = Reading(scene)
    scene.says("a", "INFO fine").says("a", "WARNING odd").says("a", "ERROR bad").says("a", "ValueError: x")
    scene.says("a", "noise", "err").says("b", "0 errors")
    scene.stumbles("a", upstream(), 2.0, at=2.0).fails("b", upstream(), at=3.0)
    reading.looks()
    levels = [line.level for _, line in reading.log.lines(2)]
    warn, err = Level.WARN, Level.ERR
    assert levels == [Level.ALL, warn, err, err, warn, Level.ALL, warn, err]


def test_what_memory_let_go_in_between_is_left_out() -> None:
    scene = two()
    reading = Reading(scene)
    for number in range(200):
        scene.says("a", f"{number} " + "x" * 1000)
    assert reading.looks()[-1].startswith("a: 199 ")
    assert len(reading.texts) < 100
