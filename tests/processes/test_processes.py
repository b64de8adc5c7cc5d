import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.processes import (
    MARKER,
    Child,
    Command,
    NotStarted,
    Stream,
    kill_all_children,
    raise_descriptor_limit,
    start,
    stop_leftovers,
)
from orchestrator.processes.guardian import set_guardian
from orchestrator.processes.table import Process, Table

GRACE = 0.1
ENV = {"PATH": os.environ["PATH"]}


class Heard:
    """Keeps what a child printed, in its order."""

    def __init__(self) -> None:
        self.chunks: list[tuple[Stream, bytes]] = []
        self.any = asyncio.Event()

    def __call__(self, stream: Stream, chunk: bytes) -> None:
        self.chunks.append((stream, chunk))
        self.any.set()

    def all(self, stream: Stream) -> bytes:
        return b"".join(chunk for name, chunk in self.chunks if name == stream)


def sh(script: str, stdin: bytes | None = None, cwd: str = "/") -> Command:
    return Command(("bash", "-c", script), cwd, ENV, stdin)


async def started(script: str) -> tuple[Child, int]:
    """A child that prints a process number once it is ready, and that number."""
    heard = Heard()
    child = await start(sh(script), on_output=heard)
    await asyncio.wait_for(heard.any.wait(), 5)
    return child, int(heard.all("out"))


async def ran(script: str, stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
    heard = Heard()
    child = await start(sh(script, stdin), on_output=heard)
    code = await asyncio.wait_for(child.wait(), 10)
    return code, heard.all("out"), heard.all("err")


def is_alive(pid: int) -> bool:
    process = Process.read(pid)
    return process is not None and not process.is_zombie


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came true")


def own_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    set_guardian()  # it has a descriptor for as long as this process lives
    before = own_descriptors()
    yield
    kill_all_children()
    assert not Table.read().descendants_of(os.getpid())
    assert own_descriptors() <= before


# ── how a child ends ──


@pytest.mark.parametrize("code", [0, 1, 7, 255])
async def test_the_exit_code_is_told(code: int) -> None:
    assert await ran(f"exit {code}") == (code, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_a_signal_is_a_negative_code(number: signal.Signals) -> None:
    assert await ran(f"ulimit -c 0; kill -{int(number)} $$") == (-number, b"", b"")


async def test_many_may_wait_and_late_ones_too() -> None:
    child = await start(sh("exit 3"), on_output=Heard())
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(child.wait()) for _ in range(3)]
    assert [wait.result() for wait in waits] == [3, 3, 3]
    assert await child.wait() == 3
    assert await child.stop(GRACE) == 3


async def test_a_cancelled_wait_leaves_the_child_to_be_stopped() -> None:
    child, pid = await started("echo $$; exec sleep 60")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(child.wait(), 0.01)
    assert is_alive(pid)
    assert await child.stop(GRACE) == -signal.SIGTERM
    assert asyncio.all_tasks() == {asyncio.current_task()}


# ── what it prints and reads ──


async def test_who_is_cancelled_while_a_program_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    starting = asyncio.create_task(start(sh(f"sleep 1; touch {tmp_path}/alive"), on_output=Heard()))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not Table.read().descendants_of(os.getpid())


async def test_a_start_that_has_not_begun_is_given_up_at_the_end(tmp_path: Path) -> None:
    commands = [sh(f"touch {tmp_path}/{number}; sleep 60") for number in range(50)]
    starts = [asyncio.create_task(start(command, on_output=Heard())) for command in commands]
    await asyncio.sleep(0)
    kill_all_children()
    outcomes = await asyncio.gather(*starts, return_exceptions=True)
    assert any(isinstance(outcome, NotStarted) for outcome in outcomes)
    assert not Table.read().descendants_of(os.getpid())


async def test_both_streams_are_heard_and_told_apart() -> None:
    assert await ran("for i in 1 2 3; do echo out$i; echo err$i >&2; done") == (
        0,
        b"out1\nout2\nout3\n",
        b"err1\nerr2\nerr3\n",
    )


async def test_output_comes_while_the_child_runs() -> None:
    heard = Heard()
    child = await start(sh("echo early; sleep 60"), on_output=heard)
    await asyncio.wait_for(heard.any.wait(), 5)
    assert heard.chunks == [("out", b"early\n")]
    await child.stop(GRACE)


async def test_the_last_byte_of_much_output_arrives() -> None:
    code, out, err = await ran("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2; printf end; printf END >&2")
    assert (code, len(out), len(err)) == (0, 3_000_003, 2_000_003)
    assert out.endswith(b"end")
    assert err.endswith(b"END")


async def test_bytes_that_are_no_text_pass_unchanged() -> None:
    every = bytes(range(256)) * 3
    assert (await ran("cat", every))[1] == every


async def test_a_megabyte_of_stdin_is_read_whole() -> None:
    data = os.urandom(1 << 20)
    assert await ran("cat", data) == (0, data, b"")


async def test_stdin_that_nobody_reads_harms_nobody() -> None:
    assert (await ran("exec 0<&-; echo fine", b"x" * (1 << 20)))[:2] == (0, b"fine\n")


async def test_without_stdin_there_is_nothing_to_read() -> None:
    assert await ran("cat; echo end") == (0, b"end\n", b"")


async def test_the_child_gets_its_environment_and_no_more(tmp_path: Path) -> None:
    heard = Heard()
    child = await start(Command(("/usr/bin/env",), str(tmp_path), {"ONLY": "this"}), on_output=heard)
    await child.wait()
    names = {line.partition(b"=")[0].decode() for line in heard.all("out").splitlines()}
    assert names == {"ONLY", MARKER}


async def test_the_child_runs_in_its_folder() -> None:
    heard = Heard()
    child = await start(sh("pwd", cwd="/usr"), on_output=heard)
    await child.wait()
    assert heard.all("out") == b"/usr\n"


async def test_the_child_has_no_terminal_and_none_of_our_files() -> None:
    with open("/dev/null") as file:  # noqa: ASYNC230, PTH123 - any open file will do
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - the standard library's own signature
        code, out, _ = await ran("ls /proc/self/fd; : < /dev/tty && exit 9")
    assert code == 1
    assert out.split() == [b"0", b"1", b"2", b"3"]  # the last is the folder that ls reads


async def test_a_background_program_that_holds_the_pipe_does_not_hold_the_wait() -> None:
    heard = Heard()
    began = time.perf_counter()
    child = await start(sh("(sleep 0.05; echo late; sleep 60; echo never) & echo $!"), on_output=heard)
    assert await child.wait() == 0
    assert 0.2 <= time.perf_counter() - began < 60
    number, late = heard.all("out").split()
    assert late == b"late"
    assert is_alive(int(number))
    await child.stop(GRACE)
    assert not is_alive(int(number))


async def test_a_background_program_that_never_is_quiet_does_not_hold_the_wait_either() -> None:
    child = await start(sh("(while sleep 0.01; do echo more; done) & exit 4"), on_output=Heard())
    assert await asyncio.wait_for(child.wait(), 4) == 4
    await child.stop(GRACE)


async def test_a_background_program_may_print_on_after_the_end(tmp_path: Path) -> None:
    go, done = tmp_path / "go", tmp_path / "done"
    heard = Heard()
    child = await start(
        sh(f"(until [ -e {go} ]; do sleep 0.01; done; echo unheard && touch {done}; sleep 60) &"), on_output=heard
    )
    assert await child.wait() == 0
    go.touch()
    await eventually(done.exists)
    assert heard.chunks == []
    await child.stop(GRACE)


# ── what cannot be started ──


@pytest.mark.parametrize(
    ("argv", "cwd", "says"),
    [
        (("no-such-program",), "/", "no such program"),
        (("./missing",), "/", "no such program"),
        (("true",), "/no/such/folder", "cannot enter the folder /no/such/folder"),
        (("true",), "/etc/passwd", "cannot enter the folder /etc/passwd"),
        (("/etc/passwd",), "/", "chmod"),
        (("/etc",), "/", "cannot start /etc"),
        (("echo", "x" * 5_000_000), "/", "stdin"),
        (("echo", "a\0b"), "/", "NUL"),
        ((), "/", "the command is empty"),
    ],
)
async def test_what_cannot_start_says_why(argv: tuple[str, ...], cwd: str, says: str) -> None:
    with pytest.raises(NotStarted) as caught:
        await start(Command(argv, cwd, ENV), on_output=Heard())
    assert says in str(caught.value)
    assert caught.value.message in str(caught.value)


async def test_a_program_is_looked_for_along_the_commands_own_path(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("#!/bin/sh\nexit 7\n")
    (tmp_path / "mine").chmod(0o755)
    child = await start(Command(("mine",), "/", {"PATH": str(tmp_path)}), on_output=Heard())
    assert await child.wait() == 7
    with pytest.raises(NotStarted):
        await start(Command(("mine",), "/", ENV), on_output=Heard())


@pytest.mark.parametrize("name", ["", "A=B"])
async def test_a_variable_without_a_proper_name_is_refused(name: str) -> None:
    with pytest.raises(NotStarted, match="name of a variable"):
        await start(Command(("true",), "/", {**ENV, name: "x"}), on_output=Heard())


@pytest.mark.parametrize(("text", "says"), [("#!/no/such/interpreter\n", "interpreter is missing"), ("hello", "#!")])
async def test_a_script_that_nothing_can_run_says_so(tmp_path: Path, text: str, says: str) -> None:
    script = tmp_path / "script"
    script.write_text(text)
    script.chmod(0o755)
    with pytest.raises(NotStarted, match=says):
        await start(Command((str(script),), "/", ENV), on_output=Heard())


def test_without_descriptors_the_hint_names_the_limit() -> None:
    program = """
import asyncio, os, resource
from orchestrator.processes import Command, NotStarted, start
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
async def main():
    running = []
    try:
        while True:
            running.append(await start(Command(("sleep", "60"), "/", dict(os.environ)), on_output=print))
    except NotStarted as error:
        print(len(running), error)
        async with asyncio.TaskGroup() as group:
            for child in running:
                group.create_task(child.stop(1))
asyncio.run(main())
"""
    assert "max_concurrency" in in_a_process_of_its_own(program)


# ── stopping ──


async def test_who_obeys_is_asked_only() -> None:
    child, _ = await started("trap 'exit 5' TERM; echo $$; while :; do sleep 0.01; done")
    assert await child.stop(5) == 5


async def test_who_does_not_obey_is_killed_after_the_grace() -> None:
    child, pid = await started("trap '' TERM; echo $$; while :; do sleep 0.01; done")
    began = time.perf_counter()
    assert await child.stop(GRACE) == -signal.SIGKILL
    assert time.perf_counter() - began >= GRACE
    assert not is_alive(pid)


async def test_who_is_suspended_is_woken_to_end() -> None:
    child, pid = await started("trap 'exit 5' TERM; echo $$; kill -STOP $$; sleep 60")
    await eventually(lambda: (Path("/proc") / str(pid) / "stat").read_text().split()[2] == "T")
    assert await child.stop(5) == 5


async def test_stopping_twice_is_stopping_once() -> None:
    child, _ = await started("n=0; trap 'n=$((n+1))' TERM; echo $$; while [ $n = 0 ]; do sleep 0.01; done; exit 1$n")
    async with asyncio.TaskGroup() as group:
        stops = [group.create_task(child.stop(5)) for _ in range(3)]
    assert [stop.result() for stop in stops] == [11, 11, 11]
    assert await child.stop(0) == 11


async def test_a_cancelled_stop_goes_on() -> None:
    child, pid = await started("trap '' TERM; echo $$; while :; do sleep 0.01; done")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(child.stop(GRACE), 0.01)
    assert await asyncio.wait_for(child.wait(), 5) == -signal.SIGKILL
    assert not is_alive(pid)


async def test_a_kill_cuts_the_grace_short() -> None:
    child, _ = await started("trap '' TERM; echo $$; while :; do sleep 0.01; done")
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        stop = group.create_task(child.stop(60))
        await asyncio.sleep(0.05)
        child.kill()
    assert stop.result() == -signal.SIGKILL


async def test_background_programs_get_the_grace_too() -> None:
    heard = Heard()
    script = "(trap 'sleep 0.2; echo tidy; exit' TERM; echo up; while :; do sleep 0.01; done) & exec sleep 60"
    child = await start(sh(script), on_output=heard)
    await heard.any.wait()
    assert await child.stop(5) == -signal.SIGTERM
    assert heard.all("out") == b"up\ntidy\n"


STUBBORN = "trap '' TERM; while :; do sleep 0.01; done"


@pytest.mark.parametrize(
    "script",
    [
        f"""bash -c "{STUBBORN}" & echo $!; wait""",
        f"""setsid bash -c "{STUBBORN}" & echo $!; wait""",
        f"""setsid bash -c "{STUBBORN}" & echo $!""",
        f"""env -i setsid bash -c 'echo $$; {STUBBORN}' & sleep 60""",
        f"""(setsid bash -c "setsid bash -c 'echo \\$\\$; {STUBBORN}' & sleep 60" &); sleep 60""",
        f"""(env -i bash -c 'echo $$; {STUBBORN}' &); sleep 60""",
    ],
    ids=["same group", "new session", "left behind", "no marker", "two sessions deep", "double fork"],
)
async def test_grandchildren_end_with_the_child(script: str) -> None:
    child, pid = await started(script)
    await asyncio.sleep(0.05)
    assert is_alive(pid)
    await child.stop(GRACE)
    assert not is_alive(pid)


async def test_stopping_one_child_leaves_its_neighbours_alone() -> None:
    first, pid = await started("setsid sleep 60 & echo $!; wait")
    second, neighbour = await started("(setsid sleep 60 & echo $!); wait")
    await first.stop(GRACE)
    assert not is_alive(pid)
    assert is_alive(neighbour)
    await second.stop(GRACE)


async def test_a_child_that_has_ended_can_still_be_stopped_and_killed() -> None:
    child = await start(sh("exit 2"), on_output=Heard())
    await child.wait()
    child.kill()
    assert await child.stop(GRACE) == 2


async def test_orphans_that_ended_are_buried_when_a_child_ends() -> None:
    child, pid = await started("(sleep 0.05 & echo $!) & sleep 0.3")
    await child.wait()
    assert Process.read(pid) is None


async def test_children_of_other_code_keep_their_exit_codes() -> None:
    other = await asyncio.to_thread(subprocess.Popen, ["bash", "-c", "exit 9"])
    await eventually(lambda: not is_alive(other.pid))
    await ran("true")
    assert other.wait() == 9


async def test_two_hundred_at_once() -> None:
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(ran(f"sleep 0.1; echo {number}")) for number in range(200)]
    assert [run.result()[1] for run in runs] == [f"{number}\n".encode() for number in range(200)]


async def test_two_hundred_stop_at_once() -> None:
    children = [await start(Command(("sleep", "60"), "/", ENV), on_output=Heard()) for _ in range(200)]
    async with asyncio.TaskGroup() as group:
        stops = [group.create_task(child.stop(5)) for child in children]
    assert {stop.result() for stop in stops} == {-signal.SIGTERM}


# ── the last resort ──


def in_a_process_of_its_own(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    ).stdout


LEAVING = """
import asyncio, os
from orchestrator.processes import Command, kill_all_children, start, stop_leftovers
script = '''
trap "" TERM
(setsid bash -c 'trap "" TERM; echo $$; sleep 61') &
(env -i setsid setsid bash -c 'trap "" TERM; echo $$; sleep 61' &) &
echo $$; sleep 61
'''
async def main():
    lines = []
    for _ in range(5):
        await start(Command(("bash", "-c", script), "/", dict(os.environ)), on_output=lambda _, c: lines.append(c))
    while len(b"".join(lines).split()) < 15:
        await asyncio.sleep(0.01)
    print(*(int(pid) for pid in b"".join(lines).split()))
    END
asyncio.run(main())
LAST
"""


@pytest.mark.parametrize(("end", "last"), [("pass", "kill_all_children()"), ("await stop_leftovers(0.1)", "")])
def test_no_child_of_any_depth_outlives_us(end: str, last: str) -> None:
    printed = in_a_process_of_its_own(LEAVING.replace("END", end).replace("LAST", last))
    pids = [int(pid) for pid in printed.split()]
    assert len(pids) == 15
    assert not [pid for pid in pids if is_alive(pid)]


async def test_whom_a_look_misses_is_caught_by_the_next() -> None:
    child, pid = await started("setsid bash -c 'echo $$; sleep 61' &")
    await child.wait()
    looks = iter([Table(())])
    kill_all_children(lambda: next(looks, None) or Table.read())
    assert not is_alive(pid)


async def test_leftovers_may_end_by_themselves(tmp_path: Path) -> None:
    child, pid = await started(
        f"(trap 'touch {tmp_path}/tidy; exit' TERM; echo $BASHPID; while :; do sleep 0.01; done) &"
    )
    await child.wait()
    await stop_leftovers(5)
    assert (tmp_path / "tidy").exists()
    assert not is_alive(pid)


def test_the_descriptor_limit_is_raised_to_what_is_allowed() -> None:
    program = """
import resource
from orchestrator.processes import raise_descriptor_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 1000))
print(raise_descriptor_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    fit, limit = map(int, in_a_process_of_its_own(program).split())
    assert limit == 1000
    assert 250 < fit < 1000 / 3


def test_there_is_always_room_for_one() -> None:
    assert raise_descriptor_limit() >= 1


def test_a_loop_in_another_thread_works_as_well() -> None:
    codes = []
    thread = threading.Thread(target=lambda: codes.append(asyncio.run(ran("exit 6"))[0]))
    thread.start()
    thread.join()
    assert codes == [6]


async def test_the_fallback_without_process_descriptors_waits_in_a_thread() -> None:
    class Elsewhere(Child):
        def _watch_by_descriptor(self) -> bool:
            return False

    heard = Heard()
    child = Elsewhere(heard)
    await child.begin(sh("echo hello; exit 8"))
    assert await child.wait() == 8
    assert heard.all("out") == b"hello\n"
