"""The page of keys says what the commands say."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_keys_is_made_from_the_commands() -> None:
    page = runpy.run_path(str(DOCS / "keys.py"))["text"]()
    assert (DOCS / "keys.md").read_text(encoding="utf-8") == page, "run docs/keys.py"
