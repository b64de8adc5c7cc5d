"""What is set for all flows: where it stands, which file wins, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config.settings import Settings, read_settings
from orchestrator.core.errors import FlowError


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "flows"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}


def complaint(text: str, project: Path, environ: dict[str, str]) -> str:
    path = write(project / ".orchestrator", text)
    with pytest.raises(FlowError) as caught:
        read_settings(project, environ)
    return str(caught.value).replace(f"{path}:", "")


def test_nothing_is_set_where_no_file_is(project: Path, environ: dict[str, str]) -> None:
    assert read_settings(project, environ) == Settings()


def test_an_empty_file_sets_nothing(project: Path, environ: dict[str, str]) -> None:
    write(project / ".orchestrator", "# later\n")
    settings = read_settings(project, environ)
    assert (settings.theme, settings.notifications, dict(settings.keys)) == (None, None, {})


def test_the_nearer_file_wins_key_by_key(project: Path, environ: dict[str, str], tmp_path: Path) -> None:
    near = write(project / ".orchestrator", "keys: {task.cancel: x}\n")
    above = write(project.parent / ".orchestrator", "theme: dusk\nkeys: {task.cancel: c, run.pause: 'P,f7'}\n")
    own = write(tmp_path / "xdg" / "orchestrator", "theme: dawn\nnotifications: [bell]\n")
    settings = read_settings(project, environ)
    assert [path for path, _ in settings.files] == [str(near), str(above), str(own)]
    assert {name: binding.key for name, binding in settings.keys.items()} == {"task.cancel": "x", "run.pause": "P,f7"}
    assert (settings.theme, settings.notifications) == ("dusk", frozenset({"bell"}))


def test_the_users_file_lies_in_the_home_where_nothing_else_is_said(project: Path, tmp_path: Path) -> None:
    own = write(tmp_path / "home" / ".config" / "orchestrator", "theme: dawn\n")
    settings = read_settings(project, {"HOME": str(tmp_path / "home")})
    assert [path for path, _ in settings.files] == [str(own)]


def test_a_key_knows_where_it_is_written(project: Path, environ: dict[str, str]) -> None:
    path = write(project / ".orchestrator", "keys:\n  task.cancel: x\n  queue: 5\n")
    keys = read_settings(project, environ).keys
    assert (keys["task.cancel"].file, keys["task.cancel"].line, keys["task.cancel"].column) == (str(path), 2, 16)
    assert keys["queue"].key == "5"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("none", set()), ("toast", {"toast"}), ("[bell, desktop]", {"bell", "desktop"}), ("[]", set())],
)
def test_notifications_are_one_word_or_several(
    written: str, wanted: set[str], project: Path, environ: dict[str, str]
) -> None:
    write(project / ".orchestrator", f"notifications: {written}\n")
    assert read_settings(project, environ).notifications == frozenset(wanted)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("themes: dusk\n", "1:1: unknown key 'themes'; did you mean 'theme'?"),
        ("theme: [dusk]\n", "1:8: theme is the name of a theme; `orchestrator themes` lists them"),
        ("keys: [x]\n", "1:7: keys is a map of actions and keys; write `keys: {ACTION: KEY}`"),
        ("keys: {a: , b: true}\n", "1:11: 'a' has no key; write one, in quotes if it is a sign"),
        ("notifications: [tost]\n", "1:17: 'tost' is no notification; did you mean 'toast'?"),
        ("notifications: loud\n", "1:16: 'loud' is no notification; there are toast, bell, desktop, none"),
        ("follow_failures: 1\n", "1:18: follow_failures is true or false"),
        ("on_hangup: go on\n", "1:12: 'go on' is nothing to do on a hang-up; there are cancel, continue"),
        ("ui: {follow_failures: 1}\n", "1:23: follow_failures is true or false"),
        ("ui: {keys: {a: }}\n", "1:16: 'a' has no key; write one, in quotes if it is a sign"),
        ("ui: {themes: dusk}\n", "1:6: unknown key 'themes'; did you mean 'theme'?"),
        ("ui: dusk\n", "1:5: ui is a map; write `ui: {theme: NAME}`"),
        ("theme: a\nui: {theme: b}\n", "2:6: theme is set twice; write it once, here or outside of ui"),
        ("- a\n", "1:1: a configuration is a map; write one of "),
        ("theme: a\ntheme: b\n", "2:1: the key 'theme' appears twice"),
        ("theme: [\n", "2:1: a value is missing here"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, said: str, project: Path, environ: dict[str, str]) -> None:
    assert complaint(text, project, environ).startswith(said)


def test_the_nearest_word_on_failures_and_on_a_closed_terminal_holds(
    project: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    write(project / ".orchestrator", "follow_failures: false\n")
    write(tmp_path / "xdg" / "orchestrator", "follow_failures: true\non_hangup: continue\n")
    settings = read_settings(project, environ)
    assert (settings.follow_failures, settings.on_hangup) == (False, "continue")


def test_what_is_the_screens_may_stand_under_a_name_of_its_own(
    project: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    write(
        project / ".orchestrator",
        "ui:\n  keys: {task.cancel: z}\n  theme: dusk\n  notifications: none\n"
        "  follow_failures: true\n  on_hangup: continue\n",
    )
    write(tmp_path / "xdg" / "orchestrator", "theme: dawn\nkeys: {help: h}\n")
    settings = read_settings(project, environ)
    assert {action: (binding.key, binding.line) for action, binding in settings.keys.items()} == {
        "task.cancel": ("z", 2),
        "help": ("h", 2),
    }
    assert (settings.theme, settings.notifications) == ("dusk", frozenset())
    assert (settings.follow_failures, settings.on_hangup) == (True, "continue")


def test_all_files_are_told_of_at_once(project: Path, environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "xdg" / "orchestrator", "colour: red\n")
    assert len(complaint("theem: x\nkyes: {}\n", project, environ).splitlines()) == 3


def test_the_sections_for_flows_are_handed_on_with_their_places(project: Path, environ: dict[str, str]) -> None:
    write(project / ".orchestrator", "roles:\n  critic: {system: Be strict.}\nprices: {}\n")
    [(_, source)] = read_settings(project, environ).files
    place = source.position(("roles", "critic", "system"))
    assert place is not None
    assert (place.line, place.column) == (2, 20)
