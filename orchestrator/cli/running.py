"""The commands that run a flow: `run` without the dashboard, `tui` in it, `demo` a guided one that shows isolation."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.options import FlowCommand, flow_argument, print_logs, run_options

_ASCII = click.option("--ascii", is_flag=True, help="Draw with ASCII signs only.")
_PLAIN = click.option(
    "--plain", is_flag=True, help="Tell everything in lines that stay: for screen readers, and for reading later."
)
_INLINE = click.option("--inline", is_flag=True, help="Take a dozen lines instead of the whole screen.")
_FPS = click.option(
    "--fps",
    type=click.FloatRange(min=0.2, max=30),
    metavar="N",
    help="Draw at most N frames a second; over SSH it is 4 unless this says more or less.",
)
_THEME = click.option("--theme", metavar="NAME", help="The dashboard's theme; `orchestrator themes` lists them.")


@click.command(cls=FlowCommand, epilog="Example:  orchestrator run flow.yaml -i languages=de,fr --output json")
@flow_argument
@click.option(
    "--output",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="What goes to stdout: the outputs, one report object, or every event as it happens.",
)
@click.option(
    "--dry-run", is_flag=True, help="Check everything, print the plan and what each task costs at most; run nothing."
)
@_PLAIN
@run_options
def run(flow: str, **options: Any) -> int:  # noqa: ANN401 - click hands over what the options declare
    """Run FLOW without the dashboard.

    Progress goes to stderr, results to stdout. Ctrl+C cancels gracefully, a second one forces. Tasks that ask for
    approval are asked on the terminal; without one, say --approve TASK or --approve-all.
    """
    from orchestrator.cli.headless import run_headless  # noqa: PLC0415 - `--help` pays for click alone

    return run_headless(flow, options)


@click.command(cls=FlowCommand, epilog="Example:  orchestrator tui flow.yaml -i name=value --theme orchestra-light")
@flow_argument
@_THEME
@_ASCII
@_INLINE
@_PLAIN
@_FPS
@run_options
def tui(flow: str, **options: Any) -> int:  # noqa: ANN401 - the same
    """Run FLOW in the dashboard.

    Where no dashboard can be shown (no terminal, a dumb one, CI), this says so and runs as `run --plain` does, and so
    it does with --plain or ORCHESTRATOR_PLAIN=1. NO_COLOR takes the colours away.
    """
    from orchestrator.cli.background import asked  # noqa: PLC0415 - `--help` pays for click alone

    background = asked(options)  # first of all: the terminal answers while the rest is loaded
    from orchestrator.cli.screen import run_on_screen  # noqa: PLC0415 - as above

    return run_on_screen(flow, options, background)


@click.command(epilog="Example:  orchestrator demo")
@_THEME
@_ASCII
@_PLAIN
@_FPS
@click.option("--fast", is_flag=True, help="Let the clock run four times as fast.")
@print_logs(default="none")
def demo(**options: Any) -> int:  # noqa: ANN401 - the same
    """Watch a burning backend stay contained, in a minute and without a key; break and mend it yourself.

    Three groups work side by side, one backend burns and is put out. The status is 0 if no task outside the burning
    group was affected, however many failed inside.
    """
    from orchestrator.cli.background import asked  # noqa: PLC0415 - `--help` pays for click alone

    background = asked(options)
    from orchestrator.cli.touring import show_demo  # noqa: PLC0415 - as above

    return show_demo(options, background)
