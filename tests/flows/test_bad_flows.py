"""What is wrong with a flow is told in words that help: each bad file has its expected messages beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.errors import Code, FlowError
from orchestrator.flows import Registry, load_flow
from tests.flows.fakes import BACKENDS, KINDS, Loads, registry

BAD = Path(__file__).parent / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.yaml"))


def installed(path: Path) -> Registry:
    """Return what is installed for the file: one of them is about what is not."""
    if path.stem != "kinds_not_installed":
        return registry()
    kinds = {name: kind for name, kind in KINDS.items() if name in {"shell", "http", "llm", "function"}}
    backends = {name: backend for name, backend in BACKENDS.items() if name != "mcp"}
    return registry(Loads(kinds), Loads(backends))


def complaints(path: Path, environ: dict[str, str] | None = None) -> str:
    """Return what is said of the file, with paths as they look from its folder."""
    with pytest.raises(FlowError) as caught:
        load_flow(str(path), installed(path), environ=environ or {})
    return str(caught.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_flow_gets_the_messages_that_help(name: str) -> None:
    assert complaints(BAD / f"{name}.yaml") == (BAD / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


def test_there_are_at_least_fifty_of_them() -> None:
    assert len(NAMES) >= 50


@pytest.mark.parametrize("name", NAMES)
def test_no_message_speaks_of_the_tools_inside(name: str) -> None:
    said = (BAD / f"{name}.txt").read_text(encoding="utf-8").lower()
    assert not [word for word in ("pydantic", "yaml.", "traceback", "validator", "https:") if word in said]


# ── files that are not made of text ─────────────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "flow.yaml"


def test_a_missing_file_says_so(file: Path) -> None:
    assert complaints(file) == "flow.yaml: there is no such file"


def test_a_directory_is_no_flow(file: Path) -> None:
    file.mkdir()
    assert "flow.yaml: this is a directory, not a file" in complaints(file)


def test_an_empty_file_is_no_flow(file: Path) -> None:
    file.write_bytes(b"")
    assert "flow.yaml: the file is empty" in complaints(file)


def test_a_binary_file_is_no_flow(file: Path) -> None:
    file.write_bytes(b"\x7fELF\0\0\0\1")
    assert "binary" in complaints(file)


def test_a_file_that_is_not_utf_8_says_where(file: Path) -> None:
    file.write_bytes(b"name: caf\xe9\ntasks: {}\n")
    assert complaints(file).startswith("flow.yaml:1:10: ")


def test_control_characters_are_refused(file: Path) -> None:
    file.write_bytes(b"tasks: {a: {shell: echo \x1b[31m}}\n")
    assert "U+001B" in complaints(file)


def test_eleven_megabytes_are_too_much(file: Path) -> None:
    file.write_text("tasks: {a: {shell: echo}}\n# " + "x" * (11 << 20))
    assert "ORCHESTRATOR_MAX_FLOW_SIZE" in complaints(file)


def test_the_size_limit_can_be_raised(file: Path) -> None:
    file.write_text("tasks: {a: {shell: echo}}\n# " + "x" * (11 << 20))
    assert load_flow(str(file), registry(), environ={"ORCHESTRATOR_MAX_FLOW_SIZE": "20MB"}).flow.tasks.keys() == {"a"}


def test_a_bomb_of_aliases_is_refused_before_it_explodes(file: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    file.write_text("\n".join(rows))
    assert "aliases" in complaints(file)


def test_fifty_thousand_brackets_are_nested_too_deep(file: Path) -> None:
    file.write_text("tasks: " + "[" * 50_000)
    assert "nested" in complaints(file)


def test_deep_nesting_within_the_limit_is_no_trouble(file: Path) -> None:
    file.write_text("tasks: {a: {function: {call: 'm:f', args: " + "[" * 90 + "]" * 90 + "}}}\n")
    assert "a" in load_flow(str(file), registry(), environ={}).flow.tasks


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbftasks: {a: {shell: echo}}\n",
        b"tasks:\r\n  a:\r\n    shell: echo\r\n",
    ],
    ids=["byte order mark", "carriage returns"],
)
def test_what_other_systems_write_is_accepted(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    assert load_flow(str(file), registry(), environ={}).flow.tasks["a"].kind == "shell"


def test_a_comment_that_cuts_a_command_is_a_warning(file: Path) -> None:
    file.write_text("tasks:\n  a:\n    shell: echo issue #12 is done\n")
    [warning] = load_flow(str(file), registry(), environ={}).warnings
    assert (warning.line, warning.column) == (3, 23)
    assert "comment" in warning.message


# ── many mistakes ───────────────────────────────────────────────────────────────────────────────


def test_thousands_of_mistakes_are_told_quickly_and_not_all(file: Path) -> None:
    tasks = "\n".join(f"  t{n}: {{shell: 'echo {{{{ task_{n} }}}}', grup: x}}" for n in range(5_000))
    file.write_text(f"tasks:\n{tasks}\n")
    said = complaints(file).splitlines()
    assert len(said) == 1_001
    assert "there is more, which is not shown" in "\n".join(said)


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


def test_too_many_tasks_are_refused(file: Path) -> None:
    file.write_text("tasks: {a: {for_each: [" + "1, " * 10_001 + "], shell: echo}}\n")
    assert "ORCHESTRATOR_MAX_TASKS" in complaints(file)


def test_the_limit_of_tasks_can_be_raised(file: Path) -> None:
    file.write_text("tasks: {a: {for_each: [" + "1, " * 10_001 + "], shell: echo}}\n")
    assert load_flow(str(file), registry(), environ={"ORCHESTRATOR_MAX_TASKS": "20k"}).flow.tasks


def test_a_limit_that_is_no_number_is_refused(file: Path) -> None:
    file.write_text("tasks: {a: {shell: echo}}\n")
    assert "ORCHESTRATOR_MAX_TASKS" in complaints(file, {"ORCHESTRATOR_MAX_TASKS": "lots"})


def test_files_that_call_files_multiply_and_are_counted_before_they_explode(tmp_path: Path) -> None:
    for number in range(10):
        inner = "shell: echo" if number == 9 else f"flow: f{number + 1}.yaml"
        tasks = "\n".join(f"  t{n}: {{{inner}}}" for n in range(10))
        (tmp_path / f"f{number}.yaml").write_text(f"tasks:\n{tasks}\n")
    assert "10,000,000,000 tasks after expansion" in complaints(tmp_path / "f0.yaml")


def test_eleven_files_deep_is_too_deep(tmp_path: Path) -> None:
    for number in range(11):
        inner = "shell: echo" if number == 10 else f"flow: f{number + 1}.yaml"
        (tmp_path / f"f{number}.yaml").write_text(f"tasks:\n  t: {{{inner}}}\n")
    assert "more than 10 deep" in complaints(tmp_path / "f0.yaml")
    assert load_flow(str(tmp_path / "f1.yaml"), registry(), environ={}).flow.tasks


def test_groups_that_depend_on_groups_cannot_make_millions_of_dependencies(file: Path) -> None:
    first = "\n".join(f"  a{n}: {{group: a, shell: echo}}" for n in range(3_000))
    second = "\n".join(f"  b{n}: {{group: b, shell: echo, depends_on: ['group:a']}}" for n in range(3_000))
    file.write_text(f"groups: {{a: {{}}, b: {{}}}}\ntasks:\n{first}\n{second}\n")
    assert "ORCHESTRATOR_MAX_DEPENDENCIES" in complaints(file)


def test_a_hundred_fan_outs_may_follow_one_another_and_no_more(file: Path) -> None:
    chain = "\n".join(f"  t{n + 1}: {{for_each: {{each: t{n}}}, shell: echo}}" for n in range(102))
    file.write_text(f"tasks:\n  t0: {{for_each: [1], shell: echo}}\n{chain}\n")
    assert "more than 100 fan-outs" in complaints(file)


def test_ten_thousand_tasks_in_a_ring_are_a_cycle_and_no_recursion(file: Path) -> None:
    tasks = "\n".join(f"  t{n}: {{shell: echo, depends_on: [t{(n + 1) % 10_000}]}}" for n in range(10_000))
    file.write_text(f"tasks:\n{tasks}\n")
    said = complaints(file)
    assert "wait for each other: t0 → t1 → " in said
    assert said.count("\n") == 0


# ── kinds and backends that cannot be loaded ────────────────────────────────────────────────────


def test_codes_tell_sorts_of_mistakes_apart() -> None:
    expected = {
        "cycle": Code.CYCLE,
        "unknown_names": Code.UNKNOWN_NAME,
        "template_syntax": Code.TEMPLATE,
        "inputs": Code.INPUT_VALUE,
        "yaml_tabs": Code.SYNTAX,
        "yaml_duplicate_keys": Code.DUPLICATE_KEY,
    }
    for name, code in expected.items():
        with pytest.raises(FlowError) as caught:
            load_flow(str(BAD / f"{name}.yaml"), registry(), environ={})
        assert code in {problem.code for problem in caught.value.problems}, name
