"""What is drawn together into one box, and what the boxes need."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core import events as ev
from orchestrator.core.events import GroupInfo
from orchestrator.core.flow import Need
from orchestrator.tui.graph import Graph, graph_of
from orchestrator.tui.rows import Family
from tests.tui.scene import Scene, research, started


def graph(scene: Scene) -> Graph:
    family = Family()
    for whole in scene.run.instances:
        family.expanded(scene.run, whole)
    return graph_of(scene.run, family.whole_of)


def told() -> Scene:
    return Scene().tell(started([GroupInfo("g")], [], []))


def needs(found: Graph) -> Mapping[str, tuple[str, ...]]:
    return {box: others for box, others in found.needs.items() if others}


def test_instances_are_one_box_with_what_they_need_outside() -> None:
    scene = told().task("plan", "g").task("other", "g")
    scene.fan("part", ["a", "b"], "g", needs=("plan",)).task("sum", "g", needs=("part",))
    found = graph(scene)
    assert needs(found) == {"part": ("plan",), "sum": ("part",)}
    assert found.feeds["plan"] == ("part",)
    assert found.members["part"] == ("part[a]", "part[b]")
    assert found.layers == {"plan": 0, "other": 0, "part": 1, "sum": 2}


def test_instances_of_what_was_never_told_of_are_one_box_too() -> None:
    found = graph(research())
    assert len(found.members["research"]) == 12
    assert found.needs["research"] == ("plan",)
    assert found.needs["scrape-merge"] == ("scrape",)


def test_what_stands_in_a_whole_in_a_whole_is_in_the_outer_box() -> None:
    scene = told().fan("flow", ["a"], "g")
    scene.tell(ev.TaskExpanded("flow[a]", ("flow[a]/x", "flow[a]/y"))).task("flow[a]/x", "g")
    scene.tell(ev.TaskAdded("flow[a]/y", "shell", "g", needs=(Need("flow[a]/x"),)))
    found = graph(scene)
    assert found.members == {"flow": ("flow[a]/x", "flow[a]/y")}
    assert found.needs == {"flow": ()}


def test_boxes_that_need_each_other_lose_one_line_and_nothing_else() -> None:
    scene = told().fan("one", ["a", "b"], "g").fan("two", ["a"], "g", needs=("one[a]",))
    scene.task("one[c]", "g", of="one", needs=("two[a]",))
    found = graph(scene)
    assert sum(map(len, found.needs.values())) == 1
    assert set(found.layers) == {"one", "two"}


def test_a_run_without_tasks_has_an_empty_graph() -> None:
    assert graph(told()) == Graph({}, {}, {}, {}, {})
