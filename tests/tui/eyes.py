"""What a person would see and press, on a screen that is drawn for real."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen as ScreenOf
from textual.widget import Widget
from textual.widgets import Input

from orchestrator.tui.app import Dashboard
from orchestrator.tui.options import DashboardExit
from orchestrator.tui.views.listing import ListView
from orchestrator.tui.views.tasks import TasksView
from orchestrator.tui.widgets.log import LogView
from orchestrator.tui.widgets.painted import Bar
from orchestrator.tui.widgets.table import TaskTable

SIZE = (120, 40)


class Eyes:
    """What a person would see and press."""

    def __init__(self, app: Dashboard, pilot: Pilot[DashboardExit]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def table(self) -> TaskTable:
        """Return the table of the view that is shown, else that of the tasks."""
        view = self.app.main.view
        return view.table if isinstance(view, ListView) else self.tasks.table

    @property
    def tasks(self) -> TasksView:
        return self.app.main.query_one(TasksView)

    @property
    def input(self) -> Input:
        """Return the filter's input of the view that is shown."""
        return self.app.main.view.query_one(Input)

    @property
    def log(self) -> LogView:
        return self.app.main.query_one(LogView)

    @property
    def row(self) -> str:
        row = self.table.row
        return row.name if row else ""

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.table.rows]

    def sees(self, kind: type[ScreenOf[Any]]) -> bool:
        return isinstance(self.app.screen, kind)

    def is_in(self, kind: type[Widget]) -> bool:
        return isinstance(self.app.focused, kind)

    def bar(self, name: str) -> str:
        found = self.app.screen.query(f"#{name}").results(Bar)
        lines = min(found, key=lambda bar: not bar.region.area).lines
        return "\n".join("".join(span.text for span in line) for line in lines)

    @property
    def toasts(self) -> list[str]:
        return [notification.message for notification in self.app._notifications]


class Screen:
    """`async with Screen(app) as eyes`."""

    def __init__(self, app: Dashboard, size: tuple[int, int] = SIZE) -> None:
        self._manager = app.run_test(size=size, notifications=True)
        self._app = app

    async def __aenter__(self) -> Eyes:
        pilot = await self._manager.__aenter__()
        await pilot.pause()
        return Eyes(self._app, pilot)

    async def __aexit__(self, *error: object) -> None:
        await self._manager.__aexit__(*error)  # type: ignore[arg-type]  # the three of an exception, whatever it is
