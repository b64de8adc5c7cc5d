"""What a line may be about besides tasks: backends, limiters, slots, budgets and groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from orchestrator.core.progress import BackendProgress
from orchestrator.core.run import Run
from orchestrator.core.states import Reason, Status

_PARTS: Final = 3


class Subject(NamedTuple):
    """One of them. `kind` is backend, limit, slots, budget, group or task; `unit` a limiter's or a budget's.

    Slots have the name that SetConcurrency calls them by: `run`, `group:NAME`, `backend:NAME`.
    """

    kind: str
    name: str
    unit: str = ""

    @property
    def key(self) -> str:
        """Return the subject as a text, from which it can be read again."""
        return "\n".join(self)

    @classmethod
    def read(cls, key: str) -> Subject | None:
        """Return the subject that a key stands for, if it stands for one."""
        parts = key.split("\n")
        return cls(*parts) if len(parts) == _PARTS else None


class Limiter(NamedTuple):
    """What lets only so much through: how full it is, and who waits there. Without a limit it is never full."""

    subject: Subject
    label: str
    used: float
    limit: float | None
    gate: str
    reason: Reason
    next_free: float | None = None

    @property
    def share(self) -> float:
        return self.used / self.limit if self.limit else 0.0


def limiters(run: Run) -> Iterator[Limiter]:
    """Yield every limiter in the order in which it is declared: the run's slots, groups', then those of backends."""
    yield Limiter(Subject("slots", "run"), "task slots", _active(run.tally.counts), run.max_concurrency, "run", _SLOT)
    for name, group in run.groups.items():
        if group.info.max_concurrency is not None:
            used, gate = _active(run.tallies[name].counts), f"group:{name}"
            yield Limiter(Subject("slots", gate), f"{name} slots", used, group.info.max_concurrency, gate, _SLOT)
    for backend in run.backends.values():
        yield from _of_backend(backend)


_SLOT: Final = Reason.SLOT


def _active(counts: Mapping[Status, int]) -> int:
    return counts[Status.RUNNING] + counts[Status.STOPPING]


def _of_backend(backend: BackendProgress) -> Iterator[Limiter]:
    name, most = backend.info.name, backend.info.max_concurrency
    if most is not None:
        yield Limiter(Subject("slots", f"backend:{name}"), f"{name} slots", backend.in_use, most, name, _SLOT)
    for gauge in backend.gauges:
        if gauge.label != "slots":  # shown already, with what it was set to
            subject = Subject("limit", name, gauge.label)
            label = f"{name} {gauge.label}"
            yield Limiter(subject, label, gauge.used, gauge.limit, name, Reason.RATE_LIMIT, gauge.next_free)
