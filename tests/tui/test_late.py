"""A client that is made when it is first asked."""

import threading
from collections.abc import Callable

from tui.late import Late

from .recorded import Recorded
from .stories import failed_order, paused_invoice


class Counting:
    """Loads a recorded client, and remembers how often and where."""

    def __init__(self) -> None:
        self.made: list[Recorded] = []
        self.threads: list[threading.Thread] = []

    def __call__(self) -> Callable[[str], Recorded]:
        self.threads.append(threading.current_thread())
        return self._make

    def _make(self, url: str) -> Recorded:
        self.made.append(Recorded([failed_order(), paused_invoice()]))
        return self.made[-1]


async def test_nothing_is_loaded_before_it_is_asked() -> None:
    """The first paint does not wait for HTTP; nor does closing what was never opened."""
    load = Counting()

    late = Late("unix:/s", load)
    await late.close()

    assert late.url == "unix:/s"
    assert load.threads == []


async def test_it_is_loaded_once_and_beside_the_loop() -> None:
    """Importing would hold up the first paint."""
    load = Counting()
    late = Late("unix:/s", load)

    await late.stats()
    await late.executions(limit=5)

    assert len(load.made) == len(load.threads) == 1
    assert load.threads[0] is not threading.main_thread()


async def test_everything_is_passed_on() -> None:
    """With its arguments."""
    load = Counting()
    late = Late("unix:/s", load)
    order, invoice = failed_order(), paused_invoice()

    page = await late.executions(states=["FAILED"], namespace="default", limit=1)
    view = await late.execution(order.id)
    events = [item async for item in late.history(order.id, after=10)]
    await late.resume(invoice.id, {"yes": True}, pause="approve")
    await late.cancel(invoice.id)
    updates = late.events(after=0)
    first = await anext(updates)
    await late.close()

    client = load.made[0]
    assert (page["count"], view["state"], len(events)) == (1, "FAILED", len(order.events) - 10)
    assert client.asked[1:] == [("resume", invoice.id, {"yes": True}, "approve"), ("cancel", invoice.id)]
    assert first.data["execution_id"] == invoice.id
    assert client.closed
