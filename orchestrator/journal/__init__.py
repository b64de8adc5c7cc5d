"""What a run leaves on disk while it goes on: its events, and the output of its tasks."""

from orchestrator.journal.files import TaskFiles
from orchestrator.journal.jsonlines import JsonLines

__all__ = ["JsonLines", "TaskFiles"]
