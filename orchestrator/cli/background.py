"""What a terminal says that its background is, so that a bright one gets a bright theme."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import threading
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

from orchestrator.cli.streams import no_dashboard_because, wants_lines
from orchestrator.core.theme import contrast

_ASK: Final = b"\x1b]11;?\x1b\\\x1b[c"
"""Which colour is the background, and then what every terminal answers, so that silence need not be waited for."""

_COLOR: Final = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{2,4})/([0-9a-fA-F]{2,4})/([0-9a-fA-F]{2,4})")
_END: Final = re.compile(rb"\x1b\[\?[0-9;]*c")
PATIENCE: Final = 0.2
"""Seconds for an answer. A terminal at this machine needs a thousandth of that; another machine's is not asked, since
what came later would be taken for keys."""


class Background:
    """The terminal's background, for which it is asked at once: there is enough to load until the answer is there."""

    def __init__(self, stdin: IO[str], stderr: IO[str], environ: Mapping[str, str], patience: float = PATIENCE) -> None:
        self._bright = False
        self._thread = threading.Thread(target=self._ask, args=(stdin, stderr, environ, patience), name="background")
        self._thread.start()

    def _ask(self, stdin: IO[str], stderr: IO[str], environ: Mapping[str, str], patience: float) -> None:
        self._bright = is_bright(stdin, stderr, environ, patience)

    @property
    def is_awaited(self) -> bool:
        """Return whether the answer may yet come."""
        return self._thread.is_alive()

    def is_bright(self) -> bool:
        """Return whether dark text is easier to read there. Before this nobody else may read what is typed."""
        self._thread.join()
        return self._bright


def asked(options: Mapping[str, Any]) -> Background | None:
    """Ask the terminal for its background if a dashboard will be shown in it."""
    if wants_lines(options, os.environ) or no_dashboard_because(sys.stdin, sys.stderr, os.environ):
        return None
    return Background(sys.stdin, sys.stderr, os.environ)


def is_bright(stdin: IO[str], stderr: IO[str], environ: Mapping[str, str], patience: float = PATIENCE) -> bool:
    """Return whether dark text is easier to read there than bright text; False where the terminal does not say."""
    if environ.get("SSH_CONNECTION") or environ.get("NO_COLOR"):
        return False
    with suppress(OSError, ValueError, termios.error):
        color = _color_in(_asked(stdin.fileno(), stderr.fileno(), patience))
        return color is not None and contrast(color, "#000000") > contrast(color, "#ffffff")
    return False


def _asked(stdin: int, out: int, patience: float) -> bytes:
    """Return what the terminal answers."""
    with _unechoed(stdin):
        os.write(out, _ASK)
        answer = b""
        while not _END.search(answer) and select.select([stdin], [], [], patience)[0]:
            part = os.read(stdin, 1024)
            if not part:
                break
            answer += part
    return answer


@contextmanager
def _unechoed(stdin: int) -> Iterator[None]:
    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(stdin, termios.TCSANOW, before)


def _color_in(answer: bytes) -> str | None:
    found = _COLOR.search(answer)
    return None if found is None else "#" + "".join(part[:2].decode("ascii") for part in found.groups())
