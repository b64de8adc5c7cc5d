"""Widgets that draw lines of spans: a bar of a few fixed lines, and a list that scrolls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import zip_longest
from typing import Protocol, TypeVar

from rich.cells import cell_len
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget

from orchestrator.tui.commands import Motion
from orchestrator.tui.compositor import PlainLines
from orchestrator.tui.lines import Line, Span, difference, plain
from orchestrator.tui.paint import Paint
from orchestrator.tui.widgets.scrollbar import CalmScrollBar, PlainEnds


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
    virtual_size = Reactive(Size(0, 0), repaint=False)
    """Textual lays the screen out a second time for it; a bar does not scroll."""

    class Clicked(Message):
        """A span with an action was clicked."""

        def __init__(self, action: str) -> None:
            self.action = action
            super().__init__()

    class Resized(Message):
        """Lines have another width now, and should be written anew."""

    def __init__(self, paint: Paint, *, ground: str = "background", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._styles_cache = PlainLines(self.render_line)
        self.paint = paint
        self.ground = ground
        self._lines: tuple[Line, ...] = ()

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def show(self, *lines: Line) -> None:
        """Show these lines from now on."""
        before, self._lines = self._lines, lines
        for row, (old, new) in enumerate(zip_longest(before, lines, fillvalue=())):
            if old != new:
                self.refresh(differing(old, new, row, self.size.width))

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


def differing(before: Line, after: Line, row: int, cells: int) -> Region:
    """Return the part of a row in which two lines differ."""
    start, end = difference(before, after)
    start = min(start, max(0, cells - 1))
    return Region(start, row, max(1, min(end, cells) - start), 1)


def action_at(line: Line, x: int) -> str:
    """Return the action of the span in that cell."""
    for span in line:
        x -= cell_len(span.text)
        if x < 0:
            return span.action
    return ""


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
        self._styles_cache = PlainLines(self.drawn)
        self.paint = paint
        self.ground = ground

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """Return the scrollbar, for Textual; it is made when it is first asked for."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = CalmScrollBar(name="vertical", thickness=1)
            if self.paint.ascii:
                bar.renderer = PlainEnds  # type: ignore[misc]  # read from the instance too
            bar.display = False
            self.app._start_widget(self, bar)  # noqa: SLF001 - as Textual starts its own
        return self._vertical_scrollbar

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
        """Return how many cells a line has; the scrollbar's is kept free, so that nothing moves when it comes.

        Before it has a size, it is thought to get the whole width, as most do, so that it is written right at once.
        """
        width = self.container_size.width if self.container_size or not self.is_attached else self.app.size.width
        return max(1, width - 1)

    def resize_to_count(self) -> None:
        """Let the scrollbar know how many lines there are. While it stays, nothing else has to move for it."""
        size = Size(0, self.count)
        if not self.container_size and self.is_attached:
            self.show_vertical_scrollbar = self.count > self.app.size.height  # or all is laid out again for it
        if self.show_vertical_scrollbar and self.count > self.page:
            self.set_reactive(Listing.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = self.count
        elif self.virtual_size != size:
            self.virtual_size = size

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

    def drawn(self, y: int) -> Strip:
        """Return a line of the screen as it is painted; one whose text can be selected says where only if asked."""
        return self.render_line(y)

    def selected(self, strip: Strip, index: int) -> Strip:
        """Return the line with what the mouse has selected of it in the colours of that."""
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        if span is None:
            return strip
        start, end = span[0], strip.cell_length if span[1] == -1 else span[1]
        style = self.screen.get_component_rich_style("screen--selection")
        before, chosen, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end, strip.cell_length)
        return Strip.join([before, chosen.apply_style(style), after])

    def scroll_by(self, motion: Motion) -> None:
        """Scroll without a cursor."""
        self.scroll_to(y=moved(self.top, motion, self.page, self.count), animate=False)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -3)

    def _wheel(self, event: events.Event, step: int) -> None:
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
        self._lit = -1

    def show(self, lines: Sequence[tuple[Line, str]], *, lit: int = -1) -> None:
        """Show these lines from now on; the cursor stays on what it was on, as long as that is there.

        The line that is `lit` looks as if the cursor was on it, wherever the focus is.
        """
        if list(lines) == list(self._lines) and lit == self._lit:
            return
        chosen, self._lines, self._lit = self.chosen, lines, lit
        self._cursor = self._find(chosen)
        self.resize_to_count()
        self.refresh()

    def _find(self, chosen: str) -> int:
        """Return the line with that action that is nearest to the cursor, else the nearest one with any."""
        actions = [index for index, line in enumerate(self._lines) if line[1]]
        same = [index for index in actions if self._lines[index][1] == chosen]
        return min(same or actions, key=lambda index: abs(index - self._cursor), default=-1)

    @property
    def chosen(self) -> str:
        """Return the action of the line under the cursor."""
        return self._lines[self._cursor][1] if 0 <= self._cursor < len(self._lines) else ""

    @property
    def count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Strip:
        spans, _ = self._lines[index]
        is_lit = index == self._lit or (index == self._cursor and self.has_focus)
        ground = "cursor" if is_lit else self.ground
        return self.paint.strip(spans, self.size.width, ground)

    def whole(self) -> str:
        """Return all lines as text."""
        return "\n".join(plain(line) for line, _ in self._lines)

    @property
    def is_at_end(self) -> bool:
        """Return whether the last line is in view."""
        return self.top + self.page >= self.count

    @property
    def chosen_line(self) -> Line:
        """Return the line under the cursor."""
        return self._lines[self._cursor][0] if 0 <= self._cursor < len(self._lines) else ()

    def go_to(self, action: str) -> None:
        """Put the cursor on the line that does this."""
        self._cursor = self._find(action)
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False)
        self.refresh()

    def move(self, motion: Motion) -> None:
        """Move the cursor from one line that does something to another; without any, scroll."""
        actions = [index for index, line in enumerate(self._lines) if line[1]]
        if self._cursor not in actions:
            self.scroll_by(motion)
            return
        place = actions.index(self._cursor)
        target = moved(place, motion, self.page, len(actions))
        if target == place or target in {0, len(actions) - 1}:
            self.scroll_by(motion if target == place else Motion.LAST if target else Motion.FIRST)
        self._cursor = actions[target]
        if target != place:
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
