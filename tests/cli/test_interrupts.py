from __future__ import annotations

import asyncio
import os
import signal

import pytest

from orchestrator.cli.interrupts import Interrupts, hangups_pass
from orchestrator.core.commands import CancelRun


def caught(*numbers: int, outlives: bool = False) -> tuple[list[tuple[bool, str]], Interrupts]:
    sent: list[CancelRun] = []
    interrupts = Interrupts(sent.append, outlives=outlives)
    for number in numbers:
        interrupts.caught(number)
    return [(command.force, command.by) for command in sent], interrupts


def test_the_first_ctrl_c_cancels_and_the_second_forces() -> None:
    sent, interrupts = caught(signal.SIGINT, signal.SIGINT)
    assert sent == [(False, "Ctrl+C"), (True, "Ctrl+C")]
    assert interrupts.first == signal.SIGINT


def test_a_terminal_that_closes_twice_does_not_force() -> None:
    assert caught(signal.SIGHUP, signal.SIGHUP)[0] == [(False, "SIGHUP")]


def test_a_run_that_outlives_its_terminal_heeds_other_signals_alone() -> None:
    sent, interrupts = caught(signal.SIGHUP, signal.SIGTERM, outlives=True)
    assert sent == [(False, "SIGTERM")]
    assert interrupts.first == signal.SIGTERM


def test_a_hangup_passes_where_nobody_handles_it() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with hangups_pass():
        os.kill(os.getpid(), signal.SIGHUP)
        inherited = signal.getsignal(signal.SIGHUP)
    assert inherited not in (signal.SIG_IGN, signal.SIG_DFL)
    assert signal.getsignal(signal.SIGHUP) == before


def test_the_first_signal_is_the_one_that_stopped_the_run() -> None:
    assert caught(signal.SIGTERM, signal.SIGINT)[1].first == signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_signals_reach_the_run_through_the_loop(number: signal.Signals) -> None:
    arrived = asyncio.Event()

    def send(command: CancelRun) -> None:
        assert not command.force
        arrived.set()

    with Interrupts(send).on_loop(asyncio.get_running_loop()):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(arrived.wait(), 5)


def test_signals_reach_the_run_without_a_loop() -> None:
    sent: list[CancelRun] = []
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts(sent.append).in_main_thread() as act:
        os.kill(os.getpid(), signal.SIGTERM)
        act()
    assert [command.by for command in sent] == ["SIGTERM"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_our_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts(lambda _: None).in_main_thread():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
