"""Every key in every view, pressed: it does something that can be seen, or says why not. All stand in the help."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.tui.app import Dashboard
from orchestrator.tui.commands import Command, Motion, Place, Section, commands_of, tab_of
from orchestrator.tui.screens.help import HelpScreen
from orchestrator.tui.screens.main import MainScreen
from tests.tui.eyes import Eyes, Screen
from tests.tui.scene import Scene, research

Make = Callable[..., Dashboard]

ENDS = frozenset({"screen.leave"})
"""What leaves the screen."""

INVISIBLE = frozenset({"screen.repaint"})
"""What shows the same again."""

NOT_HERE = {
    (Place.TASKS, "back"),  # there is nothing to go back from
    (Place.DAG, "cursor.page_down"),  # all boxes are in view
    (Place.DAG, "cursor.page_up"),
    (Place.DAG, "cursor.half_down"),
    (Place.DAG, "cursor.half_up"),
    (Place.HEALTH, "row.unfold"),  # what the cursor is on has nothing to unfold
    (Place.SUMMARY, "row.unfold"),
}


def here(place: Place) -> list[Command]:
    """Return the view's commands, but for those of a demo."""
    return [command for command in commands_of(place) if command.section is not Section.DEMO]


def look(eyes: Eyes, scene: Scene) -> tuple[object, ...]:
    """Return all that a key may change."""
    strips = eyes.app.screen._compositor.render_strips(eyes.app.size)
    text = "\n".join(strip.text for strip in strips)
    styles = hash(tuple(str(segment.style) for strip in strips for segment in strip))
    return type(eyes.app.screen), text, styles, len(scene.sent), len(eyes.toasts), eyes.app.focused, eyes.app.theme


async def in_place(eyes: Eyes, place: Place) -> None:
    """Go back to the view as it is first seen, the cursor somewhere in the middle."""
    while not eyes.sees(MainScreen):
        await eyes.press("escape")
    eyes.app.main.leaving.went_on()
    eyes.app.main.show_view(place)
    eyes.app.main.view.back()
    eyes.app.main.show_view(place)
    eyes.app.main.board.show_all()
    eyes.app.main.view.rebuild()
    for _ in range(4):
        eyes.app.main.move(Motion.DOWN)
    await eyes.pilot.pause()


@pytest.mark.parametrize("place", Place)
async def test_every_key_does_something_that_can_be_seen(dashboard: Make, place: Place) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        dead = []
        for command in (command for command in here(place) if command.id not in ENDS | INVISIBLE):
            await in_place(eyes, place)
            scene.at += 10
            if command is tab_of(place) or (place, command.id) in NOT_HERE:
                continue
            await _prepare(eyes, command)
            before = look(eyes, scene)
            await eyes.press(eyes.app.main.keymap.of(command.id)[0])
            if look(eyes, scene) == before:
                await eyes.pilot.pause(0.15)
            if look(eyes, scene) == before:
                dead.append(command.id)
        assert not dead


async def _prepare(eyes: Eyes, command: Command) -> None:
    """Bring about what the key needs to mean something."""
    if command.id in {"cursor.last", "cursor.page_down", "cursor.half_down"}:
        await eyes.press("g")
    elif command.id in {"cursor.page_up", "cursor.half_up", "cursor.up"}:
        await eyes.press("G")
    elif command.id == "row.unfold":
        eyes.app.main.zoom(1)
        await eyes.press("h", "h")


@pytest.mark.parametrize("place", Place)
async def test_the_help_of_every_view_names_every_key_that_is_bound_there(dashboard: Make, place: Place) -> None:
    async with Screen(dashboard(research()), (120, 60)) as eyes:
        await eyes.press(tab_of(place).keys)
        shown = {key.command for key in eyes.app.main.help_keys()}
        bound = {
            binding.id
            for bindings in eyes.app.main.bindings_here()
            for found in bindings.key_to_bindings.values()
            for binding in found
        }
        assert shown <= bound
        assert shown == {command.id for command in here(place)}
        await eyes.press("question_mark")
        assert eyes.sees(HelpScreen)
