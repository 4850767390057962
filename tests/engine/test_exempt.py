"""Tasks that need no permission: what the inspected source says counts, not what a worker says."""

import json

import pytest

from flux.core.catalog import Source
from flux.engine import catalog, executions, principals
from flux.engine.catalog import Found, Registration
from flux.engine.executions import Submit
from flux.engine.principals import NewServiceAccount
from flux.engine.roles import NewRole, create
from tests.engine.desk import CALLER, Desk, begin


@pytest.mark.parametrize(
    ("call", "is_allowed"),
    [
        pytest.param("ping#1", True, id="declared exempt"),
        pytest.param("get_7#1", True, id="a template that is declared exempt"),
        pytest.param("charge#1", False, id="said to be exempt by the worker only"),
    ],
)
async def test_a_worker_cannot_make_a_task_exempt(desk: Desk, call: str, is_allowed: bool) -> None:
    """The begin claims it in all cases; the version's own declaration decides."""
    source = Source(digest="d2", entry="x.py", root="/w", files={"x.py": b""})
    about = json.dumps({"exempt": ["ping", "get_{key}"]})
    found = Found(namespace="default", name="guarded", tasks=(), about=about)
    await desk.gate.write(catalog.register, Registration(path="x.py", source=source, workflows=(found,)), CALLER)
    role = NewRole(name="runner", permissions=("workflow:default:guarded:run",), about="", caller=CALLER)
    await desk.gate.write(create, role)
    wish = NewServiceAccount(name="robot", display_name="", roles=("runner",), caller=CALLER)
    robot = await desk.gate.write(principals.create_service_account, wish)
    caller = CALLER.__class__(principal=robot, peer="test", request_id="r", method="key")
    command = Submit(namespace="default", name="guarded", input=b"null", caller=caller)
    execution = await desk.gate.write(executions.submit, command)
    granted = await desk.grant(execution.id)

    answer = await desk.accept(desk.frame(granted, begins=(begin(call, exempt=True),)))

    assert answer.denied == (() if is_allowed else (0,))
