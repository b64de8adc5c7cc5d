"""The commands that look at a flow and run nothing: `validate`, `graph`, `schema`."""

from __future__ import annotations

import click

from orchestrator.cli.options import DEFAULT_FLOW, flow_argument, found


def _found(ctx: click.Context, param: click.Parameter, flows: tuple[str, ...]) -> tuple[str, ...]:
    return flows or (found(ctx, param, DEFAULT_FLOW),)


@click.command(epilog="Example:  orchestrator validate flow.yaml other.yaml")
@click.argument("flows", metavar="FLOW...", nargs=-1, type=click.Path(), callback=_found)
def validate(flows: tuple[str, ...]) -> int:
    """Check every FLOW: all errors with their places, the plan, and what a run can cost at worst."""
    from orchestrator.cli.plan import validate_all  # noqa: PLC0415 - `--help` pays for click alone

    return validate_all(flows)


@click.command(epilog="Example:  orchestrator graph flow.yaml --format mermaid")
@flow_argument
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "mermaid", "dot"]),
    default="text",
    show_default=True,
    help="For reading, for Markdown, or for Graphviz.",
)
def graph(flow: str, shape: str) -> None:
    """Draw what depends on what."""
    from orchestrator.cli.plan import draw  # noqa: PLC0415 - `--help` pays for click alone

    draw(flow, shape)


@click.command(epilog="Example:  orchestrator schema > flow.schema.json")
def schema() -> None:
    """Print the JSON Schema of flow files, for editors."""
    from orchestrator.cli.plan import print_schema  # noqa: PLC0415 - `--help` pays for click alone

    print_schema()
