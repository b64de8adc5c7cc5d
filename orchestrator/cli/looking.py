"""The commands that show what is there: `themes`, `doctor`, `completion`."""

from __future__ import annotations

import click

from orchestrator.cli.options import inputs_option

_SHELLS = click.Choice(["bash", "zsh", "fish"])


@click.command(epilog="Example:  orchestrator themes")
def themes() -> int:
    """List the dashboard's themes with their colours; the current one is marked."""
    from orchestrator.cli.swatches import print_themes  # noqa: PLC0415 - `--help` pays for click alone

    return print_themes()


@click.command(epilog="Example:  orchestrator doctor flow.yaml")
@click.argument("flow", metavar="[FLOW]", required=False, type=click.Path())
@inputs_option
def doctor(flow: str | None, inputs: dict[str, str]) -> int:
    """Check the terminal, the system's limits, and what FLOW needs: keys, backends, models, tools and prices.

    Backends are asked what they can tell without spending a token; MCP servers are started and asked for their tools.
    Exits with 1 if something is missing.
    """
    from orchestrator.cli.examination import examine  # noqa: PLC0415 - `--help` pays for click alone

    return examine(flow, inputs)


@click.command(epilog="Example:  orchestrator completion bash >> ~/.bashrc")
@click.argument("shell", type=_SHELLS)
def completion(shell: str) -> None:
    r"""Print the completion script of a shell: bash, zsh or fish.

    \b
    bash:  orchestrator completion bash >> ~/.bashrc
    zsh:   orchestrator completion zsh >> ~/.zshrc
    fish:  orchestrator completion fish > ~/.config/fish/completions/orchestrator.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - `--help` pays for click alone

    from orchestrator.cli.commands import cli  # noqa: PLC0415 - the commands load this module

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(script(cli, {}, "orchestrator", "_ORCHESTRATOR_COMPLETE").source())
