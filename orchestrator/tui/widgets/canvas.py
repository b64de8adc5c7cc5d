"""The canvas on which a graph is drawn: it scrolls both ways, and a cursor goes from box to box."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from orchestrator.tui.boxes import BoxFace, Look
from orchestrator.tui.commands import Motion
from orchestrator.tui.lines import Line
from orchestrator.tui.paint import Paint
from orchestrator.tui.picture import Picture, box_at
from orchestrator.tui.widgets.painted import Listing, guarded

_MARGIN = 2
"""Cells kept free around the cursor's box, where there is room."""


class Canvas(Listing):
    """Shows a picture. Only what is in view is drawn, and only the boxes that look different are drawn again."""

    class Moved(Message):
        """The cursor is on another box."""

    class Panned(Message):
        """Another part of the picture is in view."""

    class Opened(Message):
        """A box was double-clicked."""

    def __init__(self, paint: Paint, look: Callable[[], Look], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(paint, id=id)
        self._look_now = look
        self._look: Look | None = None
        self._faces: dict[str, BoxFace] = {}
        self._picture: Picture | None = None
        self._left = 0
        self._held: tuple[int, int] | None = None
        self.chosen: str | None = None
        self.empty: Line = ()

    # ── state down ──────────────────────────────────────────────────────────────────────────────

    def show(self, picture: Picture) -> None:
        """Show this picture; the cursor stays on its box, or goes to the first."""
        self._picture = picture
        if self.chosen not in picture.order:
            self.chosen = next(iter(picture.order), None)
            self.post_message(self.Moved())
        self.renew()
        self.resize_to_count()
        self.reveal()

    def renew(self) -> None:
        """Draw everything anew: lines have another weight or colour."""
        self._look = self._look_now()
        self._faces = {}
        self.refresh()

    def touch(self, boxes: Collection[str]) -> None:
        """Draw these boxes anew where they look different, and all lines where one has another colour."""
        if self._picture is None:
            return
        self._look = self._look_now()
        seen = set(self.seen())
        before = {box: face for box, face in self._faces.items() if box in seen}
        self._faces = before.copy()
        for box in seen.intersection(boxes) & before.keys():
            self._renew_box(box, before[box])

    def _renew_box(self, box: str, before: BoxFace) -> None:
        del self._faces[box]
        try:
            after = self._face(box)
        except Exception:  # noqa: BLE001 - a box that fails is guarded where it is drawn
            self.refresh()
            return
        if after.status is not before.status:
            self.refresh()
        elif after != before:
            self._refresh_box(box)

    def _refresh_box(self, box: str) -> None:
        assert self._picture is not None
        area = self._picture.area(box)
        self.refresh(Region(area.x - self._left, area.y - self.top, area.width, area.height))

    @property
    def order(self) -> Sequence[str]:
        """Return the boxes, first to last."""
        return self._picture.order if self._picture is not None else ()

    def seen(self) -> Collection[str]:
        """Return the boxes of which something is in view."""
        return () if self._picture is None else self._picture.seen(self.top, self.page)

    def beside(self) -> tuple[int, int]:
        """Return how many boxes reach out of view to the left and to the right."""
        areas = [self._picture.area(box) for box in self.order] if self._picture is not None else []
        end = self._left + self.columns
        return sum(area.x < self._left for area in areas), sum(area.x + area.width > end for area in areas)

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    @property
    def count(self) -> int:
        return self._picture.height if self._picture is not None else 0

    def _face(self, box: str) -> BoxFace:
        assert self._picture is not None
        assert self._look is not None
        if box not in self._faces:
            self._faces[box] = self._picture.face(self._look, box)
        return self._faces[box]

    @guarded
    def render_line(self, y: int) -> Strip:
        if not self.count:
            return self.paint.strip(self.empty if y == 1 else (), self.size.width)
        return super().render_line(y)

    def line(self, index: int) -> Strip:
        assert self._picture is not None
        assert self._look is not None
        paint, at = self.paint, 0
        blank = paint.style("text", "background")
        segments: list[Segment] = []
        for piece in self._picture.pieces(index, self._look, self._face):
            ground = self._ground(piece.box)
            drawn = [Segment(span.text, paint.style(span.role, ground)) for span in piece.line if span.text]
            segments += [Segment(" " * (piece.x - at), blank), *drawn]
            at = piece.x + sum(segment.cell_length for segment in drawn)
        end = self._left + self.size.width
        return Strip(segments).adjust_cell_length(max(end, at), blank).crop(self._left, end)

    def _ground(self, box: str) -> str:
        if not box or box != self.chosen:
            return "background"
        return "cursor" if self.has_focus else "quiet"

    # ── the cursor ──────────────────────────────────────────────────────────────────────────────

    def choose(self, box: str) -> None:
        """Put the cursor on the box and bring it into view."""
        if self._picture is None or box not in self._picture.order or box == self.chosen:
            return
        before, self.chosen = self.chosen, box
        for changed in (before, box):
            if changed is not None:
                self._refresh_box(changed)
        self.reveal()
        self.post_message(self.Moved())

    def step(self, across: int, down: int) -> None:
        """Go to the box beside, above or below."""
        if self._picture is not None and self.chosen is not None:
            self.choose(self._picture.step(self.chosen, across, down))

    def move(self, motion: Motion) -> None:
        """Go up or down by one, to an end, or scroll by pages."""
        steps = {Motion.DOWN: 1, Motion.UP: -1}
        if self._picture is None:
            return
        if motion in steps:
            self.step(0, steps[motion])
        elif motion in {Motion.FIRST, Motion.LAST} and self._picture.order:
            self.choose(self._picture.order[0 if motion is Motion.FIRST else -1])
        else:
            self.scroll_by(motion)

    def reveal(self) -> None:
        """Scroll no further than the cursor's box needs."""
        if self._picture is None or self.chosen is None:
            return
        area = self._picture.area(self.chosen)
        top = _nearest(self.top, area.y, area.height, self.page)
        left = _nearest(self._left, area.x - _MARGIN, area.width + 2 * _MARGIN, self.columns)
        self._go(left, top)

    def centre(self) -> None:
        """Put the cursor's box into the middle."""
        if self._picture is None or self.chosen is None:
            return
        x, y = self._picture.area(self.chosen).middle
        self._go(round(x - self.columns / 2), round(y - self.page / 2))

    def _go(self, left: int, top: int) -> None:
        width = self._picture.width if self._picture is not None else 0
        kept = max(0, min(left, width - self.columns))
        if kept != self._left:
            self._left = kept
            self.refresh()
            self.post_message(self.Panned())
        self.scroll_to(y=max(0, top), animate=False)

    # ── mouse and focus ─────────────────────────────────────────────────────────────────────────

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._held = (self._left + event.x, self.top + event.y)
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the picture."""
        if self._held is not None:
            self._go(self._held[0] - event.x, self._held[1] - event.y)

    def on_mouse_up(self) -> None:
        self._held = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        box = box_at(self._picture, self._left + event.x, self.top + event.y) if self._picture is not None else None
        if box is None:
            return
        self.choose(box)
        if event.chain == 2:
            self.post_message(self.Opened())

    def on_resize(self) -> None:
        self.reveal()

    def on_focus(self) -> None:
        self._draw_chosen()

    def on_blur(self) -> None:
        self._draw_chosen()

    def _draw_chosen(self) -> None:
        if self._picture is not None and self.chosen is not None:
            self._refresh_box(self.chosen)


def _nearest(start: int, at: int, size: int, page: int) -> int:
    """Return from where a window of a page shows that part, moved as little as can be."""
    if at < start:
        return at
    return max(start, at + size - page) if at + size > start + page else start
