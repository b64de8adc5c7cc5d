"""The tree of errors, and what each leaves behind."""

from __future__ import annotations

import re

import pytest

from orchestrator.core.errors import (
    AttemptError,
    Code,
    CommandError,
    DeniedError,
    ErrorClass,
    ErrorKind,
    FlowError,
    IllegalMove,
    InputError,
    OrchestratorError,
    Problem,
    TimeLimitError,
    UpstreamError,
    WorkError,
)

TRANSIENT, PERMANENT = ErrorClass.TRANSIENT, ErrorClass.PERMANENT


@pytest.mark.parametrize(
    ("error", "kind", "error_class", "code"),
    [
        (UpstreamError("HTTP 503", status=503), ErrorKind.UPSTREAM, TRANSIENT, Code.HTTP_STATUS),
        (UpstreamError("HTTP 404", transient=False, status=404), ErrorKind.UPSTREAM, PERMANENT, Code.HTTP_STATUS),
        (WorkError("exit 1", code=Code.EXIT_CODE, exit_code=1), ErrorKind.WORK, PERMANENT, Code.EXIT_CODE),
        (TimeLimitError("no answer in 30 s"), ErrorKind.TIMEOUT, TRANSIENT, Code.ATTEMPT_TIMEOUT),
        (InputError("no program 'foo'"), ErrorKind.INPUT, PERMANENT, Code.RENDER),
        (DeniedError("denied by me"), ErrorKind.DENIED, PERMANENT, Code.DENIED),
    ],
)
def test_each_error_says_whose_fault_it_is_and_whether_trying_again_may_help(
    error: AttemptError, kind: ErrorKind, error_class: ErrorClass, code: Code
) -> None:
    failure = error.failure
    assert (failure.kind, failure.error_class, failure.code) == (kind, error_class, code)
    assert failure.is_transient is (error_class is TRANSIENT)
    assert str(error) == failure.message
    assert isinstance(error, OrchestratorError)


def test_what_the_work_produced_before_it_failed_is_kept() -> None:
    assert WorkError("exit 1", output={"stdout": "half"}).output == {"stdout": "half"}
    assert UpstreamError("cut off", output={"text": "half"}).output == {"text": "half"}


def test_a_backend_may_say_when_to_come_back() -> None:
    failure = UpstreamError("HTTP 429", status=429, retry_after=2.5, hint="lower the rate").failure
    assert (failure.retry_after, failure.status, failure.hint) == (2.5, 429, "lower the rate")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("no key 'neds'", "flow.yaml", 3, 5, "write 'needs'"), "flow.yaml:3:5: no key 'neds'; write 'needs'"),
        (Problem("the file is empty", "flow.yaml"), "flow.yaml: the file is empty"),
        (Problem("no such file"), "no such file"),
    ],
)
def test_a_problem_tells_where_what_and_what_to_do(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_flow_error_holds_everything_that_was_found() -> None:
    error = FlowError(Problem("one"), Problem("two"))
    assert [problem.message for problem in error.problems] == ["one", "two"]
    assert str(error) == "one\ntwo"


@pytest.mark.parametrize("error", [FlowError, IllegalMove, CommandError, AttemptError])
def test_every_error_of_ours_has_one_root(error: type[Exception]) -> None:
    assert issubclass(error, OrchestratorError)


def test_codes_are_unique_and_fall_into_their_hundreds() -> None:
    assert len({code.value for code in Code}) == len(Code)
    assert all(re.fullmatch(r"ORC-[1-5][0-9]{2}", code) for code in Code)
