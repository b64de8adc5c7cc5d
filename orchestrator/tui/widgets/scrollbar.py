"""A scrollbar that is painted only when it looks different: where much is written, it moves less than once a second."""

from __future__ import annotations

from typing import ClassVar

from textual.reactive import Reactive
from textual.scrollbar import ScrollBar, ScrollBarRender

_PARTS = 8
"""Of a cell, by which its ends move."""


class PlainEnds(ScrollBarRender):
    """Draws a scrollbar without the blocks that show parts of a cell."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * _PARTS


class CalmScrollBar(ScrollBar):
    """Textual paints its own whenever what is scrolled grows by a line."""

    window_virtual_size = Reactive(100, repaint=False)
    window_size = Reactive(0, repaint=False)
    position = Reactive(0.0, repaint=False)
    _shown = (0, 0, 0)

    def watch_window_virtual_size(self) -> None:
        """Paint it, if its thumb has another length or place."""
        thumb = self._thumb()
        if thumb != self._shown:
            self._shown = thumb
            self.refresh()

    watch_window_size = watch_window_virtual_size
    watch_position = watch_window_virtual_size

    def _thumb(self) -> tuple[int, int, int]:
        """Return its length, and where its thumb begins and ends, in parts of a cell, as Textual draws it."""
        size, whole, window = self.size.height, self.window_virtual_size, self.window_size
        if not size or window >= whole:
            return size, 0, 0
        thumb = max(1.0, window * size / whole)
        start = int((size - thumb) * self.position / (whole - window) * _PARTS)
        return size, start, round(thumb * _PARTS)
