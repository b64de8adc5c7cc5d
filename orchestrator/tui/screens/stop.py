"""The question after the first Ctrl+C, over the last row; the run goes on behind it."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult

from orchestrator.core.run import Run
from orchestrator.core.states import Status
from orchestrator.tui.lines import Line, Span, clip, width
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.stopping import ASKS_FOR
from orchestrator.tui.text import money, plural
from orchestrator.tui.widgets.painted import Bar

_ANSWERS = frozenset({"y", "t", "g"})


def stop_line(run: Run, *, on_task: bool, in_group: bool, cells: int) -> Line:
    """Return the question with what each key does."""
    running = run.tally.counts[Status.RUNNING] + run.tally.counts[Status.STOPPING]
    spent = f" ({money(run.tally.cost_usd)} spent)" if run.tally.cost_usd else ""
    what = f"Cancel {plural(running, 'running task')}{spent}?" if running else f"Cancel the run{spent}?"
    long, short = (_line(what, words, on_task=on_task, in_group=in_group) for words in (_LONG, _SHORT))
    return clip(long if width(long) <= cells else short, cells)


_LONG = ("the run", "this task", "this group")
_SHORT = ("run", "task", "group")


def _line(what: str, words: tuple[str, str, str], *, on_task: bool, in_group: bool) -> Line:
    the_run, the_task, the_group = words
    return (
        Span(f" {what}  ", "banner"),
        Span(" Ctrl+C or y", "key"),
        Span(f": {the_run}", "text"),
        *((Span("  t", "key"), Span(f": {the_task}", "text")) if on_task else ()),
        *((Span("  g", "key"), Span(f": {the_group}", "text")) if in_group else ()),
        Span("  Esc", "key"),
        Span(": go on", "text"),
    )


class StopScreen(Dialog[str]):
    """Asks for five seconds. The answer is `y`, `t` or `g`."""

    CSS = """
    StopScreen { align: left bottom; background: $background 0%; }
    StopScreen Bar { dock: bottom; height: 1; }
    """

    def __init__(self, run: Run, paint: Paint, *, on_task: bool, in_group: bool) -> None:
        super().__init__(paint)
        self._run = run
        self._on_task = on_task
        self._in_group = in_group

    def compose(self) -> ComposeResult:
        yield Bar(self.paint, ground="panel")

    def on_mount(self) -> None:
        self.set_timer(ASKS_FOR, self._time_out)
        self.draw()

    def draw(self) -> None:
        cells = self.app.size.width
        self.query_one(Bar).show(stop_line(self._run, on_task=self._on_task, in_group=self._in_group, cells=cells))

    def _time_out(self) -> None:
        if self.is_current:
            self.answer(None)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        allowed = event.key == "y" or (event.key == "t" and self._on_task) or (event.key == "g" and self._in_group)
        self.answer(event.key if allowed and event.key in _ANSWERS else None)
