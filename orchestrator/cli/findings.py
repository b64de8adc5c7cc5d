"""What an examination finds: one line each, with how bad it is and what would help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orchestrator.cli.exits import Exit
from orchestrator.cli.streams import Looks
from orchestrator.cli.words import one_line


class Level(StrEnum):
    """How bad a finding is; only what is missing makes the examination fail."""

    GOOD = "ok"
    NOTE = "warn"
    MISSING = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    name: str
    text: str
    advice: str = ""


_STYLES: Final = {Level.GOOD: "green", Level.NOTE: "yellow", Level.MISSING: "red"}


def lines_of(findings: Iterable[Finding], looks: Looks) -> Iterator[str]:
    for finding in findings:
        advice = f"; {finding.advice}" if finding.advice else ""
        level = looks.paint(f"{finding.level:<4}", _STYLES[finding.level])
        yield f"{level}  {finding.name:<10}  {one_line(f'{finding.text}{advice}')}"


def status_of(findings: Iterable[Finding]) -> int:
    return Exit.FAILED if any(finding.level is Level.MISSING for finding in findings) else Exit.OK
