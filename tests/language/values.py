"""Classes as authors write them."""

import enum
from collections import namedtuple
from dataclasses import dataclass

from flux.codec import ClassIndex, decode_error, encode_error


@dataclass
class Order:
    """A record."""

    id: int
    parts: tuple[int, ...]


class Color(enum.Enum):
    """A choice."""

    RED = 1


point = namedtuple("point", "x y")  # noqa: PYI024 - the old way is what is tried


class Slotted(Exception):
    """An exception that holds what it knows in a slot."""

    __slots__ = ("status",)

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.hint = ""


def through_the_log(error: BaseException, *classes: type) -> BaseException:
    """The error as a workflow sees it, whose source has these classes."""
    index = ClassIndex({f"values:{cls.__qualname__}": cls for cls in classes})
    return decode_error(encode_error(error, index), index)
