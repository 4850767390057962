"""Small values for the tests of pure files."""

from tui.records import Fact, Pause, Row

from .recorded import NOON


def a_row(number: int = 1, /, **more: object) -> Row:
    """An execution whose id orders by `number`."""
    values: dict[str, object] = {
        "id": f"{number:026d}",
        "workflow": "order_fulfil",
        "state": "RUNNING",
        "created": NOON - 60_000,
        "started": NOON - 59_000,
        "sequence": 1,
    }
    return Row(**{**values, **more})  # type: ignore[arg-type]  # tests name the fields they mean


def a_pause(name: str = "approve", **more: object) -> Pause:
    """An open pause."""
    return Pause(**{"name": name, "call": f"pause:{name}#1", **more})  # type: ignore[arg-type]  # as above


def facts(*told: tuple[int, str] | tuple[int, str, str] | tuple[int, str, str, dict[str, object]]) -> list[Fact]:
    """Events: instant, type, call id, and further fields, numbered from 1."""
    found = []
    for number, one in enumerate(told, 1):
        call = one[2] if len(one) > 2 else ""
        more = one[3] if len(one) > 3 else {}
        values: dict[str, object] = {"name": call.rpartition("/")[2].partition("#")[0], "attempt": 1, **more}
        fact = Fact(type=one[1], instant=one[0], sequence=number, position=number, call=call, **values)  # type: ignore[arg-type]
        found.append(fact)
    return found
