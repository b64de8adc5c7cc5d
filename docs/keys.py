"""Writes keys.md: every command of the dashboard with its id, its keys and where it holds, from the commands alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestrator.tui.commands import COMMANDS, Command, Section
from orchestrator.tui.keymap import Keymap

FILE: Final = Path(__file__).with_name("keys.md")

_INTRODUCTION: Final = """\
# Keys

Every command of the dashboard can have other keys. Say so in `~/.config/orchestrator/config.yaml`, or for one project
in `.orchestrator/config.yaml` beside its flows; the nearer file wins, command by command:

```yaml
keys:
  task.cancel: ctrl+x
  run.pause: P, f7        # several, with commas
  help: '?'               # signs in quotes
```

A key is a letter (`x`, `X`), a sign, `ctrl+x` (or `^x`), `alt+x`, `shift+up`, `f1` to `f24`, or one of `up`, `down`,
`left`, `right`, `home`, `end`, `pageup`, `pagedown`, `enter`, `escape`, `tab`, `space`, `backspace`, `insert` and
`delete`. A command or a key that is not known, and a key that two commands of one view would have, are answered with
file and line before anything runs. The help (`?`), the palette (`:`) and the footer show the keys that hold.

`*` asks first; `task.cancel` only if a task runs, asks you or is needed.
"""


def text() -> str:
    return "\n".join([_INTRODUCTION, *(line for section in Section for line in _table(section))]).rstrip() + "\n"


def _table(section: Section) -> Iterator[str]:
    commands = [command for command in COMMANDS.values() if command.section is section]
    if commands:
        yield f"## {section.value}\n"
        yield "| command | keys | does | where |"
        yield "|---|---|---|---|"
        yield from map(_row, commands)
        yield ""


def _row(command: Command) -> str:
    keys = " ".join(f"`{key}`" for key in Keymap().names(command.id))
    return f"| `{command.id}` | {keys} | {command.help}{' *' if command.asks else ''} | {_where(command)} |"


def _where(command: Command) -> str:
    if command.guided:
        return "the demo"
    if command.everywhere:
        return "everywhere, in dialogs and inputs too"
    return ", ".join(sorted(command.places)) if command.places else "every view"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
