"""The one place that starts and stops child programs, and sees to it that none is left behind."""

from orchestrator.processes.child import Child, OnOutput, start
from orchestrator.processes.command import Command, NotStarted, Stream
from orchestrator.processes.family import MARKER
from orchestrator.processes.guardian import take_charge
from orchestrator.processes.inlet import Inlet, converse
from orchestrator.processes.kin import end_alone, kill_all_children, stop_leftovers
from orchestrator.processes.limits import raise_descriptor_limit

__all__ = [
    "MARKER",
    "Child",
    "Command",
    "Inlet",
    "NotStarted",
    "OnOutput",
    "Stream",
    "converse",
    "end_alone",
    "kill_all_children",
    "raise_descriptor_limit",
    "start",
    "stop_leftovers",
    "take_charge",
]
