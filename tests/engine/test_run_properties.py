"""Whatever a flow declares, whatever fails in it and whatever an operator asks for, a run keeps its promises.

What those are stands in `watch.py`; `tell` holds every story to them, this file's and all others'.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.commands import CancelRun
from orchestrator.core.states import RunState
from orchestrator.engine import EngineOptions
from tests.engine.kit import Setting, Story, tell
from tests.engine.stories import Author

UNWATCHED = EngineOptions(stops_when_held=True)

numbers = st.integers(0, 1 << 48)
often = settings(max_examples=60, deadline=None)


@often
@given(numbers)
def test_every_run_ends(number: int) -> None:
    story = tell(Author(number).flow(), Setting(options=UNWATCHED))
    assert story.run.state is RunState.FINISHED


@often
@given(numbers)
def test_no_command_at_any_moment_makes_a_run_break_its_promises(number: int) -> None:
    story = _commanded(number)
    assert story.run.state is RunState.FINISHED


def _commanded(number: int) -> Story:
    author = Author(number)
    return tell(author.flow(), Setting(author.commands(), UNWATCHED))


@often
@given(numbers)
def test_a_run_that_lingers_takes_up_what_is_retried(number: int) -> None:
    author = Author(number)
    drawn, asked = author.flow(), author.commands()
    tell(drawn, Setting([*asked, (900.0, CancelRun(force=True))], leaves_at=1_000.0))


@often
@given(numbers, st.integers(0, 40), st.booleans())
def test_cancelling_at_any_moment_gives_everything_back(number: int, quarters: int, force: bool) -> None:  # noqa: FBT001 - drawn
    story = tell(Author(number).flow(), Setting([(quarters / 4, CancelRun(force=force))], UNWATCHED))
    assert story.run.state is RunState.FINISHED


@often
@given(numbers)
def test_the_same_seed_tells_the_same_story(number: int) -> None:
    assert _commanded(number).records == _commanded(number).records
