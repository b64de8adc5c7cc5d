"""Foreign JSON: what servers really send is read, and what is none says why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models.shapes import parsed

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
def test_what_json_writes_is_read_as_json_reads_it(value: Any) -> None:  # noqa: ANN401 - any JSON there is
    text = json.dumps(value)
    assert parsed(text) == parsed(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "ü"}'.encode("utf-16"), {"a": "ü"}),
        ('{"half": "\\ud83d"}', {"half": "\ud83d"}),
        (' \r\n\t{"a": 1}\n', {"a": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("[" * 400 + "]" * 400, json.loads("[" * 400 + "]" * 400)),
    ],
    ids=["a mark first", "UTF-16", "half a character", "blanks around", "a name twice", "deep"],
)
def test_what_servers_really_send_is_read(written: str | bytes, value: object) -> None:
    assert parsed(written) == value


@pytest.mark.parametrize("written", ["", "{", "{'a': 1}", '{"a": 1} {"b": 2}', b"\xff\xfe", "[" * 100_000, "not"])
def test_what_is_no_json_is_refused(written: str | bytes) -> None:
    with pytest.raises(ValueError) as told:  # noqa: PT011 - each says something else
        parsed(written)
    assert str(told.value)
