"""`validate` of large files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import yaml

from table import COMMAND, ENVIRONMENT, Row, middle, process, timed

TASK = """\
  task-{n}:
    description: Task number {n} of a file that a generator wrote
    group: group-{group}
    depends_on: [task-{before}]
    attempt_timeout: 2m
    retry: {{max_attempts: 3, initial_delay: 2s, jitter: 0.2}}
    shell: echo "number {n}" | grep -c {{{{ inputs.word }}}}
"""


def flow(path: Path, count: int) -> str:
    groups = "".join(f"  group-{n}: {{max_concurrency: 4}}\n" for n in range(20))
    with path.open("w") as out:
        out.write(f"version: 1\nname: large\ninputs:\n  word: {{default: number}}\ngroups:\n{groups}tasks:\n")
        for n in range(count):
            text = TASK.format(n=n, group=n % 20, before=max(n - 1, 0))
            out.write(text.replace("    depends_on: [task-0]\n", "") if n == 0 else text)
    return str(path)


def rows() -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        return [_middling(folder), _huge(folder)]
    finally:
        shutil.rmtree(folder)


def _middling(folder: Path) -> Row:
    path = flow(folder / "flow.yaml", 10_000)
    size = Path(path).stat().st_size / 1e6
    ours = middle([COMMAND, "validate", path], 3)
    text = Path(path).read_text()
    plain = timed(lambda: yaml.load(text, Loader=yaml.CSafeLoader))
    return Row(
        f"validate of 10,000 tasks ({size:.1f} MB)",
        f"{ours.wall:.2f} s, {ours.wall / plain:.1f} × the baseline",
        f"yaml.CSafeLoader alone {plain:.2f} s",
        "≤ 2 s",
        ours.wall <= 2,
    )


def _huge(folder: Path) -> Row:
    path = flow(folder / "huge.yaml", 370_000)
    size = Path(path).stat().st_size / 1e6
    env = {**ENVIRONMENT, "ORCHESTRATOR_MAX_FLOW_SIZE": "200MB", "ORCHESTRATOR_MAX_TASKS": "1000k"}
    ours = process([COMMAND, "validate", path], env)
    if ours.status:
        raise SystemExit(f"validate of the huge file ended with {ours.status}")
    text = Path(path).read_text()
    plain = timed(lambda: yaml.load(text, Loader=yaml.CSafeLoader))
    return Row(
        f"validate of 370,000 tasks ({size:.0f} MB), the limits raised",
        f"{ours.wall:.1f} s, {ours.peak_mb:,.0f} MB, {ours.wall / plain:.1f} × the baseline",
        f"yaml.CSafeLoader alone {plain:.1f} s",
        "≤ 60 s, ≤ 2 GB",
        ours.wall <= 60 and ours.peak_mb <= 2_000,
    )


if __name__ == "__main__":
    for row in rows():
        print(row)
