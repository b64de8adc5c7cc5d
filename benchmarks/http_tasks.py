"""HTTP tasks through the whole pipeline, against a server in a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from table import COMMAND, Row, middle

COUNT = 5_000
AT_ONCE = 100
ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


async def _serve(told: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1_000)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _server(told: Connection) -> None:
    asyncio.run(_serve(told))


def flow(folder: Path, port: int, count: int) -> str:
    path = folder / f"requests{count}.yaml"
    path.write_text(
        f"version: 1\nname: requests\nmax_concurrency: {AT_ONCE}\n"
        f'backends:\n  site: {{kind: http, base_url: "http://127.0.0.1:{port}"}}\n'
        f"tasks:\n  get:\n    for_each: {{items: {list(range(count))}}}\n"
        '    http: {backend: site, url: "/{{ item }}"}\n'
    )
    return str(path)


async def _bare(port: int) -> float:
    import httpx  # noqa: PLC0415 - the baseline alone needs them
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415 - the same

    async with httpx.AsyncClient(transport=AiohttpTransport(), timeout=None) as client:  # noqa: S113 - a local server
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with slots:
                (await client.get(f"http://127.0.0.1:{port}/{number}")).raise_for_status()

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(COUNT):
                group.create_task(one(number))
        return COUNT / (time.perf_counter() - began)


def rows() -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    mine, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_server, args=(theirs,), daemon=True)
    server.start()
    try:
        port = mine.recv()
        many = middle([COMMAND, "run", flow(folder, port, COUNT)], 3).wall
        one = middle([COMMAND, "run", flow(folder, port, 1)], 3).wall
        rate = COUNT / (many - one)
        bare = max(asyncio.run(_bare(port)) for _ in range(3))
    finally:
        server.kill()
        shutil.rmtree(folder)
    return [
        Row(
            f"{COUNT:,} http tasks, {AT_ONCE} at once",
            f"{rate:,.0f} requests/s, {rate / bare:.2f} × the baseline",
            f"the bare client {bare:,.0f} requests/s",
            "≥ 1,200 requests/s",
            rate >= 1_200,
        )
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)
