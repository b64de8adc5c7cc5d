"""Runs rendered commands in real shells and looks at what the programs that they start were given."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.templates import compile_shell

if TYPE_CHECKING:
    from pathlib import Path

SHELLS = {"bash": ("bash", "-euo", "pipefail", "-c"), "sh": ("sh", "-eu", "-c")}

PROBE = """#!/bin/sh
printf '%s\\0' "$#" "$@" >> "$PROBE_LOG"
env -0 >> "$PROBE_ENV"
"""

HOSTILE = (
    "plain",
    "",
    " ",
    "two words",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "$(touch pwned); '\"\n",
    "' ; touch pwned ; '",
    '" ; touch pwned ; "',
    "'\\''",
    "\\",
    "\\'",
    "a\\",
    "$IFS",
    "${IFS}",
    "$_orc_1",
    "${_orc_2}",
    "*",
    "?[a-z]*",
    "~",
    "-rf",
    "--",
    "-n",
    "!",
    "!!",
    "#",
    "# x",
    "a\nb",
    "trailing\n\n\n",
    "\n",
    "\t\r\v\f",
    "{{ 7*7 }}",
    "${inputs.x}",
    "{a,b}",
    "a[$(touch pwned)]",
    "x=1",
    "ü€😀\u2028\u0085",
    "\x01\x1b[31m\x7f",
    "EOF\ntouch pwned",
    ")",
    "))",
    "esac",
    "\udc80\udcff",
    "x" * 100_000,
    "'" * 20_000,
)


@dataclass(frozen=True)
class Seen:
    """What the programs of one run were given."""

    code: int
    calls: list[list[str]]
    files: list[str]
    environment: str
    out: str


class Stage:
    """A folder with a program that writes down its arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.env = folder / "env"
        self.folder.mkdir()
        self.bin.mkdir()
        probe = self.bin / "probe"
        probe.write_text(PROBE)
        probe.chmod(0o755)

    def run(self, shell: str, command: str, **scope: object) -> Seen:
        script = compile_shell(command).render(scope)
        return self.start((*SHELLS[shell], script))

    def start(self, argv: tuple[str, ...]) -> Seen:
        self.log.write_bytes(b"")
        self.env.write_bytes(b"")
        environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PROBE_LOG": str(self.log),
            "PROBE_ENV": str(self.env),
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [os.fsencode(word) for word in argv],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=30,
        )
        return Seen(
            done.returncode,
            list(_calls(self.log.read_bytes())),
            sorted(path.name for path in self.folder.iterdir()),
            os.fsdecode(self.env.read_bytes()),
            os.fsdecode(done.stdout),
        )


def _calls(log: bytes) -> list[list[str]]:
    words = [os.fsdecode(word) for word in log.split(b"\0")[:-1]]
    calls = []
    while words:
        count = int(words.pop(0))
        calls.append(words[:count])
        words = words[count:]
    return calls


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture(params=[shell for shell in SHELLS if shutil.which(shell)])
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


ONCE = "probe bare {{ v }} end"
EVERYWHERE = """\
probe bare {{ v }} end
probe quoted "{{ v }}" end
probe glued --x={{ v }}.txt end
probe around "a {{ v }} b" end
probe twice {{ v }}{{ v }} end
x=$(probe substituted {{ v }} "{{ v }}" end)
x="$(probe "quoted substitution" {{ v }} "{{ v }}" end)"
x="$(probe deep "$(printf '%s.' "{{ v }}")" end)"
x=`probe backticks {{ v }} end`
x="`probe quoted-backticks {{ v }} end`"
x=`probe backticks-quoted "{{ v }}" end`
y={{ v }}; probe assigned "$y" end
z="{{ v }}" probe prefix end
(probe subshell {{ v }} end)
{ probe group {{ v }} end; }
f() { probe function {{ v }} end; }; f
for i in {{ v }} "{{ v }}"; do probe loop "$i" end; done
if true; then probe then {{ v }} end; fi
case {{ v }} in {{ v }}) probe case {{ v }} end;; *) probe nocase end;; esac
probe list {{ many }} end
probe none {{ nothing }} end
true && probe and {{ v }} end || false
probe pipe {{ v }} end | cat
env probe env {{ v }} end
sh -c 'probe "$@"' _ inner {{ v }} end
# don't be confused by "quotes in comments
cat <<'END' >/dev/null
it's "not" $(over
END
probe after {{ v }} end
"""


def expected(v: str) -> list[list[str]]:
    middles = {
        "bare": [v],
        "quoted": [v],
        "glued": [f"--x={v}.txt"],
        "around": [f"a {v} b"],
        "twice": [v + v],
        "substituted": [v, v],
        "quoted substitution": [v, v],
        "deep": [v + "."],
        "backticks": [v],
        "quoted-backticks": [v],
        "backticks-quoted": [v],
        "assigned": [v],
        "prefix": [],
        "subshell": [v],
        "group": [v],
        "function": [v],
    }
    calls = [[label, *middle, "end"] for label, middle in middles.items()]
    calls += [["loop", v, "end"], ["loop", v, "end"], ["then", v, "end"], ["case", v, "end"]]
    calls += [["list", v, v, "x", "end"], ["none", "end"]]
    return calls + [[label, v, "end"] for label in ("and", "pipe", "env", "inner", "after")]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value[:20]))
def test_every_position_hands_over_exactly_the_value(stage: Stage, shell: str, value: str) -> None:
    long = len(value) > 1000
    seen = stage.run(shell, ONCE if long else EVERYWHERE, v=value, many=[value, value, "x"], nothing=[])
    assert seen.code == 0
    assert seen.calls == ([["bare", value, "end"]] if long else expected(value))
    assert seen.files == []
    assert "_orc" not in seen.environment.replace(value, "")


@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_changes_what_programs_are_given(stage: Stage, shell: str, value: str) -> None:
    seen = stage.run(shell, EVERYWHERE, v=value, many=[value, value, "x"], nothing=[])
    assert (seen.code, seen.calls, seen.files) == (0, expected(value), [])


@given(value=st.text(alphabet="$`'\"\\(){}[];&|<>!#~* \n\tax=-", max_size=30))
@settings(max_examples=18, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_of_the_shells_own_characters_does_either(stage: Stage, shell: str, value: str) -> None:
    seen = stage.run(shell, EVERYWHERE, v=value, many=[value, value, "x"], nothing=[])
    assert (seen.code, seen.calls, seen.files) == (0, expected(value), [])
