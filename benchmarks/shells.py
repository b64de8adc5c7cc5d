"""Shell tasks: many quick ones beside `make`, and many at once beside bare asyncio."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

from table import COMMAND, Row, descriptors, middle

COUNT = 1_000


def quick_flow(folder: Path, count: int) -> str:
    tasks = "\n".join(f'  t{n}: {{shell: {{command: "true", with: [sh, -c]}}}}' for n in range(count))
    path = folder / f"quick{count}.yaml"
    path.write_text(f"version: 1\nname: quick\nmax_concurrency: 8\ntasks:\n{tasks}\n")
    return str(path)


def makefile(folder: Path, count: int) -> str:
    """The same for make: `:` before `true` keeps make from leaving out the shell."""
    names = " ".join(f"t{n}" for n in range(count))
    path = folder / f"Makefile{count}"
    path.write_text(f"SHELL := /bin/sh\nall: {names}\n{names}:\n\t@:; true\n.PHONY: all {names}\n")
    return str(path)


def against_make(folder: Path) -> Row:
    """Compare what 1,000 more shells take: each tool's own start-up is taken out by a run of one."""
    ours = _more(
        [COMMAND, "run", quick_flow(folder, COUNT)],
        [COMMAND, "run", quick_flow(folder, 1)],
    )
    make = _more(
        ["make", "-j8", "-f", makefile(folder, COUNT), "all"],
        ["make", "-j8", "-f", makefile(folder, 1), "all"],
    )
    ratio = ours / make
    return Row(
        f"{COUNT:,} × shell: true, 8 at once",
        f"{ours:.2f} s, {ratio:.2f} × the baseline",
        f"make -j8 {make:.2f} s",
        "≤ 1.5 ×",
        ratio <= 1.5,
    )


def _more(many: list[str], one: list[str]) -> float:
    return middle(many, 3).wall - middle(one, 3).wall


def sleeping_flow(folder: Path, count: int) -> str:
    path = folder / "sleeping.yaml"
    path.write_text(
        f"version: 1\nname: sleeping\nmax_concurrency: {count}\ntasks:\n  nap:\n"
        f"    for_each: {{items: {list(range(count))}}}\n    shell: {{command: [sleep, '1']}}\n"
    )
    return str(path)


async def _bare(count: int) -> float:
    async def one() -> None:
        child = await asyncio.create_subprocess_exec("sleep", "1", stdout=asyncio.subprocess.PIPE)
        await child.communicate()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())
    return time.perf_counter() - began


def against_asyncio(folder: Path) -> Row:
    descriptors()
    flow = sleeping_flow(folder, COUNT)
    one = sleeping_flow(folder, 1)
    start_up = middle([COMMAND, "run", one], 3).wall - 1
    flow = sleeping_flow(folder, COUNT)
    ours = middle([COMMAND, "run", flow], 3).wall - start_up
    bare = min(asyncio.run(_bare(COUNT)) for _ in range(3))
    ratio = ours / bare
    return Row(
        f"{COUNT:,} shells at once, each sleeping 1 s",
        f"{ours:.2f} s, {ratio:.2f} × the baseline",
        f"asyncio {bare:.2f} s",
        "≤ 1.2 ×",
        ratio <= 1.2,
    )


def rows() -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        return [against_make(folder), against_asyncio(folder)]
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    for row in rows():
        print(row)
