"""What the table says about a task, a group and a fan-out."""

from __future__ import annotations

from collections import Counter

import pytest
from rich.cells import cell_len

from orchestrator.core import events as ev
from orchestrator.core.errors import ErrorClass, ErrorKind, Failure
from orchestrator.core.events import GroupInfo
from orchestrator.core.states import BreakerState, Reason, Status
from orchestrator.tui.faces import (
    Columns,
    View,
    columns,
    fan_line,
    group_line,
    has_clock,
    head_line,
    isolation,
    last_words,
    name_width,
    next_words,
    short_name,
    task_line,
)
from orchestrator.tui.glyphs import ASCII, UNICODE, Glyphs
from orchestrator.tui.lines import plain, width
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.sorting import By, Sort
from tests.tui.scene import Scene, empty, research, started, upstream


def view(scene: Scene, cells: int = 119, glyphs: Glyphs = UNICODE) -> View:
    return View(scene.run, scene.at, columns(cells), glyphs)


def task_row(scene: Scene, task: str) -> Row:
    return Row(Kind.TASK, task, scene.run.tasks[task].group, 1)


def task_text(scene: Scene, task: str, cells: int = 119) -> str:
    return plain(task_line(view(scene, cells), task_row(scene, task)))


def group_text(scene: Scene, group: str, cells: int = 119) -> str:
    return plain(group_line(view(scene, cells), Row(Kind.GROUP, group, group), opened=True))


# ── columns ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cells", range(60, 240, 7))
def test_every_line_is_exactly_as_wide_as_the_table(cells: int) -> None:
    scene = research()
    for task in scene.run.tasks:
        assert width(task_line(view(scene, cells), task_row(scene, task))) == cells, task
    for group in scene.run.groups:
        assert width(group_line(view(scene, cells), Row(Kind.GROUP, group, group), opened=True)) == cells, group
    assert width(head_line(columns(cells))) == cells


def test_columns_go_as_room_goes() -> None:
    assert columns(119).agent
    assert columns(100).tokens
    assert not columns(100).agent
    assert not columns(79).tokens
    assert columns(79) == Columns(79, task=22, time=6, tokens=0, cost=0, agent=0)


@pytest.mark.parametrize(
    ("terminal", "names"),
    [
        (80, "STATE TASK TRY TIME NEXT LAST OUTPUT"),
        (100, "STATE TASK TRY TIME NEXT TOKENS COST LAST OUTPUT"),
        (120, "STATE TASK TRY TIME NEXT TOKENS COST AGENT LAST OUTPUT"),
        (160, "STATE TASK TRY TIME NEXT TOKENS COST AGENT LAST OUTPUT"),
        (200, "STATE TASK TRY TIME NEXT TOKENS COST AGENT LAST OUTPUT"),
    ],
)
def test_the_columns_of_each_width(terminal: int, names: str) -> None:
    assert plain(head_line(columns(terminal - 1))).split() == names.split()


def test_wide_screens_have_wide_names() -> None:
    widths = [(columns(cells).task, columns(cells).agent) for cells in (119, 159, 199)]
    assert widths == [(25, 14), (38, 18), (45, 23)]


def test_an_arrow_marks_the_column_that_is_sorted_by() -> None:
    def head(sort: Sort, glyphs: Glyphs = UNICODE) -> str:
        return plain(head_line(columns(119), sort, glyphs))

    assert "COST↓" in head(Sort(By.COST))
    assert "COST↑" in head(Sort(By.COST, turned=True))
    assert "TASK↑" in head(Sort(By.NAME))
    assert "TRYv" in head(Sort(By.TRIES), ASCII)
    assert "↓" not in head(Sort())


def test_names_of_columns_stand_over_them() -> None:
    scene = research()
    head, row = plain(head_line(columns(119))), task_text(scene, "research[pricing-eu]")
    assert head.index("TASK") + 2 == row.index("pricing-eu")
    assert head.index("TRY") == row.index("1/3")
    assert head.index("TIME") == row.index("01:08")
    assert head.index("TOKENS") + 6 == row.index("13.9k") + 5
    assert head.index("COST") + 4 == row.index("$0.071") + 6
    assert head.index("AGENT") == row.index("claude")
    assert head.index("LAST OUTPUT") == row.index("14 sources")


# ── tasks ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("research[pricing-eu]", "✓ done       pricing-eu 1/3 01:08 13.9k $0.071 claude/sonnet 14 sources, 3 tables"),
        ("research[supply-chain]", "≈ limited    supply-chain in 1.2s claude/sonnet"),
        ("research[funding]", "○ queued     funding slot claude/sonnet no free slot: group research"),
        ("scrape[site-b]", "✗ failed     site-b 1/5 01:43 600 <$.001 web-fetch HTTP 503 after 5 tries: upstr…"),
        ("scrape[site-d]", "↻ retry      site-d 4/5 01:40 in 12s web-fetch HTTP 503; backoff 16s"),
        ("scrape[site-e]", "≠ circuit    site-e 23s web-fetch web-fetch is open"),
        ("scrape[site-h]", "◷ timeout    site-h 1/5 00:18 web-fetch no output for 60s"),
        ("scrape-merge", "» skipped    scrape-merge shell scrape[site-b] failed"),
        ("survey-eu", "► running    survey-eu 1/3 00:32 4.8k unpriced openai 112 answers read"),
        ("survey-report", "· pending    survey-report 2 deps function"),
        ("legal-check", "? approve    legal-check you gate Publish the legal notes?"),
    ],
)
def test_a_tasks_row(task: str, text: str) -> None:
    assert task_text(research(), task).split() == text.split()


def test_marked_and_faded_rows_say_so() -> None:
    scene = research()
    row = task_row(scene, "plan")
    assert plain(task_line(view(scene), row, marked=True)).startswith("● ✓ done")
    assert {span.role for span in task_line(view(scene), row, faded=True)} == {"muted"}


def test_an_instance_is_called_by_its_label_where_the_rest_is_clear() -> None:
    scene = Scene().tell(started([GroupInfo("research"), GroupInfo("other")], [], []))
    scene.fan("research", ["de"], "research").fan("review", ["de"], "other").task("other/inner", "other")
    assert short_name(scene.run, task_row(scene, "research[de]")) == "de"
    assert short_name(scene.run, task_row(scene, "review[de]")) == "review[de]"
    assert short_name(scene.run, Row(Kind.TASK, "review[de]", "other", 2)) == "de"
    assert short_name(scene.run, task_row(scene, "other/inner")) == "inner"


def test_what_a_task_started_is_named_without_it_below_it() -> None:
    scene = empty().task("lead", "build").task("lead/critic", "build", of="lead")
    assert short_name(scene.run, Row(Kind.TASK, "lead/critic", "build", 2)) == "critic"
    assert short_name(scene.run, Row(Kind.TASK, "lead/critic", "build", 1)) == "lead/critic"


def test_hostile_names_and_output_stay_in_their_cells() -> None:
    scene = (
        empty()
        .task("t\x1b[2J\u202e東京[/b]", "build", backend="\x1b]0;x\x07web")
        .starts("t\x1b[2J\u202e東京[/b]", at=1.0)
    )
    scene.says("t\x1b[2J\u202e東京[/b]", "\x1b[31m東京\ttab [/] \x07")
    text = task_text(scene, "t\x1b[2J\u202e東京[/b]")
    assert "t東京[/b]" in text
    assert "東京  tab [/]" in text
    assert text.replace(" ", "").isprintable()


# ── what comes next, and last words ─────────────────────────────────────────────────────────────


def one(reason: Reason | None = None, until: float | None = None, gate: str | None = None) -> Scene:
    scene = empty().task("t", "build", backend=None)
    return scene if reason is None else scene.waits("t", reason, until, gate)


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (one(), ""),
        (one(Reason.SLOT), "slot"),
        (one(Reason.RATE_LIMIT, 1.24), "in 1.2s"),
        (one(Reason.RATE_LIMIT), "rate"),
        (one(Reason.QUOTA, 760.0), "12:40"),
        (one(Reason.BACKOFF, 12.0), "in 12s"),
        (one(Reason.BREAKER, 23.0, "gone"), "23s"),
        (one(Reason.BUDGET), "budget"),
        (one(Reason.APPROVAL), "you"),
        (one(Reason.ANSWER), "you"),
        (one(Reason.PAUSED), "by you"),
    ],
)
def test_what_a_task_waits_for(scene: Scene, words: str) -> None:
    assert next_words(scene.run, scene.run.tasks["t"], scene.at) == words


@pytest.mark.parametrize(
    ("done", "total", "words"), [(3, 10, "3/10"), (0.5, None, "0.5"), (41_000, 100_000, "41%"), (2, None, "2")]
)
def test_how_far_a_running_task_is(done: float, total: float | None, words: str) -> None:
    scene = one().starts("t", at=1.0).tell(ev.ProgressReported("t", 1, done, total, "counting"))
    assert next_words(scene.run, scene.run.tasks["t"], scene.at) == words
    assert last_words(scene.run.tasks["t"]) == "counting"


def test_a_stopping_task_shows_its_grace() -> None:
    scene = one().starts("t", at=1.0).tell(ev.TaskStopping("t", 8.0, "operator"))
    assert next_words(scene.run, scene.run.tasks["t"], 1.0) == "7.0s"
    scene.tell(ev.TaskCancelled("t", "operator"))
    assert last_words(scene.run.tasks["t"]) == "by operator"


def test_a_task_that_will_be_paused_says_so() -> None:
    scene = one().tell(ev.TaskPaused("t", "operator"))
    assert next_words(scene.run, scene.run.tasks["t"], 0.0) == "paused"
    scene.starts("t", at=1.0)
    assert next_words(scene.run, scene.run.tasks["t"], 0.0) == "pausing"


def test_a_tripped_breaker_waits_for_a_person_and_a_half_open_one_probes() -> None:
    scene = research()
    task = scene.run.tasks["scrape[site-e]"]
    scene.tell(ev.BreakerMoved("web-fetch", BreakerState.OPEN, BreakerState.HALF_OPEN, "x"))
    assert next_words(scene.run, task, scene.at) == "probe"
    scene.tell(ev.BreakerMoved("web-fetch", BreakerState.HALF_OPEN, BreakerState.TRIPPED, "x"))
    assert next_words(scene.run, task, scene.at) == "by you"


def test_only_what_time_changes_has_a_clock() -> None:
    scene = research()
    clocks = {name for name, task in scene.run.tasks.items() if has_clock(task)}
    assert "survey-eu" in clocks
    assert "scrape[site-d]" in clocks
    assert not clocks & {"plan", "publish", "scrape[site-b]"}


# ── groups ──────────────────────────────────────────────────────────────────────────────────────


def test_a_groups_row_tells_its_story() -> None:
    assert group_text(research(), "scrape") == (
        "▾ scrape     █✗✗✗✗✗─▓▓▓▓▓░░ 5/9    ↻1 ≠2 ✗2 ◷1 ✓1 »1 ○1                 1.8k tok $0.003"
        "   isolated: failures contained"
    )


def test_where_room_is_short_the_story_is_too() -> None:
    assert group_text(research(), "scrape", 79).endswith("isolated")
    assert "tok" not in group_text(research(), "scrape", 79)


def test_a_group_whose_failures_reached_others_says_how_many() -> None:
    scene = Scene().tell(started([GroupInfo("a"), GroupInfo("b")], [], []))
    scene.task("x", "a").task("y", "b", needs=("x",)).starts("x", at=1.0).fails("x", upstream())
    assert "isolated" in group_text(scene, "a")
    scene.tell(ev.TaskSkipped("y", "x failed", "x"))
    assert group_text(scene, "a").endswith("1 outside skipped")
    reach = isolation(scene.run, "a", scene.run.tallies["a"])
    assert reach is not None
    assert reach.role.startswith("failed")


def test_a_group_that_takes_the_run_with_it_is_not_called_isolated() -> None:
    scene = Scene().tell(started([GroupInfo("a", on_failure="cancel_run")], [], []))
    scene.task("x", "a").starts("x", at=1.0).fails("x", upstream())
    assert isolation(scene.run, "a", scene.run.tallies["a"]) is None


def test_a_paused_or_cancelled_group_says_so() -> None:
    scene = research().tell(ev.GroupPaused("survey", "operator"))
    assert "║ paused" in group_text(scene, "survey")
    scene.tell(ev.GroupCancelled("survey", "operator"))
    assert "cancelled" in group_text(scene, "survey")


def test_a_groups_spend_that_is_priced_in_part_is_marked() -> None:
    assert group_text(research().uses("survey-eu", 10, 10, 0.5), "survey").endswith("4.8k tok $0.50+")


def test_unpriced_spend_is_called_so() -> None:
    assert group_text(research(), "survey").endswith("4.8k tok unpriced")


def test_a_fan_outs_row_counts_its_instances() -> None:
    scene = empty().fan("review", [f"i{n}" for n in range(40)], "build")
    counts = Counter({Status.DONE: 10, Status.RUNNING: 5, Status.PENDING: 25})
    line = fan_line(view(scene), Row(Kind.FAN, "review", "build", 1), counts, opened=False)
    assert plain(line) == "  ▸ review \u00d740          ███▓▓░░░░░░░░░ 10/40  ►5 ✓10 ·25"


@pytest.mark.parametrize("total", [99, 100, 999, 10_000])
def test_a_fan_outs_count_is_never_cut(total: int) -> None:
    scene = empty().task("review", "build")
    line = fan_line(view(scene), Row(Kind.FAN, "review", "build", 1), Counter({Status.DONE: total}), opened=False)
    assert f" {total}/{total} " in plain(line)


def test_group_names_get_the_room_they_need_up_to_a_bound() -> None:
    assert name_width(["a"]) == 10
    assert name_width(["a", "b" * 14]) == 14
    assert name_width(["b" * 40]) == 18


def test_ascii_faces_are_ascii() -> None:
    scene = research()
    for task in scene.run.tasks:
        assert plain(task_line(view(scene, 119, ASCII), task_row(scene, task))).isascii(), task
    for group in scene.run.groups:
        assert plain(group_line(view(scene, 119, ASCII), Row(Kind.GROUP, group, group), opened=True)).isascii()


def test_every_state_has_one_cell_in_both_sets_of_glyphs() -> None:
    for glyphs in (UNICODE, ASCII):
        assert set(glyphs.status) == set(Status)
        assert set(glyphs.breaker) == set(BreakerState)
        assert all(cell_len(glyph) == 1 for glyph in [*glyphs.status.values(), *glyphs.breaker.values()])


def test_a_long_error_without_attempts_is_last_words_too() -> None:
    failure = Failure("ORC-201", ErrorClass.PERMANENT, ErrorKind.INPUT, "cannot render {{ x }}")
    scene = one().tell(ev.TaskFailed("t", failure))
    assert last_words(scene.run.tasks["t"]) == "cannot render {{ x }}"
