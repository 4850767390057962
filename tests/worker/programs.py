"""Programs made at random, and the workflow that runs them.

A program is a tree of nodes, made from a seed. What it does depends on nothing but the values and the order
that its loop gives it. Every step that a workflow can observe is noted in a trace: values, errors, the
time, and what of the shared state it saw. Bodies give a value that no other run of a body gives, so a
replay that ran one again would show.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from flux.context import ExecutionContext
from flux.tasks import map as map_items
from flux.tasks import now, parallel, pause, randint, sleep
from flux.workflow import Workflow
from tests.worker.world import World, run_task

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node: what it does, its parameters, its children."""

    kind: str
    name: str = ""
    number: int = 0
    children: tuple["Node", ...] = ()

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.children))
        words = " ".join(str(word) for word in (self.kind, self.name, self.number or "") if word != "")
        return f"{words}({inner})" if inner else words


LEAVES = ("task", "task", "task", "task", "retry", "fallback", "rollback", "nested", "impatient", "process", "timed",
          "pause", "sleep", "asleep", "yield", "lock", "state", "queue", "random")  # fmt: skip
BRANCHES = ("sequence", "sequence", "gather", "gather", "group", "race", "race", "completed", "timeout", "wait_for",
            "shield", "spawn", "guard", "parallel", "map", "generator", "failing_group", "semaphore",
            "event")  # fmt: skip


def program(seed: int) -> Node:
    """The program of this seed."""
    random = Random(f"program {seed}")
    depth = random.randint(2, 4)
    return Node(kind="sequence", children=tuple(_node(random, depth) for _ in range(random.randint(1, 4))))


def _node(random: Random, depth: int) -> Node:
    if depth == 0 or random.random() < 0.3:
        kind = random.choice(LEAVES)
        return Node(kind=kind, name=random.choice("abc"), number=random.randint(1, 3))
    kind = random.choice(BRANCHES)
    count = random.randint(1, 4) if kind not in ("timeout", "wait_for", "shield", "spawn", "guard") else 1
    children = tuple(_node(random, depth - 1) for _ in range(count))
    return Node(kind=kind, name=random.choice("abc"), number=random.randint(1, 3), children=children)


# ---------------------------------------------------------------------- running a program


class Run:
    """One run of a program: its shared state and its trace."""

    def __init__(self, world: World, note: Note) -> None:
        self.world = world
        self.note = note
        self.state: list[str] = []
        self.lock = asyncio.Lock()
        self.semaphore = asyncio.Semaphore(2)
        self.event = asyncio.Event()
        self.queue: asyncio.Queue[str] = asyncio.Queue(2)
        self.spawned: list[asyncio.Task[object]] = []

    async def go(self, node: Node) -> object:
        """What the node gives; every step on the way is noted."""
        label = f"{node.kind}.{node.name}{node.number}"
        try:
            result = await getattr(self, f"_{node.kind}")(node)
        except asyncio.CancelledError:
            self.note(f"{label} cancelled with {len(self.state)}")
            raise
        except Exception as error:
            self.note(f"{label} raised {error!r}")
            raise
        instant = (await now()).timestamp()
        task = asyncio.current_task()
        self.note(f"{label} gave {result!r} at {instant:.3f} in {task and task.get_name()}")
        self.state.append(label)
        return result

    async def calm(self, node: Node) -> object:
        """The same, with the error as the value."""
        try:
            return await self.go(node)
        except Exception as error:
            return repr(error)

    # leaves

    async def _call(self, kind: str, *args: object) -> object:
        return await run_task(self.world.spec(kind), *args)

    async def _task(self, node: Node) -> object:
        return await self._call(("plain", "mutable", "careful")[node.number - 1], node.name)

    async def _retry(self, node: Node) -> object:
        return await self._call("retry", node.name)

    async def _fallback(self, node: Node) -> object:
        return await self._call("fallback", node.name)

    async def _rollback(self, node: Node) -> object:
        return await self._call("rollback", node.name)

    async def _nested(self, node: Node) -> object:
        return await self._call("nested", node.name, node.number)

    async def _impatient(self, node: Node) -> object:
        return await self._call("impatient", node.name)

    async def _process(self, node: Node) -> object:
        return await self._call("process", node.name)

    async def _timed(self, node: Node) -> object:
        return await self._call("timed", node.name)

    async def _pause(self, node: Node) -> object:
        return await pause(f"p{node.name}", output=node.number)

    async def _sleep(self, node: Node) -> object:
        await sleep(node.number * 0.2)
        return node.number

    async def _asleep(self, node: Node) -> object:
        return await asyncio.sleep(node.number * 0.25, node.name)

    async def _yield(self, node: Node) -> object:
        for _ in range(node.number):
            await asyncio.sleep(0)
        return len(self.state)

    async def _lock(self, node: Node) -> object:
        async with self.lock:
            before = len(self.state)
            await self._call("plain", node.name)
            return before, len(self.state)

    async def _state(self, node: Node) -> object:
        self.state.append(node.name)
        return "".join(self.state)

    async def _queue(self, node: Node) -> object:
        if self.queue.full():
            return await self.queue.get()
        await self.queue.put(f"{node.name}{len(self.state)}")
        return self.queue.qsize()

    async def _random(self, node: Node) -> object:
        return await randint(0, 100)

    # branches

    async def _sequence(self, node: Node) -> object:
        return [await self.calm(child) for child in node.children]

    async def _gather(self, node: Node) -> object:
        return await asyncio.gather(*map(self.go, node.children), return_exceptions=node.number == 1)

    async def _group(self, node: Node) -> object:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.calm(child)) for child in node.children]
        return [task.result() for task in tasks]

    async def _failing_group(self, node: Node) -> object:
        try:
            async with asyncio.TaskGroup() as group:
                for child in node.children:
                    group.create_task(self.go(child))
                group.create_task(self._call("retry", "x"))
        except* ValueError as errors:
            self.note(f"group lost {[repr(error) for error in errors.exceptions]}")
        return len(self.state)

    async def _race(self, node: Node) -> object:
        tasks = {asyncio.create_task(self.calm(child)) for child in node.children}
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        self.note(f"race won by {[task.result() for task in done]}, {len(pending)} lost")
        if node.number > 1 and pending:
            late, _ = await asyncio.wait(pending)
            self.note(f"losers {[task.cancelled() or task.result() for task in late]}")
        return len(done)

    async def _completed(self, node: Node) -> object:
        values = []
        for future in asyncio.as_completed([self.calm(child) for child in node.children]):
            values.append(await future)
            self.note(f"completed {values[-1]!r}")
        return values

    async def _timeout(self, node: Node) -> object:
        try:
            async with asyncio.timeout(0.2 * node.number):
                return await self.go(node.children[0])
        except TimeoutError:
            return "too late"

    async def _wait_for(self, node: Node) -> object:
        return await asyncio.wait_for(self.go(node.children[0]), 0.3 * node.number)

    async def _shield(self, node: Node) -> object:
        inner = asyncio.ensure_future(self.calm(node.children[0]))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1 * node.number):
                return await asyncio.shield(inner)
        return await inner

    async def _spawn(self, node: Node) -> object:
        self.spawned.append(asyncio.create_task(self.calm(node.children[0])))
        if node.number == 3:
            self.spawned.pop(0).cancel()
        return len(self.spawned)

    async def _guard(self, node: Node) -> object:
        try:
            return await self.go(node.children[0])
        finally:
            await self._call("plain", f"cleanup {node.name}")

    async def _parallel(self, node: Node) -> object:
        return await parallel(*map(self.go, node.children), max_concurrent=node.number)

    async def _map(self, node: Node) -> object:
        return await map_items(self.calm, node.children, max_concurrent=node.number)

    async def _generator(self, node: Node) -> object:
        async def items() -> object:
            try:
                for child in node.children:
                    yield await self.calm(child)
            finally:
                self.note(f"generator closed with {len(self.state)}")
                await asyncio.sleep(0)

        values = []
        async for value in items():  # type: ignore[attr-defined]
            values.append(value)
            if len(values) == node.number:
                break
        return values

    async def _semaphore(self, node: Node) -> object:
        async def one(child: Node) -> object:
            async with self.semaphore:
                return await self.calm(child)

        return await asyncio.gather(*map(one, node.children))

    async def _event(self, node: Node) -> object:
        async def rings(child: Node) -> object:
            value = await self.calm(child)
            self.event.set()
            return value

        async def waits() -> object:
            await self.event.wait()
            self.note(f"event seen with {len(self.state)}")
            return len(self.state)

        values = await asyncio.gather(waits(), *map(rings, node.children))
        self.event.clear()
        return values


def workflow_of(node: Node, world: World, note: Note) -> Workflow:
    """The workflow that runs a program."""

    async def fuzzed(ctx: ExecutionContext[object]) -> object:
        run = Run(world, note)
        run.note(f"begun with {ctx.input}")
        result = await run.go(node)
        for task in list(run.spawned):
            if not task.cancelled():
                run.note(f"spawned gave {await task!r}" if len(run.state) % 2 else "spawned left")
        return repr(result)

    return Workflow(fuzzed, {})
