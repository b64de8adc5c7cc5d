"""Which cells of the terminal are painted anew: those that changed, of the widgets that nothing covers there.

Textual's own compositor draws all widgets between the first changed line and the last, those under others too, and
begins each changed line at the left edge of its widget: more to work out, and several times as much to send. And it
asks a widget's styles for borders and paddings again and again, which ours do not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from rich.console import Console
from textual._compositor import Compositor, CompositorUpdate, LayoutUpdate
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

Span: TypeAlias = tuple[int, int, int]
"""A line, and from which column up to which."""


class Piece(NamedTuple):
    """What is painted from a cell on."""

    x: int
    y: int
    strip: Strip


class Pieces(CompositorUpdate):
    """Parts of lines, each with its place."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces

    def render_segments(self, console: Console) -> str:
        """Return the bytes for the terminal. What follows its neighbour needs no place of its own."""
        written: list[str] = []
        end = None
        for x, y, strip in self._pieces:
            if end != (x, y):
                written.append(f"\x1b[{y + 1};{x + 1}H")
            written.append(strip.render(console))
            end = (x + strip.cell_length, y)
        return "".join(written)


class LeanCompositor(Compositor):
    """Textual's compositor, with another way to draw what changed."""

    def render_partial_update(self) -> Pieces | None:  # type: ignore[override]  # another update, as good to display
        """Return the cells that changed."""
        screen = self.size.region
        spans = list(self._regions_to_spans(region.intersection(screen) for region in self._dirty_regions))
        self._dirty_regions.clear()
        return Pieces(list(self._pieces(spans))) if spans else None

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:  # noqa: FBT001, FBT002 - Textual's signature
        """Return all cells; a picture of the screen is left to Textual."""
        if simplify:
            return super().render_full_update(simplify=True)
        self._dirty_regions.clear()
        for widget in self.visible_widgets:
            widget._exchange_repaint_regions()  # noqa: SLF001 - what it wanted painted anew is; Textual paints it twice
        width, height = self.size
        lines: list[list[Strip]] = [[] for _ in range(height)]
        for piece in self._pieces([(y, 0, width) for y in range(height)]):
            lines[piece.y].append(piece.strip)
        return LayoutUpdate(list(lines), self.size.region)

    def _pieces(self, spans: Sequence[Span]) -> Iterator[Piece]:
        strips = self._strips(spans)
        for y, first, last in spans:
            for start, end in pairwise(self.cuts[y]):
                strip = strips.get((y, start))
                if strip is not None and start < last and end > first:
                    left, right = max(start, first), min(end, last)
                    whole = left == start and right == end
                    yield Piece(left, y, strip if whole else strip.crop(left - start, right - start))

    def _strips(self, spans: Iterable[Span]) -> dict[tuple[int, int], Strip]:
        """Return what stands between two cuts, by line and first column. The widget in front comes first."""
        bare = self._bare(spans)
        found: dict[tuple[int, int], Strip] = {}
        for widget, (region, clip) in self.visible_widgets.items():
            area = region.intersection(clip)
            lines = [y for y in area.line_range if y in bare and _meets(bare[y], area)]
            if not lines:
                continue
            top = lines[0]
            crop = Region(area.x - region.x, top - region.y, area.width, lines[-1] + 1 - top)
            strips = widget.render_lines(crop)
            for y in lines:
                found |= self._divided(strips[y - top], y, area, bare[y])
        return found

    def _bare(self, spans: Iterable[Span]) -> dict[int, set[int]]:
        """Return in each line the cuts from which on something changed; they are bare until a widget is drawn there."""
        bare: dict[int, set[int]] = {}
        for y, first, last in spans:
            found = (start for start, end in pairwise(self.cuts[y]) if start < last and end > first)
            bare.setdefault(y, set()).update(found)
        return bare

    def _divided(self, strip: Strip, y: int, area: Region, bare: set[int]) -> dict[tuple[int, int], Strip]:
        """Return the parts of a widget's line that nothing covers; they are bare no more."""
        cuts = [cut for cut in self.cuts[y] if area.x <= cut <= area.right]
        parts = strip.divide([cut - area.x for cut in cuts[1:]]) if len(cuts) > 2 else [strip]
        shown = {(y, cut): part for cut, part in zip(cuts, parts, strict=False) if cut in bare}
        bare.difference_update(cuts[:-1])
        return shown


def _meets(bare: set[int], area: Region) -> bool:
    return any(area.x <= cut < area.right for cut in bare)


class PlainLines(StylesCache):
    """Remembers the lines of a widget that has nothing around them, as they are once colours are filtered.

    `draw` returns a line as it is painted.
    """

    def __init__(self, draw: Callable[[int], Strip]) -> None:
        super().__init__()
        self._draw = draw

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        """Return the lines, for Textual; those that have not changed are not asked for again."""
        width = widget.outer_size.width
        if width != self._width:
            self.clear()
            self._width = width
        dirty = [y for y in crop.line_range if y in self._dirty_lines or y not in self._cache]
        if dirty:
            self._cache.update(self._drawn(widget, dirty))
        strips = [self._cache[y] for y in crop.line_range]
        self._dirty_lines.difference_update(crop.line_range)
        first, last = crop.column_span
        return strips if (first, last) == (0, width) else [strip.crop(first, last) for strip in strips]

    def _drawn(self, widget: Widget, lines: Iterable[int]) -> Iterator[tuple[int, Strip]]:
        """Yield lines as they are painted now. What filters them is asked for once: that takes as long as a line."""
        filters, (_, background) = widget.get_line_filters(), widget.background_colors
        for y in lines:
            strip = self._draw(y).adjust_cell_length(self._width)
            for one in filters:
                strip = strip.apply_filter(one, background)
            yield y, strip
