"""What strict type checkers must accept, with the types that they must find. Checked, never run."""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_type
from uuid import UUID

from flux import ExecutionContext, TaskMetadata, task, workflow
from flux.tasks import choice, map, now, parallel, pause, pipeline, randint, sleep, uuid4


@dataclass
class Order:
    id: str
    total: int


@dataclass
class Receipt:
    order: str


@task
async def charge(order: Order, *, currency: str = "EUR") -> Receipt:
    return Receipt(f"{order.id} {currency}")


@task
def compress(data: bytes) -> int:
    return len(data)


@task.with_options(retry_max_attempts=3, retry_delay=0.5, timeout=30, fallback=compress, run="process")
async def fetch(url: str) -> bytes:
    return url.encode()


@task.with_options(name="read_{path}", cache=False, secret_requests=[], output_storage=None, requires_approval=False)
def read(path: str) -> str:
    return path


@task.with_options(metadata=True)
async def stamp(*, metadata: TaskMetadata | None = None) -> str:
    return metadata.idempotency_key if metadata else ""


@task
async def nothing() -> None: ...


async def spend(call: Coroutine[Any, Any, int], other: Awaitable[int]) -> int:
    return await call + await other


@workflow
async def checkout(ctx: ExecutionContext[Order]) -> Receipt:
    assert_type(ctx.input, Order)
    receipt = await charge(ctx.input, currency="USD")
    assert_type(receipt, Receipt)
    assert_type(await compress(b"x"), int)
    assert_type(await fetch("u"), bytes)
    assert_type(await read("p"), str)
    assert_type(await stamp(), str)
    await nothing()
    return receipt


@workflow.with_options(name="other", namespace="shop")
async def plain(ctx: ExecutionContext) -> list[int]:
    assert_type(await parallel(compress(b"1"), compress(b"2"), max_concurrent=2), list[int])
    assert_type(await parallel(compress(b"1"), return_exceptions=True), list[int | BaseException])
    assert_type(await compress.map([b"1", b"2"]), list[int])
    assert_type(await map(compress, [b"1"], max_concurrent=1), list[int])
    assert_type(await compress.with_options(timeout=3)(b"1"), int)
    assert_type(await asyncio.gather(compress(b"1"), read("x")), tuple[int, str])
    assert_type(await asyncio.create_task(compress(b"1")), int)
    assert_type(await asyncio.wait_for(asyncio.shield(compress(b"1")), 3), int)
    assert_type(await spend(compress(b"1"), compress(b"2")), int)
    async with asyncio.TaskGroup() as group:
        begun = group.create_task(compress(b"1"))
    assert_type(begun.result(), int)
    await sleep(1.5)
    await sleep(timedelta(hours=1))
    assert_type(await now(), datetime)
    assert_type(await uuid4(), UUID)
    assert_type(await choice(["a", "b"]), str)
    assert_type(await randint(1, 6), int)
    answer = await pause("approve", output={"total": 12})
    assert_type(await pipeline(fetch, compress, input="u"), int)
    assert_type(await pipeline(read, fetch, compress, input="p"), int)
    return [answer["count"]]


def by_hand() -> None:
    context = checkout.run(Order("o1", 12))
    assert_type(context.input, Order)
    if context.is_paused:
        context = checkout.resume(context.execution_id, {"yes": True}, pause="approve")
    again: ExecutionContext[Order] = checkout.run(execution_id=context.execution_id)
    total: int = again.output["total"]
    assert_type(context.to_json(), str)
    assert_type(compress.fn(b"x") + total, Any)
