"""Plug-ins are found by name, and imported one at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

METADATA = "Metadata-Version: 2.1\nName: guests\nVersion: 1.0\n"
ENTRY_POINTS = """\
[guests.things]
second = guest_b:Thing
first = guest_a:Thing
broken = guest_c:Thing
absent = guest_nowhere:Thing
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that looks like an installed package with plug-ins."""
    info = tmp_path / "guests-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "guest_a.py").write_text("class Thing:\n    name = 'a'\n")
    (tmp_path / "guest_b.py").write_text("class Thing:\n    name = 'b'\n")
    (tmp_path / "guest_c.py").write_text("Other = 1\n")
    return tmp_path


def say(site: Path, program: str) -> str:
    start = f"import sys; sys.path.insert(0, {str(site)!r})\nfrom orchestrator import plugins\n"
    done = subprocess.run([sys.executable, "-c", start + program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_names_are_sorted_and_import_nothing(site: Path) -> None:
    program = "print(*plugins.names('guests.things')); print(any(name.startswith('guest_') for name in sys.modules))"
    assert say(site, program).splitlines() == ["absent broken first second", "False"]


def test_loading_one_imports_exactly_that_one(site: Path) -> None:
    program = (
        "print(plugins.load('guests.things', 'first').name)\n"
        "print(*(name for name in sys.modules if name.startswith('guest_')))"
    )
    assert say(site, program).splitlines() == ["a", "guest_a"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("third", "'third' is not installed (installed: absent, broken, first, second)"),
        ("absent", "'absent' cannot be loaded from guest_nowhere:Thing: No module named 'guest_nowhere'"),
        ("broken", "'broken' cannot be loaded from guest_c:Thing: module 'guest_c' has no attribute 'Thing'"),
    ],
)
def test_what_cannot_be_loaded_says_why(site: Path, name: str, message: str) -> None:
    program = (
        f"try:\n    plugins.load('guests.things', {name!r})\nexcept plugins.PluginError as error:\n    print(error)"
    )
    assert say(site, program) == message


def test_an_unknown_group_is_empty(site: Path) -> None:
    assert say(site, "print(plugins.names('guests.none'))") == "()"


def test_the_metadata_is_not_read_before_someone_asks(site: Path) -> None:
    assert say(site, "print('importlib.metadata' in sys.modules)") == "False"
