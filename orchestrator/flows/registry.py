"""Which kinds and backends exist. Each is imported when a flow first names it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

from orchestrator.core.ports import Backend, Kind

T = TypeVar("T")

Names: TypeAlias = Callable[[], Iterable[str]]
Load: TypeAlias = Callable[[str], Any]


class Shelf(Generic[T]):
    """Classes by name, each loaded once and when it is asked for."""

    def __init__(self, names: Names, load: Load) -> None:
        self._list = names
        self._load = load
        self._loaded: dict[str, T] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self._list())

    def get(self, name: str) -> T | None:
        """Return the class, None if nothing of that name is installed. Raises what loading it raises."""
        if name not in self._loaded:
            if name not in self.names:
                return None
            self._loaded[name] = self._load(name)
        return self._loaded[name]


class Registry:
    """What kinds and backends exist: their names at once, each class when it is needed.

    `kinds` and `backends` list names; `load_kind` and `load_backend` return a class, or raise an OrchestratorError.
    """

    def __init__(self, kinds: Names, load_kind: Load, backends: Names, load_backend: Load) -> None:
        self._kinds: Shelf[type[Kind]] = Shelf(kinds, load_kind)
        self._backends: Shelf[type[Backend]] = Shelf(backends, load_backend)

    @property
    def kind_names(self) -> frozenset[str]:
        return self._kinds.names

    @property
    def backend_names(self) -> frozenset[str]:
        return self._backends.names

    def kind(self, name: str) -> type[Kind] | None:
        return self._kinds.get(name)

    def backend(self, name: str) -> type[Backend] | None:
        return self._backends.get(name)
