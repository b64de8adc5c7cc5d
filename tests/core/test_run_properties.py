"""What holds for the fold of any run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import ErrorKind, IllegalMove
from orchestrator.core.events import Event, Record
from orchestrator.core.progress import Tally, TaskProgress
from orchestrator.core.run import Run, fold
from orchestrator.core.states import MOVES, STATE_OF, WAITING_STATUS, State, Status
from tests.core.stories import impossible, stories

any_story = given(stories())
some = settings(max_examples=60, deadline=None)


def everything(run: Run) -> dict[str, object]:
    """Return all that the run holds, as values that compare."""
    tails = {task: (list(tail.lines), tail.size, tail.dropped, tail.version) for task, tail in run.tails.items()}
    return {**vars(run), "tails": tails}


# ── counts ──


@some
@any_story
def test_counts_always_equal_a_recount(records: list[Record]) -> None:
    run = Run("r")
    for record in records:
        run.apply(record)
        _check(run.tally, list(run.tasks.values()), run)
        for group, tally in run.tallies.items():
            members = [run.tasks[task] for task in run.members[group]]
            assert members == [task for task in run.tasks.values() if task.group == group]
            _check(tally, members, run)
            assert (tally.skipped_inside, tally.skipped_outside) == _blamed(run, group)


def _check(tally: Tally, tasks: Sequence[TaskProgress], run: Run) -> None:
    counted = [task for task in tasks if task.id not in run.instances]
    recount = Counter(task.status for task in counted)
    assert {status: number for status, number in tally.counts.items() if number} == dict(recount)
    assert tally.total == len(counted)
    assert tally.done == sum(task.is_final for task in counted)
    assert tally.failed == sum(task.state is State.FAILED for task in counted)
    assert tally.attempts == sum(task.attempt for task in tasks)
    assert tally.tokens == sum(task.tokens for task in tasks)
    assert tally.cost_usd == sum(task.cost_usd or 0.0 for task in tasks)


def _blamed(run: Run, group: str) -> tuple[int, int]:
    caused = [task for task in run.tasks.values() if task.cause and run.tasks[task.cause].group == group]
    inside = sum(task.group == group for task in caused)
    return inside, len(caused) - inside


# ── tasks ──


@some
@any_story
def test_the_status_is_a_shade_of_the_state(records: list[Record]) -> None:
    run = Run("r")
    for record in records:
        run.apply(record)
        for task in run.tasks.values():
            assert task.status is _status(task)
            assert STATE_OF[task.status] is task.state
            assert (task.wait is not None) is (task.state is State.WAITING)
            assert (task.ended is not None) is task.is_final
            assert (task.id in run.questions) is (task.question is not None)


def _status(task: TaskProgress) -> Status:
    """Derive the status anew from everything else."""
    if task.wait is not None:
        return WAITING_STATUS[task.wait.reason]
    timeout = task.error is not None and task.error.kind is ErrorKind.TIMEOUT
    return {
        State.RUNNING: Status.STOPPING if task.stopping else Status.RUNNING,
        State.SUCCEEDED: Status.CACHED if task.cached else Status.DONE,
        State.FAILED: Status.TIMEOUT if timeout else Status.FAILED,
        State.CANCELLED: Status.CANCELED,
        State.SKIPPED: Status.SKIPPED,
    }.get(task.state, Status.PENDING)


@some
@any_story
def test_a_value_that_was_kept_never_changes(records: list[Record]) -> None:
    run = Run("r")
    kept: list[tuple[TaskProgress, tuple[object, ...]]] = []
    for record in records:
        run.apply(record)
        kept += [(task, tuple(task)) for task in run.tasks.values()]
    assert all(tuple(task) == fields for task, fields in kept)


@some
@any_story
def test_only_the_task_that_an_event_names_gets_another_value(records: list[Record]) -> None:
    run = Run("r")
    for record in records:
        before = dict(run.tasks)
        run.apply(record)
        moved = [task for task, value in before.items() if run.tasks[task] is not value]
        assert set(moved) <= {getattr(record.event, "task", "")}


@some
@any_story
def test_every_move_is_one_of_the_table(records: list[Record]) -> None:
    run = Run("r")
    for record in records:
        before = dict(run.tasks)
        run.apply(record)
        for task, old in before.items():
            new = run.tasks[task].state
            assert new is old.state or (old.state, new) in MOVES


# ── records ──


@some
@given(stories(), st.data())
def test_what_cannot_be_changes_nothing(records: list[Record], data: st.DataObject) -> None:
    run = fold(records)
    event: Event = data.draw(st.sampled_from(impossible(run)))
    before = everything(run.copy())
    with pytest.raises((IllegalMove, ValueError)):
        run.apply(Record("r", run.seq + 1, run.at + 1.0, event))
    assert everything(run) == before


@some
@given(stories(), st.integers(-3, 3).filter(bool))
def test_a_gap_is_told(records: list[Record], off: int) -> None:
    run = fold(records)
    with pytest.raises(ValueError, match="follows"):
        run.apply(records[-1]._replace(seq=records[-1].seq + 1 + off))


# ── copies ──


@some
@given(stories(), st.data())
def test_a_copy_goes_its_own_way_and_arrives_at_the_same(records: list[Record], data: st.DataObject) -> None:
    parted = data.draw(st.integers(0, len(records)))
    original = fold(records[:parted], Run("r"))
    before = everything(original.copy())
    copied = fold(records[parted:], original.copy())
    assert everything(original) == before
    assert everything(fold(records[parted:], original)) == everything(copied) == everything(fold(records))


# ── tails ──


@some
@any_story
def test_the_sizes_of_tails_add_up(records: list[Record]) -> None:
    run = fold(records)
    assert run._tails_size == sum(tail.size for tail in run.tails.values())
