"""The way in, for the installed command and for `python -m orchestrator`."""

from __future__ import annotations

import sys

try:
    from orchestrator.cli import main
except KeyboardInterrupt:  # Ctrl+C before there is anybody to answer it
    sys.exit(130)

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
