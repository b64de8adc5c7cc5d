"""What environment files say, and where they say what nobody can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config.environment import read_env_file
from orchestrator.core.errors import FlowError


def env_file(folder: Path, text: str) -> Path:
    path = folder / "my.env"
    path.write_text(text, encoding="utf-8")
    return path


def test_variables_are_read_as_they_are_quoted(tmp_path: Path) -> None:
    text = "A=1\n# a comment\nexport B=\"x ${A}\"\nC\nD=a # b\nE='two\nlines'\n"
    expected = {"A": "1", "B": "x ${A}", "C": "", "D": "a", "E": "two\nlines"}
    assert read_env_file(env_file(tmp_path, text)) == expected


@pytest.mark.parametrize("line", ["no variable", "A='open", "=x"])
def test_a_line_that_cannot_be_read_is_told_with_its_place(line: str, tmp_path: Path) -> None:
    path = env_file(tmp_path, f"A=1\n\n{line}\n")
    with pytest.raises(FlowError) as refused:
        read_env_file(path)
    assert str(refused.value) == f"{path}:3: this line cannot be read; write NAME=value"
