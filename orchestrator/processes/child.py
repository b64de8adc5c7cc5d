"""One child program: its start, its output, its end."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from subprocess import Popen
from typing import Final

from orchestrator.processes.census import census
from orchestrator.processes.command import Command, NotStarted, Stream, spawn
from orchestrator.processes.family import MARKER, Family
from orchestrator.processes.kin import adopt_orphans, new_marker, reap, welcome
from orchestrator.processes.pipe import Pipe
from orchestrator.processes.table import Table

OnOutput = Callable[[Stream, bytes], None]

QUIET: Final = 0.2  # after the exit, output is awaited until none came for so long,
LINGER: Final = 2.0  # but no longer than this: a program left in the background may print for ever
STUBBORN: Final = 5.0  # what a kill has not ended after so long (root's, or stuck in the kernel) is given up


async def start(command: Command, *, on_output: OnOutput) -> Child:
    """Start a program. `on_output` is called on the loop with each chunk as it comes."""
    adopt_orphans()
    ...
