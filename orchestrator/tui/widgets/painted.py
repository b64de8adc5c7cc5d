"""Widgets that draw lines of spans: a bar of a few fixed lines, and a list that scrolls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ClassVar, Protocol, TypeVar

from rich.cells import cell_len
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip
from textual.widget import Widget

from orchestrator.tui.commands import Motion
from orchestrator.tui.lines import Line, Span
from orchestrator.tui.paint import Paint


class _Drawn(Protocol):
    paint: Paint
    ground: str

    @property
    def size(self) -> Size: ...


_W = TypeVar("_W", bound=_Drawn)


def guarded(render: Callable[[_W, int], Strip]) -> Callable[[_W, int], Strip]:
    """A line that cannot be drawn says so in its place: a bug of the screen never ends the screen."""

    @wraps(render)
    def safe(self: _W, y: int) -> Strip:
        try:
            return render(self, y)
        except Exception as error:  # noqa: BLE001 - whatever a face does wrong, the other lines stand
            text = f" view error: {type(error).__name__}: {error}".replace("\n", " ")
            return self.paint.strip((Span(text, "failed.plain"),), self.size.width, self.ground)

    return safe


class Bar(Widget):
    """A few lines that do not scroll. Repainted only when they differ."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Bar { height: 1; width: 100%; }"

    class Clicked(Message):
        """A span with an action was clicked."""

        def __init__(self, action: str) -> None:
            self.action = action
            super().__init__()

    class Resized(Message):
        """Lines have another width now, and should be written anew."""

    def __init__(self, paint: Paint, *, ground: str = "background", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.paint = paint
        self.ground = ground
        self._lines: tuple[Line, ...] = ()

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def show(self, *lines: Line) -> None:
        """Show these lines from now on."""
        for row in range(max(len(lines), len(self._lines))):
            if lines[row : row + 1] != self._lines[row : row + 1]:
                self.refresh(Region(0, row, self.size.width, 1))
        self._lines = lines

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._lines

    def use(self, paint: Paint) -> None:
        self.paint = paint
        self.refresh()

    @guarded
    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else ()
        return self.paint.strip(line, self.size.width, self.ground)

    def on_click(self, event: events.Click) -> None:
        line = self._lines[event.y] if event.y < len(self._lines) else ()
        action = action_at(line, event.x)
        if action:
            event.stop()
            self.post_message(self.Clicked(action))


def action_at(line: Line, x: int) -> str:
    """Return the action of the span in that cell."""
    for span in line:
        x -= cell_len(span.text)
        if x < 0:
            return span.action
    return ""


class _AsciiScrollBar(ScrollBarRender):
    """A scrollbar without the blocks that show fractions of a cell."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8


class Listing(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines that scroll, drawn one by one as they come into view."""

    DEFAULT_CSS = """
    Listing {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 1 1;
    }
    """

    def __init__(self, paint: Paint, *, ground: str = "background", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.paint = paint
        self.ground = ground

    def on_mount(self) -> None:
        if self.paint.ascii:
            self.vertical_scrollbar.renderer = _AsciiScrollBar  # type: ignore[misc]  # read from the instance too

    def use(self, paint: Paint) -> None:
        self.paint = paint
        self.refresh()

    @property
    def count(self) -> int:
        """Return how many lines there are."""
        raise NotImplementedError

    def line(self, index: int) -> Strip:
        """Return one line of them."""
        raise NotImplementedError

    @property
    def top(self) -> int:
        return self.scroll_offset.y

    @property
    def page(self) -> int:
        """Return how many lines are in view."""
        return max(1, self.scrollable_content_region.height)

    @property
    def columns(self) -> int:
        """Return how many cells a line has; the scrollbar's is kept free, so that nothing moves when it comes."""
        return max(1, self.container_size.width - 1)

    def resize_to_count(self) -> None:
        """Let the scrollbar know how many lines there are."""
        if self.virtual_size.height != self.count:
            self.virtual_size = Size(0, self.count)

    def refresh_index(self, index: int) -> None:
        """Repaint one line, if it is in view."""
        if self.top <= index < self.top + self.page:
            self.refresh(Region(0, index - self.top, self.size.width, 1))

    @guarded
    def render_line(self, y: int) -> Strip:
        index = self.top + y
        if index >= self.count:
            return self.paint.strip((), self.size.width, self.ground)
        return self.line(index)

    def scroll_by(self, motion: Motion) -> None:
        """Scroll without a cursor."""
        self.scroll_to(y=moved(self.top, motion, self.page, self.count), animate=False)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -3)

    def _wheel(self, event: events.Event, step: int) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_to(y=self.top + step, animate=False)


def moved(place: int, motion: Motion, page: int, count: int) -> int:
    """Return where a motion leads to."""
    steps = {
        Motion.DOWN: 1,
        Motion.UP: -1,
        Motion.PAGE_DOWN: page,
        Motion.PAGE_UP: -page,
        Motion.HALF_DOWN: page // 2,
        Motion.HALF_UP: -(page // 2),
        Motion.FIRST: -count,
        Motion.LAST: count,
    }
    return max(0, min(count - 1, place + steps[motion]))


class Text(Listing):
    """Lines that stand still. Each may do something at Enter or a click; a cursor walks over those that do."""

    class Chosen(Message):
        """A line with an action was chosen."""

        def __init__(self, action: str) -> None:
            self.action = action
            super().__init__()

    def __init__(self, paint: Paint, *, ground: str = "background", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(paint, ground=ground, id=id)
        self._lines: Sequence[tuple[Line, str]] = ()
        self._cursor = -1

    def show(self, lines: Sequence[tuple[Line, str]]) -> None:
        """Show these lines from now on."""
        if list(lines) == list(self._lines):
            return
        self._lines = lines
        if not (0 <= self._cursor < len(lines) and lines[self._cursor][1]):
            self._cursor = next((index for index, line in enumerate(lines) if line[1]), -1)
        self.resize_to_count()
        self.refresh()

    @property
    def count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Strip:
        spans, _ = self._lines[index]
        ground = "cursor" if index == self._cursor and self.has_focus else self.ground
        return self.paint.strip(spans, self.size.width, ground)

    def move(self, motion: Motion) -> None:
        """Move the cursor from one line that does something to another; without any, scroll."""
        actions = [index for index, line in enumerate(self._lines) if line[1]]
        if self._cursor not in actions:
            self.scroll_by(motion)
            return
        self._cursor = actions[moved(actions.index(self._cursor), motion, self.page, len(actions))]
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False)
        self.refresh()

    def choose(self) -> None:
        if 0 <= self._cursor < len(self._lines) and self._lines[self._cursor][1]:
            self.post_message(self.Chosen(self._lines[self._cursor][1]))

    def on_click(self, event: events.Click) -> None:
        index = self.top + event.y
        if index < len(self._lines) and self._lines[index][1]:
            self._cursor = index
            self.choose()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
