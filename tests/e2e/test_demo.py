"""The demo as a person runs it: it tells, it burns, it is healed, and it proves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, piped

PROVED = "proof: 0 of 9 tasks outside research were affected"


def test_without_a_terminal_it_is_told_in_lines(tmp_path: Path) -> None:
    done = piped("demo", "--fast", state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no dashboard: stdin is not a terminal; the demo is told in lines" in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("── ")]
    assert [line[3] for line in told] == list("12345667")
    assert "web closed -> open" in done.stderr
    assert "web half-open -> closed" in done.stderr
    assert PROVED in done.stderr
    assert "inside   research              3 of 6 done, 2 failed, 1 skipped" in done.stderr


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_a_person_burns_and_heals_a_backend_and_reads_the_proof(columns: int, rows: int, tmp_path: Path) -> None:
    terminal = Terminal("demo", "--fast", state=tmp_path, columns=columns, rows=rows)
    terminal.sees("1/8  Three groups of agents work side by side")
    terminal.sees("page[harbour]")
    terminal.types("F")
    terminal.sees("web ✗ burning")
    terminal.sees("3/8  web burns: it answers every call with 503")
    terminal.sees("circuit")
    terminal.types("H")
    terminal.sees("web ✓ well")
    terminal.sees("7/8  The breaker closed, and research goes on by itself")
    terminal.sees("8/8  Proof from")
    terminal.types("q")
    assert terminal.ends() == 0
    assert PROVED in terminal.screen
    assert all(code in terminal.raw for code in (b"\x1b[?1049l", b"\x1b[?25h"))


def test_left_the_screen_goes_and_the_tour_goes_on_in_lines(tmp_path: Path) -> None:
    terminal = Terminal("demo", "--fast", state=tmp_path)
    terminal.sees("1/8")
    terminal.types("L")
    terminal.sees("── 3/8  web burns")
    terminal.sees(PROVED)
    assert terminal.ends() == 0


def test_q_asks_and_cancels_as_in_any_other_run(tmp_path: Path) -> None:
    terminal = Terminal("demo", state=tmp_path)
    terminal.sees("1/8")
    terminal.types("q")
    terminal.sees("The run is still on. Quit?")
    terminal.types("y")
    assert terminal.ends() == 130
    assert "proof" in terminal.screen


def test_the_configured_theme_is_the_demos_too(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "orchestrator"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("theme: solarized-dark\n")
    more = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "COLORTERM": "truecolor"}
    terminal = Terminal("demo", "--fast", state=tmp_path, more=more)
    terminal.sees("1/8")
    assert b"48;2;0;43;54m" in terminal.raw
    terminal.types("q")
    terminal.sees("Quit?")
    terminal.types("y")
    assert terminal.ends() == 130
