"""Keys that somebody sets for commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from orchestrator.core.errors import FlowError
from orchestrator.tui import read_keys
from orchestrator.tui.app import Dashboard
from orchestrator.tui.commands import COMMANDS
from orchestrator.tui.hints import key_name
from orchestrator.tui.keymap import Keymap
from orchestrator.tui.screens.help import HelpScreen
from tests.tui.eyes import Screen
from tests.tui.scene import research


class Written(NamedTuple):
    """Keys as they stand in a file."""

    key: str
    file: str = "config.yaml"
    line: int | None = 3
    column: int | None = 7


def read(**keys: str) -> dict[str, tuple[str, ...]]:
    return dict(read_keys({name.replace("__", "."): Written(key) for name, key in keys.items()}))


def complaints(**keys: str) -> list[str]:
    with pytest.raises(FlowError) as caught:
        read(**keys)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("ö", ("ö",)),
        ("Ö", ("Ö",)),
        ("shift+ö", ("Ö",)),
        ("ctrl+x", ("ctrl+x",)),
        ("Ctrl+X", ("ctrl+x",)),
        ("^x", ("ctrl+x",)),
        ("Ö, f7", ("Ö", "f7")),
        ("&", ("ampersand",)),
        (",", ("comma",)),
        ("ctrl++", ("ctrl+plus",)),
        ("F12", ("f12",)),
        ("del", ("delete",)),
        ("shift+ctrl+F5", ("ctrl+shift+f5",)),
        ("alt+left", ("alt+left",)),
        ("é", ("é",)),
    ],
)
def test_keys_are_written_as_people_do(written: str, keys: tuple[str, ...]) -> None:
    assert read(task__cancel=written) == {"task.cancel": keys}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("question_mark", "?"),
        ("ctrl+x", "^X"),
        ("f7", "F7"),
        ("X", "X"),
        ("ctrl+shift+f5", "ctrl+shift+f5"),
        ("alt+plus", "alt++"),
        ("pagedown", "PgDn"),
    ],
)
def test_keys_are_shown_as_people_write_them(key: str, name: str) -> None:
    assert key_name(key) == name


def test_an_unknown_command_names_its_place_and_what_was_meant() -> None:
    assert complaints(cancel_task="Ö") == [
        "config.yaml:3:7: there is no command 'cancel_task'; did you mean 'task.cancel'?"
    ]
    assert complaints(task__cancle="Ö") == [
        "config.yaml:3:7: there is no command 'task.cancle'; did you mean 'task.cancel'?"
    ]
    assert all(name in complaints(zzz="Ö")[0] for name in COMMANDS)


def test_an_unknown_key_names_its_place_and_what_was_meant() -> None:
    assert complaints(task__cancel="ctrl+pagedwn") == [
        "config.yaml:3:7: there is no key 'ctrl+pagedwn'; did you mean 'pagedown'?"
    ]
    assert "write x, X, ctrl+x" in complaints(task__cancel="")[0]
    assert len(complaints(task__cancel="hyper+x, f99")) == 2


def test_two_commands_of_one_view_cannot_share_a_key() -> None:
    first, *more = complaints(task__cancel="p")
    assert first.startswith("config.yaml:3:7: p would be the key of task.cancel and of task.pause; give")
    assert not more
    assert len(complaints(task__cancel="Ö", task__pause="Ö")) == 1


def test_commands_of_different_views_may_share_a_key() -> None:
    assert read(dag__centre="z", copy__log="z")


def test_two_commands_may_swap_their_keys() -> None:
    assert read(task__cancel="p", task__pause="x") == {"task.cancel": ("p",), "task.pause": ("x",)}


def test_what_holds_in_inputs_too_is_no_letter() -> None:
    first, *more = complaints(theme__next="z")
    assert first.startswith("config.yaml:3:7: theme.next holds in inputs too, where z is typed; take one with")
    assert not more
    assert read(theme__next="f7, alt+t")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert len(complaints(zzz="Ö", task__cancel="hyper+x", task__skip="p")) == 3


def test_without_wishes_every_command_has_its_own_keys() -> None:
    assert read_keys({}) == {}
    assert Keymap().names("palette") == (":", "^P")


def test_a_demos_keys_give_way_to_those_that_were_set() -> None:
    keys = read(help="H, ö")
    assert keys == {"help": ("H", "ö")}
    assert Keymap(keys).of("demo.heal") == ()
    assert Keymap(keys).name("demo.heal") == ""
    assert Keymap(keys).name("demo.burn") == "F"


async def test_set_keys_work_and_the_old_ones_do_not(dashboard: Callable[..., Dashboard]) -> None:
    keys = read(task__cancel="p", task__pause="x", theme__next="f7", view__tasks="W", help="z")
    scene = research()
    async with Screen(dashboard(scene, keys=keys)) as eyes:
        await eyes.press("G", "x")
        assert [type(order).__name__ for order in scene.sent] == ["PauseTask"]
        await eyes.press("p")
        assert [type(order).__name__ for order in scene.sent] == ["PauseTask", "CancelTask"]
        await eyes.press("ctrl+t")
        assert eyes.app.theme == "orchestra-dark"
        await eyes.press("f7")
        assert eyes.app.theme != "orchestra-dark"
        assert " W Tasks " in eyes.bar("tabs")
        assert "p Cancel" in eyes.bar("keys")
        await eyes.press("question_mark")
        assert not eyes.sees(HelpScreen)
        await eyes.press("z")
        assert eyes.sees(HelpScreen)
        shown = {key.command: key.keys for key in eyes.app.main.help_keys()}
        assert (shown["task.cancel"], shown["theme.next"], shown["help"]) == (("p",), ("F7",), ("z",))
