"""The Textual app: themes, the keys that hold everywhere, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver

from orchestrator.core.ports import Guide, Session
from orchestrator.core.theme import ThemeSpec
from orchestrator.tui.commands import COMMANDS
from orchestrator.tui.keymap import Keymap
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.options import DashboardExit, DashboardOptions, Left
from orchestrator.tui.output import outlive_terminal
from orchestrator.tui.paint import Paint, from_textual, to_textual
from orchestrator.tui.screens.desk import Means
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.screens.telling import Teller
from orchestrator.tui.views.view import bind

ALIVE: Final = 0.5
"""Seconds between two looks at whether the screen is alive,"""
PATIENCE: Final = 3.0
"""and those after which one that does nothing is dead. While the program sleeps or is held up, none pass."""


GLANCE: Final = 1.0
"""Seconds between two looks at the files of themes."""


def bindings(keymap: Keymap) -> list[BindingType]:
    """Return the bindings of the commands that are in force everywhere."""
    return [
        Binding(
            ",".join(keymap.of(command.id)),
            f"everywhere('{command.id}')",
            command.label,
            id=command.id,
            show=False,
            priority=True,
        )
        for command in COMMANDS.values()
        if command.everywhere
    ]


def _guided(guide: Guide) -> Callable[..., MainScreen]:
    from orchestrator.tui.screens.tour import TourScreen  # noqa: PLC0415 - few runs have a guide

    return partial(TourScreen, guide=guide)


class Dashboard(App[DashboardExit]):
    """Shows one session."""

    TITLE = "orchestrator"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings(Keymap())
    CSS = f"""
    Toast {{ border-left: outer $primary; background: $panel; width: 64; padding: 0 1; }}
    ToastRack {{ scrollbar-size: 0 0; padding-right: 2; }}  /* its height is reckoned without the scrollbar's column */
    Toast.-error {{ border-left: outer $error; }}
    Toast.-warning {{ border-left: outer $warning; }}
    .-h-short Toast, Screen:inline Toast {{ width: auto; max-width: 100%; height: 1; margin: 0; }}
    .-h-short Toast, Screen:inline Toast {{ text-wrap: nowrap; text-overflow: ellipsis; }}
    .-h-short ToastRack, Screen:inline ToastRack {{ dock: top; align: right top; margin: 3 0 0 0; }}
    Screen:inline ToastRack {{ margin: 2 0 0 0; }}  /* without the strip, the head of the rows is a line higher */
    App.-ascii Toast {{ border-left: ascii $primary; }}
    Input > .input--cursor {{ text-style: reverse; }}
    {MainScreen.STYLES}
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
        keymap = Keymap(options.keys)
        bind(self, bindings(keymap))
        self._specs = {spec.name: spec for spec in options.themes}
        for spec in options.themes:
            self.register_theme(to_textual(spec))
        self.crash: BaseException | None = None
        self._heard = (0, 0)
        self.set_class(options.ascii, "-ascii")
        self.theme = self._first_theme()
        screen = MainScreen if options.guide is None else _guided(options.guide)
        self.main = screen(
            session,
            self._paint(),
            Leaving(session, self.exit, when_done=options.exit_when_done),
            Means(keymap, options.log_path, engine_error, self.show_next_theme),
        )

        self.main.teller = Teller(options.notifications, keymap.name)
        self.main.follows_failures = options.follows_failures

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda _: self.main.use(self._paint()))
        _ = self.push_screen(self.main)

        self.set_interval(ALIVE, self._look_after_screen)
        self.set_interval(GLANCE, self._renew_themes)

    def on_ready(self) -> None:
        """Let the screen have the rest. Textual paints nothing before this, whatever a screen calls after a refresh."""
        self.main.call_after_refresh(self.main.complete)

    def _look_after_screen(self) -> None:
        """A screen that looks at nothing any more, though nobody closed it, is as good as crashed."""
        ticks, beats = self._heard
        self._heard = (self.main.ticks, 0 if ticks != self.main.ticks else beats + 1)
        if self.main.ticks and self._heard[1] * ALIVE > PATIENCE + 2 * self.main.pause:
            self._handle_exception(RuntimeError("the screen stopped"))

    def panic(self, *renderables: object) -> None:
        """End without what Textual would print over what comes after."""
        del renderables
        self.crash = self.crash or RuntimeError("the terminal cannot be read any more")
        self._close_messages_no_wait()

    def leave(self, how: Left) -> None:
        """End because of a signal."""
        self.main.leaving.go(how)

    def on_unmount(self) -> None:
        self.main.feed.close()

    # ── themes ──────────────────────────────────────────────────────────────────────────────────

    def _build_driver(self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None) -> Driver:  # noqa: FBT001 - Textual's own signature
        return outlive_terminal(super()._build_driver(headless, inline, mouse, size))

    def _first_theme(self) -> str:
        if self._options.theme is not None and self._options.theme in self.available_themes:
            return self._options.theme
        return next(iter(self._specs), "textual-dark")

    def _renew_themes(self) -> None:
        """Take in what was changed in the files of themes; the one that is shown changes at once."""
        found = self._options.changed_themes()
        if found is None:
            return
        for problem in found.problems:
            self.main.tell(str(problem), "warning")
        other = [spec for spec in found.specs if self._specs.get(spec.name) != spec]
        for spec in other:
            self._specs[spec.name] = spec
            self.register_theme(to_textual(spec))
        if self.theme in {spec.name for spec in other}:
            self.mutate_reactive(Dashboard.theme)

    def show_next_theme(self) -> None:
        """Go through the themes that we were given, and the one that was chosen at the start."""
        names = list(dict.fromkeys([*self._specs, self._first_theme()]))
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
