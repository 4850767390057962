"""A poller: ask a service how its job is doing until it is done, for days if need be.

With `flux dev` running in this folder:

    cp examples/poller.py workflows/
    flux run poller url=http://127.0.0.1:8000/jobs/7 every:=30

The service answers JSON with a `state`: "done" and "failed" end it. While it sleeps it costs nothing, not even
a process, and a restart of the machine does not wake it too early or forget it. A service that does not
answer is asked again, with growing pauses, before that counts as a failure.
"""

import http.client
import json
from datetime import timedelta
from typing import NotRequired, TypedDict
from urllib.parse import urlsplit

from flux import ExecutionContext, task, workflow
from flux.tasks import now, sleep


class Watch(TypedDict):
    url: str
    every: NotRequired[float]  # seconds
    patience: NotRequired[float]  # seconds in all; a day if nothing is said


class Status(TypedDict):
    state: str
    result: NotRequired[object]


class JobFailed(Exception):
    """The service says that its job failed."""


class NotDone(Exception):
    """It took longer than we were told to wait."""


@task.with_options(retry_max_attempts=4, retry_delay=0.2, retry_max_delay=60, timeout=15)
def ask(url: str) -> Status:
    """What the service says now."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    try:
        connection.request("GET", parts.path or "/", headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise ConnectionError(f"{url} answers {response.status} {response.reason}")
    status: Status = json.loads(body)
    return status


@workflow
async def poller(ctx: ExecutionContext[Watch]) -> dict[str, object]:
    watch = ctx.input
    started = await now()
    until = started + timedelta(seconds=watch.get("patience", 86_400))
    asked = 0
    while True:
        status = await ask(watch["url"])
        asked += 1
        if status["state"] == "failed":
            raise JobFailed(f"{watch['url']}: {status.get('result')}")
        if status["state"] == "done":
            return {"asked": asked, "result": status.get("result")}
        if await now() >= until:
            raise NotDone(f"{watch['url']} is still {status['state']!r} after {asked} questions")
        await sleep(watch.get("every", 30))
