"""What holds of MCP servers without one that runs: what may be declared, what is loaded, and that none outlives us."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from orchestrator.backends.mcp import McpSettings
from tests.backends.mcp_servers.kit import ENVIRONMENT, is_alive

ROOT = Path(__file__).parents[2]


def test_after_a_kill_of_our_own_no_server_is_left(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import asyncio, os, signal
        from tests.backends.mcp_servers.kit import BY_HAND, backend, said

        async def main():
            server = backend(*BY_HAND)
            print(await said(server, "fork"), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
    """)
    path = tmp_path / "main.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, str(path)],
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 2, done.stderr
    until = time.monotonic() + 5
    while any(map(is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_alive, pids))


# ── what is declared ──


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({}, "neither command nor url"),
        ({"command": ("x",), "url": "https://example.org"}, "exclude each other"),
        ({"url": "example.org/mcp"}, "must begin with http"),
        ({"url": "https://example.org", "cwd": "."}, "for servers that a command starts"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        McpSettings(**keys)  # type: ignore[arg-type]  # any of its keys


def test_the_library_is_not_loaded_before_a_server_is_used() -> None:
    code = "import sys, orchestrator.backends.mcp, orchestrator.kinds.mcp; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
