"""The Textual app: themes, the keys that hold everywhere, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Callable

from textual.app import App
from textual.binding import Binding, BindingType

from orchestrator.core.ports import Session
from orchestrator.core.theme import ThemeSpec
from orchestrator.tui.commands import COMMANDS
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.options import DashboardExit, DashboardOptions, Left
from orchestrator.tui.paint import Paint, from_textual, to_textual
from orchestrator.tui.palette import PaletteProvider
from orchestrator.tui.screens.tasks import TasksScreen


def bindings() -> list[BindingType]:
    """Return the bindings of the commands that are in force everywhere."""
    return [
        Binding(command.keys, f"everywhere('{command.id}')", command.label, id=command.id, show=False, priority=True)
        for command in COMMANDS.values()
        if command.everywhere
    ]


class Dashboard(App[DashboardExit]):
    """Shows one session."""

    TITLE = "orchestrator"
    COMMANDS = frozenset({PaletteProvider})  # type: ignore[assignment]  # only iterated; Textual declares a set
    BINDINGS = bindings()
    CSS = """
    Toast { border-left: outer $primary; background: $panel; width: 64; padding: 0 1; }
    Toast.-error { border-left: outer $error; }
    Toast.-warning { border-left: outer $warning; }
    App.-ascii Toast { border-left: ascii $primary; }
    SearchIcon { display: none; }
    Input > .input--cursor { text-style: reverse; }
    """

    def __init__(
        self,
        session: Session,
        options: DashboardOptions,
        *,
        engine_error: Callable[[], BaseException | None],
    ) -> None:
        # With NO_COLOR, Textual drops every colour only if it believes in the terminal's own colours from the start.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self._options = options
        self._specs = {spec.name: spec for spec in options.themes}
        for spec in options.themes:
            self.register_theme(to_textual(spec))
        self.crash: BaseException | None = None
        self.set_class(options.ascii, "-ascii")
        self.theme = self._first_theme()
        self.main = TasksScreen(
            session,
            self._paint(),
            Leaving(session, self.exit, when_done=options.exit_when_done),
            engine_error=engine_error,
            next_theme=self.show_next_theme,
        )

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda _: self.main.use(self._paint()))
        _ = self.push_screen(self.main)

    def leave(self, how: Left) -> None:
        """End because of a signal."""
        self.main.leaving.go(how)

    def on_unmount(self) -> None:
        self.main.feed.close()

    # ── themes ──────────────────────────────────────────────────────────────────────────────────

    def _first_theme(self) -> str:
        if self._options.theme is not None and self._options.theme in self.available_themes:
            return self._options.theme
        return next(iter(self._specs), "textual-dark")

    def show_next_theme(self) -> None:
        """Go through the themes that we were given."""
        names = list(self._specs)
        if names:
            place = names.index(self.theme) + 1 if self.theme in names else 0
            self.theme = names[place % len(names)]

    def _paint(self) -> Paint:
        return Paint(self._spec(), ascii_only=self._options.ascii, colorless=self.no_color)

    def _spec(self) -> ThemeSpec:
        known = self._specs.get(self.theme)
        return known or from_textual(self.current_theme, self.get_css_variables())

    # ── keys ────────────────────────────────────────────────────────────────────────────────────

    def action_everywhere(self, name: str) -> None:
        """Carry out a command that holds in dialogs and inputs too."""
        COMMANDS[name].do(self.main)

    async def action_quit(self) -> None:
        """Whatever of Textual's own wants to quit asks as we do."""
        self.main.quit()

    # ── bugs of ours ────────────────────────────────────────────────────────────────────────────

    def _handle_exception(self, error: Exception) -> None:
        """Keep what went wrong for the caller, who goes on without a screen."""
        self.crash = self.crash or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End without Textual's traceback: it prints every local variable, and with them secrets."""
        self._close_messages_no_wait()
