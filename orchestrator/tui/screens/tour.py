"""The main screen of a guided run: under the view stands what the guide says, and dials can be turned."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult

from orchestrator.core.ports import Guide, Session
from orchestrator.core.states import State
from orchestrator.tui.captions import Look, caption_lines
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.paint import Paint
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.screens.desk import Means
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.views.tasks import TasksView
from orchestrator.tui.views.view import bind, bindings
from orchestrator.tui.widgets.painted import Bar
from orchestrator.tui.widgets.table import TaskTable

_EXPECTED: Final = 2
"""Rows that a fan-out is thought to bring once it is expanded, besides the one that it has."""


class TourScreen(MainScreen):
    """Asks the guide at every look at what happened."""

    CSS = """
    TourScreen #caption { height: 4; }
    TourScreen ToastRack { margin-bottom: 5; }
    TourScreen.-h-short ToastRack { margin-bottom: 4; }
    TourScreen.-h-short #caption { height: 3; }
    """

    def __init__(self, session: Session, paint: Paint, leaving: Leaving, means: Means, *, guide: Guide) -> None:
        super().__init__(session, paint, leaving, means)
        bind(self, bindings(None, means.keymap, guided=True))
        self._guide = guide
        self._caption_bar = Bar(paint, ground="panel", id="caption")
        self._arranged = False

    @property
    def guide(self) -> Guide:
        return self._guide

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            if widget is self._keys:
                yield self._caption_bar
            yield widget

    def tick(self) -> None:
        super().tick()
        self._draw_caption()

    def redraw(self) -> None:
        super().redraw()
        self._draw_caption()

    def _draw_caption(self) -> None:
        caption = self._guide.look()
        size = self._caption_bar.size
        look = Look(size.width, size.height, self.paint.glyphs, self.keymap.name)
        self._caption_bar.show(*caption_lines(caption, self._guide.moods, look))
        if not self._arranged:
            self._arrange(caption.group)

    @property
    def _table(self) -> TaskTable:
        return self.query_one(TasksView).table

    def _arrange(self, group: str) -> None:
        """Once the group works, put the cursor on what waits there; fold the others if not everything finds room."""
        waiting = [name for name in self.run.members.get(group, ()) if self.run.tasks[name].state is State.WAITING]
        if not waiting or not self._table.size:
            return
        self._arranged = True
        if not self._has_room():
            for other in self.run.groups:
                self.board.set_fold(Row(Kind.GROUP, other, other), opened=other == group)
        self.view.go_to_task(waiting[0])

    def _has_room(self) -> bool:
        """Return whether all rows are in view, those too that will still come."""
        to_come = sum(task.info.whole and name not in self.run.instances for name, task in self.run.tasks.items())
        return len(self._table.rows) + _EXPECTED * to_come <= self._table.page
