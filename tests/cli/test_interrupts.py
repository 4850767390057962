"""Being told to end, at moments when ending is possible."""

import signal

import pytest

from flux.cli.interrupts import Interrupts

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_a_signal_interrupts(number: signal.Signals) -> None:
    """Each as Ctrl-C does, so that one `finally` serves them all."""
    with pytest.raises(KeyboardInterrupt), Interrupts():
        signal.raise_signal(number)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_what_is_held_is_done_to_its_end(number: signal.Signals) -> None:
    """The signal is not lost: it counts afterwards."""
    done = []

    def work() -> None:
        with Interrupts() as interrupts, interrupts.held():
            signal.raise_signal(number)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all of it"]


def test_afterwards_everything_is_as_before() -> None:
    """Whoever comes next has his own handlers."""
    before = [signal.getsignal(number) for number in NUMBERS]

    with Interrupts() as interrupts, interrupts.held():
        pass

    assert [signal.getsignal(number) for number in NUMBERS] == before
