"""What the DAG and the timeline look like. The pictures were looked at by a person before they were kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.core.events import GroupInfo
from orchestrator.core.states import Reason
from tests.tui.scene import Scene, empty, finished, started, timeout, upstream

Compare = Callable[..., bool]
Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("theme", "size", "keys"),
    [
        ("orchestra-dark", (120, 40), ["2", "j"]),
        ("orchestra-light", (80, 24), ["2", "l", "l"]),
        ("orchestra-dark", (120, 40), ["3", "N"]),
        ("orchestra-contrast", (80, 24), ["3", "G", "k", "k"]),
        ("orchestra-light", (200, 60), ["3", "plus", "plus"]),
    ],
    ids=["dag", "dag-small", "timeline", "timeline-small", "timeline-zoomed"],
)
def test_views(snap_compare: Compare, dashboard: Make, theme: str, size: tuple[int, int], keys: list[str]) -> None:
    assert snap_compare(dashboard(busy(), theme), press=keys, terminal_size=size)


@pytest.mark.parametrize("key", ["2", "3"])
def test_in_ascii(snap_compare: Compare, dashboard: Make, key: str) -> None:
    assert snap_compare(dashboard(pipeline(), ascii_only=True), press=[key], terminal_size=(100, 24))


@pytest.mark.parametrize("key", ["2", "3"])
def test_without_colours(snap_compare: Compare, dashboard: Make, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(pipeline()), press=[key, "j"], terminal_size=(100, 24))


def test_lines_that_pass_and_cross(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(pipeline()), press=["2", "G"], terminal_size=(130, 34))


def test_a_tree(snap_compare: Compare, dashboard: Make) -> None:
    scene = pipeline()
    for number in range(60):
        scene.task(f"extra-{number}", "ship", needs=("package", "lint") if number < 3 else ())
    assert snap_compare(dashboard(scene), press=["2", "j", "j"], terminal_size=(100, 30))


@pytest.mark.parametrize("key", ["2", "3"])
def test_finished(snap_compare: Compare, dashboard: Make, key: str) -> None:
    assert snap_compare(dashboard(finished(well=False)), press=[key], terminal_size=(80, 24))


def test_nothing_yet(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(empty()), press=["3"], terminal_size=(80, 24))


def busy() -> Scene:
    """The pipeline, and beside it a group that burns: every kind of bar, and boxes of many."""
    scene = pipeline()
    scene.fan("page", ["north", "east", "south", "west", "harbour", "market"], "fetch", tries=4)
    scene.task("merge", "fetch", needs=("page",)).task("notes", "fetch")
    scene.at = 20.0
    for number, name in enumerate(("north", "east", "south", "west")):
        scene.starts(f"page[{name}]", at=20.0 + number)
    scene.succeeds("page[north]", at=30.0).fails("page[east]", timeout(), at=36.0)
    for name in ("south", "west"):
        scene.stumbles(f"page[{name}]", upstream("HTTP 503"), 4.0, at=37.0)
    scene.starts("page[south]", at=41.0, attempt=2, waits=False)
    scene.stumbles("page[south]", upstream("HTTP 503"), 30.0, at=43.0)
    scene.waits("page[west]", Reason.BREAKER, 75.0, "web").waits("page[harbour]", Reason.RATE_LIMIT, 53.5, "web")
    scene.waits("page[market]", Reason.SLOT, gate="group:fetch").waits("notes", Reason.SLOT, gate="group:fetch")
    scene.at = 52.0
    return scene


def pipeline() -> Scene:
    """Lines that fork, join, pass layers by and cross; one branch failed, another goes on."""
    scene = Scene().tell(started([GroupInfo("build"), GroupInfo("check"), GroupInfo("ship")], [], []))
    scene.task("sources", "build").task("data", "build").task("compile", "build", needs=("sources",))
    scene.task("lint", "check", needs=("sources",)).task("load", "check", needs=("data",))
    scene.fan("test", [f"part-{number}" for number in range(6)], "check", needs=("compile",))
    scene.task("report", "check", needs=("test", "lint", "load"))
    scene.task("package", "ship", needs=("compile", "data")).task("publish", "ship", needs=("package", "report"))
    scene.starts("sources", at=1.0).starts("data", at=1.0).succeeds("sources", at=12.0).succeeds("data", at=15.0)
    scene.starts("compile", at=12.0).starts("lint", at=12.5).starts("load", at=15.5)
    scene.fails("lint", upstream("HTTP 503"), at=20.0).succeeds("compile", at=31.0)
    scene.starts("package", at=31.0).starts("test[part-0]", at=31.0).starts("test[part-1]", at=31.0)
    scene.succeeds("test[part-0]", at=44.0).stumbles("test[part-1]", upstream("HTTP 503"), 20.0, at=40.0)
    scene.at = 52.0
    return scene
