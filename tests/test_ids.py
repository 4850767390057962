"""Identifiers: unique, ordered, and never the same in two processes."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flux.ids import ALPHABET, LENGTH, Ulids, encode, instant_of, is_ulid

NOW = 1_700_000_000_000


def test_an_id_says_when_it_was_made():
    """26 characters, the first ten of them the millisecond."""
    made = Ulids().new(NOW)

    assert len(made) == LENGTH
    assert is_ulid(made)
    assert instant_of(made) == NOW


def test_the_alphabet_is_that_of_the_specification():
    """No I, L, O or U: an id can be read out."""
    assert encode(0) == "0" * 26
    assert encode(2**128 - 1) == "7" + "Z" * 25
    assert instant_of("01ARZ3NDEKTSV4RRFFQ69G5FAV") == 1_469_922_850_259
    assert not set("ILOU") & set(ALPHABET)


def test_ids_of_one_millisecond_grow_by_one():
    """They sort in the order of their making, and none is given twice."""
    source = Ulids()
    made = [source.new(NOW) for _ in range(1_000)]

    assert sorted(made) == made
    assert len(set(made)) == 1_000


def test_ids_never_go_back_though_the_clock_does():
    """Somebody set the machine's clock: what is made later still sorts later."""
    source = Ulids()
    made = [source.new(instant) for instant in (NOW, NOW - 86_400_000, NOW - 1, NOW + 1)]

    assert sorted(made) == made
    assert instant_of(made[1]) == NOW
    assert instant_of(made[3]) == NOW + 1


def test_two_sources_do_not_agree_by_chance():
    """80 random bits each."""
    assert Ulids().new(NOW) != Ulids().new(NOW)


def test_threads_share_a_source_without_twins():
    """One source for a process."""
    source, made = Ulids(), []

    def make() -> None:
        made.extend([source.new(NOW) for _ in range(500)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 2_000


FORKS = """
import os
from flux.ids import new_ulid

new_ulid(1_700_000_000_000)
child = os.fork()
print(new_ulid(1_700_000_000_000), flush=True)
if child:
    os.waitpid(child, 0)
"""


def test_a_forked_child_does_not_give_the_ids_of_its_parent():
    """Both go on from the same memory, in the same millisecond."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS],
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    one, other = done.stdout.split()

    assert is_ulid(one)
    assert is_ulid(other)
    assert one != other


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 25,
        "0" * 27,
        "8" + "0" * 25,
        "0" * 25 + "I",
        "0" * 25 + "a",
        "0" * 25 + "é",
        "01ARZ3NDEKTSV4RRFFQ69G5FA-",
    ],
)
def test_what_no_source_could_have_made_is_no_id(text: str):
    """Wrong length, above 128 bits, or a character that there is not."""
    assert not is_ulid(text)
