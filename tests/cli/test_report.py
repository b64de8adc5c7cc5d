from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from orchestrator.cli.exits import Exit, of_run
from orchestrator.cli.report import report_of, report_text
from orchestrator.core import events as ev
from orchestrator.core.errors import Failure
from orchestrator.core.flow import Json
from orchestrator.core.output import Cut
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Outcome, Reason
from tests.cli.story import A_BUG, HTTP_503, OUT_OF_BUDGET, Story

TASK_KEYS = {
    "state",
    "group",
    "attempts",
    "duration_s",
    "waited_s",
    "tokens",
    "cost_usd",
    "backend",
    "output",
    "error",
    "reason",
}
ERROR_KEYS = {"code", "class", "kind", "message", "hint", "retry_after", "correlation_id"}


OUTPUTS: Mapping[str, Mapping[str, Json] | None] = {"log": MappingProxyType({"stdout": "x", "exit_code": 0})}


def mixed() -> Story:
    story = Story(backends=["writer"]).adds("log", "broken", "after")
    story.starts("log", backend="writer").at_second(0.5).happens(ev.UsageReported("log", 1, "writer", 10, 5, 0.25))
    story.succeeds("log", {"stdout": "x", "exit_code": 0})
    story.starts("broken", of=2).retries("broken", 1).at_second(1.5).starts("broken", attempt=2, of=2)
    story.at_second(2).fails("broken").happens(ev.TaskSkipped("after", "'broken' failed", "broken"))
    story.happens(ev.BackendGauge("writer", 0, 3, 1, 0))
    return story.ends(Outcome.FAILED, {"notes": "text"})


def test_the_report_has_exactly_the_promised_keys() -> None:
    report = report_of(mixed().run, OUTPUTS)
    assert list(report) == ["run", "flow", "outcome", "duration_s", "dir", "tasks", "outputs", "totals", "backends"]
    assert all(set(task) == TASK_KEYS for task in report["tasks"].values())
    assert set(report["tasks"]["broken"]["error"]) == ERROR_KEYS


def test_the_report_tells_the_run() -> None:
    report = report_of(mixed().run, OUTPUTS)
    assert (report["run"], report["flow"], report["outcome"], report["duration_s"]) == (
        "7f3a2c",
        "research",
        "failed",
        2,
    )
    assert report["tasks"]["log"] == {
        "state": "succeeded",
        "group": "default",
        "attempts": 1,
        "duration_s": 0.5,
        "waited_s": 0.0,
        "tokens": {"input": 10, "output": 5},
        "cost_usd": 0.25,
        "backend": "writer",
        "output": {"stdout": "x", "exit_code": 0},
        "error": None,
        "reason": None,
    }
    assert report["tasks"]["after"]["reason"] == "'broken' failed"
    assert report["tasks"]["broken"]["waited_s"] == 1.0
    assert report["outputs"] == {"notes": "text"}
    assert report["totals"] == {
        "succeeded": 1,
        "failed": 1,
        "skipped": 1,
        "cancelled": 0,
        "attempts": 3,
        "tokens": 15,
        "cost_usd": 0.25,
    }
    assert report["backends"] == {"writer": {"breaker": "closed", "calls": 3, "failures": 1}}
    assert json.loads(report_text(mixed().run, OUTPUTS)) == report


def test_what_cannot_be_priced_is_never_nothing() -> None:
    story = Story(backends=["m"]).adds("a").starts("a").happens(ev.UsageReported("a", 1, "m", 10, 5, None))
    assert report_of(story.run, {})["totals"]["cost_usd"] is None


def test_a_held_run_says_what_its_tasks_wait_for() -> None:
    story = Story().adds("publish").happens(ev.TaskWaiting("publish", Reason.APPROVAL))
    story.at_second(3).happens(ev.RunHeld(("publish waits for approval",))).ends(Outcome.HELD)
    report = report_of(story.run, {})
    assert report["outcome"] == "held"
    assert report["tasks"]["publish"]["reason"] == "approval"
    assert report["tasks"]["publish"]["waited_s"] == 3


# ── exit statuses ───────────────────────────────────────────────────────────────────────────────


def ended(outcome: Outcome, error: Failure | None = None, *, optional: bool = False) -> Run:
    story = Story().adds("a", optional=optional).starts("a")
    story = story.fails("a", error) if error else story.succeeds("a")
    return story.ends(outcome).run


@pytest.mark.parametrize(
    ("run", "status"),
    [
        (ended(Outcome.SUCCEEDED), Exit.OK),
        (ended(Outcome.DEGRADED, HTTP_503, optional=True), Exit.OK),
        (ended(Outcome.FAILED, HTTP_503), Exit.FAILED),
        (ended(Outcome.FAILED, OUT_OF_BUDGET), Exit.BUDGET),
        (ended(Outcome.FAILED, A_BUG), Exit.BUG),
        (ended(Outcome.HELD, HTTP_503), Exit.FAILED),
        (ended(Outcome.HELD), Exit.HELD),
        (ended(Outcome.CANCELLED), Exit.FAILED),
    ],
)
def test_the_first_status_that_applies_is_the_runs(run: Run, status: Exit) -> None:
    assert of_run(run) == status


@pytest.mark.parametrize(("number", "status"), [(2, 130), (15, 143), (1, 129)])
def test_a_signal_that_stopped_the_run_gives_the_status(number: int, status: int) -> None:
    story = Story().adds("a").happens(ev.RunCancelling("Ctrl+C"), ev.TaskCancelled("a", "Ctrl+C"))
    assert of_run(story.ends(Outcome.CANCELLED).run, stopped_by=number) == status


def test_a_signal_that_came_too_late_changes_nothing() -> None:
    assert of_run(ended(Outcome.SUCCEEDED), stopped_by=2) == Exit.OK


def test_breakers_are_reported_as_they_stand() -> None:
    story = Story(backends=["m"]).happens(ev.BreakerMoved("m", BreakerState.CLOSED, BreakerState.OPEN, "x"))
    assert report_of(story.run, {})["backends"]["m"]["breaker"] == "open"


def test_a_text_that_was_cut_says_so_and_where_all_of_it_is() -> None:
    text = report_text(mixed().run, {"log": {"stdout": Cut("begin", 5, "log.1.out")}})  # type: ignore[dict-item]  # what the engine puts there
    assert json.loads(text)["tasks"]["log"]["output"]["stdout"] == {
        "kept": "begin",
        "limit": 5,
        "path": "log.1.out",
    }
