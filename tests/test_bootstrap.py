"""The parts as they are put together: loops that end whatever was left in them."""

import asyncio

import pytest

from orchestrator.bootstrap import run_to_the_end


async def _ignores_being_cancelled() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


def test_a_loop_ends_although_a_task_ignores_being_cancelled() -> None:
    left: list[asyncio.Task[None]] = []

    async def main() -> str:
        left.append(asyncio.get_running_loop().create_task(_ignores_being_cancelled()))
        await asyncio.sleep(0)
        return "done"

    assert run_to_the_end(main()) == "done"
    assert not left[0].done()


def test_what_a_loop_ran_raises_what_it_raised() -> None:
    async def main() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        run_to_the_end(main())
