"""Running a flow in the dashboard: the engine in a thread of its own, and plain lines when the screen is left."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from orchestrator.bootstrap import EngineThread, prepare
from orchestrator.cli.exits import Exit, of_run
from orchestrator.cli.headless import (
    Streams,
    engine_options,
    last_state,
    print_summary,
    run_headless,
    standard_streams,
    warn,
)
from orchestrator.cli.interrupts import Interrupts
from orchestrator.cli.streams import no_dashboard_because
from orchestrator.cli.watching import TICK, PlainFace, Viewer
