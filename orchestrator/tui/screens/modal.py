"""What all dialogs have in common: a box over the dimmed screen, and one answer."""

from __future__ import annotations

from textwrap import wrap
from typing import Generic, TypeVar

from textual.screen import ModalScreen

from orchestrator.tui.lines import Line, Span
from orchestrator.tui.paint import Paint
from orchestrator.tui.text import clean
from orchestrator.tui.widgets.painted import Bar, Listing

T = TypeVar("T")


def wrapped(text: str, cells: int, role: str = "text") -> list[Line]:
    """Return the text as harmless lines of at most so many cells."""
    paragraphs = [clean(line) for line in text.split("\n")]
    return [(Span(part, role),) for paragraph in paragraphs for part in wrap(paragraph, cells) or [""]]


class Dialog(ModalScreen[T | None], Generic[T]):
    """A modal screen that is answered once; None is no answer."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 55%; }
    Dialog #box { height: auto; max-width: 96%; max-height: 96%; border: round $primary; background: $surface;
        padding: 0 1; }
    Dialog:inline { height: 20; border: none; }
    Dialog.-ascii #box { border: ascii $primary; }
    Dialog ToastRack { max-height: 0; margin: 0; }  /* nothing comes over a dialog; Textual sets `display` itself */
    """

    def __init__(self, paint: Paint) -> None:
        super().__init__(classes="-ascii" if paint.ascii else "")
        self.paint = paint

    def answer(self, value: T | None) -> None:
        """Close with this answer."""
        _ = self.dismiss(value)  # waiting for one's own end would never end

    def use(self, paint: Paint) -> None:
        """Show another theme."""
        self.paint = paint
        for widget in (*self.query(Bar), *self.query(Listing)):
            widget.use(paint)

    def draw(self) -> None:
        """Write the lines for the present width."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.draw()

    def on_bar_resized(self) -> None:
        self.call_after_refresh(self.draw)

    def fill(self, name: str, lines: list[Line]) -> None:
        """Write lines into a bar that is as high as they are many."""
        bar = self.query_one(f"#{name}", Bar)
        bar.styles.height = len(lines)
        bar.show(*lines)
