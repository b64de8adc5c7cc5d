"""Where the output of tasks is kept: what stands on disk when, under which names."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.journal.files import TaskFiles, file_name


@pytest.fixture
def failures() -> list[OSError]:
    return []


@pytest.fixture
def files(tmp_path: Path, failures: list[OSError]) -> TaskFiles:
    return TaskFiles(tmp_path / "tasks", failures.append)


def kept(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "tasks").iterdir()}


def test_what_is_written_is_on_disk_at_once(files: TaskFiles, tmp_path: Path) -> None:
    files.log("build", "one\n")
    files.write("build", 1, "out", "one\n")
    assert kept(tmp_path) == {"build.log": "one\n", "build.1.out": "one\n"}


def test_a_task_that_writes_nothing_leaves_no_file(files: TaskFiles, tmp_path: Path) -> None:
    files.close("build")
    assert not (tmp_path / "tasks").exists()


def test_a_file_can_be_empty(files: TaskFiles, tmp_path: Path) -> None:
    files.write("build", 1, "out", "")
    files.close("build")
    assert kept(tmp_path) == {"build.1.out": ""}


def test_an_attempt_begins_a_line_of_its_own_in_the_log(files: TaskFiles, tmp_path: Path) -> None:
    files.log("build", "one")
    files.log("build", " and two")
    files.close("build")
    files.log("build", "three")
    assert kept(tmp_path) == {"build.log": "one and two\nthree"}


def test_no_line_is_added_where_the_last_one_was_whole(files: TaskFiles, tmp_path: Path) -> None:
    files.log("build", "one\n")
    files.close("build")
    files.log("build", "two")
    files.close("build")
    assert kept(tmp_path) == {"build.log": "one\ntwo"}


def test_more_files_than_may_be_open_are_written_to_all_the_same(files: TaskFiles, tmp_path: Path) -> None:
    for word in ("one ", "two"):
        for number in range(300):
            files.log(f"t{number}", word)
    assert set(kept(tmp_path).values()) == {"one two"}
    assert len(kept(tmp_path)) == 300


def test_a_disk_that_takes_no_more_is_told_of_once(files: TaskFiles, tmp_path: Path, failures: list[OSError]) -> None:
    (tmp_path / "tasks").write_text("a file where the folder should be")
    files.log("build", "one")
    files.log("build", "two")
    files.close("build")
    assert len(failures) == 1


def test_files_are_for_their_owner_alone(files: TaskFiles, tmp_path: Path) -> None:
    files.log("build", "one")
    assert (tmp_path / "tasks" / "build.log").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("scrape[site-b]", "scrape.site-b"),
        ("outer/inner", "outer.inner"),
        ("a b", "a b"),
        ("über", "%C3%BCber"),
        ("..\\x", "..%5Cx"),
    ],
)
def test_a_task_gives_its_files_a_name_that_any_disk_takes(task: str, name: str) -> None:
    assert file_name(task) == name


def test_long_names_are_shortened_and_stay_different() -> None:
    names = {file_name("x" * 300 + end) for end in "ab"}
    assert len(names) == 2
    assert all(len(name) < 200 for name in names)
