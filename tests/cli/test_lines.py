from __future__ import annotations

from orchestrator.cli.lines import counts_line, line_of
from orchestrator.core import events as ev
from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.run import fold
from orchestrator.core.states import BreakerState, Health, Outcome, Reason
from tests.cli.story import HTTP_503, Story


def last_line(story: Story) -> str | None:
    line = line_of(story.records[-1], story.run)
    return line.text if line else None


def all_lines(story: Story) -> list[str]:
    run = fold(story.records[:1])
    lines = [line_of(story.records[0], run)]
    for record in story.records[1:]:
        run.apply(record)
        lines.append(line_of(record, run))
    return [line.text for line in lines if line]


def test_a_retry_says_which_one_when_and_why() -> None:
    story = Story().adds("scrape[site-d]").at_second(252).starts("scrape[site-d]", attempt=1, of=5)
    story.retries("scrape[site-d]", 12)
    lines = all_lines(story)
    assert lines[-1] == "04:12 scrape[site-d] retry 2/5 in 12s (HTTP 503)"


def test_a_usage_limit_is_no_retry_and_a_retry_at_once_says_so() -> None:
    used_up = Failure(Code.QUOTA, ErrorClass.TRANSIENT, ErrorKind.UPSTREAM, "the quota is used up")
    story = Story().adds("a").at_second(2).starts("a", of=4).retries("a", 0.0, used_up)
    assert all_lines(story)[-1] == "00:02 a goes on when the usage limit ends (the quota is used up)"
    story = Story().adds("a").at_second(2).starts("a", of=4).retries("a", 0.0)
    assert all_lines(story)[-1] == "00:02 a retry 2/4 at once (HTTP 503)"


def test_a_breaker_says_where_it_went() -> None:
    story = Story(backends=["web-fetch"]).at_second(256)
    story.happens(ev.BreakerMoved("web-fetch", BreakerState.OPEN, BreakerState.HALF_OPEN, ""))
    assert last_line(story) == "04:16 breaker web-fetch open -> half-open"


def test_an_open_breaker_says_why_and_when_it_probes() -> None:
    story = Story(backends=["web"]).at_second(10)
    story.happens(ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "5 failures in a row", until=40))
    assert last_line(story) == "00:10 breaker web closed -> open (5 failures in a row), probe in 30s"


def test_a_task_says_that_it_starts_once() -> None:
    story = Story().adds("a").starts("a", of=2).retries("a", 1).at_second(1).starts("a", attempt=2, of=2)
    assert [line for line in all_lines(story) if "starts" in line and "run" not in line] == ["00:00 a starts"]


def test_a_failure_says_after_how_many_tries_and_what_would_help() -> None:
    error = Failure(HTTP_503.code, HTTP_503.error_class, HTTP_503.kind, "HTTP 503\nbusy", hint="try later")
    story = Story().adds("a").starts("a", of=2).retries("a", 1).starts("a", attempt=2, of=2).fails("a", error)
    assert last_line(story) == "00:00 a failed after 2 tries: HTTP 503 busy [ORC-301]; try later"


def test_a_success_says_how_long_and_what_it_used() -> None:
    story = Story(backends=["m"]).adds("a").starts("a", backend="m").at_second(1.5)
    story.happens(ev.UsageReported("a", 1, "m", 1000, 500, 0.02)).succeeds("a")
    assert last_line(story) == "00:01 a done in 1.5s (1.5k tokens, $0.02)"


def test_output_and_gauges_make_no_lines() -> None:
    story = Story(backends=["m"]).adds("a").starts("a").writes("a", "hello\n")
    assert last_line(story) is None
    assert last_line(story.happens(ev.BackendGauge("m", 0, 1, 0, 1))) is None


def test_foreign_text_in_a_line_is_harmless() -> None:
    story = Story().adds("a").starts("a")
    story.fails("a", Failure(HTTP_503.code, HTTP_503.error_class, HTTP_503.kind, "\x1b[2Jgone\nsecond"))
    assert last_line(story) == "00:00 a failed: gone second [ORC-301]"


def test_every_kind_of_line_can_be_told() -> None:
    story = Story(groups=["g"], backends=["m"]).adds("a", "b", group="g")
    story.happens(
        ev.RunPaused("operator"),
        ev.RunUnpaused("operator"),
        ev.GroupPaused("g", "operator"),
        ev.GroupUnpaused("g", "operator"),
        ev.TaskPaused("a", "operator"),
        ev.TaskUnpaused("a", "operator"),
        ev.BackendHeld("m", 12.0, "429"),
        ev.BackendHeld("m", None, ""),
        ev.FallbackUsed("a", "m", "n", "breaker open"),
        ev.CommandRefused("c1", "RetryTask", "nothing failed"),
        ev.TaskWaiting("b", Reason.APPROVAL),
        ev.ApprovalRequested("b", "Go on?", until=60),
        ev.ApprovalDenied("b", "operator", "not today"),
        ev.TaskSkipped("b", "a was cancelled", "a"),
        ev.GroupCancelled("g", "operator"),
        ev.RunHeld(("a waits for approval",)),
        ev.RunCancelling("Ctrl+C", until=5.0),
        ev.TaskCancelled("a", "Ctrl+C"),
        ev.RunFinished(Outcome.CANCELLED),
    )
    assert len(all_lines(story)) == len(story.records) - 3  # two additions and a wait say nothing


def test_the_counts_name_what_runs_waits_and_why() -> None:
    story = Story().adds("a", "b", "c").starts("a").succeeds("a").starts("b", of=3).retries("b", 5).starts("c")
    assert counts_line(story.run, 270) == "04:30 1 of 3 done, 1 running, 1 in backoff"


def test_health_is_told_when_it_changes() -> None:
    story = Story(backends=["x"])
    for health in (Health.HEALTHY, Health.UNHEALTHY, Health.UNHEALTHY, Health.DEGRADED, Health.HEALTHY, Health.HEALTHY):
        story.happens(ev.HealthChecked("x", health, 0.1, "2 models"))
    told = [line.partition(" ")[2] for line in all_lines(story)[1:]]
    assert told == ["x is unhealthy: 2 models", "x is degraded: 2 models", "x is well again: 2 models"]


def test_a_budget_that_only_warns_refuses_nobody() -> None:
    run = Story().run
    warned, refused = (
        ev.Record("r", 1, 0.0, ev.BudgetExceeded("run", "a", rule, "all is spent")) for rule in ("warn", "fail")
    )
    assert line_of(warned, run) == ("00:00 budget run lets a go on (warn): all is spent", True, "yellow")
    assert line_of(refused, run) == ("00:00 budget run refuses a (fail): all is spent", True, "yellow")
