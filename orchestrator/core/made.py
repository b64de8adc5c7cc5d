"""How a named tuple is made that thousands a second are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

_T = TypeVar("_T", bound=tuple[Any, ...])

made: Final[Callable[[type[_T], Iterable[object]], _T]] = tuple.__new__
"""Makes a named tuple of all its values, in their order, in half the time that calling its class takes."""
