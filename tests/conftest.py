"""What holds for all tests."""

from __future__ import annotations

import signal

for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    # Whoever runs the tests in the background may have them ignored, and what is ignored is so for every child, too.
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)
