"""Whoever ends our children when we were killed ourselves and could not: a shell that waits for our end."""

import atexit
import contextlib
import os
import subprocess
import sys
from functools import cache
from typing import Final

from orchestrator.processes.family import MARKER
from orchestrator.processes.kin import adopt_orphans, is_childless

SCRIPT: Final = """
exec 3<&0
(
    trap '' HUP INT TERM
    read -r word && exit
    for round in 1 2 3 4 5; do
        found=
        for file in $(grep -als "$1" /proc/[0-9]*/environ); do
            pid=${file#/proc/}
            kill -9 "${pid%/environ}" && found=1
        done
        [ "$found" ] || exit
    done
) <&3 3<&- &
"""
"""Reads a word when we end well, and nothing when we were killed. Some may fork while others are killed: hence rounds.

It runs in the background of a shell that ends at once, so that it is no child of ours: those we count and end.
"""


def take_charge() -> None:
    """Become the parent of whatever descends from us, and have it ended when we are killed.

    The guardian comes first: it shall be no child of ours.
    """
    set_guardian()
    adopt_orphans()


@cache
def set_guardian() -> None:
    """Set it up, before orphans come back to us. Without one (no /proc, no shell) nothing else is lost."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            _start()


def _start() -> None:
    reader, writer = os.pipe()
    try:
        subprocess.run(  # noqa: S603 - our own script; the pattern holds a number only
            ["/bin/sh", "-c", SCRIPT, "guardian", rf"{MARKER}={os.getpid()}\."],
            check=False,
            stdin=reader,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.defpath},
            start_new_session=True,
        )
    finally:
        os.close(reader)
    atexit.register(_dismiss, writer)


def _dismiss(writer: int) -> None:
    """Let it go, but for when somebody is left: then we end as if we were killed."""
    if is_childless():
        with contextlib.suppress(OSError):
            os.write(writer, b"done\n")
