"""Where copied and saved text goes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator.tui.clipboard import FOR_TERMINAL, NAME, export, for_terminal, hand_over, keep, tool
from orchestrator.tui.pager import pager, read


def anything(name: str) -> str | None:
    return f"/usr/bin/{name}"


def nothing(name: str) -> str | None:
    del name
    return None


def test_a_copy_is_kept_beside_the_run(tmp_path: Path) -> None:
    assert keep("größe \ud800", str(tmp_path))
    assert (tmp_path / NAME).read_text(encoding="utf-8") == "größe ?"
    assert not keep("x", str(tmp_path / "gone"))
    assert not keep("x", "")


def test_what_a_terminal_takes_is_bounded_and_keeps_the_end() -> None:
    text = "ü" * FOR_TERMINAL + "end"
    taken = for_terminal(text)
    assert taken.endswith("end")
    assert len(taken.encode()) <= FOR_TERMINAL * 3 // 4
    assert for_terminal("short \ud800") == "short ?"


def test_what_is_saved_never_overwrites_and_stays_in_its_folder(tmp_path: Path) -> None:
    paths = [export("text", str(tmp_path), name) for name in ("scrape[site-a]", "scrape[site-a]", "../../etc/passwd")]
    assert [path.name for path in paths if path] == [
        "export-scrape-site-a-1.log",
        "export-scrape-site-a-2.log",
        "export-etc-passwd-1.log",
    ]
    assert all(path.parent == tmp_path for path in paths if path)
    assert export("text", "", "x") is None
    assert export("text", str(tmp_path / "gone"), "x") is None


@pytest.mark.parametrize(
    ("platform", "environ", "command"),
    [
        ("darwin", {}, "pbcopy"),
        ("darwin", {"SSH_CONNECTION": "1"}, None),
        ("linux", {}, None),
        ("linux", {"DISPLAY": ":0"}, "xclip"),
        ("linux", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, "wl-copy"),
    ],
)
def test_the_desktops_clipboard_is_used_where_the_desktop_is_here(
    platform: str, environ: dict[str, str], command: str | None
) -> None:
    found = tool(platform, environ, anything)
    assert (found[0] if found else None) == command
    assert tool(platform, environ, nothing) is None


def test_a_program_gets_the_text_and_one_that_is_not_there_hurts_nobody(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    hand_over("größe", [sys.executable, "-c", f"import sys; open({str(path)!r}, 'wb').write(sys.stdin.buffer.read())"])
    assert path.read_text(encoding="utf-8") == "größe"
    hand_over("text", [str(tmp_path / "no such program")])


def test_the_pager_is_the_persons_own() -> None:
    assert pager({"PAGER": "less -R"}, anything) == ["less", "-R"]
    assert pager({"EDITOR": "vi"}, anything) == ["less"]
    assert pager({"EDITOR": "vi -R"}, lambda name: anything(name) if name == "vi" else None) == ["vi", "-R"]
    assert pager({"PAGER": "'"}, lambda name: anything(name) if name == "more" else None) == ["more"]
    assert pager({}, nothing) is None


def test_a_pager_shows_the_file_or_says_why_not(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("text", encoding="utf-8")
    copy = f"import sys, shutil; shutil.copy(sys.argv[1], {str(tmp_path / 'seen')!r})"
    assert read([sys.executable, "-c", copy], str(log)) is None
    assert (tmp_path / "seen").read_text(encoding="utf-8") == "text"
    why = read([str(tmp_path / "gone")], str(log))
    assert why is not None
    assert why.endswith("cannot be started: No such file or directory")
