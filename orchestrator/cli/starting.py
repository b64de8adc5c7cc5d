"""The command that makes a first flow."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.exits import Exit
from orchestrator.cli.options import DEFAULT_FLOW

_STARTER = Path(__file__).with_name("starter.yaml")


@click.command(epilog="Example:  orchestrator init my-flow && orchestrator tui my-flow/flow.yaml")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
def init(folder: str) -> int:
    """Write a starter flow.yaml that runs without any key. Nothing that exists is overwritten."""
    target = Path(folder) / DEFAULT_FLOW
    try:
        _write(target)
    except FileExistsError:
        click.echo(f"{target}: exists already and stays as it is; give another folder", err=True)
        return Exit.USAGE
    except OSError as error:
        click.echo(f"{target}: cannot be written: {error.strerror}", err=True)
        return Exit.USAGE
    click.echo(f"wrote {target}\nwatch it:  orchestrator tui {target}\nrun it:    orchestrator run {target}")
    return Exit.OK


def _write(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("x", encoding="utf-8") as file:
        file.write(_STARTER.read_text(encoding="utf-8"))
