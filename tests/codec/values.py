"""Values for the codec's tests: classes as authors write them, a strategy over everything that can be kept,
and a comparison that is stricter than `==`.
"""

import enum
import math
import struct
from collections import namedtuple
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    DARK = ("deep", 1)
    ROUGE = "red"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Word(enum.StrEnum):
    YES = "yes"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Bits(enum.IntFlag, boundary=enum.KEEP):
    ONE = 1


class Handle(enum.Enum):
    """Its values cannot be kept; its members can."""

    NOTHING = object()


@dataclass
class Line:
    name: str
    price: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: int
    lines: tuple[Any, ...] = ()
    total: Any = field(init=False, default=None)

    class Note(NamedTuple):
        text: Any
        at: Any = None


@dataclass
class Express(Line):
    """Inherits, computes a field, and keeps something that is no field."""

    days: int = 1
    label: str = field(init=False)

    def __post_init__(self) -> None:
        self.label = f"{self.name}!"
        self.remembered = [self.days]


@dataclass
class Box(Generic[T]):
    content: T


Point = namedtuple("Point", "x y")  # noqa: PYI024 - authors write both kinds


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in type, content and order, all the way down; NaN equals the same NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack(">d", one) == struct.pack(">d", other)
    if isinstance(one, complex):
        return same([one.real, one.imag], [other.real, other.imag])
    if isinstance(one, Decimal):
        return str(one) == str(other)
    if isinstance(one, datetime | time):
        return repr(one) == repr(other) and one.fold == other.fold
    if isinstance(one, enum.Enum):
        return one is other or (isinstance(one, enum.Flag) and one == other)
    if isinstance(one, BaseException):
        return same([one.args, vars(one)], [other.args, vars(other)])
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, set | frozenset):
        return len(one) == len(other) and same(sorted(one, key=repr), sorted(other, key=repr))
    if type(one) is Order:
        return same([one.id, one.lines, one.total], [other.id, other.lines, other.total])
    if hasattr(one, "__dataclass_fields__"):
        return same(vars(one), vars(other))
    return bool(one == other)


def _flags() -> st.SearchStrategy[Any]:
    return st.sampled_from(
        [*Colour, *Level, *Word, *Access, Access.READ | Access.WRITE, Access(0), Bits(5), Handle.NOTHING]
    )


def _zones() -> st.SearchStrategy[Any]:
    fixed = st.builds(timezone, st.timedeltas(min_value=timedelta(hours=-23), max_value=timedelta(hours=23)))
    named = st.builds(timezone, st.just(timedelta(hours=1)), st.sampled_from(["CET", "x/y", ""]))
    keyed = st.sampled_from(["Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu"]).map(ZoneInfo)
    return st.one_of(st.none(), st.just(timezone.utc), fixed, named, keyed)  # noqa: UP017 - the object, by this name


def _instants() -> st.SearchStrategy[Any]:
    # A day off either end: the offset of a time zone at the very first instant is out of Python's range.
    days = {"min_value": datetime(1, 1, 2), "max_value": datetime(9999, 12, 30)}  # noqa: DTZ001 - naive ones too
    naive = st.datetimes(**days)
    return st.one_of(
        st.builds(lambda at, zone, fold: at.replace(tzinfo=zone, fold=fold), naive, _zones(), st.integers(0, 1)),
        st.builds(lambda at, zone, fold: at.replace(tzinfo=zone, fold=fold), st.times(), _zones(), st.integers(0, 1)),
        st.dates(),
        st.timedeltas(),
    )


def texts() -> st.SearchStrategy[str]:
    """Any text that UTF-8 can hold, the codec's own tag more often than chance would give it."""
    return st.one_of(st.sampled_from(["$", "v", "c", '"$"', "\x00", "\U0001f600"]), st.text())


def atoms() -> st.SearchStrategy[Any]:
    """Hashable values without content."""
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(0, 2_500).map(lambda bits: -(1 << bits)),
        st.floats(),
        texts(),
        st.binary(max_size=40),
        st.complex_numbers(allow_nan=True),
        st.decimals(),
        st.uuids(),
        st.sampled_from([Decimal("sNaN12"), Decimal("-0E+7"), UUID(int=0), math.nan, -0.0, -math.inf]),
        _instants(),
        _flags(),
        st.builds(lambda cls, name: cls(name), st.sampled_from([PosixPath, PurePosixPath, PureWindowsPath]), texts()),
    )


def _hashable(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(children, max_size=4).map(tuple),
        st.frozensets(children, max_size=4),
        st.builds(lambda x, y: Point(x, y), children, children),
        children.map(Order.Note),
    )


def keys() -> st.SearchStrategy[Any]:
    """What may be a key or a member: hashable all the way down. sNaN is not, in Python's own opinion."""
    plain = atoms().filter(lambda value: not (isinstance(value, Decimal) and value.is_snan()))
    return st.recursive(plain, _hashable, max_leaves=4)


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    few = st.lists(children, max_size=4)
    return st.one_of(
        few,
        few.map(tuple),
        st.dictionaries(texts(), children, max_size=4),
        st.dictionaries(keys(), children, max_size=4),
        st.sets(keys(), max_size=4),
        st.frozensets(keys(), max_size=4),
        st.builds(lambda name, price: Line(name, price), texts(), children),
        children.map(Box),
        st.builds(lambda lines: Order(id=1, lines=tuple(lines)), few),
        st.builds(lambda name, price: Express(name, price), texts(), children),
        st.builds(lambda x, y: Point(x, y), children, children),
        st.builds(lambda text, at: Order.Note(text, at), children, children),
        few.map(lambda args: ValueError(*args)),
        few.map(lambda args: KeyError(tuple(args))),
    )


def values() -> st.SearchStrategy[Any]:
    """Anything that can be kept."""
    return st.recursive(atoms(), _containers, max_leaves=12)


EXAMPLES: list[Any] = [
    None,
    {},
    {"$": "tuple", "v": [1]},
    {1: "a", None: "b", (1, 2): {"$": 0}},
    10**5_000,
    -(10**700),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001 - naive, and in the hour that Berlin does not have
    timedelta(microseconds=-1),
    date(1, 1, 1),
    [Line("a", Line("b")), Order(id=1, lines=(Line("c"),)), Express("d", 2), Box([Point(1, 2)])],
    {Colour.RED, Colour.DARK},
    PurePath("a/b"),
]
