"""Every event becomes plain data and comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core import events as ev
from orchestrator.core import flow
from orchestrator.core.codec import EVENT_TYPES, VERSION, decode, encode
from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import Event, Record
from orchestrator.core.flow import Condition, Need
from orchestrator.core.states import BreakerState, Reason

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)

NAMES = {**vars(flow), **vars(ev)}


def built(cls: type) -> st.SearchStrategy[Any]:
    """Build any value of a dataclass, each field from its annotation."""
    hints = get_type_hints(cls, localns=NAMES)
    return st.builds(cls, **{name: any_value(hint) for name, hint in hints.items()})


def any_value(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any annotation
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of([any_value(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(any_value(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(st.text(), JSON, max_size=3)
    if is_dataclass(hint):
        return built(hint)  # type: ignore[arg-type]  # a class: annotations are no instances
    return FLOATS if hint is float else st.from_type(hint)


records = st.sampled_from(get_args(Event)).flatmap(
    lambda event_type: st.builds(
        Record,
        run=st.text(),
        seq=st.integers(0),
        at=st.integers(0, 10**12).map(lambda micros: micros / 1e6),
        event=built(event_type),
    )
)


@pytest.mark.parametrize("event_type", get_args(Event))
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_event_comes_back_as_it_was(event_type: type[Event], data: st.DataObject) -> None:
    record = Record("7f3a", 3, 1.25, data.draw(built(event_type)))
    assert decode(json.loads(encode(record))) == record


@settings(max_examples=100, deadline=None)
@given(records)
def test_any_record_comes_back_as_it_was(record: Record) -> None:
    assert decode(json.loads(encode(record))) == record


@settings(max_examples=100, deadline=None)
@given(records)
def test_the_text_is_what_json_itself_would_write(record: Record) -> None:
    text = encode(record)
    assert json.dumps(json.loads(text), separators=(",", ":")) == text


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 1e300, 10**30, -0.0])
def test_a_number_is_written_as_json_does(number: float) -> None:
    text = encode(Record("r", 0, 0.0, ev.TaskSucceeded("build", {"value": number})))
    assert f'"value":{json.dumps(number)}' in text


@pytest.mark.parametrize("event_type", get_args(Event))
def test_no_field_of_an_event_hides_one_of_the_record(event_type: type) -> None:
    assert not {"type", "seq", "at", "run", "version"} & set(get_type_hints(event_type, localns=NAMES))


def test_a_record_is_one_flat_object() -> None:
    waiting = ev.TaskWaiting("build", Reason.RATE_LIMIT, until=9.5, gate="model")
    assert json.loads(encode(Record("7f3a", 4, 1.23456789, waiting))) == {
        "type": "TaskWaiting",
        "seq": 4,
        "at": 1.234568,
        "run": "7f3a",
        "task": "build",
        "reason": "rate_limit",
        "until": 9.5,
        "gate": "model",
    }


def test_words_that_python_keeps_for_itself_are_plain_in_the_data() -> None:
    moved = ev.BreakerMoved("model", BreakerState.CLOSED, BreakerState.OPEN, "5 failures in a row")
    failed = ev.TaskFailed("build", Failure(Code.EXIT_CODE, ErrorClass.PERMANENT, ErrorKind.WORK, "exit 1"))
    assert data_of(moved)["from"] == "closed"
    assert data_of(failed)["error"]["class"] == "permanent"


def test_what_was_frozen_is_plain_and_nested_values_are_objects() -> None:
    output = MappingProxyType({"items": (1, {"a": None})})
    added = ev.TaskAdded("build", "shell", "default", needs=(Need("fetch", Condition.SETTLED),))
    assert data_of(ev.TaskSucceeded("build", output))["output"] == {"items": [1, {"a": None}]}
    assert data_of(added)["needs"] == [{"task": "fetch", "condition": "settled"}]


def data_of(event: Event) -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(encode(Record("r", 0, 0.0, event)))
    return data


def test_the_start_of_a_run_carries_the_version() -> None:
    assert data_of(ev.RunStarted("f", "f.yaml", 0.0, 1))["version"] == VERSION


def test_what_has_no_plain_form_is_refused() -> None:
    strange = ev.TaskSucceeded("build", {"made": object()})  # type: ignore[dict-item]  # that is the point
    with pytest.raises(TypeError, match="object has no plain form"):
        encode(Record("r", 0, 0.0, strange))


PAUSED = {"type": "RunPaused", "seq": 0, "at": 0.0, "run": "r", "by": "me"}


def test_a_field_of_a_later_version_is_ignored_and_one_with_a_default_may_be_missing() -> None:
    assert decode({**PAUSED, "mood": "calm"}).event == ev.RunPaused("me")
    assert decode({**PAUSED, "type": "TaskSucceeded", "task": "a"}).event == ev.TaskSucceeded("a")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({**PAUSED, "type": "RunExploded"}, "unknown event type 'RunExploded'"),
        ({**PAUSED, "type": ["RunPaused"]}, "not readable"),
        ({**PAUSED, "version": 2}, "events of version 2 are not readable here"),
        ({"type": "RunPaused", "seq": 0, "at": 0.0, "run": "r"}, "not readable: .*'by'"),
        ({"seq": 0, "at": 0.0, "run": "r"}, "an event lacks 'type'"),
        ({**PAUSED, "type": "TaskWaiting", "task": "a", "reason": "boredom"}, "'boredom' is not a valid Reason"),
        ({**PAUSED, "type": "RunHeld", "waits": 3}, "not readable"),
        ({**PAUSED, "type": "TaskFailed", "task": "a", "error": 3}, "not readable"),
    ],
)
def test_what_is_not_known_here_is_a_value_error_that_says_so(data: Mapping[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decode(data)


def test_event_types_are_found_by_name() -> None:
    assert set(EVENT_TYPES.values()) == set(get_args(Event))
