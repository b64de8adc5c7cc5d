from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.yamlsource import JSON, Limits, Position, Problem, YamlError, parse, read

if TYPE_CHECKING:
    from pathlib import Path


def failure(text: str, limits: Limits | None = None) -> YamlError:
    with pytest.raises(YamlError) as caught:
        parse(text, limits=limits)
    return caught.value


# Scalars


@pytest.mark.parametrize(
    "word", ["on", "off", "yes", "No", "y", "22:22", "0b1", "1_000", "2026-11-20", ".inf", "1e999"]
)
def test_what_yaml_1_1_would_have_converted_stays_text(word: str) -> None:
    assert parse(f"a: {word}").data == {"a": word}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-7", -7),
        ("+7", 7),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("3.10", 3.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("- ", ["x"]),
    ],
)
def test_words_mean_what_yaml_1_2_says(word: str, value: JSON) -> None:
    text = f"a:\n  {word}x" if word == "- " else f"a: {word}"
    assert parse(text).data == {"a": value}


def test_what_stands_in_quotes_or_in_a_block_is_text() -> None:
    assert parse("a: '1'\nb: \"true\"\nc: |\n  2\n").data == {"a": "1", "b": "true", "c": "2\n"}


def test_an_integer_of_ten_thousand_digits_stays_text() -> None:
    assert parse("a: " + "9" * 10_000).data == {"a": "9" * 10_000}


def test_keys_are_text_as_written() -> None:
    assert parse("1: a\ntrue: b\n3.10: c").data == {"1": "a", "true": "b", "3.10": "c"}


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "null"])
def test_a_text_without_values_is_null(text: str) -> None:
    assert parse(text).data is None


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    source = parse("\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n")
    assert source.data == {"a": 1, "b": "x\ny\n"}
    assert source.position(("b",), key=True) == Position(2, 1)


# Places


TEXT = """\
name: demo
tasks:
  build:
    shell: make
    env: {A: 1, "B": two}
  test:
    depends_on:
      - build
      - lint
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("name",), (1, 7)),
        (("tasks",), (3, 3)),
        (("tasks", "build", "shell"), (4, 12)),
        (("tasks", "build", "env"), (5, 10)),
        (("tasks", "build", "env", "B"), (5, 22)),
        (("tasks", "test", "depends_on", 1), (9, 9)),
    ],
)
def test_every_value_has_its_place(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    assert parse(TEXT).position(path) == Position(*place)


def test_every_key_has_its_place() -> None:
    source = parse(TEXT)
    assert source.position(("tasks", "build", "env", "B"), key=True) == Position(5, 17)
    assert source.position(("tasks", "test", "depends_on", 1), key=True) == Position(9, 9)


def test_what_is_missing_has_its_parents_place() -> None:
    source = parse(TEXT)
    assert source.position(("tasks", "build", "nope", 3)) == Position(4, 5)
    assert source.position(("tasks", "build", "nope"), key=True) == Position(4, 5)


def test_a_wide_mapping_and_a_long_list_are_found_in_too() -> None:
    text = "m:\n" + "".join(f"  k{n}: [{n}]\n" for n in range(200)) + "l:\n" + "  - x\n" * 200
    source = parse(text)
    assert source.position(("m", "k150", 0)) == Position(152, 10)
    assert source.position(("l", 199)) == Position(402, 5)


def test_what_an_alias_stands_for_is_placed_where_it_is_written() -> None:
    source = parse("a: &x\n  k: 1\nb: *x\n")
    assert source.data == {"a": {"k": 1}, "b": {"k": 1}}
    assert source.position(("b",)) == Position(3, 4)
    assert source.position(("b", "k")) == Position(2, 6)


def test_a_merged_key_is_placed_where_it_is_written() -> None:
    source = parse("base: &x\n  k: 1\n  l: 2\nall:\n  <<: *x\n  l: 3\n")
    assert source.data == {"base": {"k": 1, "l": 2}, "all": {"k": 1, "l": 3}}
    assert source.position(("all", "k")) == Position(2, 6)
    assert source.position(("all", "l")) == Position(6, 6)


def test_of_several_merged_mappings_the_first_wins() -> None:
    source = parse("a: &a {k: 1}\nb: &b {k: 2, l: 3}\nall:\n  <<: [*a, *b]\n")
    assert source.data == {"a": {"k": 1}, "b": {"k": 2, "l": 3}, "all": {"k": 1, "l": 3}}
    assert source.position(("all", "l")) == Position(2, 17)


def test_a_merge_between_other_keys_keeps_their_places() -> None:
    source = parse("a: &a {k: 1}\nall:\n  x: 1\n  <<: *a\n  y: 2\n")
    assert source.position(("all", "y")) == Position(5, 6)
    assert source.data == {"a": {"k": 1}, "all": {"x": 1, "k": 1, "y": 2}}


@pytest.mark.parametrize("word", ["3.10", "017", "1e3", "true", "~", "0x1F"])
def test_what_was_written_is_kept_for_words_that_are_no_text(word: str) -> None:
    assert parse(f"a: [{word}]").written(("a", 0)) == word


def test_nothing_is_kept_for_text_keys_containers_and_what_is_missing() -> None:
    source = parse("a: word\nb: '3.10'\nc: {d: 1}\n")
    assert [source.written((name,)) for name in "abcx"] == [None] * 4
    assert source.written(("c", "d", "e")) is None


def test_an_alias_is_written_as_what_it_stands_for() -> None:
    assert parse("a: &v 3.10\nb: *v\n").written(("b",)) == "3.10"


# Places inside of texts


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: one X\n", (1, 8)),
        ("a: 'it''s X'\n", (1, 11)),
        ('a: "\\x41\\u00e9\\t X"\n', (1, 18)),
        ("a: one\n  two X\n", (2, 7)),
        ("a: 'one\n\n  two X'\n", (3, 7)),
        ('a: "one \\\n  two X"\n', (1, 4)),
        ("a: |\n  one\n    two X\n", (3, 9)),
        ("a: |\r\n  one\r\n  X\r\n", (3, 3)),
        ("a: |-\n\n  one\n\n  X\n", (5, 3)),
        ("a: >\n  one\n  two\n\n  three X\n", (5, 9)),
        ("a: |2\n   X\n", (2, 4)),
        ("a: &name one X\n", (1, 14)),
        ("a: &name |\n  one X\n", (2, 7)),
        ("b: &n one X\na: *n\n", (1, 11)),
    ],
)
def test_a_part_of_a_text_has_its_place(text: str, place: tuple[int, int]) -> None:
    source = parse(text)
    assert isinstance(source.data, dict)
    value = source.data["a"]
    assert isinstance(value, str)
    assert source.inside(("a",), value.index("X")) == Position(*place)


def test_what_is_no_text_has_the_place_of_the_value() -> None:
    assert parse("a: [1]\n").inside(("a",), 3) == Position(1, 4)
    assert parse("a: 1\n").inside(("b", 0), 3) == Position(1, 1)


# What is refused


def test_all_duplicate_keys_are_reported_with_the_line_of_the_first() -> None:
    error = failure("a: 1\nb: 2\na: 3\nc:\n  d: 1\n  d: 2\n")
    assert [problem.message for problem in error.problems] == [
        "the key 'a' appears twice: it is on line 1 already",
        "the key 'd' appears twice: it is on line 5 already",
    ]
    assert [problem.position for problem in error.problems] == [Position(3, 1), Position(6, 3)]
    assert [problem.path for problem in error.problems] == [("a",), ("c", "d")]
    assert error.code == "ORC-103"


def test_a_quoted_and_an_unquoted_key_are_the_same() -> None:
    assert failure("1: a\n'1': b\n").position == Position(2, 1)


def test_duplicate_keys_are_reported_with_the_fault_that_ends_the_reading() -> None:
    error = failure("a: 1\na: 2\nb: [\n")
    assert [problem.code for problem in error.problems] == ["ORC-103", "ORC-101"]


def test_a_thousand_duplicates_are_cut_short() -> None:
    assert len(failure("a: 1\n" * 1000).problems) == 100


def test_two_merges_in_one_mapping_are_a_duplicate() -> None:
    assert failure("a: &a {}\nb:\n  <<: *a\n  <<: *a\n").code == "ORC-103"


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("a: {{ x }}", (1, 4), "`{{`", "quote the whole value"),
        ("a: {{ x }} and more", (1, 4), "`{{`", "quote the whole value"),
        ("- {{ x }}", (1, 3), "`{{`", "quote the whole value"),
        ("a: [1, {{ x }}]", (1, 8), "`{{`", "quote the whole value"),
        ("a: {b: {{ x }}}", (1, 8), "`{{`", "quote the whole value"),
        ("a: [git, ${inputs.x}]", (1, 10), "`${` must stand inside quotes", "quote"),
        ("a: {% if x %}b{% endif %}", (1, 4), "`{%` must stand inside quotes", "quote"),
        ('a: "b" {{ c }}', (1, 8), "`{{` must stand inside quotes", "quote"),
        ("shell: echo a: b", (1, 14), "a colon followed by a space", "under `|`"),
        ("- shell: echo a: b", (1, 16), "a colon followed by a space", "under `|`"),
        ("a\nb: c", (2, 2), "a key does not fit here", "the line above"),
        ("a: 1\n  b: 2", (2, 4), "a key does not fit here", "indentation"),
        ("a:\n\tb: c", (2, 1), "a tab is used as indentation", "spaces"),
        ("a:\n  b: 1\n \tc: 2", (3, 2), "a tab is used as indentation", "spaces"),
        ("a: |\n\tx\n", (2, 1), "a tab is used as indentation", "spaces"),
        ("a: @x", (1, 4), "`@` cannot begin a value", "quote"),
        ("a: %x", (1, 4), "`%` cannot begin a value", "quote"),
        ("a: `date`", (1, 4), "a backtick cannot begin", "quote"),
        ("a: *.txt", (1, 4), "`*` begins an alias", "quote"),
        ("a: *x", (1, 4), "unknown alias *x", "quote"),
        ("a: &", (1, 4), "`&` begins an anchor", "quote"),
        ("a: !cmd x", (1, 4), "the tag '!cmd' has no meaning", "quote"),
        ("a: !!str x", (1, 4), "the tag '!!str' has no meaning", "quote"),
        ("a: ! grep x", (1, 4), "the tag '!' has no meaning", "quote"),
        ("a: !python/object:os.system x", (1, 4), "the tag '!python/object:os.system'", "quote"),
        ("!x [a]", (1, 1), "the tag '!x'", "quote"),
        ("a: - b", (1, 4), "a list cannot begin here", "a line of its own"),
        ('a: "b" c', (1, 8), "the value has ended before this", "quote the whole value"),
        ("a: 'it's'", (1, 8), "the value has ended before this", "quote the whole value"),
        ("a: [b] c", (1, 8), "the value has ended before this", "quote the whole value"),
        ("a: b # c\n  d", (2, 3), "this line belongs to no value", "the ` #` on the line above"),
        ('a: "b', (1, 4), 'the quote " that opens here is never closed', "close it"),
        ('a: "\\d"', (1, 5), "an unknown escape", "single quotes"),
        ("a: [1, 2", (1, 4), "a list in `[ ]` is not closed", "close it"),
        ("a: {b: 1", (1, 4), "a mapping in `{ }` is not closed", "close it"),
        ("a: [", (1, 5), "a value is missing here", "close"),
        ("a: >x", (1, 5), "text follows `|` or `>`", "next line"),
        ("- a\nb: c", (2, 1), "a list item must begin with `- `", "indentation"),
        ("a: 1\n b: 2\n", (2, 3), "a key does not fit here", "indentation"),
        (": b", (1, 1), "a key", ""),
        ("{: b}", (1, 2), "a value is missing here", "quote"),
        ("{'': 1, ? : b}", (1, 11), "a key is missing before the colon", "key: value"),
        ("? [a]\n: b", (1, 3), "a key must be plain text", ""),
        ("a: &x 1\n*x : b", (2, 1), "an alias cannot be a key", "write the key out"),
        ("a: &x [*x]", (1, 8), "the alias *x stands inside what it names", "cannot hold itself"),
        ("a: 1\n---\nb: 2", (2, 1), "a second document begins here", "`---`"),
        ("a:\n  <<: 3", (2, 7), "`<<` takes a mapping", "<<: *name"),
        ("a: &a {}\nb:\n  <<: [*a, 3]", (3, 12), "`<<` takes a mapping", "<<: *name"),
        ("a: b\x00c", (1, 5), "the control character U+0000 is not allowed", "remove it"),
        ("a: b\n\x1b[0m", (2, 1), "the control character U+001B is not allowed", "remove it"),
        ("a: \ud800", (1, 4), "the control character U+D800", "remove it"),
    ],
)
def test_what_is_wrong_is_said_in_a_persons_words(text: str, place: tuple[int, int], message: str, hint: str) -> None:
    error = failure(text)
    assert message in error.message
    assert hint in (error.hint or "")
    assert error.position == Position(*place)
    assert error.code == "ORC-101"


# Limits


def test_fifty_thousand_nested_brackets_are_one_clear_error() -> None:
    error = failure("a: " + "[" * 50_000)
    assert error.message == "nested deeper than 100 levels"
    assert error.code == "ORC-104"
    assert "ORCHESTRATOR_MAX_NESTING" in (error.hint or "")


def test_a_hundred_levels_are_fine() -> None:
    assert parse("[" * 100 + "]" * 100).data is not None


def test_deep_block_nesting_is_bounded_too() -> None:
    assert failure("".join("  " * n + "a:\n" for n in range(120))).code == "ORC-104"


def test_an_alias_bomb_is_refused_without_expanding_it() -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    error = failure("\n".join(lines))
    assert "with aliases written out" in error.message
    assert error.code == "ORC-104"


def test_a_merge_bomb_is_refused() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}"]
    lines += [f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 30)}]" for n in range(1, 20)]
    assert failure("\n".join(lines)).code == "ORC-104"


def test_a_thousand_aliases_are_enough() -> None:
    text = "a: &a 1\nb: [" + ", ".join(["*a"] * 1001) + "]"
    assert "more than 1000 aliases" in failure(text).message
    assert parse(text, limits=Limits(max_aliases=2000)).data is not None


def test_a_large_text_is_refused_by_its_size() -> None:
    error = failure("a: " + "x" * 200, Limits(max_bytes=100))
    assert error.message == "the file is larger than 100 bytes"
    assert "ORCHESTRATOR_MAX_FLOW_SIZE" in (error.hint or "")


def test_the_environment_raises_the_limits() -> None:
    environ = {
        "ORCHESTRATOR_MAX_FLOW_SIZE": "100MB",
        "ORCHESTRATOR_MAX_NESTING": "150",
        "ORCHESTRATOR_MAX_ALIASES": "5",
    }
    assert Limits.from_environ(environ) == Limits(100 << 20, 150, 5)
    assert Limits.from_environ({"ORCHESTRATOR_MAX_FLOW_SIZE": "20_000"}).max_bytes == 20_000


def test_a_limit_that_is_no_size_is_named() -> None:
    with pytest.raises(YamlError, match="ORCHESTRATOR_MAX_FLOW_SIZE is 'big', which is no size"):
        Limits.from_environ({"ORCHESTRATOR_MAX_FLOW_SIZE": "big"})


# Warnings


def test_a_comment_that_cuts_a_command_is_a_warning() -> None:
    source = parse("tasks:\n  fix:\n    shell: gh issue view #12\n")
    assert source.data == {"tasks": {"fix": {"shell": "gh issue view"}}}
    assert source.warnings == (
        Problem(
            "` #` begins a comment here: the rest of the line is not part of the value",
            Position(3, 26),
            "if it belongs to the value, quote the value or write it under `|`",
            path=("tasks", "fix", "shell"),
        ),
    )


def test_the_warning_names_the_item_of_a_list() -> None:
    assert parse("a:\n  - one\n  - two words # rest\n").warnings[0].path == ("a", 1)


@pytest.mark.parametrize(
    "text", ["a: make # build", "a: 'x y' # z", "a: |\n  x y # z\n", "a: x y\n# z\n", "a: x#y z", "a b: 1 # c"]
)
def test_other_comments_are_no_warning(text: str) -> None:
    assert parse(text).warnings == ()


# Files


def unreadable(path: Path) -> YamlError:
    with pytest.raises(YamlError) as caught:
        read(path, environ={})
    return caught.value


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9\r\n")
    assert read(path, environ={}).data == {"name": "café"}


def test_a_missing_file_says_which_one_may_have_been_meant(tmp_path: Path) -> None:
    (tmp_path / "flow.yml").write_text("a: 1")
    error = unreadable(tmp_path / "flow.yaml")
    assert (error.message, error.hint) == ("there is no such file", "did you mean 'flow.yml'?")
    assert error.code == "ORC-102"
    assert "does not exist either" in (unreadable(tmp_path / "no" / "flow.yaml").hint or "")


def test_a_common_ending_makes_no_two_names_alike(tmp_path: Path) -> None:
    for name in ("s1.yaml", "notes.yaml", "such"):
        (tmp_path / name).touch()
    assert unreadable(tmp_path / "nosuchflow.yaml").hint is None
    assert unreadable(tmp_path / "nots.yml").hint == "did you mean 'notes.yaml'?"


def test_a_directory_says_which_file_in_it_to_name(tmp_path: Path) -> None:
    assert unreadable(tmp_path).hint == "name a YAML file"
    (tmp_path / "b.yaml").write_text("a: 1")
    error = unreadable(tmp_path)
    assert (error.message, error.hint) == ("this is a directory, not a file", "name a file in it, such as 'b.yaml'")


@pytest.mark.parametrize(
    ("content", "message", "place"),
    [
        (b"\x7fELF\0\0", "the file is binary: it holds NUL bytes", None),
        (b"\xff\xfea\0", "the file is UTF-16", None),
        (b"a: 1\nb: \xc3(", "the file is not UTF-8: byte 0xc3 fits nothing", Position(2, 4)),
        (b"", "the file is empty", None),
        (b"# later\n", "the file is empty", None),
    ],
)
def test_a_file_that_is_no_text_is_refused(
    tmp_path: Path, content: bytes, message: str, place: Position | None
) -> None:
    path = tmp_path / "flow.yaml"
    path.write_bytes(content)
    error = unreadable(path)
    assert (error.message, error.position, error.code) == (message, place, "ORC-102")


def test_an_empty_file_is_fine_where_it_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("# nothing yet\n")
    assert read(path, environ={}, allow_empty=True).data is None


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in unreadable(tmp_path / ("x" * 5000)).message


def test_eleven_megabytes_are_refused_until_the_limit_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_bytes(b"a: " + b"x" * 11_000_000)
    error = unreadable(path)
    assert (error.message, error.code) == ("the file is larger than 10 MB", "ORC-104")
    assert read(path, environ={"ORCHESTRATOR_MAX_FLOW_SIZE": "20MB"}).data == {"a": "x" * 11_000_000}


# Whatever the text

JSON_TYPES = (dict, list, str, int, float, type(None))


def outcome(text: str) -> JSON | YamlError:
    try:
        return parse(text).data
    except YamlError as error:
        return error


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_is_data_or_a_yaml_error(text: str) -> None:
    said = outcome(text)
    assert isinstance(said, JSON_TYPES) or said.message


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@`# \n\t<$x1~.", max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_of_yamls_own_characters_is_data_or_a_yaml_error(text: str) -> None:
    said = outcome(text)
    assert isinstance(said, JSON_TYPES) or said.message


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="abc: #'\"{}\n", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=12,
)


def paths(value: JSON, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    below: list[tuple[str | int, JSON]] = []
    if isinstance(value, dict):
        below = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    return [path, *(found for key, inner in below for found in paths(inner, (*path, key)))]


@given(JSON_VALUES)
@settings(max_examples=100, deadline=None)
def test_json_reads_as_itself_and_every_value_has_a_place_of_its_own(value: JSON) -> None:
    import json  # noqa: PLC0415 - only this test writes YAML, and JSON is YAML

    source = parse(json.dumps(value))
    assert source.data == value
    places = [source.position(path) for path in paths(value)]
    assert len(set(places)) == len(places)
