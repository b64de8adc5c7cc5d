from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from orchestrator import __version__
from orchestrator.cli import main
from orchestrator.cli.commands import COMMANDS, cli
from orchestrator.cli.entry import run_safely

HEAVY = ("pydantic", "textual", "asyncio", "yaml", "httpx", "jinja2", "rich")
LATER = (
    "pydantic",
    "httpx",
    "aiohttp",
    "jinja2",
    "mcp",
    "genai_prices",
    "orchestrator.net",
    "orchestrator.tui.views.dag",
)


def test_help_costs_click_alone() -> None:
    code = f"""
import sys
from orchestrator.cli import main
for command in ([], *([name] for name in {list(COMMANDS)!r})):
    main([*command, "--help"])
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_dashboard_begins_with_what_the_flow_and_its_first_view_need(tmp_path: Path) -> None:
    flow = tmp_path / "flow.yaml"
    flow.write_text("version: 1\nname: still\ntasks:\n  one: {shell: echo}\n")
    code = f"""
import sys
import orchestrator.cli.screen
from orchestrator.bootstrap import RunOptions, prepare
from orchestrator.tui import load_dashboard
load_dashboard()
prepare({str(flow)!r}, RunOptions())
assert "orchestrator.tui.app" in sys.modules
print([name for name in {LATER!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_lists_the_exit_statuses_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "\\b" not in text
    assert re.search(r"^ *Exit status: .*\n *3 held .*\n *130 Ctrl\+C", text, re.MULTILINE)


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        text = capsys.readouterr().out
        assert re.search(rf"Example:\s+orchestrator {name}", text), name


def test_every_option_of_every_command_is_explained() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        options = [each for each in command.params if isinstance(each, click.Option)]
        assert all(option.help for option in options), name


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"orchestrator {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        (["vaildate", "x"], "did you mean 'validate'?"),
        (["run", "--ouptut", "json"], "--output"),
        (["flow.yaml"], "to run a flow: orchestrator run flow.yaml"),
        (["run", "--deadline", "soon"], "'soon' is not a duration; write 100ms, 30s, 5m, 1h30m, 7d or seconds"),
        (["run", "-i", "novalue"], "'novalue' is not name=value"),
        (["run", "--max-concurrency", "0"], "0 is not in the range"),
        (["run", "--simulate=some"], "'some' is not one of"),
        (["completion", "tcsh"], "'tcsh' is not one of"),
    ],
)
def test_a_mistake_on_the_command_line_is_answered_with_advice(
    typed: list[str], advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2
    assert advice in capsys.readouterr().err


def test_a_bug_of_ours_leaves_a_report_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def stumbles(arguments: list[str]) -> int:
        raise KeyError(arguments[0])

    status = run_safely(stumbles, ["run", "-i", "password=hunter2"], {"ORCHESTRATOR_STATE_DIR": str(tmp_path)})
    told = capsys.readouterr()
    assert status == 70
    assert told.out == ""
    assert told.err.startswith("internal error: KeyError: 'run'; the report is ")
    assert told.err.count("\n") == 1
    (report,) = (tmp_path / "reports").iterdir()
    text = report.read_text()
    assert "Traceback" in text
    assert "hunter2" not in text


def test_a_report_that_cannot_be_written_in_its_place_is_written_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    def stumbles(arguments: list[str]) -> int:
        raise ValueError(arguments)

    assert run_safely(stumbles, ["graph"], {"ORCHESTRATOR_STATE_DIR": str(tmp_path / "file" / "x")}) == 70
    path = Path(capsys.readouterr().err.rpartition("the report is ")[2].strip())
    assert path.is_file()
    path.unlink()


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 1), (click.Abort(), 130)]
)
def test_an_interruption_is_no_bug(error: BaseException, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(arguments: list[str]) -> int:
        del arguments
        raise error

    assert run_safely(interrupted, [], {}) == status
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_ORCHESTRATOR_COMPLETE" in capsys.readouterr().out


def test_completion_offers_commands_and_options() -> None:
    complete = ShellComplete(cli, {}, "orchestrator", "_ORCHESTRATOR_COMPLETE")
    assert [item.value for item in complete.get_completions([], "va")] == ["validate"]
    assert "--max-concurrency" in [item.value for item in complete.get_completions(["run"], "--m")]


def test_init_writes_a_starter_and_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "flow"
    assert main(["init", str(folder)]) == 0
    assert "orchestrator tui" in capsys.readouterr().out
    flow = folder / "flow.yaml"
    assert flow.read_text().startswith("# A first flow.")
    flow.write_text("mine")
    assert main(["init", str(folder)]) == 2
    assert flow.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_init_where_nothing_can_be_written_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["init", str(tmp_path / "file" / "below")]) == 2
    assert "cannot be written" in capsys.readouterr().err
