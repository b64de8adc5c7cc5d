"""A run told by hand: events are appended with their times, and folded by the real fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.core import events as ev
from orchestrator.core.commands import Command
from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import BackendInfo, Event, GroupInfo, Record
from orchestrator.core.flow import Json
from orchestrator.core.ports import Gap
from orchestrator.core.run import Run, fold
from orchestrator.core.states import Outcome, Reason

HTTP_503 = Failure(Code.HTTP_STATUS, ErrorClass.TRANSIENT, ErrorKind.UPSTREAM, "HTTP 503", status=503)
OUT_OF_BUDGET = Failure(Code.BUDGET, ErrorClass.PERMANENT, ErrorKind.BUDGET, "the budget is spent")
A_BUG = Failure(Code.BUG, ErrorClass.PERMANENT, ErrorKind.BUG, "KeyError: 'x'")
SILENT = Failure(Code.IDLE_TIMEOUT, ErrorClass.TRANSIENT, ErrorKind.TIMEOUT, "no output for 60s")


class Story:
    """Tells a run event by event; every method returns the story, so that a test reads as one sentence."""

    def __init__(self, *, groups: Sequence[str] = ("default",), backends: Sequence[str] = ()) -> None:
        self.records: list[Record] = []
        self.at = 0.0
        self.happens(
            ev.RunStarted(
                flow="research",
                file="/flows/research.yaml",
                wall=1_700_000_000.0,
                seed=1,
                folder="/state/runs/7f3a2c",
                groups=tuple(GroupInfo(name) for name in groups),
                backends=tuple(BackendInfo(name, "simulated") for name in backends),
            )
        )

    @property
    def run(self) -> Run:
        return fold(self.records)

    def at_second(self, at: float) -> Story:
        self.at = at
        return self

    def happens(self, *events: Event) -> Story:
        for event in events:
            self.records.append(Record("7f3a2c", len(self.records), self.at, event))
        return self

    def adds(self, *tasks: str, group: str = "default", optional: bool = False, of: str | None = None) -> Story:
        return self.happens(*(ev.TaskAdded(task, "shell", group, optional=optional, of=of) for task in tasks))

    def starts(self, task: str, *, backend: str | None = None, attempt: int = 1, of: int = 1) -> Story:
        if self.run.tasks[task].state == "pending":
            self.happens(ev.TaskWaiting(task, Reason.SLOT))
        return self.happens(ev.AttemptStarted(task, attempt, of, backend))

    def writes(self, task: str, text: str, stream: str = "out") -> Story:
        return self.happens(ev.OutputProduced(task, self.run.tasks[task].attempt, stream, text))

    def succeeds(self, task: str, output: Mapping[str, Json] | None = None) -> Story:
        attempt = self.run.tasks[task].attempt
        return self.happens(ev.AttemptSucceeded(task, attempt), ev.TaskSucceeded(task, output))

    def fails(self, task: str, error: Failure = HTTP_503) -> Story:
        attempt = self.run.tasks[task].attempt
        return self.happens(ev.AttemptFailed(task, attempt, error), ev.TaskFailed(task, error))

    def retries(self, task: str, wait: float, error: Failure = HTTP_503) -> Story:
        attempt = self.run.tasks[task].attempt
        self.happens(ev.AttemptFailed(task, attempt, error, retry_in=wait))
        return self.happens(ev.TaskWaiting(task, Reason.BACKOFF, self.at + wait))

    def ends(self, outcome: Outcome, outputs: Mapping[str, Json] | None = None) -> Story:
        return self.happens(ev.RunFinished(outcome, outputs or {}))


class FakeSession:
    """A session that tells a story as far as the test lets it."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._told: list[Record] = []
        self._viewers: list[FakeSubscription] = []
        self.sent: list[Command] = []
        self.time = 0.0
        self.tell(*records)

    def tell(self, *records: Record) -> None:
        self._told += records
        self.time = max([self.time, *(record.at for record in records)])
        for viewer in self._viewers:
            viewer.waiting += records

    def lose(self, *records: Record) -> None:
        """Let every viewer fall too far behind."""
        self._told += records
        for viewer in self._viewers:
            viewer.gap = Gap(len(records))

    def attach(self) -> tuple[Run, FakeSubscription]:
        viewer = FakeSubscription()
        self._viewers.append(viewer)
        return fold(self._told), viewer

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def now(self) -> float:
        return self.time


class FakeSubscription:
    """What a viewer has not taken yet."""

    def __init__(self) -> None:
        self.waiting: list[Record] = []
        self.gap: Gap | None = None
        self.closed = False

    def drain(self) -> Sequence[Record] | Gap:
        if self.gap is not None:
            return self.gap
        taken, self.waiting = self.waiting, []
        return taken

    def close(self) -> None:
        self.closed = True
