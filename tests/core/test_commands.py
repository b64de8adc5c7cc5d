"""What an operator may ask."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core import commands
from orchestrator.core.commands import CancelTask, Command, Drain, PauseRun

COMMANDS: tuple[type[Any], ...] = get_args(Command)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(COMMANDS).flatmap(st.builds), min_size=2, max_size=10))
def test_every_command_has_an_id_of_its_own(asked: list[Command]) -> None:
    assert len({command.id for command in asked}) == len(asked)


@pytest.mark.parametrize("command", COMMANDS)
def test_ids_and_names_of_askers_are_given_by_name_only(command: type[Any]) -> None:
    by_name = {field.name for field in fields(command) if field.kw_only}
    assert by_name == {"id", "by"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command: type[Any]) -> None:
    assert (command.__doc__ or "").endswith(".")
    assert not (command.__doc__ or "").startswith(command.__name__)


def test_a_command_is_a_value() -> None:
    assert CancelTask("build", id="c1") == CancelTask("build", id="c1", by="operator")
    assert len({Drain(id="c1"), PauseRun(id="c1"), Drain(id="c1")}) == 2
    with pytest.raises(FrozenInstanceError):
        CancelTask("build").task = "test"  # type: ignore[misc]  # that is the point


def test_the_union_names_every_command() -> None:
    declared = {
        value
        for value in vars(commands).values()
        if isinstance(value, type) and issubclass(value, commands._Command) and value is not commands._Command
    }
    assert declared == set(COMMANDS)
    assert all(get_type_hints(command)["id"] is str for command in COMMANDS)
