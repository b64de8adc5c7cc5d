"""What is asked of the run on the way out."""

from __future__ import annotations

from orchestrator.core import events as ev
from orchestrator.core.states import Outcome
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.options import DashboardExit, Left
from orchestrator.tui.stopping import Step
from tests.tui.scene import Scene, finished, research


def leaving(scene: Scene, *, when_done: bool = False) -> tuple[Leaving, list[DashboardExit]]:
    left: list[DashboardExit] = []
    return Leaving(scene, left.append, when_done=when_done), left


def press(leave: Leaving, scene: Scene) -> Step:
    scene.at += 1
    return leave.press(scene.run)


def orders(scene: Scene) -> list[str]:
    return [type(order).__name__ + (" force" if getattr(order, "force", False) else "") for order in scene.sent]


def test_four_presses_end_it_whatever_the_engine_does() -> None:
    scene = research()
    leave, left = leaving(scene)
    assert [press(leave, scene) for _ in range(4)] == [Step.ASK, Step.CANCEL, Step.KILL, Step.FORCE]
    assert orders(scene) == ["CancelRun", "CancelRun force"]
    assert left == [DashboardExit(Left.FORCED, cancelled=True)]


def test_a_draining_run_is_asked_about_first() -> None:
    scene = research().tell(ev.RunCancelling("operator", draining=True))
    leave, _ = leaving(scene)
    assert press(leave, scene) is Step.ASK


def test_a_run_that_is_cancelled_already_is_killed() -> None:
    scene = research().tell(ev.RunCancelling("operator", 259.0))
    leave, _ = leaving(scene)
    assert press(leave, scene) is Step.KILL


def test_after_the_end_a_press_quits() -> None:
    scene = finished(well=False)
    leave, left = leaving(scene)
    assert press(leave, scene) is Step.QUIT
    assert left == [DashboardExit(Left.QUIT)]


def test_a_run_that_was_retried_after_its_end_is_asked_about_again() -> None:
    scene = research()
    leave, _ = leaving(scene)
    press(leave, scene)
    press(leave, scene)
    scene.tell(ev.RunCancelling("operator", 300.0), ev.RunFinished(Outcome.CANCELLED))
    cancelled = [_after_a_look(leave, scene)]
    scene.tell(ev.RunReopened("operator"))
    cancelled.append(_after_a_look(leave, scene))
    assert cancelled == [True, False]
    assert press(leave, scene) is Step.ASK


def _after_a_look(leave: Leaving, scene: Scene) -> bool:
    leave.look(scene.run)
    return leave.cancelled


def test_it_waits_for_the_end_only_if_that_was_wished() -> None:
    for when_done, count in ((True, 1), (False, 0)):
        scene = research()
        leave, left = leaving(scene, when_done=when_done)
        leave.look(scene.run)
        assert not left
        scene.tell(ev.RunFinished(Outcome.FAILED))
        leave.look(scene.run)
        assert len(left) == count
