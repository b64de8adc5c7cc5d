"""The detail pane's words."""

from __future__ import annotations

import pytest

from orchestrator.core import events as ev
from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.flow import Condition, Need
from orchestrator.core.states import Reason
from orchestrator.tui.detail import (
    PAGES,
    Look,
    attempt_lines,
    dep_lines,
    dependants,
    follow_note,
    info_lines,
    no_output,
    title_line,
)
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.lines import Line, Span, plain, width
from orchestrator.tui.rows import Kind, Row
from tests.tui.scene import Scene, empty, finished, research, upstream


def row(scene: Scene, task: str) -> Row:
    return Row(Kind.TASK, task, scene.run.tasks[task].group, 1)


def title(scene: Scene, task: str, cells: int = 120, page: str = "Output") -> str:
    look = Look(scene.run, scene.at, cells, UNICODE)
    return plain(title_line(look, row(scene, task), page, Span("FOLLOW")))


def info(scene: Scene, shown: Row) -> dict[str, str]:
    lines = [plain(line) for line in info_lines(scene.run, shown, scene.at, UNICODE)]
    return {line[1:14].strip(): line[14:] for line in lines if line[1:14].strip()}


# ── title ───────────────────────────────────────────────────────────────────────────────────────


def test_the_title_has_the_full_id_the_state_and_the_pages() -> None:
    text = title(research(), "scrape[site-d]")
    assert text.startswith(" scrape[site-d]  ↻ retry 4/5 in 12s   Output  Attempts  Info  Deps")
    assert text.endswith("FOLLOW")


@pytest.mark.parametrize("cells", [40, 60, 72, 80, 100, 120, 200])
@pytest.mark.parametrize("page", PAGES)
def test_the_title_is_exactly_as_wide_as_the_pane(cells: int, page: str) -> None:
    scene = research()
    for task in ("scrape[site-d]", "research[hiring-signals]", "plan"):
        look = Look(scene.run, scene.at, cells, UNICODE)
        assert width(title_line(look, row(scene, task), page, Span("PAUSED +12"))) == cells


def test_a_groups_pane_is_its_info_alone() -> None:
    look = Look(research().run, 0.0, 80, UNICODE)
    assert (
        plain(title_line(look, Row(Kind.GROUP, "scrape", "scrape"), "Info", Span(""))).strip() == "group scrape   Info"
    )
    assert not plain(title_line(look, None, "Info", Span("")))


def test_whether_the_log_follows() -> None:
    assert follow_note(following=True, missed=3).text == "FOLLOW"
    assert follow_note(following=False, missed=3).text == "PAUSED +3"
    assert follow_note(following=False, missed=0).text == "PAUSED"


# ── nothing written ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("scene", "task", "words"),
    [
        (research(), "survey-report", "No output yet. Waiting for: survey-eu, survey-us."),
        (research(), "survey-us", "No output yet. Started 31s ago."),
        (research(), "scrape[site-e]", "No output yet. Breaker web-fetch opens its probe in 0:23."),
        (research(), "legal-check", "No output yet. Waits for your approval."),
        (finished(well=False), "package", "Skipped: compile failed"),
        (empty().task("t", "build"), "t", "No output yet. Starts at once."),
    ],
)
def test_why_there_is_no_output_yet(scene: Scene, task: str, words: str) -> None:
    assert no_output(scene.run, scene.run.tasks[task], scene.at) == words


def test_info_says_why_a_task_does_not_run_and_when_it_will() -> None:
    scene = research()
    row = Row(Kind.TASK, "research[partners]", "research", 1)
    shown = [plain(line) for line in info_lines(scene.run, row, scene.at, UNICODE)]
    assert " why not yet  waits for a slot in group research, 1 before it" in shown


def test_what_a_group_cost_that_nobody_can_price_is_not_said_to_be_nothing() -> None:
    scene = empty().task("t", "build").starts("t", at=1.0).uses("t", 300, 100, None)
    group = Row(Kind.GROUP, "build", "build")
    assert info(scene, group)["tokens"] == "400, unpriced"
    assert info(scene.uses("t", 300, 100, 0.5), group)["tokens"] == "800, $0.50+"


def test_many_dependencies_are_counted() -> None:
    scene = empty()
    for number in range(9):
        scene.task(f"n{number}", "build")
    scene.task("t", "build", needs=[f"n{number}" for number in range(9)])
    assert no_output(scene.run, scene.run.tasks["t"], 0.0).endswith("n4 and 4 more.")


# ── attempts ────────────────────────────────────────────────────────────────────────────────────


def test_each_attempt_has_a_line_and_its_error_another() -> None:
    scene = research()
    lines = [plain(line) for line in attempt_lines(scene.run.tasks["scrape[site-d]"], scene.at)]
    assert len(lines) == 1 + 2 * 4
    assert lines[1].split() == ["1", "02:32.0", "00:10", "failed", "transient", "4.0s", "web-fetch"]
    assert lines[2].strip() == "ORC-301 HTTP 503"


def test_columns_of_attempts_stand_under_their_names() -> None:
    scene = research()
    head, line = (plain(found) for found in attempt_lines(scene.run.tasks["research[pricing-eu]"], scene.at)[:2])
    assert head.index("START") == line.index("00:22.0")
    assert head.index("RESULT") == line.index("succeeded")
    assert head.index("TOKENS") + 6 == line.index("13.9k") + 5
    assert head.index("COST") + 4 == line.index("$0.071") + 6
    assert head.index("BACKEND") == line.index("claude")


def test_a_running_attempts_time_goes_on() -> None:
    scene = research()
    line = plain(attempt_lines(scene.run.tasks["survey-us"], scene.at)[1])
    assert "00:31" in line
    assert "running" in line
    assert plain(attempt_lines(scene.run.tasks["publish"], 0.0)[0]) == " No attempt yet."


# ── info ────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_known_of_a_task() -> None:
    scene = research()
    found = info(scene, row(scene, "scrape[site-d]"))
    assert found["task"] == "scrape[site-d]"
    assert found["kind"] == "llm, instance of scrape"
    assert found["attempts"] == "4 of 5"
    assert found["backend"] == "web-fetch (http)"
    assert found["breaker"] == "OPEN, retry in 23s"
    assert found["last error"] == "HTTP 503; backoff 16s"
    assert found["error"] == "ORC-301 HTTP 503; backoff 16s"


def test_a_hint_and_an_exit_code_are_told() -> None:
    scene = finished(well=False)
    found = info(scene, row(scene, "compile"))
    assert found["hint"] == "see the log"
    assert found["exit code"] == "2"
    assert info(scene, row(scene, "package"))["because"] == "compile failed"


def test_a_reset_an_option_and_a_question_are_told() -> None:
    scene = empty()
    scene.tell(ev.TaskAdded("t", "gate", "build", optional=True, description="asks the boss"))
    scene.waits("t", Reason.APPROVAL).tell(ev.ApprovalRequested("t", "Ship it?"))
    assert info(scene, row(scene, "t"))["asks"] == "Ship it?"
    scene.tell(
        ev.ApprovalDenied("t", "ada"),
        ev.TaskFailed("t", Failure(Code.DENIED, ErrorClass.PERMANENT, ErrorKind.DENIED, "no")),
    )
    scene.tell(ev.TaskReset("t", "retry"))
    found = info(scene, row(scene, "t"))
    assert found["kind"] == "gate, optional"
    assert found["attempts"] == "0 of 1, reset 1 time"


def test_what_is_known_of_a_group() -> None:
    scene = research()
    found = info(scene, Row(Kind.GROUP, "scrape", "scrape"))
    assert found["tasks"].startswith("5 of 9")
    assert found["at once"] == "as many as the run allows"
    assert found["isolation"] == "isolated: failures contained, 1 task skipped inside"
    assert info(scene, Row(Kind.GROUP, "research", "research"))["at once"] == "3"


def test_what_is_known_of_a_fan_out() -> None:
    scene = empty().fan("w", [f"i{n}" for n in range(30)], "build")
    assert info(scene, Row(Kind.FAN, "w", "build", 1))["instances"] == "30"


# ── dependencies ────────────────────────────────────────────────────────────────────────────────


def deps(scene: Scene, task: str) -> list[tuple[Line, str]]:
    down = dependants(scene.run, task)
    return dep_lines(scene.run, scene.run.tasks[task], down, UNICODE)


def test_dependencies_go_both_ways_and_lead_somewhere() -> None:
    scene = research()
    lines = [(plain(line).strip(), action) for line, action in deps(scene, "survey-report")]
    assert lines[0] == ("needs 2", "")
    assert lines[1] == ("► running  survey-eu", "survey-eu")
    assert lines[3] == ("needed by 3", "")
    assert [action for _, action in lines[4:]] == ["synthesis", "fact-check", "publish"]


def test_a_condition_other_than_success_is_told() -> None:
    scene = empty().task("a", "build")
    scene.tell(ev.TaskAdded("b", "shell", "build", needs=(Need("a", Condition.NOT_SUCCEEDED), Need("gone"))))
    texts = [plain(line) for line, _ in deps(scene, "b")]
    assert texts[1].endswith("a  (not succeeded)")
    assert texts[2].endswith("gone")
    assert texts[3].strip() == "needed by nothing"


# ── hostile text ────────────────────────────────────────────────────────────────────────────────


def test_hostile_text_is_harmless_on_every_page() -> None:
    evil = "\x1b]0;PWNED\x07\u202e[/]x"
    scene = empty()
    scene.tell(ev.TaskAdded(evil, evil, "build", backend=evil, of=evil, description=evil, max_attempts=2))
    scene.starts(evil, at=1.0).stumbles(evil, upstream(evil), 1.0)
    lines = [*info_lines(scene.run, row(scene, evil), 2.0, UNICODE), *attempt_lines(scene.run.tasks[evil], 2.0)]
    lines += [line for line, _ in deps(scene, evil)]
    lines.append(title_line(Look(scene.run, 2.0, 100, UNICODE), row(scene, evil), "Info", Span("")))
    for line in lines:
        assert "\x1b" not in plain(line)
        assert "\u202e" not in plain(line)


def test_ascii_pages_are_ascii() -> None:
    scene = research()
    for name in scene.run.tasks:
        lines = info_lines(scene.run, row(scene, name), scene.at, ASCII)
        assert all(plain(line).isascii() for line in lines), name
