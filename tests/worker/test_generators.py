"""Asynchronous generators of a workflow: closed at the same moment on every run."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.worker.owner import Owner


@pytest.fixture
def owner() -> Iterator[Owner]:
    """A fresh loop with its owner."""
    with Owner() as owner:
        yield owner


class Cycle:
    """Something that only the garbage collector finds."""

    def __init__(self, held: object) -> None:
        self.held = held
        self.me = self


def test_a_dropped_generator_is_closed_in_the_same_turn(owner):
    """Leaving an `async for` half-way closes it, with its asynchronous clean-up, before the workflow goes on later."""
    seen: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    async def body() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(1)
        seen.append("later")

    owner.finish(body())

    assert seen == ["closed", "later"]


def test_what_the_collector_finds_waits_for_the_end(owner):
    """Nobody knows when the collector comes by, so what it finds is closed when the body ends."""
    seen: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            seen.append("closed")

    async def body() -> None:
        generator = numbers()
        await anext(generator)
        Cycle(generator)
        del generator
        gc.collect()
        await asyncio.sleep(1)
        seen.append("later")
        await owner.loop.finish()

    owner.finish(body())

    assert seen == ["later", "closed"]


def test_what_is_still_open_is_closed_at_the_end_oldest_first(owner):
    """As `asyncio.run` does, in an order that does not depend on addresses."""
    seen: list[str] = []

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            seen.append(name)

    async def body() -> None:
        generators = [numbers(name) for name in "abc"]
        for generator in generators:
            await anext(generator)
        await owner.loop.finish()

    owner.finish(body())

    assert seen == ["a", "b", "c"]


def test_unloading_closes_generators_as_far_as_they_need_no_await(owner, recwarn):
    """Also one that waits inside; nothing is left for Python to complain about."""
    seen: list[str] = []

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(9)
        finally:
            seen.append(name)
            await asyncio.sleep(1)
            seen.append("never")

    async def waits() -> None:
        async for _ in numbers("waiting"):
            pass

    async def body() -> None:
        idle = numbers("idle")
        await anext(idle)
        await waits()

    owner.start(body())
    owner.loop.unload()
    gc.collect()

    assert "idle" in seen
    assert "never" not in seen
    assert [str(warning.message) for warning in recwarn] == []
