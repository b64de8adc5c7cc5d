"""Which rows there are: order, folds, fan-outs."""

from __future__ import annotations

from orchestrator.core import events as ev
from orchestrator.core.events import GroupInfo
from orchestrator.core.states import Status
from orchestrator.tui.rows import FAN_ROWS, UNFOLDED, Family, Folds, Kind, Row, build, is_fan
from tests.tui.scene import Scene, research, started, upstream


def two_groups() -> Scene:
    return Scene().tell(started([GroupInfo("a"), GroupInfo("b")], [], []))


def names(scene: Scene, folds: Folds | None = None) -> list[str]:
    return [row.name for row in build(scene.run, folds or Folds())]


def many(number: int = FAN_ROWS + 1) -> list[str]:
    return [f"i{index}" for index in range(number)]


def test_tasks_stand_under_their_groups_in_the_flows_order() -> None:
    scene = two_groups().task("y", "b").task("x", "a").task("z", "b")
    assert names(scene) == ["a", "x", "b", "y", "z"]


def test_a_group_without_tasks_has_no_row() -> None:
    assert names(two_groups().task("x", "a")) == ["a", "x"]


def test_the_order_stays_as_tasks_move_on() -> None:
    scene = research()
    before = names(scene)
    scene.succeeds("survey-eu").fails("survey-us", upstream())
    assert names(scene) == before


def test_instances_stand_where_their_whole_stood() -> None:
    scene = two_groups()
    scene.tell(ev.TaskAdded("w", "llm", "a", whole=True, max_attempts=None)).task("last", "a")
    assert names(scene) == ["a", "w", "last"]
    scene.fan("w", ["de", "fr"], "a")
    assert names(scene) == ["a", "w[de]", "w[fr]", "last"]


def test_a_large_fan_out_is_a_row_that_is_folded_at_first() -> None:
    scene = two_groups().fan("w", many(), "a").task("x", "a")
    assert is_fan(scene.run, "w")
    assert names(scene) == ["a", "w", "x"]
    row = Row(Kind.FAN, "w", "a", 1)
    opened = names(scene, Folds().set(row, opened=True))
    assert opened[:3] == ["a", "w", "w[i0]"]
    assert len(opened) == 3 + FAN_ROWS + 1


def test_instances_of_an_open_fan_out_stand_deeper() -> None:
    scene = two_groups().fan("w", many(), "a")
    rows = build(scene.run, Folds(turned_fans=frozenset({"w"})))
    assert [row.depth for row in rows[:3]] == [0, 1, 2]


def test_instances_in_another_group_stand_there() -> None:
    scene = two_groups()
    scene.tell(ev.TaskAdded("w", "llm", "a", whole=True, max_attempts=None))
    scene.tell(ev.TaskExpanded("w", ("w[1]", "w[2]")))
    scene.task("w[1]", "a", of="w", label="1").task("w[2]", "b", of="w", label="2")
    assert names(scene) == ["a", "w[1]", "b", "w[2]"]


def test_a_whole_whose_instances_are_all_elsewhere_is_not_shown_twice() -> None:
    scene = two_groups().task("x", "a")
    scene.tell(ev.TaskAdded("w", "llm", "a", whole=True, max_attempts=None), ev.TaskExpanded("w", ("w[1]",)))
    scene.task("w[1]", "b", of="w", label="1")
    assert names(scene) == ["a", "x", "b", "w[1]"]


def test_a_fan_out_within_a_sub_flow_is_folded_too() -> None:
    scene = two_groups()
    scene.tell(ev.TaskAdded("outer", "flow", "a", whole=True, max_attempts=None))
    scene.tell(ev.TaskExpanded("outer", ("outer/one", "outer/all"))).task("outer/one", "a")
    scene.fan("outer/all", many(), "a")
    assert names(scene) == ["a", "outer/one", "outer/all"]


def test_a_closed_group_keeps_its_row() -> None:
    scene = two_groups().task("x", "a").task("y", "b")
    row = Row(Kind.GROUP, "a", "a")
    assert names(scene, Folds().set(row, opened=False)) == ["a", "b", "y"]
    assert names(scene, Folds().set(row, opened=False).set(row, opened=True)) == ["a", "x", "b", "y"]


def test_with_a_sieve_groups_and_fan_outs_stay_where_something_matches() -> None:
    scene = two_groups().task("x", "a").fan("w", many(), "b").task("y", "b")
    keep = {"w[i3]"}.__contains__
    assert [row.name for row in build(scene.run, Folds(), keep)] == ["b", "w"]
    opened = Folds(turned_fans=frozenset({"w"}))
    assert [row.name for row in build(scene.run, opened, keep)] == ["b", "w", "w[i3]"]
    assert [row.name for row in build(scene.run, UNFOLDED, keep)] == ["b", "w", "w[i3]"]
    closed = Folds(closed_groups=frozenset({"a", "b"}))
    assert [row.name for row in build(scene.run, closed, keep)] == ["b"]


def test_what_a_task_started_stands_below_it() -> None:
    scene = two_groups().task("lead", "a").task("last", "a").task("lead/x", "a", of="lead")
    scene.task("lead/x/y", "a", of="lead/x").task("lead/z", "a", of="lead")
    rows = build(scene.run, Folds())
    assert [(row.name, row.depth) for row in rows] == [
        ("a", 0),
        ("lead", 1),
        ("lead/x", 2),
        ("lead/x/y", 3),
        ("lead/z", 2),
        ("last", 1),
    ]


def test_what_an_instance_started_is_folded_with_it() -> None:
    scene = two_groups().fan("w", many(), "a").task("w[i0]/x", "a", of="w[i0]")
    assert names(scene) == ["a", "w"]
    assert names(scene, UNFOLDED)[:5] == ["a", "w", "w[i0]", "w[i0]/x", "w[i1]"]


def test_what_was_started_stands_by_itself_where_its_starter_is_filtered_out() -> None:
    scene = two_groups().task("lead", "a").task("lead/x", "a", of="lead")
    assert [(row.name, row.depth) for row in build(scene.run, Folds(), {"lead/x"}.__contains__)] == [
        ("a", 0),
        ("lead/x", 1),
    ]


def test_what_was_started_follows_its_starter_when_tasks_are_sorted() -> None:
    scene = two_groups().task("b", "a").task("a1", "a").task("b/2", "a", of="b").task("b/1", "a", of="b")
    assert [row.name for row in build(scene.run, Folds(), order=sorted)] == ["a", "a1", "b", "b/1", "b/2"]


def test_counts_of_a_fan_out_follow_its_instances() -> None:
    scene = two_groups().fan("w", ["de", "fr"], "a")
    family = Family()
    family.expanded(scene.run, "w")
    assert dict(family.counts["w"]) == {Status.PENDING: 2}
    scene.starts("w[de]", at=1.0)
    assert family.moved(scene.run, "w[de]") == "w"
    assert family.counts["w"][Status.RUNNING] == 1
    assert family.counts["w"][Status.PENDING] == 1
    scene.task("x", "a")
    assert family.moved(scene.run, "x") is None


def test_instances_that_come_after_the_note_are_counted_once() -> None:
    scene = two_groups()
    scene.tell(ev.TaskAdded("w", "llm", "a", whole=True, max_attempts=None), ev.TaskExpanded("w", ("w[1]",)))
    family = Family()
    family.expanded(scene.run, "w")
    assert not family.counts["w"].total()
    scene.task("w[1]", "a", of="w", label="1")
    family.moved(scene.run, "w[1]")
    family.moved(scene.run, "w[1]")
    assert family.counts["w"].total() == 1
