"""The executions that tests and snapshots show: one of every state, and what happened in them."""

from flux.clock import to_rfc3339

from .recorded import NOON, Story, an_error, an_id, event

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_DECLINED = an_error(
    "CardDeclined",
    "402 payment required",
    task="charge_card",
    call_id="charge_card#1",
    attempts=3,
    traceback='  File "orders.py", line 88, in charge_card\n    r.raise_for_status()\n',
    cause=an_error("HTTPStatusError", "Client error '402 Payment Required' for url 'https://pay.example/charge'"),
)


def failed_order() -> Story:
    """Failed: two tasks went well, one was tried three times, the rollback ran."""
    created = NOON - 12_000
    call = "charge_card#1"
    timeout = an_error("ReadTimeout", "0.5 s")
    return Story(
        id=an_id(9, created),
        created=created,
        workflow="default/order_fulfil",
        state="FAILED",
        why="charge_card failed after 3 attempts: CardDeclined: 402 payment required; reserve_stock was rolled back",
        input={"id": "A-1009", "total": 129.9, "items": [{"sku": "BX-7", "count": 2}], "express": False, "note": None},
        error=_DECLINED,
        took=4100,
        sequence=21,
        events=(
            event(0, "WORKFLOW_QUEUED", payload={"id": "A-1009"}),
            event(80, "WORKFLOW_STARTED", worker="w1"),
            event(90, "TASK_STARTED", "validate_order#1", payload=[[{"id": "A-1009"}], {}]),
            event(170, "TASK_COMPLETED", "validate_order#1", payload=True),
            event(180, "TASK_STARTED", "reserve_stock#1", payload=[["BX-7", 2], {}]),
            event(590, "TASK_COMPLETED", "reserve_stock#1", payload={"reserved": 2, "until": "2026-11-22T13:00:00Z"}),
            event(600, "TASK_STARTED", call, payload=[["A-1009", 129.9], {}]),
            event(810, "TASK_ATTEMPT_FAILED", call, detail={"delay": 500}, payload=an_error("ServerError", "503")),
            event(1310, "TIMER_FIRED", f"{call}@1"),
            event(1320, "TASK_STARTED", call, attempt=2),
            event(
                1900,
                "TASK_ATTEMPT_FAILED",
                call,
                attempt=2,
                detail={"delay": 1000},
                payload=timeout,
            ),
            event(2900, "TIMER_FIRED", f"{call}@2"),
            event(2910, "TASK_STARTED", call, attempt=3),
            event(3220, "TASK_ATTEMPT_FAILED", call, attempt=3, payload=_DECLINED),
            event(3230, "TASK_ROLLBACK_STARTED", call, attempt=3),
            event(3900, "TASK_ROLLBACK_COMPLETED", call, attempt=3),
            event(3900, "TASK_FAILED", call, attempt=3),
            event(4100, "WORKFLOW_FAILED"),
        ),
    )


def running_etl() -> Story:
    """Running: a fan-out of 64 calls, some done, some running."""
    created = NOON - 124_000
    events = [
        event(0, "WORKFLOW_QUEUED"),
        event(1200, "WORKFLOW_STARTED", worker="w3"),
        event(1210, "TASK_STARTED", "extract#1", payload=[["2026-11-21"], {}]),
        event(32_400, "TASK_COMPLETED", "extract#1", payload={"rows": 1_204_331}),
        event(32_410, "TASK_STARTED", "plan#1"),
        event(33_500, "TASK_COMPLETED", "plan#1", payload=64),
    ]
    for number in range(1, 19):
        start = 33_500 + (number - 1) // 2 * 9_500
        events.append(event(start, "TASK_STARTED", f"load_partition#{number}", payload=[[number], {}]))
        if number < 18:
            events.append(event(start + 9_000, "TASK_COMPLETED", f"load_partition#{number}", payload=number * 1000))
    return Story(
        id=an_id(7, created),
        created=created,
        workflow="etl/nightly",
        state="RUNNING",
        why="running load_partition on worker w3 for 14 s; 19 calls done",
        input={"date": "2026-11-21", "parts": 64},
        started=1200,
        worker="w3",
        sequence=len(events),
        events=tuple(sorted(events, key=lambda raw: raw["at"])),  # type: ignore[arg-type,return-value]  # at is an int
    )


def paused_invoice() -> Story:
    """Paused: it waits for somebody's yes, and shows what for."""
    created = NOON - 3 * HOUR - 12 * MINUTE
    return Story(
        id=an_id(5, created),
        created=created,
        workflow="billing/invoice_approve",
        state="PAUSED",
        why="waits for approve since 3 h",
        input={"invoice": "INV-7731", "amount": "1890.00"},
        worker=None,
        pauses=(
            {
                "name": "approve",
                "call_id": "pause:approve#1",
                "output": {"invoice": "INV-7731", "amount": "1890.00", "reason": "above the limit of 1000"},
                "opened_at": to_rfc3339(created + 2000),
            },
        ),
        sequence=6,
        events=(
            event(0, "WORKFLOW_QUEUED"),
            event(60, "WORKFLOW_STARTED", worker="w1"),
            event(70, "TASK_STARTED", "check_limits#1"),
            event(1900, "TASK_COMPLETED", "check_limits#1", payload={"limit": 1000}),
            event(2000, "PAUSE_OPENED", "pause:approve#1", name="approve", payload={"invoice": "INV-7731"}),
            event(2010, "WORKFLOW_PAUSED"),
        ),
    )


def completed(number: int, age: int, *, took: int = 2300, workflow: str = "default/order_fulfil") -> Story:
    """Completed, `age` milliseconds before noon."""
    created = NOON - age
    return Story(
        id=an_id(number, created),
        created=created,
        workflow=workflow,
        state="COMPLETED",
        input={"id": f"A-{number}"},
        output={"shipped": True, "parcel": f"P-{number}"},
        took=took,
        sequence=6,
        events=(
            event(0, "WORKFLOW_QUEUED"),
            event(40, "WORKFLOW_STARTED", worker="w2"),
            event(50, "TASK_STARTED", "charge_card#1"),
            event(took // 2, "TASK_COMPLETED", "charge_card#1", payload={"receipt": number}),
            event(took // 2 + 10, "TASK_STARTED", "ship_order#1"),
            event(took, "TASK_COMPLETED", "ship_order#1", payload=f"P-{number}"),
            event(took, "WORKFLOW_COMPLETED"),
        ),
    )


def every_state() -> list[Story]:
    """What a busy day looks like, newest first."""
    retrying = Story(
        id=an_id(8, NOON - 31_000), created=NOON - 31_000, workflow="default/order_fulfil", state="WAITING",
        why="retry 3 of 8 of reserve_stock in 12 s after ReadTimeout", worker=None,
    )  # fmt: skip
    sleeping = Story(
        id=an_id(4, NOON - 6 * DAY), created=NOON - 6 * DAY, workflow="growth/trial_expire", state="WAITING",
        why="sleeps, wakes in 5d", worker=None,
    )  # fmt: skip
    queued = Story(
        id=an_id(10, NOON - 8000), created=NOON - 8000, workflow="media/video_encode", state="QUEUED",
        why="waits for a worker: 11 ahead, all 4 slots are taken", started=None, worker=None,
    )  # fmt: skip
    cancelled = Story(
        id=an_id(3, NOON - 9 * MINUTE), created=NOON - 9 * MINUTE, workflow="etl/nightly", state="CANCELLED",
        why="cancelled by ops", took=44_000,
    )  # fmt: skip
    cancelling = Story(
        id=an_id(2, NOON - 10 * MINUTE), created=NOON - 10 * MINUTE, workflow="etl/backfill", state="CANCELLING",
        why="is being cancelled; the rollback of chunk runs", worker="w2",
    )  # fmt: skip
    quiet = [completed(20 + n, (11 + 3 * n) * MINUTE, took=1900 + 137 * n) for n in range(16)]
    return [
        queued, failed_order(), retrying, completed(11, MINUTE), completed(12, 90_000, took=1900), running_etl(),
        cancelled, cancelling, *quiet, paused_invoice(), sleeping,
    ]  # fmt: skip
