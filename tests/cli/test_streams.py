"""What the terminal can show."""

from __future__ import annotations

import pytest

from orchestrator.cli.streams import Looks, wants_ascii, wants_lines


@pytest.mark.parametrize(
    ("environ", "is_ascii"),
    [
        ({}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "de_DE.utf8"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, True),
        ({"TERM": "vt100"}, True),
        ({"TERM": "xterm-256color"}, False),
    ],
)
def test_what_locale_and_terminal_cannot_show_is_drawn_in_ascii(environ: dict[str, str], *, is_ascii: bool) -> None:
    assert wants_ascii(Looks(unicode=True), environ) is is_ascii
    assert wants_ascii(Looks(unicode=False), environ)


def test_lines_are_wanted_by_an_option_or_for_good() -> None:
    assert wants_lines({"plain": True}, {})
    assert wants_lines({}, {"ORCHESTRATOR_PLAIN": "1"})
    assert not wants_lines({"plain": False}, {"ORCHESTRATOR_PLAIN": ""})
