"""An order: stock, a person's yes for large ones, payment, shipping.

With `flux dev` running in this folder:

    cp examples/order.py workflows/
    flux run order id=A1 card=4000-0341 lines:='[{"sku": "lamp", "count": 12}]'

Twelve lamps are above the limit, so the order pauses; `flux resume @last true` lets it go on. The card
4000-0341 is busy twice before it pays (watch the retries), 4000-0002 is declined, any other pays.
Stop the daemon in the middle, with `kill -9` if you like, and start it again: nothing is paid twice.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NotRequired, TypedDict

from flux import ExecutionContext, TaskMetadata, pause, task, workflow

SHOP = str(Path(tempfile.gettempdir()) / "flux-example-shop.db")
PRICES = {"lamp": 45, "chair": 120, "piano": 9_000}
IN_STOCK = {"lamp": 40, "chair": 10, "piano": 1}
NEEDS_A_YES = 500


class Line(TypedDict):
    sku: str
    count: int


class Order(TypedDict):
    id: str
    card: str
    lines: list[Line]
    shop: NotRequired[str]  # the database of the shop


class Paid(TypedDict):
    paid: bool
    reference: str


class OutOfStock(Exception):
    """There are not so many left."""


class BankBusy(Exception):
    """The bank asks us to come back later."""


@contextmanager
def shop(order: Order) -> Iterator[sqlite3.Connection]:
    """The shop's database, in one transaction."""
    with closing(sqlite3.connect(order.get("shop", SHOP), timeout=30)) as db:
        db.executescript("""
            CREATE TABLE IF NOT EXISTS reserved (order_id, sku, count, PRIMARY KEY (order_id, sku));
            CREATE TABLE IF NOT EXISTS payments (key PRIMARY KEY, order_id, amount);
            CREATE TABLE IF NOT EXISTS knocks (key PRIMARY KEY, times);
            CREATE TABLE IF NOT EXISTS shipments (order_id PRIMARY KEY, label);
        """)
        with db:
            yield db


def give_back(order: Order) -> None:
    with shop(order) as db:
        db.execute("DELETE FROM reserved WHERE order_id = ?", (order["id"],))


def take(order: Order, line: Line) -> None:
    """Reserve one line. Doing it twice reserves it once."""
    with shop(order) as db:
        (taken,) = db.execute(
            "SELECT coalesce(sum(count), 0) FROM reserved WHERE sku = ? AND order_id <> ?", (line["sku"], order["id"])
        ).fetchone()
        left = IN_STOCK[line["sku"]] - taken
        if line["count"] > left:
            raise OutOfStock(f"{line['count']} x {line['sku']} wanted, {left} left")
        db.execute("INSERT OR REPLACE INTO reserved VALUES (?, ?, ?)", (order["id"], line["sku"], line["count"]))


@task.with_options(rollback=give_back)
def reserve(order: Order) -> int:
    """The total. If one line cannot be had, the lines before it are given back."""
    for line in order["lines"]:
        take(order, line)
    return sum(PRICES[line["sku"]] * line["count"] for line in order["lines"])


@task.with_options(retry_max_attempts=5, retry_delay=0.2, retry_backoff=2, timeout=30, metadata=True)
def charge(order: Order, amount: int, *, metadata: TaskMetadata | None = None) -> Paid:
    """What the bank says. The idempotency key is the same in every attempt, so the bank books once."""
    key = metadata.idempotency_key if metadata else order["id"]
    with shop(order) as bank:
        bank.execute("INSERT INTO knocks VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1", (key,))
        (knocks,) = bank.execute("SELECT times FROM knocks WHERE key = ?", (key,)).fetchone()
    if order["card"] == "4000-0002":
        return {"paid": False, "reference": "declined"}
    if order["card"] == "4000-0341" and knocks <= 2:
        raise BankBusy("please try again")
    with shop(order) as bank:
        bank.execute("INSERT OR IGNORE INTO payments VALUES (?, ?, ?)", (key, order["id"], amount))
    return {"paid": True, "reference": f"PAY-{order['id']}"}


@task
def release(order: Order) -> None:
    give_back(order)


@task
def ship(order: Order) -> str:
    """The parcel's label."""
    label = f"PARCEL-{order['id']}"
    with shop(order) as db:
        db.execute("INSERT OR REPLACE INTO shipments VALUES (?, ?)", (order["id"], label))
    return label


@workflow
async def order(ctx: ExecutionContext[Order]) -> dict[str, object]:
    wanted = ctx.input
    total = await reserve(wanted)
    if total > NEEDS_A_YES:
        answer = await pause("approve", output={"order": wanted["id"], "total": total})
        if answer is not True:
            await release(wanted)
            return {"status": "rejected", "total": total}
    payment = await charge(wanted, total)
    if not payment["paid"]:
        await release(wanted)
        return {"status": payment["reference"], "total": total}
    return {"status": "shipped", "total": total, "payment": payment["reference"], "parcel": await ship(wanted)}
