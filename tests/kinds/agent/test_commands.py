"""Commands of agents work in their folder and leave nothing behind; a search ends, whatever is searched for."""

import asyncio
import os
from pathlib import Path

import pytest

from orchestrator.core.ports import Stream
from orchestrator.kinds.agent.tools.commands import SHELL, shell_argv
from orchestrator.kinds.agent.tools.searching import SEARCH_FILES
from orchestrator.kinds.agent.tools.tool import BuiltIn, ToolFault
from tests.kinds.agent.scene import room_in
from tests.kinds.fakes import FakeContext


async def use(tool: BuiltIn, context: FakeContext, **arguments: object) -> str:
    return await tool.work(arguments, room_in(Path(context.run.flow_folder), context))


# ── shell ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_command_runs_in_the_folder_and_tells_its_exit_code(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    shown = await use(SHELL, context, command="pwd; echo oops >&2; exit 3")
    assert shown.splitlines()[0] == "exit code 3"
    assert set(shown.splitlines()[1:]) == {str(tmp_path), "oops"}
    assert "oops" in context.text("log")


async def test_what_a_model_writes_runs_as_if_a_person_typed_it(tmp_path: Path) -> None:
    shown = await use(SHELL, FakeContext(tmp_path), command="false; echo $UNSET on | cat")
    assert shown == "exit code 0\non\n"


def test_without_bash_there_is_sh() -> None:
    assert shell_argv("x", {"PATH": "/nowhere"}) == ("sh", "-c", "x")
    assert shell_argv("x", {"PATH": "/nowhere"}, strict=True) == ("sh", "-eu", "-c", "x")


async def test_a_command_that_takes_too_long_is_stopped_with_what_it_printed(tmp_path: Path) -> None:
    context = FakeContext(tmp_path, grace=0.2)
    with pytest.raises(ToolFault, match=r"(?s)stopped after 1 s; .*begun"):
        await use(SHELL, context, command="echo begun; sleep 60", timeout=1)


async def test_a_command_that_a_signal_ends_says_so(tmp_path: Path) -> None:
    assert (await use(SHELL, FakeContext(tmp_path), command="kill -9 $$")).strip() == "ended by signal 9"


class Heard(FakeContext):
    """Says when something was written."""

    def __init__(self, folder: Path, *, grace: float) -> None:
        super().__init__(folder, grace=grace)
        self.heard = asyncio.Event()

    def write(self, stream: Stream, data: bytes | str) -> None:
        super().write(stream, data)
        self.heard.set()


async def test_a_command_ends_with_its_agent(tmp_path: Path) -> None:
    context = Heard(tmp_path, grace=0.2)
    task = asyncio.ensure_future(use(SHELL, context, command="echo $$; sleep 60"))
    await context.heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(context.text("log")), 0)


async def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolFault, match="gone"):
        await use(SHELL, FakeContext(tmp_path / "gone"), command="true")


# ── search_files ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "src").mkdir(parents=True)
    (home / "src" / "a.py").write_text("import os\n\ndef größe():\n    return 1\n", encoding="utf-8")
    (home / "notes.md").write_text("import nothing\n")
    (home / "image").write_bytes(b"import\0")
    (home / ".git").mkdir()
    (home / ".git" / "log").write_text("import\n")
    (tmp_path / "outside").write_text("import secrets\n")
    (home / "link").symlink_to(tmp_path / "outside")
    (home / "json.py").write_text("raise SystemExit('a module of the folder was imported')\n")
    return home


async def test_lines_that_fit_are_shown_with_their_place(home: Path) -> None:
    context = FakeContext(home)
    assert (await use(SEARCH_FILES, context, pattern=r"^import \w+")).splitlines() == [
        "notes.md:1: import nothing",
        "src/a.py:1: import os",
    ]
    assert await use(SEARCH_FILES, context, pattern="größe") == "src/a.py:3: def größe():\n"
    assert await use(SEARCH_FILES, context, pattern="import", glob="*.md") == "notes.md:1: import nothing\n"
    assert await use(SEARCH_FILES, context, pattern="import", path="src") == "src/a.py:1: import os\n"
    assert await use(SEARCH_FILES, context, pattern="import", path="notes.md") == "notes.md:1: import nothing\n"
    assert await use(SEARCH_FILES, context, pattern="nowhere to be found") == "nothing was found"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"pattern": "("}, "no regular expression"),
        ({"pattern": "x", "path": "../"}, "outside of the working folder"),
        ({"pattern": "x", "path": "link"}, "outside of the working folder"),
        ({"pattern": "x", "path": "nope"}, "nope: No such file"),
    ],
)
async def test_a_search_that_makes_no_sense_says_why(home: Path, arguments: dict[str, str], why: str) -> None:
    with pytest.raises(ToolFault, match=why):
        await use(SEARCH_FILES, FakeContext(home), **arguments)


async def test_a_search_that_finds_too_much_says_so(home: Path) -> None:
    (home / "many").write_text("needle\n" * 1_000)
    shown = await use(SEARCH_FILES, FakeContext(home), pattern="needle")
    assert len(shown.splitlines()) == 301
    assert "more than 300 lines" in shown


async def test_a_pattern_that_takes_for_ever_is_stopped(home: Path) -> None:
    (home / "evil").write_text("a" * 60 + "\n")
    context = FakeContext(home, grace=0.1)
    room = room_in(home, context)
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await SEARCH_FILES.work({"pattern": "(a+)+b", "path": "evil"}, room)
    assert asyncio.get_running_loop().time() - began < 10
