"""Classes: the kinds that can be kept, and an index that grows with a notebook."""

import enum
from collections import namedtuple
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol, TypedDict

import pytest

from flux.codec import ClassIndex, decode, encode
from flux.codec.classes import kind_of
from flux.errors import PayloadTypeError


@dataclass
class Data:
    """A dataclass."""

    n: int


class Child(Data):
    """Not decorated itself, and a dataclass all the same."""


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1


class Broken(Exception):
    """An exception."""


@dataclass
class BrokenData(Exception):
    """Both; what is raised and caught is an exception."""

    n: int


@dataclass
class Mapped(dict[str, int]):
    """Holds more than its fields."""

    n: int = 0


class Typed(TypedDict):
    """A dict at run time."""


class Shape(Protocol):
    """Never has instances."""


Point = namedtuple("Point", "x")  # noqa: PYI024 - authors write this kind too


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (Data, "data"),
        (Child, "data"),
        (Colour, "enum"),
        (Broken, "error"),
        (BrokenData, "error"),
        (Point, "named"),
        (Mapped, None),
        (Typed, None),
        (Shape, None),
        (enum.Enum, None),
        (tuple, None),
        (int, None),
        (SimpleNamespace, None),
    ],
)
def test_four_kinds_of_classes_can_be_kept(cls: type, kind: str | None):
    """Everything else would lose something."""
    assert kind_of(cls) == kind


def test_a_name_gives_exactly_the_class_that_it_was_given_for():
    """Both ways."""
    index = ClassIndex({"m:Data": Data})

    assert (index.name_of(Data), index.find("m:Data")) == ("m:Data", Data)
    assert (index.name_of(Child), index.find("m:Child")) == (None, None)


def _notebook() -> ModuleType:
    return ModuleType("notebook")


def _cell(notebook: ModuleType, text: str) -> None:
    """Run `text` in the notebook, as a cell."""
    exec("from dataclasses import dataclass\n" + text, vars(notebook))


CELL = "@dataclass\nclass Order:\n    n: int = 1\n"


def test_a_growing_index_sees_what_later_cells_define():
    """Nobody has to announce a class."""
    notebook = _notebook()
    index = ClassIndex.growing(notebook)

    _cell(notebook, CELL)

    value = notebook.Order(7)
    assert decode(encode(value, index), index) == value


def test_a_class_that_is_defined_anew_takes_over_the_name():
    """Old records are read as the new class, and objects of the old class still come back as themselves."""
    notebook = _notebook()
    index = ClassIndex.growing(notebook)
    _cell(notebook, CELL)
    old = notebook.Order
    recorded = encode(old(7), index)

    _cell(notebook, CELL)

    new = notebook.Order
    assert new is not old
    assert type(decode(recorded, index)) is new
    for cls in (new, old, new):
        assert type(decode(encode(cls(1), index), index)) is cls


def test_a_growing_index_takes_in_classes_that_are_local_to_a_function():
    """In a REPL or a test nothing else remembers them; each call of the function makes another one."""
    index = ClassIndex.growing(_notebook())

    def make() -> Any:
        @dataclass
        class Local:
            n: int

        return Local

    one, other = make(), make()

    for cls in (one, other, one):
        assert type(decode(encode(cls(1), index), index)) is cls


def test_another_process_finds_what_a_namespace_holds_and_nothing_else():
    """Resuming in a new process: classes at the top are there, local ones are gone, and named."""
    notebook = _notebook()
    _cell(notebook, CELL)

    @dataclass
    class Local:
        n: int

    first = ClassIndex.growing(notebook)
    top, local = encode(notebook.Order(1), first), encode(Local(1), first)
    second = ClassIndex.growing(notebook)

    assert decode(top, second) == notebook.Order(1)
    with pytest.raises(PayloadTypeError, match="Local"):
        decode(local, second)


def test_main_is_the_namespace_if_none_is_given():
    """`workflow.run()` at the prompt."""
    assert ClassIndex.growing().find("os:system") is None
