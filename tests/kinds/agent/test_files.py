"""Tools for files do what they say within the working folder, and nothing outside of it, whatever stands in a path."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.kinds.agent.tools import files
from orchestrator.kinds.agent.tools.folder import Folder, OutsideError
from orchestrator.kinds.agent.tools.globs import fits
from orchestrator.kinds.agent.tools.tool import BuiltIn, ToolFault
from tests.kinds.agent.scene import room_in

SECRET = "secret-7f3a"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A working folder with files in it, a secret outside, and links that lead there."""
    home = tmp_path / "home"
    (home / "src" / "deep").mkdir(parents=True)
    (home / "src" / "a.py").write_text("one\ntwo\nthree\n")
    (home / "src" / "deep" / "b.py").write_text("b\n")
    (home / "readme.md").write_text("\ufeffhello\n", encoding="utf-8")
    (home / ".git").mkdir()
    (home / ".git" / "config.py").write_text("git\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text(SECRET)
    (tmp_path / "home2").mkdir()
    (tmp_path / "home2" / "secret.txt").write_text(SECRET)
    (home / "out").symlink_to(tmp_path / "outside")
    (home / "secret").symlink_to(tmp_path / "outside" / "secret.txt")
    (home / "within").symlink_to("src/a.py")
    (home / "new_outside").symlink_to(tmp_path / "outside" / "new.txt")
    return home


async def use(tool: BuiltIn, home: Path, **arguments: object) -> str:
    return await tool.work(arguments, room_in(home))


async def fault(tool: BuiltIn, home: Path, **arguments: object) -> str:
    with pytest.raises(ToolFault) as caught:
        await use(tool, home, **arguments)
    return str(caught.value)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_is_read_whole_or_line_by_line(home: Path) -> None:
    assert await use(files.READ_FILE, home, path="src/a.py") == "one\ntwo\nthree\n"
    assert await use(files.READ_FILE, home, path="src/a.py", offset=3) == "three\n"
    shown = await use(files.READ_FILE, home, path="src/a.py", offset=1, limit=2)
    assert shown == "one\ntwo\n\n[lines 1 to 2; go on with offset 3]"
    assert await use(files.READ_FILE, home, path="readme.md") == "hello\n"
    assert await use(files.READ_FILE, home, path=str(home / "src" / "a.py"), offset=3) == "three\n"


async def test_a_link_within_the_folder_is_followed(home: Path) -> None:
    assert await use(files.READ_FILE, home, path="within", offset=3) == "three\n"


async def test_a_long_file_is_shown_in_parts_that_join_without_a_gap(home: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(1, 9_001))
    (home / "long").write_text(text)
    read, offset = "", 1
    while True:
        shown = await use(files.READ_FILE, home, path="long", offset=offset)
        part, _, note = shown.partition("\n[lines ")
        read += part
        if not note:
            break
        offset = int(note.rpartition(" ")[2].rstrip("]"))
    assert read == text


async def test_a_line_that_is_too_long_says_that_it_goes_on(home: Path) -> None:
    (home / "wide").write_text("x" * 100_000 + "\nend\n")
    shown = await use(files.READ_FILE, home, path="wide")
    assert len(shown) < 30_000
    assert "[the line goes on]" in shown
    assert await use(files.READ_FILE, home, path="wide", offset=2) == "end\n"


async def test_what_is_no_text_is_told(home: Path) -> None:
    (home / "image").write_bytes(b"\x89PNG\0\0")
    (home / "latin").write_bytes(b"caf\xe9\n")
    assert await fault(files.READ_FILE, home, path="image") == "image is no text but a binary file of 6 bytes"
    assert await use(files.READ_FILE, home, path="latin") == "caf\ufffd\n"


async def test_an_empty_file_is_empty_and_has_no_second_line(home: Path) -> None:
    (home / "empty").touch()
    assert await use(files.READ_FILE, home, path="empty") == ""
    assert await fault(files.READ_FILE, home, path="empty", offset=2) == "empty has 0 lines, so none begins at 2"


async def test_what_cannot_be_read_says_why(home: Path) -> None:
    os.mkfifo(home / "pipe")
    assert await fault(files.READ_FILE, home, path="nope") == "nope: No such file or directory"
    assert await fault(files.READ_FILE, home, path="src") == "src: Is a directory"
    assert await fault(files.READ_FILE, home, path=".") == ".: Is a directory"
    assert await fault(files.READ_FILE, home, path="pipe") == "pipe: it is no regular file"
    assert await fault(files.READ_FILE, home, path="a\0b") == "a path cannot hold a NUL"


# ── writing ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_is_written_as_a_whole_with_its_folders(home: Path) -> None:
    assert await use(files.WRITE_FILE, home, path="new/deep/x.txt", text="äh") == "3 bytes written to new/deep/x.txt"
    assert (home / "new" / "deep" / "x.txt").read_text() == "äh"
    assert [path.name for path in (home / "new" / "deep").iterdir()] == ["x.txt"]


async def test_text_is_added_to_the_end(home: Path) -> None:
    await use(files.WRITE_FILE, home, path="log", text="a", append=True)
    assert await use(files.WRITE_FILE, home, path="log", text="b", append=True) == "1 bytes added to log"
    assert (home / "log").read_text() == "ab"


async def test_a_file_keeps_its_permissions_and_other_names_of_it_keep_what_they_had(home: Path) -> None:
    script = home / "run.sh"
    script.write_text("old")
    script.chmod(0o750)
    os.link(script, home / "other")
    await use(files.WRITE_FILE, home, path="run.sh", text="new")
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    assert (home / "other").read_text() == "old"


async def test_what_cannot_be_written_says_why(home: Path) -> None:
    os.mkfifo(home / "pipe")
    assert await fault(files.WRITE_FILE, home, path="src", text="x") == "src: it is no regular file"
    assert await fault(files.WRITE_FILE, home, path=".", text="x") == ".: Is a directory"
    assert await fault(files.WRITE_FILE, home, path="readme.md/x", text="x") == "readme.md/x: Not a directory"
    assert await fault(files.WRITE_FILE, home, path="pipe", text="x") == "pipe: it is no regular file"


# ── listing ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_folder_is_listed(home: Path) -> None:
    assert (await use(files.LIST_FILES, home)).split() == [
        ".git/",
        "new_outside",
        "out",
        "readme.md",
        "secret",
        "src/",
        "within",
    ]
    assert await use(files.LIST_FILES, home, path="src/deep") == "b.py"


async def test_a_pattern_finds_files_anywhere_below(home: Path) -> None:
    assert (await use(files.LIST_FILES, home, pattern="*.py")).split() == ["src/a.py", "src/deep/b.py"]
    assert await use(files.LIST_FILES, home, pattern="src/*.py") == "src/a.py"
    assert await use(files.LIST_FILES, home, path="src", pattern="deep/*") == "src/deep/b.py"
    assert await use(files.LIST_FILES, home, path=".git", pattern="*") == ".git/config.py"
    assert await use(files.LIST_FILES, home, pattern="*.rs") == "nothing"


async def test_a_list_that_is_too_long_says_so(home: Path) -> None:
    for number in range(1_010):
        (home / f"{number}.txt").touch()
    shown = await use(files.LIST_FILES, home, pattern="*.txt")
    assert len(shown.splitlines()) == 1_001
    assert "say a narrower pattern" in shown


@pytest.mark.parametrize(
    ("path", "pattern", "is_fitting"),
    [
        ("a/b/c.py", "**/*.py", True),
        ("c.py", "**/*.py", True),
        ("a/b/c.py", "a/**", True),
        ("a/b/c.py", "a/*.py", False),
        ("a/b/c.py", "/a/b/?.py", True),
        ("a/b/c.py", "a/**/b/**/c.py", True),
        ("a/b/c.py", "c.*", True),
        ("a" * 200, "/" + "*a" * 50 + "b", False),
        ("a/" * 60 + "x", "**/" * 30 + "y", False),
    ],
)
def test_patterns_fit_paths_as_in_a_shell(path: str, pattern: str, *, is_fitting: bool) -> None:
    assert fits(path, pattern) is is_fitting


# ── confinement ─────────────────────────────────────────────────────────────────────────────────

OUTSIDE = ["../outside/secret.txt", "out/secret.txt", "secret", "src/../../outside/secret.txt", "../home2/secret.txt"]


@pytest.mark.parametrize("path", [*OUTSIDE, "/etc/passwd", "new_outside", "..", "/"])
async def test_nothing_outside_is_read_written_or_listed(home: Path, path: str) -> None:
    for tool, more in ((files.READ_FILE, {}), (files.WRITE_FILE, {"text": "x"}), (files.LIST_FILES, {})):
        assert "outside of the working folder" in await fault(tool, home, path=path, **more)
    assert not (home.parent / "outside" / "new.txt").exists()


async def test_links_are_not_followed_by_looking_through_a_folder(home: Path) -> None:
    assert "secret.txt" not in await use(files.LIST_FILES, home, pattern="**")


def test_a_link_put_in_place_at_the_last_moment_leads_nowhere(home: Path) -> None:
    class Swapped(Folder):
        """Resolves a path, and then finds its folder swapped for a link."""

        def parts(self, path: str) -> tuple[str, ...]:
            found = super().parts(path)
            (home / "src").rename(home / "moved")
            (home / "src").symlink_to(home.parent / "outside")
            return found

    (home.parent / "outside" / "a.py").write_text(SECRET)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"), Swapped(str(home)).reading("src/a.py"):
        pass


STEP = st.sampled_from(
    ["..", ".", "", "src", "deep", "out", "secret", "within", "loop", "home", "outside", "\x00", "~", "é"]
)
PATHS = st.builds(
    lambda steps, is_absolute: ("/" if is_absolute else "") + "/".join(steps), st.lists(STEP, max_size=8), st.booleans()
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS)
def test_no_path_escapes_the_folder(home: Path, path: str) -> None:
    loop = home / "loop"
    if not loop.is_symlink():
        loop.symlink_to("loop")
    folder = Folder(str(home))
    for tried in (path, f"{home}/{path}"):
        assert SECRET not in "".join(_read(folder, tried))
        _write(folder, tried)
    assert (home.parent / "outside" / "secret.txt").read_text() == SECRET
    assert (home.parent / "home2" / "secret.txt").read_text() == SECRET
    assert sorted(found.name for found in home.parent.iterdir()) == ["home", "home2", "outside"]
    assert sorted(found.name for found in (home.parent / "outside").iterdir()) == ["secret.txt"]


def _read(folder: Folder, path: str) -> Iterator[str]:
    try:
        with folder.reading(path) as file:
            yield file.read().decode("utf-8", "replace")
        yield from folder.names(path)
    except (OutsideError, OSError):
        return


def _write(folder: Folder, path: str) -> None:
    for write in (folder.write, folder.append):
        try:
            write(path, b"written")
        except (OutsideError, OSError):
            continue
