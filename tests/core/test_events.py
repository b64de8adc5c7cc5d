"""What can happen: frozen, past, and named in one union."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, is_dataclass
from typing import get_args

import pytest

from orchestrator.core import events as ev
from orchestrator.core.events import Event, Record, RunPaused, RunUnpaused

NO_EVENTS = {"GroupInfo", "BackendInfo", "BudgetInfo", "Gauge"}
"""What events are made of."""


def test_the_union_names_every_event() -> None:
    declared = {
        value
        for value in vars(ev).values()
        if isinstance(value, type) and is_dataclass(value) and value.__module__ == ev.__name__
    }
    assert {event.__name__ for event in declared} - NO_EVENTS == {event.__name__ for event in get_args(Event)}


@pytest.mark.parametrize("event_type", get_args(Event))
def test_every_event_is_frozen_small_and_explained(event_type: type) -> None:
    assert is_dataclass(event_type)
    assert event_type.__dataclass_params__.frozen  # type: ignore[attr-defined]  # what dataclasses keep
    assert not hasattr(event_type, "__dict__") or "__slots__" in vars(event_type)
    assert (event_type.__doc__ or "").rstrip().endswith(".")


def test_a_fact_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        RunPaused("me").by = "you"  # type: ignore[misc]  # that is the point


def test_facts_of_different_types_differ() -> None:
    assert len({RunPaused("me"), RunUnpaused("me"), RunPaused("me")}) == 2


def test_a_record_puts_a_fact_in_its_place() -> None:
    record = Record("7f3a", 4, 1.5, RunPaused("me"))
    assert (record.run, record.seq, record.at, record.event) == ("7f3a", 4, 1.5, RunPaused("me"))
