"""What the keyboard can do, by topic."""

from orchestrator.tui.commands.command import (
    FILTERED,
    LISTS,
    Choice,
    Command,
    Desk,
    LogWish,
    Motion,
    Place,
    Question,
    Section,
)
from orchestrator.tui.commands.looking import SORT_KEYS
from orchestrator.tui.commands.program import quit_question
from orchestrator.tui.commands.registry import COMMANDS, commands_of, tab_of

__all__ = [
    "COMMANDS",
    "FILTERED",
    "LISTS",
    "SORT_KEYS",
    "Choice",
    "Command",
    "Desk",
    "LogWish",
    "Motion",
    "Place",
    "Question",
    "Section",
    "commands_of",
    "quit_question",
    "tab_of",
]
