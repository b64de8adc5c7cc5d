"""The way in, for the installed command and for `python -m orchestrator`."""

from __future__ import annotations

import sys

from orchestrator.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
