"""What the command palette finds: commands that make sense now, themes, and tasks to jump to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.theme import BUILTIN_THEMES

from orchestrator.tui.commands import COMMANDS, Command
from orchestrator.tui.screens.tasks import TasksScreen
from orchestrator.tui.text import clean

_TASKS: Final = 50
"""Tasks offered at once."""


class PaletteProvider(Provider):
    """Feeds the palette."""

    @property
    def _tasks(self) -> TasksScreen | None:
        return next((screen for screen in self.app.screen_stack if isinstance(screen, TasksScreen)), None)

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(Content(command.label), partial(self._do, command), help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.label)
            if score > 0:
                yield Hit(score, Content(command.label), partial(self._do, command), help=command.help)
        for name in self._matching_tasks(query):
            yield Hit(0.5, Content(clean(name)), partial(self._jump, name), help="Go to this task")
        for name in self._matching_themes(query):
            yield Hit(0.4, Content(f"Theme {name}"), partial(setattr, self.app, "theme", name), help="Theme")

    def _matching_themes(self, query: str) -> list[str]:
        """Return ours first; those of the terminal's own colours are for NO_COLOR alone."""
        themes = self.app.available_themes
        names = [name for name in themes if query.lower() in f"theme {name}" and not themes[name].ansi]
        return sorted(names, key=lambda name: name in BUILTIN_THEMES)

    def _commands(self) -> Iterator[Command]:
        screen = self._tasks
        if screen is not None:
            yield from (
                command for command in COMMANDS.values() if command.refusal(screen) is None and _is_worth(command)
            )

    def _do(self, command: Command) -> None:
        screen = self._tasks
        if screen is not None:
            command.do(screen)

    def _jump(self, task: str) -> None:
        screen = self._tasks
        if screen is not None:
            screen.go_to_task(task)

    def _matching_tasks(self, query: str) -> list[str]:
        screen, wanted = self._tasks, query.lower()
        names = screen.run.tasks if screen is not None else {}
        found = (name for name in names if wanted in name.lower())
        return [name for name, _ in zip(found, range(_TASKS), strict=False)]


def _is_worth(command: Command) -> bool:
    """Cursor keys are no use in a palette."""
    return not command.id.startswith(("cursor.", "palette", "back", "quit.everywhere"))
