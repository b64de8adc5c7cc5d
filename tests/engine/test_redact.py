"""What must not be seen is not seen, however it is written and wherever a chunk ends."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest

from orchestrator.engine.redact import MASK, RedactedStream, Redactor

SECRET = 'pl"an\\ted é/ 123'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(written: str) -> None:
    assert Redactor([SECRET]).text(f"a {written} b") == f"a {MASK} b"


@pytest.mark.parametrize("size", [1, 2, 7, 16])
def test_a_secret_is_hidden_across_the_borders_of_chunks(size: int) -> None:
    text = f"x{SECRET}y{json.dumps(SECRET)}{SECRET[:5]}"
    stream = RedactedStream(Redactor([SECRET]))
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert "".join([*map(stream.feed, chunks), stream.end()]) == f'x{MASK}y"{MASK}"{SECRET[:5]}'


def test_what_is_too_short_to_be_a_secret_stays() -> None:
    assert Redactor(["1", "abc", ""]).text("1 abc") == "1 abc"


def test_a_number_that_is_a_secret_is_hidden_in_data() -> None:
    data = {"pin": 48151623, "list": [48151623.0, 1234.5, 481516230, True, None]}
    assert Redactor(["48151623", "1234.5"]).data(data) == {
        "pin": MASK,
        "list": [48151623.0, MASK, 481516230, True, None],
    }


def test_each_line_of_a_secret_is_hidden() -> None:
    assert Redactor(["first line\nsecond line"]).text("second line") == MASK


@pytest.mark.parametrize("end", ["", "'"])
def test_the_beginning_of_a_secret_at_the_end_of_a_message_is_hidden(end: str) -> None:
    message = f"it begins with '{SECRET[:10]}{end}"
    assert Redactor([SECRET]).message(message) == f"it begins with '{MASK}{end}"


def test_a_few_letters_at_the_end_of_a_message_are_no_secret() -> None:
    assert Redactor([SECRET]).message("the file is called x.pl") == "the file is called x.pl"
