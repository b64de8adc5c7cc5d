"""The words for simulated outcomes stand for the errors that real backends would raise."""

import pytest

from orchestrator.core.errors import Code
from orchestrator.core.simulation import OK, Ending, Outcome, error_of, is_outcome, outcome


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ok", OK),
        (" hang ", Outcome(Ending.HANG)),
        (503, Outcome(Ending.STATUS, 503)),
        ("429 retry-after=2", Outcome(Ending.STATUS, 429, 2.0)),
        ("429  retry-after=500ms", Outcome(Ending.STATUS, 429, 0.5)),
    ],
)
def test_a_word_of_a_script_is_understood(written: str | int, expected: Outcome) -> None:
    assert outcome(written) == expected
    assert is_outcome(written)


@pytest.mark.parametrize("written", ["busy", "status", "99", 1000, "429 retry-after=soon", ""])
def test_any_other_word_is_refused(written: str | int) -> None:
    with pytest.raises(ValueError, match=r"outcome|duration"):
        outcome(written)
    assert not is_outcome(written)


@pytest.mark.parametrize("written", [None, True, 1.5, ["ok"]])
def test_what_is_no_word_is_no_outcome(written: object) -> None:
    assert not is_outcome(written)


@pytest.mark.parametrize(
    ("written", "code", "status", "transient"),
    [
        ("503", Code.HTTP_STATUS, 503, True),
        ("404", Code.HTTP_STATUS, 404, False),
        ("timeout", Code.BACKEND_TIMEOUT, None, True),
        ("reset", Code.CONNECTION, None, True),
        ("malformed", Code.MALFORMED, None, True),
    ],
)
def test_an_outcome_is_the_error_of_a_real_backend(
    written: str, code: Code, status: int | None, *, transient: bool
) -> None:
    error = error_of(outcome(written))
    assert error is not None
    assert (error.failure.code, error.failure.status, error.failure.is_transient) == (code, status, transient)


@pytest.mark.parametrize("written", ["ok", "hang", "204"])
def test_what_answers_or_never_does_is_no_error(written: str) -> None:
    assert error_of(outcome(written)) is None
