"""What can go wrong, as one tree, and the value that a failed attempt leaves behind.

    OrchestratorError
    ├── FlowError             the flow or the command line is wrong; holds every problem found
    ├── IllegalMove           a move that the table of states does not allow: a bug of ours
    ├── CommandError          an operator's command makes no sense now; says why and what would help
    └── AttemptError          foreign work ended badly; holds the Failure
        ├── UpstreamError     a backend answered with an error or not at all
        ├── WorkError         the work itself failed: a bad exit code, a raised exception
        ├── TimeLimitError    a time limit passed
        ├── InputError        what the task was given cannot be used
        └── DeniedError       a person or a rule said no

Codes: ORC-1xx flow, ORC-2xx task, ORC-3xx backend, ORC-4xx limits and budget, ORC-5xx journal and system.
"""

from __future__ import annotations

from typing import Final

from orchestrator.core.fact import fact
from orchestrator.core.words import Word


class ErrorClass(Word):
    """Whether trying again may help."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"


class ErrorKind(Word):
    """Whose fault it is."""

    UPSTREAM = "upstream"
    WORK = "work"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    DENIED = "denied"
    BUDGET = "budget"
    BREAKER = "breaker"
    INPUT = "input"
    BUG = "bug"


class Code(Word):
    """The error codes, each with its meaning."""

    SYNTAX = "ORC-101"
    UNREADABLE = "ORC-102"
    DUPLICATE_KEY = "ORC-103"
    FLOW_LIMIT = "ORC-104"
    SCHEMA = "ORC-110"
    UNKNOWN_NAME = "ORC-111"
    CYCLE = "ORC-112"
    TEMPLATE = "ORC-113"
    UNSAFE_SHELL = "ORC-114"
    INPUT_VALUE = "ORC-115"
    SECRET = "ORC-116"  # noqa: S105 - the name of a code, not a secret

    RENDER = "ORC-201"
    EXPANSION = "ORC-202"
    EXIT_CODE = "ORC-203"
    RAISED = "ORC-204"
    ATTEMPT_TIMEOUT = "ORC-205"
    IDLE_TIMEOUT = "ORC-206"
    TASK_TIMEOUT = "ORC-207"
    DEADLINE = "ORC-208"
    DENIED = "ORC-209"
    NOT_STARTED = "ORC-210"
    UNREADABLE_OUTPUT = "ORC-211"
    UNTIL = "ORC-212"
    INSTANCES_FAILED = "ORC-213"
    KILLED = "ORC-214"
    NOT_SAVED = "ORC-215"

    HTTP_STATUS = "ORC-301"
    CONNECTION = "ORC-302"
    BACKEND_TIMEOUT = "ORC-303"
    MALFORMED = "ORC-304"
    BREAKER_OPEN = "ORC-305"
    UNKNOWN_BACKEND = "ORC-306"
    TOO_LARGE = "ORC-307"
    QUOTA = "ORC-308"
    CONTEXT_LENGTH = "ORC-309"
    FILTERED = "ORC-310"
    TRUNCATED = "ORC-311"

    BUDGET = "ORC-401"
    NEVER_FITS = "ORC-402"
    OUTPUT_CUT = "ORC-403"

    JOURNAL = "ORC-501"
    BUG = "ORC-502"


TRANSIENT_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 529})


@fact
class Failure:
    """Why an attempt or a task failed, as it stands in events, reports and on the screen.

    `retry_after` is in seconds. `exit_code` and `status` are set where there was one, for `retry_on`.
    """

    code: str
    error_class: ErrorClass
    kind: ErrorKind
    message: str
    hint: str | None = None
    retry_after: float | None = None
    correlation_id: str | None = None
    exit_code: int | None = None
    status: int | None = None

    @property
    def is_transient(self) -> bool:
        return self.error_class is ErrorClass.TRANSIENT


class OrchestratorError(Exception):
    """The root of every error that is ours."""


@fact
class Problem:
    """One thing wrong in a file: where, what, and what to do about it."""

    message: str
    file: str = ""
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    code: str = Code.SCHEMA

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in (None, ""))
        advice = f"; {self.hint}" if self.hint else ""
        return f"{where}: {self.message}{advice}" if where else f"{self.message}{advice}"


class FlowError(OrchestratorError):
    """The flow or the command line is wrong. `problems` holds all that was found."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class IllegalMove(OrchestratorError):  # noqa: N818 - the table's own word for it
    """A move that the table of states does not have."""


class CommandError(OrchestratorError):
    """A command that makes no sense now."""


class AttemptError(OrchestratorError):
    """Foreign work ended badly. Raised by kinds and backends, turned into an event by the engine.

    `output` is what the work produced before it failed, field by field; dependants that may see it do.
    """

    def __init__(self, failure: Failure, output: dict[str, object] | None = None) -> None:
        self.failure = failure
        self.output = output
        super().__init__(failure.message)


class UpstreamError(AttemptError):
    """A backend answered with an error, with nonsense or not at all."""

    def __init__(
        self,
        message: str,
        *,
        code: str = Code.HTTP_STATUS,
        transient: bool = True,
        status: int | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
        output: dict[str, object] | None = None,
    ) -> None:
        error_class = ErrorClass.TRANSIENT if transient else ErrorClass.PERMANENT
        super().__init__(
            Failure(code, error_class, ErrorKind.UPSTREAM, message, hint=hint, retry_after=retry_after, status=status),
            output,
        )


class WorkError(AttemptError):
    """The work itself failed: a bad exit code or a raised exception."""

    def __init__(
        self,
        message: str,
        *,
        code: str = Code.RAISED,
        exit_code: int | None = None,
        hint: str | None = None,
        output: dict[str, object] | None = None,
    ) -> None:
        super().__init__(
            Failure(code, ErrorClass.PERMANENT, ErrorKind.WORK, message, hint=hint, exit_code=exit_code), output
        )


class TimeLimitError(AttemptError):
    """A time limit passed."""

    def __init__(self, message: str, *, code: str = Code.ATTEMPT_TIMEOUT, hint: str | None = None) -> None:
        super().__init__(Failure(code, ErrorClass.TRANSIENT, ErrorKind.TIMEOUT, message, hint=hint))


class InputError(AttemptError):
    """What the task was given cannot be used: a template that does not render, a missing program."""

    def __init__(self, message: str, *, code: str = Code.RENDER, hint: str | None = None) -> None:
        super().__init__(Failure(code, ErrorClass.PERMANENT, ErrorKind.INPUT, message, hint=hint))


class DeniedError(AttemptError):
    """A person or a rule said no."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(Failure(Code.DENIED, ErrorClass.PERMANENT, ErrorKind.DENIED, message, hint=hint))
