"""The commands by name, each loaded when it is asked for, and how a mistyped one is answered."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from orchestrator import __version__

COMMANDS: Final = {
    "tui": "orchestrator.cli.running:tui",
    "run": "orchestrator.cli.running:run",
    "validate": "orchestrator.cli.checking:validate",
    "graph": "orchestrator.cli.checking:graph",
    "schema": "orchestrator.cli.checking:schema",
    "init": "orchestrator.cli.starting:init",
    "demo": "orchestrator.cli.running:demo",
    "themes": "orchestrator.cli.looking:themes",
    "doctor": "orchestrator.cli.looking:doctor",
    "completion": "orchestrator.cli.looking:completion",
}


class LazyGroup(click.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Answer an unknown name with the nearest known ones."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(_unknown(name), ctx)
        return super().resolve_command(ctx, args)


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake pays for it

    if name.endswith((".yaml", ".yml")):
        return f"no such command {name!r}; to run a flow: orchestrator run {name}"
    near = get_close_matches(name, COMMANDS, n=1)
    advice = f"did you mean {near[0]!r}?" if near else "orchestrator --help lists the commands"
    return f"no such command {name!r}; {advice}"


_HELP: Final = """Run many agent tasks in parallel from one YAML file and see them live in the terminal.

FLOW is a YAML file and defaults to flow.yaml. Progress goes to stderr, results to stdout.

\b
Exit status:  0 succeeded     1 a task failed      2 the flow or the command line is wrong
              3 held          4 out of budget     70 a bug of ours
            130 Ctrl+C      143 SIGTERM          129 SIGHUP
"""


@click.group(
    cls=LazyGroup,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  orchestrator run flow.yaml -i name=value",
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="orchestrator", message="%(prog)s %(version)s")
def cli() -> None:
    """Do what the named command does; alone, show the help."""
