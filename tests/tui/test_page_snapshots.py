"""What logs, health, summary and what needs a person look like. The pictures were looked at before they were kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.core import events as ev
from orchestrator.core.states import BreakerState, Health, Outcome, Reason
from tests.tui.scene import Scene, empty, finished, research

Compare = Callable[..., bool]
Make = Callable[..., Any]
PLACES = {"logs": "4", "health": "5", "summary": "6"}


def needy() -> Scene:
    """The run of the specification when it needs a person for many things."""
    scene = research()
    scene.tell(
        ev.BreakerMoved("web-fetch", BreakerState.OPEN, BreakerState.TRIPPED, "operator"),
        ev.BackendHeld("claude/sonnet", None, "You have reached your usage limit", Reason.QUOTA),
        ev.HealthChecked("claude/sonnet", Health.HEALTHY, 0.21, "12 models"),
        ev.HealthChecked("openai", Health.UNHEALTHY, 2.3, "HTTP 500"),
        ev.LevelChanged("reduced", "openai is open"),
        ev.BudgetReserved("run", "x", 40_000, 1.2),
    )
    choices = ("The short one", "The long one, with all 42 questions", "Both, half each")
    scene.waits("survey-us", Reason.ANSWER).tell(ev.QuestionAsked("survey-us", "Which questionnaire?", choices))
    scene.at = 262.0
    return scene


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_a_page(snap_compare: Compare, dashboard: Make, place: str, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(needy()), press=[PLACES[place]], terminal_size=size)


@pytest.mark.parametrize(
    ("place", "theme"), [("logs", "orchestra-light"), ("health", "orchestra-contrast"), ("summary", "orchestra-light")]
)
def test_a_page_in_another_theme(snap_compare: Compare, dashboard: Make, place: str, theme: str) -> None:
    assert snap_compare(dashboard(needy(), theme), press=[PLACES[place]], terminal_size=(120, 40))


def test_health_unfolded_on_a_large_screen(snap_compare: Compare, dashboard: Make) -> None:
    keys = ["5", "j", "enter", "G", "k", "k", "enter"]
    assert snap_compare(dashboard(needy()), press=keys, terminal_size=(200, 60))


def test_health_in_ascii(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(needy(), ascii_only=True), press=["5"], terminal_size=(100, 30))


def test_a_log_that_is_filtered_wrapped_and_held(snap_compare: Compare, dashboard: Make) -> None:
    keys = ["4", "w", "slash", *"503", "enter", "k", "k"]
    assert snap_compare(dashboard(needy()), press=keys, terminal_size=(80, 24))


@pytest.mark.parametrize("place", PLACES)
def test_a_page_of_a_run_without_tasks(snap_compare: Compare, dashboard: Make, place: str) -> None:
    assert snap_compare(dashboard(empty()), press=[PLACES[place]], terminal_size=(80, 24))


@pytest.mark.parametrize("well", [True, False])
def test_the_summary_of_a_run_that_has_ended(snap_compare: Compare, dashboard: Make, *, well: bool) -> None:
    scene = finished(well=well)
    if well:
        scene.tell(ev.RunReopened("operator"), ev.RunFinished(Outcome.SUCCEEDED, {"package": "dist/app-1.2.tar.gz"}))
    assert snap_compare(dashboard(scene), press=["6"], terminal_size=(80, 24))


def test_what_needs_a_person(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(needy()), press=["n", "j"], terminal_size=(120, 40))


def test_a_choice(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(needy()), press=["n", "j", "enter", "j"], terminal_size=(80, 24))
