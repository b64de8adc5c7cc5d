"""The tool search_files: a regular expression over the files of the working folder, bounded in time and output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import orchestrator
from orchestrator.core.model import ToolSpec
from orchestrator.kinds.agent.tools.commands import run_command
from orchestrator.kinds.agent.tools.tool import Arguments, BuiltIn, Room, ToolFault, takes, text
from orchestrator.processes import Command, NotStarted

PROGRAM: Final = "orchestrator.kinds.agent.tools.search_program"
SECONDS: Final = 20.0


async def _search_files(given: Arguments, room: Room) -> str:
    try:
        ran = await run_command(_command(given, room), room.context, seconds=SECONDS, tell=lambda _: None)
    except NotStarted as error:
        raise ToolFault(error.message) from error
    if ran.code is None:
        found = f"; found until then:\n{ran.output}" if ran.output else ""
        raise ToolFault(f"the search took longer than {SECONDS:g} s: search in fewer files, or more simply{found}")
    if ran.code != 0:
        raise ToolFault(ran.output)
    return ran.output or "nothing was found"


def _command(given: Arguments, room: Room) -> Command:
    asked = {
        "root": room.folder,
        "path": given.get("path", "."),
        "pattern": given["pattern"],
        "glob": given.get("glob"),
    }
    home = str(Path(orchestrator.__file__).parent.parent)
    # -P: a module in the working folder is none of ours.
    argv = (sys.executable, "-P", "-m", PROGRAM)
    return Command(argv, room.folder, {"PYTHONPATH": home}, json.dumps(asked).encode())


SEARCH_FILES: Final = BuiltIn(
    ToolSpec(
        "search_files",
        "Searches files for a regular expression (Python's) and shows the lines that fit, as path:number: line. "
        "Binary files, and folders such as .git and node_modules, are left out.",
        takes(
            {"pattern": text("The regular expression.")},
            {
                "path": text("The folder or file to search in, relative to the working folder; default: that one."),
                "glob": text("Only files that fit this pattern are searched: *.py, or src/**/*.md."),
            },
        ),
    ),
    _search_files,
)
