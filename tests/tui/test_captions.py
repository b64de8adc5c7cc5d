"""What a guide says finds room on every screen, and says the most needed on the smallest."""

from __future__ import annotations

import pytest

from orchestrator.core.ports import Caption
from orchestrator.core.simulation import Mood
from orchestrator.tui.captions import Look, caption_lines
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.keymap import Keymap
from orchestrator.tui.lines import plain, width

WORDS = Caption("fire", "research", "web burns", "Every call is answered with 503.", "Look at research.", 3, 8)
PROOF = WORDS._replace(moment="proof", heading="0 of 9 affected", why="Inside 2 failed.", affected=0)
MOODS = {"writer": Mood.WELL, "translator": Mood.SLOW, "web": Mood.BURNING}


def texts(caption: Caption, cells: int = 120, rows: int = 4) -> list[str]:
    return [plain(line) for line in caption_lines(caption, MOODS, Look(cells, rows, UNICODE, Keymap().name))]


def test_it_says_what_why_where_to_look_and_how_the_backends_are() -> None:
    heading, why, look, dials = texts(WORDS)
    assert heading == " 3/8  web burns"
    assert why.strip() == WORDS.why
    assert look.strip() == WORDS.look
    assert " ".join(dials.split()) == "F burn Z slow H heal writer ✓ well translator ↻ slow web ✗ burning"


def test_with_little_room_where_to_look_counts_more_than_why() -> None:
    assert [line.strip() for line in texts(WORDS, 80, 3)][1] == WORDS.look


def test_with_little_room_the_counts_stay_under_the_proof() -> None:
    assert [line.strip() for line in texts(PROOF, 80, 3)][1] == PROOF.why


@pytest.mark.parametrize(("affected", "role"), [(None, "strong"), (0, "ok.strong"), (2, "bad.strong")])
def test_the_proof_has_its_colour(affected: int | None, role: str) -> None:
    caption = WORDS._replace(affected=affected)
    assert caption_lines(caption, MOODS, Look(120, 4, UNICODE, Keymap().name))[0][-1].role == role


@pytest.mark.parametrize("cells", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_screen(cells: int) -> None:
    long = WORDS._replace(heading="h" * 300, why="w" * 300, look="l" * 300)
    lines = caption_lines(long, MOODS, Look(cells, 4, UNICODE, Keymap().name))
    assert all(width(line) <= cells for line in lines)


def test_in_ascii_it_is_ascii() -> None:
    lines = caption_lines(WORDS, MOODS, Look(120, 4, ASCII, Keymap().name))
    assert all(plain(line).isascii() for line in lines)


def test_the_keys_are_those_that_are_bound_now() -> None:
    keymap = Keymap({"demo.burn": ("f9",)})
    assert "F9 burn" in plain(caption_lines(WORDS, MOODS, Look(120, 4, UNICODE, keymap.name))[-1])
