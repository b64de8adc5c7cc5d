"""The installed command, run as a person runs it: in a terminal that can be read, or in a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pexpect
import pyte

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLES: Final = ROOT / "sample_flows"
PATIENCE: Final = 30.0
"""Seconds after which a test gives up on what it waits for."""


def command() -> list[str]:
    """Return the installed command, or the module where nothing is installed."""
    installed = Path(sys.executable).with_name("orchestrator")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "orchestrator"]


def environment(state: Path, **more: str) -> dict[str, str]:
    """Return the environment of a plain user: none of the test runner's own settings."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "SYSTEMROOT")}
    settings = {"ORCHESTRATOR_STATE_DIR": str(state), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    return {**kept, **settings, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::ResourceWarning", **more}


def piped(
    *arguments: str, state: Path, cwd: Path | None = None, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal and return what it said."""
    return subprocess.run(
        [*command(), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(state, **(more or {})),
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


class Terminal:
    """The command in a terminal of its own; `screen` is what a person would see."""

    def __init__(
        self,
        *arguments: str,
        state: Path,
        columns: int = 120,
        rows: int = 40,
        more: Mapping[str, str] | None = None,
        program: Sequence[str] = (),
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        first, *rest = program or command()
        self.raw = b""
        self.child = pexpect.spawn(
            first,
            [*rest, *arguments],
            dimensions=(rows, columns),
            env=environment(state, **(more or {})),
            timeout=PATIENCE,
        )
        self._keys_before = termios.tcgetattr(self.child.child_fd)

    @property
    def screen(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def pid(self) -> int:
        return int(self.child.pid)

    def types(self, keys: str) -> None:
        self.child.send(keys)

    def read(self, seconds: float = 0.1) -> bool:
        """Take what the command writes within that time, and return whether it wrote anything."""
        try:
            data = self.child.read_nonblocking(65536, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def waits(self, seconds: float) -> None:
        """Look on for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.05)

    def resize(self, columns: int, rows: int) -> None:
        """Make the window another size."""
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def left_on(self) -> list[str]:
        """Return what of the terminal is not as it was: modes by number, and whether keys are read otherwise."""
        modes = {int(mode): on for modes, on in _MODES.findall(self.raw) for mode in modes.split(b";")}
        left = [f"?{mode}" for mode, on in modes.items() if (on == b"h") is not (mode in _USUALLY_ON)]
        if len(re.findall(rb"\x1b\[>\d+u", self.raw)) > self.raw.count(b"\x1b[<u"):
            left.append("reports of keys")
        if termios.tcgetattr(self.child.child_fd) != self._keys_before:
            left.append("how keys are read")
        return left

    def sees(self, text: str, *, within: float = PATIENCE) -> str:
        """Wait until the text stands on the screen, and return the screen."""
        end = time.monotonic() + within
        while text not in self.screen:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} does not come up; the screen is\n{self.screen}")
            self.read()
        return self.screen

    def misses(self, text: str, *, within: float = PATIENCE) -> None:
        """Wait until the text is gone from the screen."""
        end = time.monotonic() + within
        while text in self.screen:
            assert time.monotonic() < end, f"{text!r} stays; the screen is\n{self.screen}"
            self.read()

    def ends(self, *, within: float = PATIENCE) -> int:
        """Wait for the end and return the exit status; a death by signal is its negative number."""
        end = time.monotonic() + within
        while self.child.isalive():
            if time.monotonic() > end:
                raise AssertionError(f"it does not end; the screen is\n{self.screen}")
            self.read()
        while self.read():
            pass
        return int(self.child.exitstatus) if self.child.exitstatus is not None else -int(self.child.signalstatus)

    def closes(self, *, within: float = PATIENCE) -> int:
        """Close the terminal, as when its window is closed, and return the exit status."""
        self.child.ptyproc.fileobj.close()
        end = time.monotonic() + within
        while self.child.ptyproc.isalive():
            assert time.monotonic() < end, "it outlives its terminal"
            time.sleep(0.05)
        status = self.child.ptyproc.exitstatus
        return int(status) if status is not None else -int(self.child.ptyproc.signalstatus)


_MODES: Final = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_USUALLY_ON: Final = frozenset({7, 25})
"""Lines wrap, and the cursor is shown."""


def alive(marker: str) -> list[str]:
    """Return the command lines of living processes that hold the marker."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            text = _command_line(folder)
            if marker in text:
                found.append(text)
    return found


def _command_line(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def none_alive(marker: str, *, within: float = 5.0) -> bool:
    """Wait until no process holds the marker."""
    end = time.monotonic() + within
    while alive(marker):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def flow(folder: Path, text: str, name: str = "flow.yaml") -> Path:
    """Write a flow and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def shell_pipe(script: str, *, state: Path, words: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `orchestrator` is the command."""
    call = " ".join(command())
    return subprocess.run(
        ["bash", "-c", f'orchestrator() {{ {call} "$@"; }}\n{script}', "bash", *words],
        capture_output=True,
        text=True,
        env=environment(state),
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
