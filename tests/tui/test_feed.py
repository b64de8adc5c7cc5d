"""Following a session, and what the board makes of it."""

from __future__ import annotations

from orchestrator.core import events as ev
from orchestrator.core.events import GroupInfo
from orchestrator.tui.board import REBUILD, Board, needs_you
from orchestrator.tui.feed import AT_ONCE, Feed
from orchestrator.tui.filter import parse
from orchestrator.tui.rows import Kind, Row
from tests.tui.scene import Scene, empty, research, started


def names(board: Board, now: float = 0.0, cursor: str | None = None) -> list[str]:
    return [row.name for row in board.rows(now, cursor)]


# ── the feed ────────────────────────────────────────────────────────────────────────────────────


def test_what_was_told_before_is_there_and_what_comes_is_folded() -> None:
    scene = empty().task("t", "build")
    feed = Feed(scene)
    assert "t" in feed.run.tasks
    scene.starts("t", at=1.0)
    changes = feed.poll()
    assert changes.tasks == {"t"}
    assert not changes.layout
    assert feed.run.tasks["t"].attempt == 1
    assert not feed.poll().seen


def test_new_tasks_change_the_rows() -> None:
    scene = empty()
    feed = Feed(scene)
    scene.task("t", "build")
    assert feed.poll().layout


def test_an_instances_move_touches_its_whole() -> None:
    scene = empty().fan("w", [f"i{n}" for n in range(30)], "build")
    feed = Feed(scene)
    scene.starts("w[i3]", at=1.0)
    assert feed.poll().tasks == {"w", "w[i3]"}
    assert feed.family.counts["w"].total() == 30


def test_expansion_on_the_way_is_followed() -> None:
    scene = empty().tell(ev.TaskAdded("w", "llm", "build", whole=True, max_attempts=None))
    feed = Feed(scene)
    scene.fan("w", ["a", "b"], "build")
    assert feed.poll().layout
    assert feed.family.whole_of == {"w[a]": "w", "w[b]": "w"}


def test_a_burst_is_folded_in_slices() -> None:
    scene = empty().task("t", "build").starts("t", at=1.0)
    feed = Feed(scene)
    for _ in range(AT_ONCE + 10):
        scene.says("t", "x")
    assert feed.poll().seen == AT_ONCE
    assert feed.waiting == 10
    scene.at = 5.0
    assert feed.late() == 4.0
    assert feed.poll().seen == 10
    assert not feed.late()


def test_after_a_gap_it_attaches_again() -> None:
    scene = empty().task("t", "build")
    feed = Feed(scene)
    before = feed.run
    scene.subscriptions[0].gap = True
    scene.starts("t", at=1.0)
    changes = feed.poll()
    assert changes.everything
    assert feed.run is not before
    assert feed.run.tasks["t"].attempt == 1
    assert scene.subscriptions[0].closed


def test_news_is_set_aside() -> None:
    scene = empty()
    feed = Feed(scene)
    scene.tell(ev.CommandRefused("c1", "x", "why"), ev.CommandAccepted("c2", "x", "me"))
    assert [type(record.event) for record in feed.poll().news] == [ev.CommandRefused]


# ── the board ───────────────────────────────────────────────────────────────────────────────────


def test_a_filter_sieves_and_says_how_many() -> None:
    board = Board(Feed(research()))
    assert not board.filter_words()
    board.filter = parse("state:failed")
    assert names(board) == ["scrape", "scrape[site-b]", "scrape[site-c]", "scrape[site-h]"]
    assert board.filter_words() == "filter: state:failed (3 of 29)  Esc clears"


def test_while_a_filter_holds_what_it_finds_is_unfolded_and_afterwards_folds_are_as_before() -> None:
    scene = empty().fan("w", [f"i{n}" for n in range(30)], "build").task("x", "deploy")
    board = Board(Feed(scene))
    fan, group = Row(Kind.FAN, "w", "build", 1), Row(Kind.GROUP, "build", "build")
    board.set_fold(group, opened=False)
    before = names(board)
    board.filter = parse("i7")
    assert names(board) == ["build", "w", "w[i7]"]
    board.set_fold(fan, opened=False)
    assert names(board) == ["build", "w"]
    board.filter = parse("i8")
    assert names(board) == ["build", "w", "w[i8]"]
    assert board.show_all()
    assert names(board) == before == ["build", "deploy", "x"]
    board.set_fold(group, opened=True)
    assert names(board) == ["build", "w", "deploy", "x"]


def test_hiding_what_is_done_leaves_the_folds() -> None:
    board = Board(Feed(empty().fan("w", [f"i{n}" for n in range(30)], "build")))
    board.hides_done = True
    assert names(board) == ["build", "w"]


def test_the_cursors_row_stays_faded() -> None:
    board = Board(Feed(research()))
    board.filter = parse("state:failed")
    assert names(board, cursor="plan")[:2] == ["plan", "plan"]
    assert board.is_faded(Row(Kind.TASK, "plan", "plan", 1))
    assert not board.is_faded(Row(Kind.TASK, "scrape[site-b]", "scrape", 1))


def test_hiding_what_is_done_goes_with_a_filter() -> None:
    board = Board(Feed(research()))
    board.hides_done = True
    board.filter = parse("research")
    assert "research[pricing-eu]" not in names(board)
    assert "research[patents]" in names(board)
    assert "research without done" in board.filter_words()


def test_only_what_changes_by_itself_is_sieved_again() -> None:
    board = Board(Feed(research()))
    board.filter = parse("pricing")
    names(board, now=10.0)
    assert not board.is_stale(99.0)
    board.filter = parse("time>60")
    names(board, now=10.0)
    assert not board.is_stale(10.0 + REBUILD / 2)
    assert board.is_stale(10.0 + REBUILD)


def test_a_task_is_revealed_through_its_fan_out_and_its_group() -> None:
    scene = empty().fan("w", [f"i{n}" for n in range(30)], "build")
    board = Board(Feed(scene))
    group = Row(Kind.GROUP, "build", "build")
    assert board.set_fold(group, opened=False)
    assert names(board) == ["build"]
    board.reveal("w[i7]")
    assert "w[i7]" in names(board)
    assert board.holder(Row(Kind.TASK, "w[i7]", "build", 2)) == Row(Kind.FAN, "w", "build", 1)
    assert board.holder(Row(Kind.FAN, "w", "build", 1)) == group
    assert board.holder(group) is None


def test_what_an_instance_started_is_revealed_too_and_its_starter_holds_it() -> None:
    board = Board(Feed(empty().fan("w", [f"i{n}" for n in range(30)], "build").task("w[i7]/x", "build", of="w[i7]")))
    board.reveal("w[i7]/x")
    assert "w[i7]/x" in names(board)
    assert board.holder(Row(Kind.TASK, "w[i7]/x", "build", 3)) == Row(Kind.TASK, "w[i7]", "build", 2)


def test_marks_toggle_for_tasks_fan_outs_and_groups() -> None:
    scene = empty().fan("w", [f"i{n}" for n in range(30)], "build").task("t", "build")
    board = Board(Feed(scene))
    task = Row(Kind.TASK, "t", "build", 1)
    board.toggle_mark(task)
    assert board.marks == {"t"}
    board.toggle_mark(Row(Kind.FAN, "w", "build", 1))
    assert len(board.marks) == 31
    board.toggle_mark(Row(Kind.GROUP, "build", "build"))
    assert not board.marks
    board.toggle_mark(Row(Kind.GROUP, "build", "build"))
    assert len(board.marks) == 31


def test_who_needs_a_person_is_found_in_both_directions_also_where_folded() -> None:
    board = Board(Feed(research()))
    board.set_fold(Row(Kind.GROUP, "scrape", "scrape"), opened=False)
    assert board.next_need(None, 1) == "scrape[site-b]"
    assert board.next_need(Row(Kind.GROUP, "scrape", "scrape"), 1) == "scrape[site-b]"
    assert board.next_need(Row(Kind.TASK, "scrape[site-b]", "scrape", 1), 1) == "scrape[site-c]"
    assert board.next_need(Row(Kind.TASK, "publish", "review", 1), 1) == "scrape[site-b]"
    assert board.next_need(Row(Kind.TASK, "publish", "review", 1), -1) == "legal-check"
    assert board.next_need(Row(Kind.TASK, "plan", "plan", 1), -1) == "legal-check"


def test_nobody_is_needed_where_nothing_failed() -> None:
    scene = Scene().tell(started([GroupInfo("a")], [], [])).task("t", "a")
    assert Board(Feed(scene)).next_need(None, 1) is None
    assert not needs_you(scene.run.tasks["t"])


def test_dependants_are_looked_up_once_for_each_membership() -> None:
    scene = empty().task("a", "build").task("b", "build", needs=("a",))
    feed = Feed(scene)
    board = Board(feed)
    first = board.dependants("a")
    assert [name for name, _ in first] == ["b"]
    assert board.dependants("a") is first
    scene.task("c", "build", needs=("a",))
    feed.poll()
    assert [name for name, _ in board.dependants("a")] == ["b", "c"]
