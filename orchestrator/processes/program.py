"""A program that runs, until its exit code is taken."""

import os
from threading import Lock


class Program:
    """One child process. Its number is its own until its exit code is taken, which happens here alone."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._lock = Lock()

    def poll(self) -> int | None:
        """Return the exit code, or the signal's number below zero; None while the program runs."""
        if self._lock.acquire(blocking=False):  # else somebody waits for it already
            try:
                self._take(os.WNOHANG)
            finally:
                self._lock.release()
        return self.returncode

    def wait(self) -> int:
        """Wait for the exit code."""
        with self._lock:
            return self._take(0) or 0

    def _take(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # other code took it, and what it was is lost
                self.returncode = 0
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode
