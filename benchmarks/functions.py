"""The whole process on 10,000 functions that do nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from table import COMMAND, Row, middle

COUNT = 10_000


def flow(folder: Path) -> str:
    (folder / "nothing.py").write_text("def nothing():\n    return None\n")
    tasks = "\n".join(f'  t{n}: {{function: "nothing:nothing"}}' for n in range(COUNT))
    path = folder / "flow.yaml"
    path.write_text(f"version: 1\nname: nothing\nmax_concurrency: 10\ntasks:\n{tasks}\n")
    return str(path)


def rows() -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        ours = middle([COMMAND, "run", flow(folder)], 3)
        bare = middle(["python3", "-c", f"import asyncio\nfor _ in range({COUNT}): (lambda: None)()"], 3)
    finally:
        shutil.rmtree(folder)
    return [
        Row(
            f"run of {COUNT:,} function no-ops, whole process",
            f"{ours.wall:.2f} s, {ours.peak_mb:.0f} MB",
            f"python with asyncio {bare.wall:.2f} s, {bare.peak_mb:.0f} MB",
            "≤ 2 s, ≤ 120 MB",
            ours.wall <= 2 and ours.peak_mb <= 120,
        )
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)
