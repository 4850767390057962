"""The tasks of random programs: what their bodies do, how long they take, whether they fail."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from flux.core.retry import RetryPolicy
from flux.runtime import TaskSpec, current
from flux.tasks import pause, sleep
from flux.worker.output import ORIGIN


@dataclass
class World:
    """What bodies do: how long they take, whether they fail, and the value that no other run gives.

    `begun` is called with the call and the attempt at the start of each.
    """

    random: Random
    begun: Callable[[str, int], None]
    serial: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    slow: float = 1.0

    async def body(self, name: str) -> str:
        """Take some time, then give a value of its own."""
        origin = ORIGIN.get()
        assert origin is not None
        assert origin.call is not None
        self.begun(origin.call, origin.attempt)
        if self.random.random() < 0.7:
            await asyncio.sleep(self.random.random() * self.slow)
        return f"{name}:{next(self.serial)}"

    async def plain(self, name: str) -> str:
        """Never fails."""
        return await self.body(name)

    async def mutable(self, name: str) -> list[str]:
        """Gives something that cannot be shared."""
        return [await self.body(name)]

    async def fragile(self, name: str) -> str:
        """Fails half of the time."""
        value = await self.body(name)
        if self.random.random() < 0.5:
            raise ValueError(value)
        return value

    async def hopeless(self, name: str) -> str:
        """Always fails."""
        raise ValueError(await self.body(name))

    async def careful(self, name: str) -> str:
        """Takes its time to clean up when it is cancelled, and sometimes has a value all the same."""
        try:
            return await self.body(name)
        except asyncio.CancelledError:
            await asyncio.sleep(self.random.random() * 0.3)
            if self.random.random() < 0.3:
                return f"{name}:late:{next(self.serial)}"
            raise

    async def nest(self, name: str, depth: int) -> list[str]:
        """Calls tasks, one after the other and at once, and waits durably now and then."""
        first = await run_task(self.spec("plain"), f"{name}/1")
        if depth > 1:
            await run_task(self.spec("nest"), f"{name}/n", depth - 1)
        others = await asyncio.gather(*(run_task(self.spec("retry"), f"{name}/{n}") for n in range(depth)),
                                      return_exceptions=True)  # fmt: skip
        if depth == 3:
            await sleep(self.random.random())
        return [str(first), *map(repr, others)]

    async def impatient(self, name: str) -> str:
        """Waits for the daemon, beside work of its own now and then, and not for ever."""
        beside = asyncio.create_task(self.body(name)) if self.random.random() < 0.3 else None
        try:
            async with asyncio.timeout(self.random.random()):
                await (sleep(self.random.random()) if self.random.random() < 0.5 else pause("in a body"))
        except TimeoutError:
            return f"{name}:{await run_task(self.spec('plain'), name)}"
        finally:
            if beside is not None:
                await asyncio.wait([beside])
        return f"{name}:{next(self.serial)}"

    def spec(self, kind: str) -> TaskSpec:
        """The task of this kind."""
        fragile = RetryPolicy(max_attempts=2, delay=300, jitter="full")
        once_more = RetryPolicy(max_attempts=1, delay=100)
        plain = TaskSpec(name=kind, fn=self.plain, is_async=True, place="loop", retry=RetryPolicy())
        specs = {
            "plain": plain,
            "mutable": replace(plain, fn=self.mutable),
            "careful": replace(plain, fn=self.careful, rollback=self.plain),
            "retry": replace(plain, fn=self.fragile, retry=fragile),
            "fallback": replace(plain, fn=self.hopeless, retry=once_more, fallback=self.mutable),
            "rollback": replace(plain, fn=self.fragile, rollback=self.plain),
            "nested": replace(plain, fn=self.nest),
            "impatient": replace(plain, fn=self.impatient, timeout=2_000),
            "nest": replace(plain, fn=self.nest),
            "timed": replace(plain, fn=self.careful, retry=fragile, timeout=400),
            "process": replace(plain, fn=process_body, retry=fragile, is_async=False, place="process"),
        }
        return specs[kind]


def process_body(name: str) -> str:
    """What runs in a task process; the fake one gives it its value."""
    return name


async def run_task(spec: TaskSpec, *args: object) -> object:
    """A call of a task, as `Task.__call__` makes it."""
    return await current("task").call(spec, args, {}).start()
