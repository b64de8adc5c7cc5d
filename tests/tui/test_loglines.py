"""The lines of one task's output."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.core import events as ev
from orchestrator.core.errors import Code
from orchestrator.tui.detail import attempt_lines
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.lines import plain
from orchestrator.tui.loglines import KEPT, LogLines, log_spans, log_text
from tests.tui.scene import Scene, empty, upstream


def one_task() -> Scene:
    return empty().task("t", "build", backend="web").starts("t", at=1.0)


def read(scene: Scene, log: LogLines) -> list[str]:
    log.sync(scene.run.tasks["t"], scene.run.tails.get("t"))
    return [line.text for line in log.lines]


def test_an_attempts_start_and_end_stand_around_what_it_wrote() -> None:
    scene, log = one_task().says("t", "hello", at=1.0), LogLines()
    assert read(scene, log) == ["attempt 1/3 started · web", "hello"]
    scene.stumbles("t", upstream("HTTP 503"), 4.0, at=2.5)
    assert read(scene, log)[-1] == "attempt 1/3 failed after 1.5s → next in 4.0s: HTTP 503"
    scene.starts("t", at=6.5, attempt=2, waits=False).succeeds("t", at=7.5)
    assert read(scene, log)[-2:] == ["attempt 2/3 started · web", "attempt 2/3 succeeded after 1.0s"]


def test_the_tries_of_a_task_that_wrote_nothing_stand_in_the_order_of_time() -> None:
    scene = empty().task("t").starts("t", at=1.0)
    scene.tell(ev.AttemptFailed("t", 1, upstream(), 2.0), at=2.0).starts("t", at=4.0, attempt=2).fails(
        "t", upstream(), 5.0
    )
    lines = LogLines()
    lines.sync(scene.run.tasks["t"], None)
    assert [line.at for line in lines.lines] == [1.0, 2.0, 4.0, 5.0]


def test_a_usage_limit_ends_before_the_next_attempt() -> None:
    scene, log = one_task(), LogLines()
    scene.stumbles("t", replace(upstream("used up"), code=Code.QUOTA), 0.0, at=2.5)
    assert read(scene, log)[-1] == "attempt 1/3 failed after 1.5s → next when the usage limit ends: used up"
    assert " quota " in plain(attempt_lines(scene.run.tasks["t"], 3.0)[1])
    scene.starts("t", at=3.0, attempt=2, waits=False).stumbles("t", upstream("odd"), 0.0, at=3.0)
    assert read(scene, log)[-1] == "attempt 2/3 failed after 0.0s → next at once: odd"


def test_reading_bit_by_bit_is_reading_at_once() -> None:
    scene, bit_by_bit = one_task(), LogLines()
    for number in range(40):
        text = f"part {number}" + ("\n" if number % 3 == 0 else "")
        scene.tell(ev.OutputProduced("t", 1, "out" if number % 7 else "err", text), at=2.0 + number)
        read(scene, bit_by_bit)
    at_once = LogLines()
    assert read(scene, bit_by_bit) == read(scene, at_once)


def test_an_open_line_grows_in_place() -> None:
    scene, log = one_task(), LogLines()
    scene.tell(ev.OutputProduced("t", 1, "out", "load"))
    assert read(scene, log)[-1] == "load"
    scene.tell(ev.OutputProduced("t", 1, "out", "ing"))
    assert read(scene, log)[-1] == "loading"
    assert len(log.lines) == 2


def test_nothing_new_changes_nothing() -> None:
    scene, log = one_task().says("t", "hello"), LogLines()
    task, tail = scene.run.tasks["t"], scene.run.tails["t"]
    assert log.sync(task, tail)
    assert not log.sync(task, tail)


def test_lines_that_memory_let_go_stay_on_the_page() -> None:
    scene, log = one_task(), LogLines()
    read(scene, log)
    for number in range(200):
        scene.says("t", f"{number} " + "x" * 1000)
        read(scene, log)
    assert scene.run.tails["t"].dropped
    assert [line.partition(" ")[0] for line in read(scene, log)[1:]] == [str(number) for number in range(200)]


def test_a_page_opened_late_has_what_memory_kept() -> None:
    scene = one_task()
    for number in range(200):
        scene.says("t", f"{number} " + "x" * 1000)
    kept = scene.run.tails["t"].lines
    assert len(read(scene, LogLines())) == len(kept) + 1


def test_the_page_is_bounded() -> None:
    scene, log = one_task(), LogLines()
    for _ in range(KEPT // 400 + 2):
        scene.says("t", "\n".join(["y"] * 400))
        read(scene, log)
    assert len(log.lines) == KEPT
    scene.tell(ev.OutputProduced("t", 1, "out", "open"))
    read(scene, log)
    scene.tell(ev.OutputProduced("t", 1, "out", "ed"))
    assert read(scene, log)[-1] == "opened"


def test_hostile_output_is_harmless_on_the_page() -> None:
    scene, log = one_task().says("t", "\x1b]0;PWNED\x07[red]x[/]\x1b[2J"), LogLines()
    assert read(scene, log)[-1] == "[red]x[/]"


def test_a_line_has_its_time_and_its_tag() -> None:
    scene, log = one_task().says("t", "oh", "err", at=63.25), LogLines()
    read(scene, log)
    assert plain(log_spans(log.lines[-1], UNICODE)) == " 01:03.2 err  oh"
    assert log_text(log.lines[-1]) == "01:03.2 err  oh"
    assert "·" not in plain(log_spans(log.lines[0], ASCII))


def test_an_interrupted_attempt_says_so() -> None:
    scene, log = one_task(), LogLines()
    scene.tell(ev.AttemptInterrupted("t", 1, "operator"), at=3.0)
    assert read(scene, log)[-1] == "attempt 1/3 interrupted after 2.0s"


def test_an_end_that_no_attempt_tells_is_told() -> None:
    scene, log = one_task(), LogLines()
    scene.stumbles("t", upstream("HTTP 503"), 4.0, at=2.5)
    scene.tell(ev.TaskFailed("t", upstream("gave up on web")), at=9.0)
    assert read(scene, log)[-1] == "failed: gave up on web"
    assert read(scene, log).count("failed: gave up on web") == 1


def test_an_end_that_the_attempt_tells_is_not_told_twice() -> None:
    scene, log = one_task().fails("t", upstream("HTTP 503"), at=2.0), LogLines()
    assert read(scene, log) == ["attempt 1/3 started · web", "attempt 1/3 failed after 1.0s: HTTP 503"]


def test_a_skip_says_why() -> None:
    scene, log = empty().task("t", "build"), LogLines()
    scene.tell(ev.TaskSkipped("t", "compile failed"))
    assert read(scene, log) == ["skipped: compile failed"]
