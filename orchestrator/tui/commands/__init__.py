"""What the keyboard can do: each command a class, by topic; `COMMANDS` has them all."""

from orchestrator.tui.commands.command import (
    COMMANDS,
    FILTERED,
    LISTS,
    SORT_KEYS,
    Choice,
    Command,
    Desk,
    LogWish,
    Motion,
    Place,
    Question,
    Section,
    commands_of,
    quit_question,
    tab_of,
)

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
