"""What the views that are one page have in common: lines in sections, some of which unfold or lead somewhere."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from orchestrator.tui.commands import Motion
from orchestrator.tui.feed import Changes
from orchestrator.tui.lines import Span, plain
from orchestrator.tui.pages import Look, PageLine
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.subjects import Subject
from orchestrator.tui.text import clean
from orchestrator.tui.views.view import Office, View
from orchestrator.tui.widgets.painted import Text


class PageView(View):
    """A view that is one page. The class below it writes the lines."""

    SCOPED_CSS = False
    DEFAULT_CSS = "PageView Text { height: 1fr; }"

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self.sheet = Text(office.paint, id=f"{self.place}-sheet")
        self._opened: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        yield self.sheet

    def lines(self, look: Look) -> list[PageLine]:
        """Return the lines of the page."""
        raise NotImplementedError

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def tick(self) -> None:
        before = self.sheet.chosen
        self.sheet.show(self._safe_lines())
        if before != self.sheet.chosen:
            self.office.cursor_moved()

    def _safe_lines(self) -> list[PageLine]:
        """A page that cannot be written says so in its place: a bug of the screen never ends the screen."""
        try:
            return self.lines(self._look())
        except Exception as error:  # noqa: BLE001 - whatever a page does wrong, the other views stand
            text = clean(f" view error: {type(error).__name__}: {error}")
            return [((Span(text, "failed.plain"),), "")]

    def on_resize(self) -> None:
        self.call_after_refresh(self.tick)

    def take(self, changes: Changes) -> None:
        """What a person does here is seen at once; the rest has time until the next beat."""
        if changes.news:
            self.tick()

    def _look(self) -> Look:
        office = self.office
        census = office.counting.of(office.run, office.now)
        return Look(
            office.run,
            office.now,
            self.sheet.columns,
            office.paint.glyphs,
            census,
            office.trends,
            self._opened,
            office.keymap.name,
            office.log_path,
        )

    # ── where one is ────────────────────────────────────────────────────────────────────────────

    @property
    def target(self) -> Widget:
        return self.sheet

    @property
    def subject(self) -> Subject | None:
        return Subject.read(self.sheet.chosen)

    def go_to_subject(self, subject: Subject) -> None:
        """Put the cursor on it; it unfolds, if it can."""
        self.tick()
        self.sheet.go_to(subject.key)
        self.fold(opened=True)

    @property
    def row(self) -> Row | None:
        subject = self.subject
        if subject is None:
            return None
        if subject.kind == "group":
            return Row(Kind.GROUP, subject.name, subject.name)
        task = self.office.run.tasks.get(subject.name) if subject.kind == "task" else None
        return None if task is None else Row(Kind.TASK, task.id, task.group, 1)

    def go_to_task(self, task: str) -> None:
        """Show it among the tasks: a page has no place for each."""
        self.office.show_task(task)

    # ── wishes ──────────────────────────────────────────────────────────────────────────────────

    def move(self, motion: Motion) -> None:
        self.sheet.move(motion)
        self.office.cursor_moved()

    def fold(self, *, opened: bool) -> None:
        subject = self.subject
        if subject is not None and subject.kind in {"backend", "group"}:
            key = subject.key
            self._opened = self._opened | {key} if opened else self._opened - {key}
            self.tick()

    def open_row(self) -> None:
        """Unfold what unfolds; go to the task; change a limit."""
        subject = self.subject
        if subject is None:
            return
        if subject.kind == "task":
            self.office.show_task(subject.name)
        elif subject.kind in {"slots", "budget"}:
            self.office.action_command("limit.raise")
        else:
            self.fold(opened=subject.key not in self._opened)

    def back(self) -> bool:
        """Fold everything."""
        was_open, self._opened = bool(self._opened), frozenset()
        self.tick()
        return was_open

    def line_text(self) -> str:
        return plain(self.sheet.chosen_line).strip()

    def log_text(self) -> str:
        return "\n".join(plain(line) for line, _ in self._safe_lines())

    @on(Text.Chosen)
    def line_chosen(self) -> None:
        self.office.cursor_moved()
        self.open_row()
