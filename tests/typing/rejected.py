"""What strict type checkers must reject. Each `ignore` is one rejection; one that is not needed is an error."""

from dataclasses import dataclass

from flux import ExecutionContext, task, workflow
from flux.tasks import map, parallel, pause


@dataclass
class Order:
    id: str


@task
async def charge(order: Order, *, currency: str = "EUR") -> str:
    return order.id + currency


@task
def compress(data: bytes) -> int:
    return len(data)


@workflow
async def checkout(ctx: ExecutionContext[Order]) -> str:
    await charge("o1")  # type: ignore[arg-type]
    await charge()  # type: ignore[call-arg]
    await charge(ctx.input, money="EUR")  # type: ignore[call-arg]
    await charge(ctx.input, "EUR")  # type: ignore[call-arg]
    await compress("text")  # type: ignore[arg-type]
    await compress.map(["text"])  # type: ignore[list-item]
    await map(compress, ["text"])  # type: ignore[arg-type]
    await parallel(compress)  # type: ignore[call-overload]
    await pause("approve", answer=1)  # type: ignore[call-arg]
    charge(ctx.input)  # type: ignore[unused-coroutine]
    text: str = await compress(b"x")  # type: ignore[assignment]
    await charge(Order(text))
    ctx.input = Order("o2")  # type: ignore[misc]
    ctx.input.total  # type: ignore[attr-defined]  # noqa: B018 - that is the point
    return await compress(b"x")  # type: ignore[return-value]


@task.with_options(cache=True)  # type: ignore[arg-type]
async def cached() -> None: ...


@task.with_options(retry_max_attempt=1)  # type: ignore[call-arg]
async def misspelt() -> None: ...


@task.with_options(timeout="1m")  # type: ignore[arg-type]
async def worded() -> None: ...


@task.with_options(run="thread")  # type: ignore[arg-type]
async def threaded() -> None: ...


@workflow  # type: ignore[arg-type]
def blocking(ctx: ExecutionContext[Order]) -> str:
    return ctx.input.id


@workflow  # type: ignore[arg-type]
async def no_context() -> None: ...


@workflow.with_options(timeout=5)  # type: ignore[call-arg]
async def timed(ctx: ExecutionContext[Order]) -> None: ...


checkout(Order("o1"))  # type: ignore[operator]
