"""The commands that run a flow: `run` without the dashboard, `tui` in it, `demo` on the flow that shows isolation."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.options import FlowCommand, flow_argument, run_options

_ASCII = click.option("--ascii", is_flag=True, help="Draw with ASCII signs only.")
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
@click.option("--dry-run", is_flag=True, help="Check everything and print the plan; run nothing.")
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
@run_options
def tui(flow: str, **options: Any) -> int:  # noqa: ANN401 - the same
    """Run FLOW in the dashboard. Without a terminal this says so and runs as `run` does."""
    from orchestrator.cli.screen import run_on_screen  # noqa: PLC0415 - `--help` pays for click alone

    return run_on_screen(flow, options)


@click.command(cls=FlowCommand, epilog="Example:  orchestrator demo")
@_THEME
@_ASCII
@run_options
def demo(**options: Any) -> int:  # noqa: ANN401 - the same
    """Watch a failing backend stay contained: three groups, one burns, no key needed."""
    from orchestrator.cli.places import shipped  # noqa: PLC0415 - `--help` pays for click alone
    from orchestrator.cli.screen import run_on_screen  # noqa: PLC0415 - the same

    return run_on_screen(str(shipped("sample_flows") / "failure_isolation.yaml"), options)
