"""Where the screen's bytes go, and what happens when the terminal behind it is gone."""

from __future__ import annotations

from typing import IO, Any

from textual.driver import Driver


class Forgiving:
    """A terminal's stream to which writing never fails: what a closed terminal would refuse goes nowhere."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the stream's own
        return getattr(self._stream, name)


def outlive_terminal(driver: Driver) -> Driver:
    """Let the driver go on when its terminal is closed.

    In Textual 8.2 the thread that writes ends with the first write that fails, and whoever writes after it waits for
    ever once its queue of 30 is full, the end of the app too.
    """
    stream: IO[str] | None = getattr(driver, "_file", None)
    if stream is not None:
        vars(driver)["_file"] = Forgiving(stream)
    return driver
