"""The way in, for the installed command and for `python -m orchestrator`."""

from __future__ import annotations

import gc
import sys

gc.set_threshold(100_000, 20, 20)  # what is loaded stays: looking for cycles in it takes a tenth of the start

try:
    from orchestrator.cli import main
except KeyboardInterrupt:  # Ctrl+C before there is anybody to answer it
    sys.exit(130)

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
