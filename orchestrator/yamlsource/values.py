"""What the reader of YAML hands out besides data: places, problems, limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from orchestrator.core.errors import Code
from orchestrator.core.fact import fact

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
KeyPath: TypeAlias = "tuple[str | int, ...]"

_MB: Final = 1 << 20


@fact
class Position:
    """A place in the text, counted from 1."""

    line: int
    column: int


@fact
class Problem:
    """Something wrong with the text, or worth a warning, and what to do about it. `path` leads to the value."""

    message: str
    position: Position | None = None
    hint: str | None = None
    code: str = Code.SYNTAX
    path: KeyPath = ()


class YamlError(ValueError):
    """The text cannot be used. `problems` holds everything that was found; the other attributes speak of the first."""

    def __init__(self, *problems: Problem) -> None:
        first = problems[0]
        super().__init__(first.message)
        self.problems = problems
        self.message = first.message
        self.position = first.position
        self.hint = first.hint
        self.code = first.code


@fact
class Limits:
    """How much a text may hold."""

    max_bytes: int = 10 * _MB
    max_depth: int = 100
    max_aliases: int = 1000

    @property
    def max_nodes(self) -> int:
        """Keys and values, counted as if every alias were written out."""
        return max(self.max_bytes // 4, 100_000)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Limits:
        """The limits, as far as the environment raises them."""
        usual = cls()
        return cls(
            max_bytes=_limit(environ, "ORCHESTRATOR_MAX_FLOW_SIZE", usual.max_bytes),
            max_depth=_limit(environ, "ORCHESTRATOR_MAX_NESTING", usual.max_depth),
            max_aliases=_limit(environ, "ORCHESTRATOR_MAX_ALIASES", usual.max_aliases),
        )

    def too_large(self) -> YamlError:
        hint = "split it with `flow:` tasks, or raise ORCHESTRATOR_MAX_FLOW_SIZE (for example to 50MB)"
        return YamlError(Problem(f"the file is larger than {_size(self.max_bytes)}", None, hint, Code.FLOW_LIMIT))


_SIZE = re.compile(r"([0-9]+(?:_[0-9]+)*)\s*(?:([KMG])i?B?|B)?", re.IGNORECASE)
_FACTORS: Final = {"": 1, "K": 1 << 10, "M": _MB, "G": 1 << 30}


def _limit(environ: Mapping[str, str], name: str, usual: int) -> int:
    written = environ.get(name, "").strip()
    if not written:
        return usual
    match = _SIZE.fullmatch(written)
    if match is None:
        hint = "write a number, or a size such as 50MB"
        raise YamlError(Problem(f"{name} is {written!r}, which is no size", None, hint, Code.FLOW_LIMIT))
    return int(match[1]) * _FACTORS[(match[2] or "").upper()]


def _size(count: int) -> str:
    return f"{count // _MB} MB" if count >= _MB else f"{count} bytes"
