"""Words become colours."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.style import Style

from orchestrator.core.states import Status
from orchestrator.core.theme import ThemeSpec, contrast, low_contrasts
from orchestrator.tui.lines import Span
from orchestrator.tui.paint import STATE_OF, Paint, from_textual, textual_themes, to_textual
from tests.tui.conftest import THEMES


def hexed(color: Color | None) -> str:
    assert color is not None
    assert color.triplet is not None
    return color.triplet.hex


@pytest.mark.parametrize("spec", THEMES, ids=lambda spec: spec.name)
def test_every_state_and_text_can_be_read_on_every_ground_the_cursor_included(spec: ThemeSpec) -> None:
    paint = Paint(spec)
    wanted = 7.0 if spec.name.endswith("-contrast") else 4.5
    for role in (*(status.value for status in Status), "text", "muted", "key", "title", "tag.sys", "warn", "hue.4"):
        for ground in ("background", "surface", "panel", "quiet", "cursor"):
            style = paint.style(f"{role}.plain", ground)
            assert contrast(hexed(style.color), hexed(style.bgcolor)) >= wanted, (role, ground)


@pytest.mark.parametrize("spec", THEMES, ids=lambda spec: spec.name)
def test_what_can_be_read_keeps_its_colour_under_the_cursor_and_bars_keep_it_always(spec: ThemeSpec) -> None:
    paint = Paint(spec)
    assert hexed(paint.style("text", "cursor").color) == spec.base["foreground"]
    assert hexed(paint.style("bar.bad", "cursor").color) == spec.states["failed"]


@pytest.mark.parametrize("spec", THEMES, ids=lambda spec: spec.name)
def test_a_theme_goes_to_textual_and_comes_back(spec: ThemeSpec) -> None:
    theme = to_textual(spec)
    variables = {**theme.to_color_system().generate(), **theme.variables}
    back = from_textual(theme, variables)
    assert back.name == spec.name
    for key, value in back.base.items():
        assert contrast(value, spec.base[key]) < 1.05, key  # Textual rounds some channels by one


def test_plain_drops_the_reverse_but_not_the_bold() -> None:
    contrast_theme = next(spec for spec in THEMES if spec.name == "orchestra-contrast")
    paint = Paint(contrast_theme)
    assert paint.style("failed", "background").reverse
    assert not paint.style("failed.plain", "background").reverse
    assert paint.style("failed.plain", "background").bold


def test_without_colours_the_cursor_is_reversed_and_bars_are_not() -> None:
    paint = Paint(THEMES[0], colorless=True)
    assert paint.style("text", "cursor").reverse
    assert paint.style("text", "quiet").underline
    assert not paint.style("bar.ok", "cursor").reverse
    assert not Paint(THEMES[0]).style("text", "cursor").reverse


def test_a_strip_is_exactly_as_wide_as_asked() -> None:
    paint = Paint(THEMES[0])
    assert paint.strip((Span("abc"), Span("", "bad"), Span("de", "bad")), 4).text == "abcd"
    assert paint.strip((Span("abc"),), 6, "panel").text == "abc   "


def test_unknown_roles_look_like_text() -> None:
    paint = Paint(THEMES[0])
    assert paint.style("nonsense", "background") == paint.style("text", "background")
    assert isinstance(paint.style("text", "panel"), Style)


def test_every_status_has_a_colour_of_the_theme() -> None:
    assert set(STATE_OF) == set(Status)


def test_a_theme_can_ask_for_ascii() -> None:
    spec = ThemeSpec("plain", dark=True, base=THEMES[0].base, glyphs="ascii")
    assert Paint(spec).ascii
    assert Paint(THEMES[0], ascii_only=True).ascii
    assert not Paint(THEMES[0]).ascii


def test_textuals_own_themes_can_be_read() -> None:
    themes = textual_themes()
    assert len(themes) >= 15
    assert not [pair for theme in themes for pair in low_contrasts(theme)]
