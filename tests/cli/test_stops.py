from __future__ import annotations

import os
import signal

import pytest

from orchestrator.cli.stops import CAUGHT, Stopped, signals_pass, stops_raise


@pytest.mark.parametrize("number", CAUGHT)
def test_a_signal_ends_a_command(number: signal.Signals) -> None:
    with pytest.raises(Stopped) as stopped, stops_raise():
        os.kill(os.getpid(), number)
    assert stopped.value.number == number


@pytest.mark.parametrize("number", [signal.SIGINT, *CAUGHT])
def test_impatience_does_not_cut_the_last_end_short(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with signals_pass():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before
