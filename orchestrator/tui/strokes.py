"""The characters of which boxes and lines are drawn, by the weight of the line at each side of the cell."""

from __future__ import annotations

from itertools import product
from typing import Final, TypeAlias

Weights: TypeAlias = tuple[int, int, int, int]
"""Above, right, below, left: 0 for nothing, 1 for a light line, 2 for a heavy one."""

_ALL: Final = " ╴╸╷┐┑╻┒┓╶─╾┌┬┭┎┰┱╺╼━┍┮┯┏┲┳╵┘┙│┤┥╽┧┪└┴┵├┼┽┟╁╅┕┶┷┝┾┿┢╆╈╹┚┛╿┦┩┃┨┫┖┸┹┞╀╃┠╂╉┗┺┻┡╄╇┣╊╋"
_TABLE: Final[dict[Weights, str]] = {
    (above, right, below, left): char
    for (above, right, below, left), char in zip(product(range(3), repeat=4), _ALL, strict=True)
}
_ROUND: Final = {"┌": "╭", "┐": "╮", "└": "╰", "┘": "╯"}


def stroke(weights: Weights, *, ascii_only: bool = False) -> str:
    """Return the character; light corners are round."""
    if ascii_only:
        return _plain(weights)
    char = _TABLE[weights]
    return _ROUND.get(char, char)


def _plain(weights: Weights) -> str:
    above, right, below, left = weights
    heavy = max(weights) == 2
    if not above and not below:
        return ("=" if heavy else "-") if right or left else " "
    if not right and not left:
        return "#" if heavy else "|"
    return "#" if heavy else "+"


def frame(weight: int, *, ascii_only: bool = False) -> tuple[str, str, str, str, str, str]:
    """Return the corners from the top left clockwise, then horizontal and vertical."""
    on = weight
    corners = ((0, on, on, 0), (0, 0, on, on), (on, 0, 0, on), (on, on, 0, 0))
    top_left, top_right, low_right, low_left = (stroke(corner, ascii_only=ascii_only) for corner in corners)
    across, down = (stroke(line, ascii_only=ascii_only) for line in ((0, on, 0, on), (on, 0, on, 0)))
    return top_left, top_right, low_right, low_left, across, down
