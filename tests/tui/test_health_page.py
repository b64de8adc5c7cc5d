"""The lines of Health and Summary."""

from __future__ import annotations

import pytest

from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, BudgetInfo, Gauge, GroupInfo
from orchestrator.core.states import BreakerState, Health, Outcome, Reason
from orchestrator.tui.breakers import history
from orchestrator.tui.census import Counting, census
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.healthpage import health_lines
from orchestrator.tui.lines import plain, width
from orchestrator.tui.pages import Look
from orchestrator.tui.subjects import Subject
from orchestrator.tui.summarypage import summary_lines
from orchestrator.tui.trends import Trends, spark
from tests.tui.scene import Scene, empty, finished, research, started, upstream


def look(scene: Scene, cells: int = 120, opened: frozenset[str] = frozenset(), *, ascii_only: bool = False) -> Look:
    run, now = scene.run, scene.run.ended if scene.run.ended is not None else scene.at
    glyphs = ASCII if ascii_only else UNICODE
    path = "runs/{}.log".format
    return Look(run, now, cells, glyphs, census(run, now), Trends(), opened, lambda command: command[:1], path)


def health(scene: Scene, **how: object) -> str:
    return "\n".join(plain(line) for line, _ in health_lines(look(scene, **how)))  # type: ignore[arg-type]  # of look


def summary(scene: Scene, **how: object) -> str:
    return "\n".join(plain(line) for line, _ in summary_lines(look(scene, **how)))  # type: ignore[arg-type]  # of look


def one_backend(*events: ev.Event) -> Scene:
    scene = Scene().tell(started([GroupInfo("a")], [BackendInfo("web", "http", limits=("9 requests in 1m",))], []))
    scene.at = 100.0
    return scene.tell(*events)


@pytest.mark.parametrize("cells", range(80, 240, 10))
def test_rows_find_room(cells: int) -> None:
    for lines in (health_lines(look(research(), cells)), summary_lines(look(research(), cells))):
        for line, key in lines:
            if Subject.read(key) is not None:
                assert width(line) <= cells, plain(line)


def test_without_unicode_the_pages_are_ascii() -> None:
    opened = frozenset({Subject("backend", "web-fetch").key, Subject("group", "scrape").key})
    assert health(research(), opened=opened, ascii_only=True).isascii()
    assert summary(research(), ascii_only=True).isascii()
    scene = finished(well=True).tell(ev.RunReopened("operator"))
    scene.tell(ev.RunFinished(Outcome.SUCCEEDED, {"an output whose name is long": "x" * 300}))
    assert summary(scene, ascii_only=True).isascii()


def test_before_the_run_there_is_nothing() -> None:
    assert health(Scene()) == " Preparing the run"
    assert summary(Scene()) == " Preparing the run"
    assert "No backend: what runs here needs none." in health(empty())
    assert "No budget: 0 tokens, $0.00 so far." in health(empty())
    assert "No task yet." in health(empty())


# ── backends ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "x", 112.0), "≠ OPEN      web"),
        (ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "x", 112.0), "probe in 12s"),
        (ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.TRIPPED, "operator"), "until you reset"),
        (ev.BackendHeld("web", 160.0, "slow down", Reason.RATE_LIMIT), "≈ held      web"),
        (ev.BackendHeld("web", 160.0, "slow down", Reason.RATE_LIMIT), "for 60s"),
        (ev.BackendHeld("web", None, "usage limit", Reason.QUOTA), "≈ quota     web"),
        (ev.BackendHeld("web", None, "usage limit", Reason.QUOTA), "until you act"),
        (ev.BackendHeld("web", None, "the hold ended"), "✓ closed    web"),
        (ev.HealthChecked("web", Health.UNHEALTHY, 0.2, "HTTP 500"), "✗ 0.0s ago"),
    ],
)
def test_a_backend_says_where_it_stands(event: ev.Event, words: str) -> None:
    assert words in health(one_backend(event))


def test_a_backend_unfolds_into_all_that_is_known_of_it() -> None:
    scene = one_backend(
        ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "5 failures in a row", 130.0),
        ev.BreakerMoved("web", BreakerState.OPEN, BreakerState.HALF_OPEN, "cool-down over"),
        ev.BackendGauge("web", 5, 40, 10, 2),
        ev.HealthChecked("web", Health.DEGRADED, 2.0, "slow"),
        ev.BackendHeld("web", None, "usage limit", Reason.QUOTA),
    )
    text = health(scene, opened=frozenset({Subject("backend", "web").key}))
    for words in (
        "calls     40, 10 failed (25%), 2 now",
        "hold      quota until you act: usage limit",
        "check     degraded, slow; took 2.0s, 0.0s ago",
        "limits    9 requests in 1m",
        "01:40.0   closed → open           5 failures in a row, probe at 02:10.0",
        "01:40.0   open → half-open        cool-down over",
    ):
        assert words in text


@pytest.mark.parametrize("cells", [80, 118, 200])
def test_what_went_wrong_is_cut_with_a_sign_that_it_was(cells: int) -> None:
    why = "GET /a/page/whose/name/is/long answered 503 Service Unavailable, " * 4
    scene = one_backend(ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, why, 130.0))
    scene.task("x", "a", backend="web").starts("x", at=101.0).stumbles("x", upstream(why), 2.0)
    lines = health(scene, cells=cells, opened=frozenset({Subject("backend", "web").key})).splitlines()
    told = [line for line in lines if "GET /a" in line]
    assert len(told) == (3 if cells > 80 else 2)
    assert all(len(line) <= cells and "…" in line for line in told)


def test_history_shows_the_worst_of_each_part_of_the_time() -> None:
    scene = one_backend()
    for at, before, after in (
        (50.0, BreakerState.CLOSED, BreakerState.OPEN),
        (60.0, BreakerState.OPEN, BreakerState.HALF_OPEN),
        (61.0, BreakerState.HALF_OPEN, BreakerState.CLOSED),
    ):
        scene.tell(ev.BreakerMoved("web", before, after, "x"), at=at)
    marks = history(scene.run.backends["web"], 100.0, 10)
    opened, half = BreakerState.OPEN, BreakerState.HALF_OPEN
    assert marks == [BreakerState.CLOSED] * 5 + [opened, opened] + [BreakerState.CLOSED] * 3
    assert history(scene.run.backends["web"], 1000.0, 1000)[60] is opened
    assert history(scene.run.backends["web"], 1000.0, 2000)[121] is half


def test_a_row_keeps_its_place_whatever_happens_to_it() -> None:
    text = health(research())
    assert text.index("claude/sonnet") < text.index("web-fetch") < text.index("openai")


# ── limits and budgets ──────────────────────────────────────────────────────────────────────────


def test_a_full_limiter_says_who_waits_and_until_when() -> None:
    text = health(research())
    assert "49/49           FULL" in text
    assert "2 waiting  next 1.2s" in text
    assert "5/10" in text


def test_a_servers_own_limits_are_limits_too() -> None:
    scene = one_backend(ev.BackendGauge("web", 0, 1, 0, 1, (Gauge("server requests", 3, 50), Gauge("slots", 1, 4))))
    text = health(scene)
    assert "web server requests" in text
    assert "web slots" not in text


def test_a_budget_shows_what_is_spent_reserved_and_when_it_ends() -> None:
    scene = Scene().tell(started([GroupInfo("a")], [], [BudgetInfo("run", None, 10.0, 600.0)]))
    scene.tell(ev.BudgetSettled("run", "t", 100, 2.0), ev.BudgetReserved("run", "t", 10, 0.5), at=120.0)
    text = health(scene)
    assert "$2.00/$10.00    20%   +$0.50 reserved  $1.00/min  used up in 08:00" in text
    assert "02:00/10:00     20%   used up in 08:00" in text


def test_a_spent_budget_says_who_waits_for_more() -> None:
    scene = Scene().tell(started([GroupInfo("a")], [], [BudgetInfo("group:a", 100)]))
    scene.task("x", "a").waits("x", Reason.BUDGET, gate="group:a")
    scene.tell(ev.BudgetSettled("group:a", "y", 120), ev.BudgetExceeded("group:a", "x", "hold", "120 of 100 are spent"))
    text = health(scene)
    assert "OVER" in text
    assert "group:a: 1 task waits for more; 120 of 100 are spent" in text


def test_a_finished_run_uses_nothing_up() -> None:
    scene = Scene().tell(started([GroupInfo("a")], [], [BudgetInfo("run", None, 10.0)]))
    scene.tell(ev.BudgetSettled("run", "t", 100, 2.0), ev.RunFinished(Outcome.SUCCEEDED), at=120.0)
    assert "used up" not in health(scene)
    assert "$1.00/min" in health(scene)


def test_retries_are_counted_by_group() -> None:
    assert "3  scrape 3" in health(research())


def test_degradation_is_told_with_its_cause() -> None:
    text = health(research().tell(ev.LevelChanged("reduced", "openai is open")))
    assert " DEGRADATION  reduced  openai is open" in text
    assert "DEGRADATION" not in health(research())


# ── isolation ───────────────────────────────────────────────────────────────────────────────────


def test_isolation_is_counted_from_events() -> None:
    text = health(research())
    assert "3 failed    contained: 1 dependant skipped inside, 0 outside" in text
    assert "4 of 5 groups untouched by failures; 0 tasks outside affected" in text
    assert f"counted from {research().run.seq + 1} events" in text


def test_what_was_struck_outside_is_named() -> None:
    scene = research()
    scene.tell(ev.TaskSkipped("publish", "scrape[site-b] failed", "scrape[site-b]"))
    text = health(scene, opened=frozenset({Subject("group", "scrape").key}))
    assert "reached others: 1 dependant skipped inside, 1 outside" in text
    assert "1 task outside skipped" in text
    assert "outside, in review: scrape[site-b] failed" in text
    assert "✗ scrape[site-b]" in text


def test_a_run_in_which_nothing_failed_says_so() -> None:
    assert "Nothing failed for good in 2 groups." in health(finished(well=True))


@pytest.mark.parametrize("cells", [80, 120])
def test_large_counts_do_not_run_into_what_stands_beside_them(cells: int) -> None:
    scene = Scene().tell(started([GroupInfo("a"), GroupInfo("b")], [], []))
    for number in range(1000):
        scene.task(f"x{number}", "a").starts(f"x{number}", at=1.0).fails(f"x{number}", upstream())
        scene.task(f"y{number}", "b").starts(f"y{number}", at=1.0).succeeds(f"y{number}")
    text = health(scene, cells=cells)
    assert "1000/1000 1000 failed  contained: 0" in text
    assert max(map(len, text.splitlines())) <= cells
    assert "1000/1000 healthy" in text


# ── the summary ─────────────────────────────────────────────────────────────────────────────────


def test_the_summary_says_how_it_went_and_what_failed_where() -> None:
    text = summary(finished(well=False))
    assert "✗ FAILED 1 of 3   1 skipped, 1 done  in 00:04" in text
    assert "FAILED 1  " in text
    assert "✗ compile exit 2" in text
    assert "│ compiled 14 files" in text
    assert "│ runs/compile.log" in text
    assert "1 of 2 groups untouched by failures; 0 tasks outside affected" in text


def test_the_counts_of_a_group_add_up_and_what_is_priced_in_part_is_marked() -> None:
    scene = Scene().tell(started([GroupInfo("a")], [], []))
    for name in ("done", "failed", "skipped", "stopped", "halted"):
        scene.task(name, "a")
    scene.starts("done", at=1.0).uses("done", 10, 10, 0.5).uses("done", 10, 10, None).succeeds("done")
    scene.starts("failed", at=1.0).fails("failed", upstream())
    scene.tell(ev.TaskSkipped("skipped", "failed failed", "failed"))
    scene.tell(ev.TaskCancelled("stopped", "operator"), ev.TaskCancelled("halted", "operator"))
    head, row = (line.split() for line in summary(scene).splitlines()[3:5])
    assert dict(zip(head[2:], row[3:], strict=True)) == {
        "DONE": "1",
        "FAIL": "1",
        "SKIP": "1",
        "CANC": "2",
        "TRIES": "2",
        "TIME": "00:00",
        "TOKENS": "40",
        "COST": "$0.50+",
    }


def test_while_it_runs_the_summary_is_what_there_is_so_far() -> None:
    text = summary(research())
    assert "► RUNNING   so far  3 of 29 failed, 1 skipped, 7 done, 18 left  in 04:12" in text
    assert "$0.73+  179k tokens" in text
    assert "web-fetch     0 calls, breaker opened once" in text


def test_the_first_of_each_kind_are_named() -> None:
    text = summary(research())
    slowest = text[text.index("SLOWEST") :].splitlines()[1]
    assert "research[regulation]" in slowest
    assert slowest.endswith("01:46")
    dearest = text[text.index("MOST EXPENSIVE") :].splitlines()[1]
    assert dearest.endswith("$0.148")
    assert text[text.index("MOST RETRIES") :].splitlines()[1].endswith(" 3")


def test_outputs_stand_in_the_summary() -> None:
    scene = finished(well=True).tell(ev.RunReopened("operator"))
    scene.tell(ev.RunFinished(Outcome.SUCCEEDED, {"report": "one\ntwo", "counts": {"a": 1}, "many": "x\n" * 40}))
    text = summary(scene)
    assert "   report one\n          two\n" in text
    assert '   counts {"a": 1}' in text
    assert "and 28 more lines" in text


# ── looking now and then ────────────────────────────────────────────────────────────────────────


def test_a_census_is_made_at_most_once_a_second() -> None:
    scene, counting = research(), Counting()
    first = counting.of(scene.run, 10.0)
    scene.says("survey-eu", "more")
    assert counting.of(scene.run, 10.5) is first
    assert counting.of(scene.run, 11.1) is not first


def test_the_end_of_a_run_is_counted_however_late_the_last_census_was() -> None:
    scene, counting = research(), Counting()
    _ = counting.of(scene.run, 10.0)
    scene.tell(ev.RunFinished(Outcome.FAILED))
    assert counting.of(scene.run, 10.0) == census(scene.run, 10.0)
    assert counting.of(scene.run, 10.0) is counting.of(scene.run, 10.0)


def test_rates_are_of_late_and_on_average_where_nobody_looked() -> None:
    scene, trends = Scene().tell(started([], [], [BudgetInfo("run", None, 10.0)])), Trends()
    assert trends.rate("run", "cost_usd", 6.0, 60.0) == pytest.approx(0.1)
    for second in range(0, 300, 2):
        if second >= 200:
            scene.tell(ev.BudgetSettled("run", "t", 0, 0.02))
        trends.look(scene.run, float(second))
    assert trends.rate("run", "cost_usd", scene.run.budgets["run"].cost_usd, 298.0) == pytest.approx(0.01, rel=0.05)


def test_levels_of_limiters_are_remembered_and_drawn() -> None:
    scene, trends = research(), Trends()
    trends.look(scene.run, 0.0)
    trends.look(scene.run, 1.0)
    trends.look(scene.run, 2.0)
    assert trends.levels(Subject("slots", "run"), 10) == (0.5, 0.5)
    trends.look(scene.run, 1.0)
    assert trends.levels(Subject("slots", "run"), 10) == (0.5,)
    assert spark((0.0, 0.5, 1.0)) == "▁▅█"
    assert spark((0.0, 1.0, 9.0), ascii_only=True).isascii()


def test_subjects_are_read_as_they_were_written() -> None:
    subject = Subject("budget", "group:a", "tokens")
    assert Subject.read(subject.key) == subject
    assert Subject.read("") is None
