"""The example `order.py`."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from examples.order import Line, Order, order
from flux.context import ExecutionEventType


def an_order(shop: Path, *lines: tuple[str, int], card: str = "4000-1111", id: str = "A1") -> Order:
    """An order over `lines`."""
    return {"id": id, "card": card, "lines": [Line(sku=sku, count=count) for sku, count in lines], "shop": str(shop)}


def rows(shop: Path, table: str) -> int:
    """How many rows the shop has in `table`."""
    with closing(sqlite3.connect(shop)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The database of an empty shop."""
    return tmp_path / "shop.db"


def test_a_small_order_is_paid_and_shipped(shop: Path) -> None:
    """Below the limit nobody is asked."""
    context = order.run(an_order(shop, ("lamp", 2)))

    assert context.output == {"status": "shipped", "total": 90, "payment": "PAY-A1", "parcel": "PARCEL-A1"}
    assert (rows(shop, "payments"), rows(shop, "reserved")) == (1, 1)


def test_a_large_order_waits_for_a_yes(shop: Path) -> None:
    """Nothing is paid before somebody said so; stock is held meanwhile."""
    context = order.run(an_order(shop, ("piano", 1)))
    assert context.is_paused
    assert (rows(shop, "payments"), rows(shop, "reserved")) == (0, 1)

    context = order.resume(context.execution_id, True)

    assert context.output["status"] == "shipped"
    assert rows(shop, "payments") == 1


@pytest.mark.parametrize("answer", [False, None, "perhaps"])
def test_anything_but_yes_is_a_no(shop: Path, answer: object) -> None:
    """And gives the stock back."""
    context = order.run(an_order(shop, ("piano", 1)))
    context = order.resume(context.execution_id, answer)

    assert context.output == {"status": "rejected", "total": 9000}
    assert (rows(shop, "payments"), rows(shop, "reserved")) == (0, 0)


def test_a_busy_bank_is_asked_again_and_books_once(shop: Path) -> None:
    """Two attempts fail, the third pays, under one idempotency key."""
    context = order.run(an_order(shop, ("lamp", 1), card="4000-0341"))

    assert context.output["status"] == "shipped"
    assert rows(shop, "payments") == rows(shop, "knocks") == 1
    failed = [event for event in context.events if event.type is ExecutionEventType.TASK_ATTEMPT_FAILED]
    assert len(failed) == 2


def test_a_declined_card_gives_the_stock_back(shop: Path) -> None:
    """A no of the bank is an answer, not an error: it is not tried again."""
    context = order.run(an_order(shop, ("lamp", 1), card="4000-0002"))

    assert context.output == {"status": "declined", "total": 45}
    assert (rows(shop, "payments"), rows(shop, "reserved")) == (0, 0)


def test_what_was_reserved_before_a_failure_is_rolled_back(shop: Path) -> None:
    """The first line could be had, the second not: the order fails, and the first is free again."""
    context = order.run(an_order(shop, ("lamp", 1), ("chair", 11)))

    assert context.has_failed
    assert "11 x chair wanted, 10 left" in context.to_json()
    assert rows(shop, "reserved") == 0
