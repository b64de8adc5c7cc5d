"""Themes: what ships, what a file may say, and how a wrong one is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config.themes import DEFAULT_THEME, ThemeWatch, chosen_theme, find_themes, load_theme, theme_folders
from orchestrator.core.errors import FlowError
from orchestrator.core.theme import (
    BASE_KEYS,
    GROUNDS,
    STATE_KEYS,
    ThemeSpec,
    contrast,
    cursor_rows,
    legible,
    low_contrasts,
    mix,
    readable,
)

SHIPPED = Path(__file__).parents[2] / "themes"
BASE = "\n".join(f'  {key}: "#{"101010" if key in GROUNDS else "f0f0f0"}"' for key in BASE_KEYS)
GOOD = f"name: mine\ndark: true\nbase:\n{BASE}\n"


def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    path = write(folder, text)
    with pytest.raises(FlowError) as caught:
        load_theme(path, known={}, environ={})
    return [str(problem).replace(f"{path}:", "") for problem in caught.value.problems]


def test_three_themes_ship_and_the_dark_one_comes_first() -> None:
    themes = find_themes([SHIPPED], environ={})
    assert themes.names[0] == DEFAULT_THEME
    assert set(themes.names) == {"orchestra-dark", "orchestra-light", "orchestra-contrast"}
    assert not themes.problems


def test_every_text_of_every_shipped_theme_can_be_read_on_every_ground() -> None:
    themes = find_themes([SHIPPED], environ={})
    assert all(not low_contrasts(spec) for spec in themes.specs)


def test_the_contrast_theme_holds_itself_to_seven() -> None:
    spec = find_themes([SHIPPED], environ={}).named("orchestra-contrast")
    assert spec is not None
    assert spec.wanted_contrast == 7.0


def test_a_theme_that_names_only_a_base_has_a_colour_for_every_state(tmp_path: Path) -> None:
    spec = load_theme(write(tmp_path, GOOD), known={}, environ={})
    assert set(spec.state_colors()) == set(STATE_KEYS)


def test_a_theme_can_extend_another(tmp_path: Path) -> None:
    known = {spec.name: spec for spec in find_themes([SHIPPED], environ={}).specs}
    text = 'name: mine\nextends: orchestra-light\nstates: {done: "#003300"}\n'
    spec = load_theme(write(tmp_path, text), known=known, environ={})
    assert not spec.dark
    assert spec.states["done"] == "#003300"
    assert spec.base == known["orchestra-light"].base


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (GOOD + "colour: red\n", "14:1: unknown key 'colour'"),
        (GOOD + 'states: {dnoe: "#112233"}\n', "14:10: unknown key 'dnoe'; did you mean 'done'?"),
        (GOOD + "states: {done: red}\n", "14:16: 'red' is no colour; a colour is written as '#rrggbb', in quotes"),
        (GOOD + "styles: {failed: blink}\n", "14:18: 'blink' is no style"),
        (GOOD + "glyphs: emoji\n", "14:9: glyphs is one of unicode, ascii"),
        (GOOD + "states: 3\n", "14:9: states is a mapping"),
        (GOOD.replace("dark: true", "dark: maybe"), "2:7: dark is true or false"),
        (GOOD.replace("name: mine", "name: ''"), "1:7: a theme needs a name; write `name: my-theme`"),
        ("name: x\nextends: nothing\n", "2:10: there is no theme 'nothing' to extend"),
        ("name: x\n", "base lacks primary"),
        ("- a\n- b\n", "a theme is a mapping of keys to values"),
        ("name: x\nname: y\n", "2:1: "),
        ("name: [\n", "2:"),
        ("", "empty"),
    ],
)
def test_what_is_wrong_in_a_theme_is_told_with_its_line(tmp_path: Path, text: str, answer: str) -> None:
    assert any(answer in problem for problem in problems(tmp_path, text)), problems(tmp_path, text)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, GOOD + "states: {done: red, nope: blue}\nglyphs: emoji\n")) == 3


def test_a_broken_theme_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path, "name: [", "a.yaml")
    write(tmp_path, GOOD, "b.yaml")
    themes = find_themes([tmp_path], environ={})
    assert themes.names == ("mine",)
    assert "a.yaml" in str(themes.problems[0])


def test_what_is_hard_to_read_is_refused_with_its_line_the_pair_and_its_ratio(tmp_path: Path) -> None:
    found = problems(tmp_path, GOOD + 'states: {done: "#202020"}\n')
    assert found == [
        "14:16: done #202020 on background #101010 has a contrast of 1.2; at least 4.5 can be read",
    ]


def test_a_ground_that_makes_inherited_colours_hard_to_read_is_what_is_wrong(tmp_path: Path) -> None:
    known = {spec.name: spec for spec in find_themes([SHIPPED], environ={}).specs}
    path = write(tmp_path, 'name: mine\nextends: orchestra-dark\nbase:\n  panel: "#777777"\n')
    with pytest.raises(FlowError) as caught:
        load_theme(path, known=known, environ={})
    assert all((problem.line, problem.column) == (4, 10) for problem in caught.value.problems)
    assert "failed #ff5c7a on panel #777777 has a contrast of 1.5" in str(caught.value)


def test_a_derived_colour_is_wrong_where_it_comes_from(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, GOOD.replace('success: "#f0f0f0"', 'success: "#303030"'))
    assert problem.startswith("11:12: done #303030 on background #101010")


def test_a_theme_that_calls_itself_one_of_contrast_is_held_to_it(tmp_path: Path) -> None:
    text = GOOD.replace("name: mine", "name: my-contrast") + 'states: {done: "#7f7f7f"}\n'
    assert "at least 7 can be read" in problems(tmp_path, text)[0]
    assert load_theme(write(tmp_path, text.replace("my-contrast", "mine")), known={}, environ={}).name == "mine"


def test_text_can_be_read_on_the_cursors_row_whatever_it_is_made_of(tmp_path: Path) -> None:
    text = GOOD.replace("name: mine", "name: my-contrast") + 'states: {pending: "#ffffff", ended: "#ffffff"}\n'
    spec = load_theme(write(tmp_path, text), known={}, environ={})
    for row in cursor_rows(spec).values():
        assert row not in (spec.base["background"], spec.base["primary"])
        for color in spec.state_colors().values():
            assert contrast(readable(color, row, spec.wanted_contrast), row) >= spec.wanted_contrast


def test_the_projects_theme_wins_over_the_users_and_ours(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    folders = theme_folders(SHIPPED, environ, tmp_path)
    write(folders[1], 'name: orchestra-dark\nextends: orchestra-dark\nstates: {done: "#eeeeee"}\n')
    write(folders[-1], 'name: orchestra-dark\nextends: orchestra-dark\nstates: {done: "#ffffff"}\n')
    spec = find_themes(folders, environ=environ).named("orchestra-dark")
    assert spec is not None
    assert spec.states["done"] == "#ffffff"


def test_a_project_has_the_themes_of_the_folders_above_it_too(tmp_path: Path) -> None:
    below = tmp_path / "flows" / "daily"
    write(tmp_path / ".orchestrator" / "themes", GOOD.replace("name: mine", "name: ours"))
    write(tmp_path / "flows" / ".orchestrator" / "themes", 'name: mine\nextends: ours\nstates: {done: "#eeeeee"}\n')
    write(below / ".orchestrator" / "themes", 'name: mine\nextends: ours\nstates: {done: "#fefefe"}\n')
    spec = find_themes(theme_folders(SHIPPED, {"HOME": str(tmp_path)}, below), environ={}).named("mine")
    assert spec is not None
    assert spec.states["done"] == "#fefefe"


def test_without_a_home_the_usual_place_is_asked() -> None:
    assert theme_folders(SHIPPED, {"HOME": "/home/ada"}, Path("/work"))[1] == Path(
        "/home/ada/.config/orchestrator/themes"
    )


def test_the_theme_asked_for_wins_over_the_environment() -> None:
    themes = find_themes([SHIPPED], environ={})
    environ = {"ORCHESTRATOR_THEME": "orchestra-light"}
    assert chosen_theme("orchestra-contrast", themes, environ) == "orchestra-contrast"
    assert chosen_theme(None, themes, environ) == "orchestra-light"
    assert chosen_theme(None, themes, {}, "orchestra-light") == "orchestra-light"
    assert chosen_theme(None, themes, {}) is None


def test_a_theme_that_is_no_file_can_be_chosen() -> None:
    themes = find_themes([SHIPPED], environ={})
    assert chosen_theme("nord", themes, {}, others=lambda: ["nord"]) == "nord"
    with pytest.raises(FlowError, match="did you mean 'nord'"):
        chosen_theme("nrod", themes, {}, others=lambda: ["nord"])


def test_who_asks_for_a_theme_whose_file_is_wrong_is_told_what_is_wrong(tmp_path: Path) -> None:
    write(tmp_path, GOOD + 'states: {done: "#202020"}\n')
    with pytest.raises(FlowError, match=r"contrast of 1\.2"):
        chosen_theme("mine", find_themes([tmp_path], environ={}), {})


def test_an_unknown_theme_is_answered_with_the_nearest() -> None:
    themes = find_themes([SHIPPED], environ={})
    with pytest.raises(FlowError, match="no theme 'orchestra-drak'; did you mean 'orchestra-dark'"):
        chosen_theme("orchestra-drak", themes, {})


def test_a_theme_is_made_easy_to_read_with_as_little_change_as_it_needs() -> None:
    base = {"background": "#202020", "surface": "#303030", "panel": "#404040"}
    colors = dict.fromkeys(("primary", "secondary", "accent", "warning", "error"), "#803030")
    spec = ThemeSpec("dim", dark=True, base={**base, **colors, "foreground": "#f0f0f0", "success": "#90ff90"})
    fixed = legible(spec)
    assert low_contrasts(spec)
    assert not low_contrasts(fixed)
    assert fixed.base["foreground"] == "#f0f0f0"
    assert fixed.state_colors()["done"] == "#90ff90"


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_mixing_goes_from_one_colour_to_the_other() -> None:
    assert mix("#000000", "#ffffff", 0.0) == "#000000"
    assert mix("#000000", "#ffffff", 1.0) == "#ffffff"


# ── watching ────────────────────────────────────────────────────────────────────────────────────


def test_a_watch_tells_of_files_that_come_change_and_go(tmp_path: Path) -> None:
    watch = ThemeWatch([tmp_path / "none", tmp_path], environ={})
    assert watch.look() is None
    path = write(tmp_path, GOOD)
    assert seen(watch) == ("mine",)
    assert watch.look() is None
    write(tmp_path, GOOD.replace("name: mine", "name: another"))
    assert seen(watch) == ("another",)
    path.unlink()
    assert seen(watch) == ()


def seen(watch: ThemeWatch) -> tuple[str, ...]:
    themes = watch.look()
    assert themes is not None
    return themes.names
