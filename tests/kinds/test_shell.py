"""A shell task runs its command as its keys say, tells how it ended, and leaves no child behind."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from orchestrator.core.errors import Code, InputError, UpstreamError, WorkError
from orchestrator.core.output import Cut
from orchestrator.kinds.shell import ShellKind, ShellSettings
from tests.kinds.fakes import FakeContext, Flaky, Names


async def run(settings: ShellSettings, context: FakeContext | None = None) -> dict[str, object]:
    return dict(await ShellKind().run(settings, context or FakeContext()))


async def failed(settings: ShellSettings, context: FakeContext | None = None) -> WorkError:
    with pytest.raises(WorkError) as caught:
        await run(settings, context)
    return caught.value


# ── running ─────────────────────────────────────────────────────────────────────────────────────


async def test_what_a_command_prints_is_its_output() -> None:
    context = FakeContext()
    assert await run(ShellSettings("echo 'a b'; echo; echo oh >&2"), context) == {
        "stdout": "a b",
        "stderr": "oh\n",
        "exit_code": 0,
        "parsed": None,
        "stdout_path": context.path("out"),
    }
    assert (context.text("out"), context.text("err")) == ("a b\n\n", "oh\n")


async def test_a_list_runs_without_a_shell() -> None:
    assert (await run(ShellSettings(("echo", "$HOME", "*"))))["stdout"] == "$HOME *"


async def test_a_shell_stops_at_the_first_mistake() -> None:
    assert (await failed(ShellSettings("false; echo on"))).output is not None
    assert (await failed(ShellSettings("false | true"))).failure.exit_code == 1
    assert (await failed(ShellSettings("echo $nobody"))).failure.exit_code == 1


async def test_without_bash_a_plain_shell_does_it(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    context = FakeContext(environment={"PATH": str(tmp_path)})
    assert (await run(ShellSettings("echo $-"), context))["stdout"] != ""
    assert "BASH" not in str((await run(ShellSettings("echo ${BASH_VERSION-none}"), context))["stdout"])


@pytest.mark.parametrize("interpreter", ["sh -c", ("sh", "-c")])
async def test_another_interpreter_may_be_named(interpreter: str | tuple[str, ...]) -> None:
    assert (await run(ShellSettings("echo $nobody", with_=interpreter)))["stdout"] == ""


async def test_the_folder_is_the_flow_s_unless_told(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "here").touch()
    assert (await run(ShellSettings("ls"), FakeContext(tmp_path)))["stdout"] == "sub"
    assert (await run(ShellSettings("ls", cwd="sub"), FakeContext(tmp_path)))["stdout"] == "here"


async def test_the_environment_is_the_run_s_and_the_task_s_own() -> None:
    context = FakeContext(environment={"PATH": os.environ["PATH"], "A": "1", "B": "2"})
    output = await run(ShellSettings("echo $A $B $C ${HOME-none}", env={"B": "3", "C": "4"}), context)
    assert output["stdout"] == "1 3 4 none"


async def test_what_it_reads_is_what_it_is_given_and_otherwise_nothing() -> None:
    assert (await run(ShellSettings("cat", stdin="ü" * 200_000)))["stdout"] == "ü" * 200_000
    assert (await run(ShellSettings("cat")))["stdout"] == ""


# ── templates ───────────────────────────────────────────────────────────────────────────────────


async def test_a_value_is_never_a_command() -> None:
    scope = Names(text="$(echo pwned); 'x'", items=["a b", "c"], data={"k": 1})
    settings = ShellSettings('printf "%s|" {{ text }} {{ items }}', env={"D": "{{ data }}"}, stdin="{{ data }}")
    prepared = ShellKind().prepare(settings, scope)
    assert (await run(prepared))["stdout"] == "$(echo pwned); 'x'|a b|c|"


def test_in_a_list_each_value_is_a_word_and_a_list_several() -> None:
    prepared = ShellKind().prepare(ShellSettings(("echo", "{{ items }}", "x{{ one }}")), Names(items=["a", "b"], one=1))
    assert prepared.command == ("echo", "a", "b", "x1")


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ("bash", "takes the command for the name of a file; write `with: bash -c`"),
        (("/bin/sh",), "write `with: /bin/sh -c`"),
        ('bash "', "'with' cannot be split into words: No closing quotation"),
        ("", "'with' names no program"),
        ((), "'with' names no program"),
    ],
)
def test_what_cannot_run_a_text_is_refused(chosen: str | tuple[str, ...], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        ShellSettings("echo hi", with_=chosen)


def test_with_templates_off_a_command_stands_as_it_is() -> None:
    settings = ShellSettings("docker ps --format '{{ .Names }}' ${x-}", templates=False)
    assert ShellKind().prepare(settings, Names()).command == settings.command


def test_what_a_template_alone_gave_is_written_as_text() -> None:
    settings = ShellSettings("true", env={"N": 1, "D": {"k": None}}, stdin=["a"])  # type: ignore[arg-type, dict-item]  # as rendered
    prepared = ShellKind().prepare(settings, Names())
    assert (prepared.env, prepared.stdin) == ({"N": "1", "D": '{"k":null}'}, '["a"]')


# ── how it ended ────────────────────────────────────────────────────────────────────────────────


async def test_a_bad_exit_tells_the_code_and_the_last_words() -> None:
    error = await failed(ShellSettings("echo out; echo first >&2; echo 'the end' >&2; exit 3"))
    assert (error.failure.message, error.failure.exit_code) == ("exit code 3: the end", 3)
    assert error.failure.code == Code.EXIT_CODE
    assert error.output is not None
    assert error.output["stdout"] == "out"


async def test_other_exit_codes_may_be_accepted() -> None:
    assert (await run(ShellSettings("exit 1", accept=(0, 1))))["exit_code"] == 1


@pytest.mark.parametrize(("code", "hint"), [(126, "executable"), (127, "not found"), (137, "memory")])
async def test_well_known_exit_codes_come_with_advice(code: int, hint: str) -> None:
    assert hint in str((await failed(ShellSettings(f"exit {code}"))).failure.hint)


@pytest.mark.parametrize("command", ["kill -KILL $$", "sh -c 'kill -KILL $$'; true"])
async def test_a_signal_is_told_as_one_and_counted_as_shells_do(command: str) -> None:
    error = await failed(ShellSettings(command))
    assert error.failure.exit_code == 128 + signal.SIGKILL
    assert error.failure.message.startswith("killed by SIGKILL (exit code 137)")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ShellSettings(("no-such-program",)), "no such program"),
        (ShellSettings("true", cwd="no-such-folder"), "cannot enter the folder"),
        (ShellSettings(()), "empty"),
    ],
)
async def test_what_cannot_start_is_the_flow_s_fault_and_says_why(settings: ShellSettings, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        await run(settings)
    assert caught.value.failure.code == Code.NOT_STARTED
    assert caught.value.failure.hint is not None


# ── reading stdout ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "parse", "expected"),
    [
        ("""echo '{"a": [1]}'""", "json", {"a": [1]}),
        (r"""printf '{"a":1}\n\n[2]\r\n'""", "jsonl", [{"a": 1}, [2]]),
        (r"printf 'one\r\n\ntwo words\n'", "lines", ["one", "two words"]),
        ("true", "lines", []),
        ("true", "jsonl", []),
    ],
)
async def test_stdout_is_read_as_the_flow_says(command: str, parse: str, expected: object) -> None:
    assert (await run(ShellSettings(command, parse=parse)))["parsed"] == expected  # type: ignore[arg-type]  # one of three


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("echo hello", "it begins with 'hello'"),
        ("true", "it is empty"),
        ("echo NaN", "NaN is no JSON"),
        ("head -c 200000 /dev/zero | tr '\\0' '['", "nested too deeply"),
    ],
)
async def test_stdout_that_cannot_be_read_says_why(command: str, why: str) -> None:
    error = await failed(ShellSettings(command, parse="json"))
    assert error.failure.code == Code.UNREADABLE_OUTPUT
    assert why in error.failure.message


async def test_stdout_longer_than_memory_allows_is_cut_and_cannot_be_parsed() -> None:
    context = FakeContext(limit=4)
    assert (await run(ShellSettings("echo 12345"), context))["stdout"] == Cut("1234", 4, context.path("out"))
    error = await failed(ShellSettings("echo 12345", parse="json"), FakeContext(limit=4))
    assert "longer than 4 bytes; all of it is in ./task.out" in error.failure.message
    assert "ORCHESTRATOR_MAX_OUTPUT" in (error.failure.hint or "")


async def test_what_failed_is_not_parsed() -> None:
    assert (await failed(ShellSettings("echo hello; exit 2", parse="json"))).failure.exit_code == 2


# ── being cancelled ─────────────────────────────────────────────────────────────────────────────


async def cancelled(command: str, context: FakeContext, *, times: int = 1) -> int:
    """Cancel a command once it has printed its process number, which is returned."""
    work = asyncio.create_task(run(ShellSettings(command), context))
    while not context.text("out").strip():  # noqa: ASYNC110 - a program tells when it is ready in no other way
        await asyncio.sleep(0.005)
    for _ in range(times):
        work.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await work
    return int(context.text("out").split()[0])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_cancelled_command_may_tidy_up() -> None:
    context = FakeContext(grace=5)
    pid = await cancelled("trap 'echo tidy; exit 0' TERM; echo $$; while :; do sleep 0.01; done", context)
    assert context.text("out").split()[1:] == ["tidy"]
    assert not is_alive(pid)


async def test_a_command_that_will_not_end_is_killed_after_its_grace() -> None:
    pid = await cancelled("trap '' TERM; echo $$; while :; do sleep 0.01; done", FakeContext(grace=0.05))
    assert not is_alive(pid)


async def test_a_second_cancel_kills_at_once() -> None:
    pid = await cancelled("trap '' TERM; echo $$; while :; do sleep 0.01; done", FakeContext(grace=60), times=2)
    for _ in range(400):
        if not is_alive(pid):
            break
        await asyncio.sleep(0.005)
    assert not is_alive(pid)


async def test_a_backend_that_fails_beforehand_keeps_the_command_from_starting() -> None:
    context = FakeContext(backend=Flaky())
    with pytest.raises(UpstreamError):
        await run(ShellSettings("echo on"), context)
    assert context.text("out") == ""
