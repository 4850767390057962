"""Refusals: why a value cannot be kept exactly, and where inside it the reason sits.

A `Refusal` starts at the value that is to blame and travels outwards; each container it leaves adds
its own step of the path. At the door of the codec it becomes a `PayloadTypeError`.

Deliberately absent: any `repr` of a refused value. It may be secret, huge, or raise.
"""

import json
from typing import Final

from flux.codec.namespaces import unversioned
from flux.errors import PayloadTooLarge, PayloadTypeError

MAX_PAYLOAD: Final = 16 * 1024 * 1024
"""Bytes of one encoded value, unless the caller says otherwise."""

MAX_DEPTH: Final = 200  # a level may take three of JSON, and Python's own reader of JSON gives up near 1,000

_SHOWN_STEPS: Final = 12
_SHOWN_KEY: Final = 60


class Refusal(Exception):
    """This value, at this path, cannot be kept. Internal to the codec."""

    def __init__(self, cls: type, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.cls = cls
        self.reason = reason
        self.hint = hint
        self._steps: list[str] = []

    def leaves(self, step: str) -> None:
        """Note that the refused value sits behind `step` of a container: `[3]`, `["when"]`, `.items`."""
        self._steps.append(step)

    def as_error(self, root: str) -> PayloadTypeError:
        """What the author sees; `root` names the whole value."""
        steps = self._steps[::-1]
        if len(steps) > _SHOWN_STEPS:
            steps = [*steps[:_SHOWN_STEPS], "…"]
        path = root + "".join(steps)
        return PayloadTypeError(f"{path}: {self.reason}; {self.hint}", path=path, type=type_name(self.cls))


def type_name(cls: type) -> str:
    """How a class is called in messages: `orders.Order`, `int`."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{unversioned(cls.__module__)}.{cls.__qualname__}"


def key_step(key: str) -> str:
    """The step into a mapping: `["when"]`, cut where the key is long."""
    return f"[{json.dumps(key if len(key) <= _SHOWN_KEY else key[:_SHOWN_KEY] + '…')}]"


def too_deep(cls: type) -> Refusal:
    """The refusal of a value that is nested too deep, or that contains itself."""
    return Refusal(
        cls,
        f"it is nested deeper than {MAX_DEPTH} levels, or contains itself",
        "flatten it, or keep references by id",
    )


def too_large(root: str, limit: int, size: int | None = None) -> PayloadTooLarge:
    """The error for a value of `size` bytes; None where it was refused before anybody counted to the end."""
    said = "" if size is None else f": it has {size:,}"
    hint = "keep it elsewhere and pass a reference to it (a path, a key, a URL), or set `output_storage`"
    facts = {} if size is None else {"size": size}
    return PayloadTooLarge(f"{root} is above the limit of {limit:,} bytes{said}; {hint}", limit=limit, **facts)
