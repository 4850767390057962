"""Instances of dataclasses: what they hold comes back, and nothing of theirs is run."""

from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from flux.codec import ClassIndex, decode, encode

calls: list[str] = []


@dataclass
class Noisy:
    """Runs code when it is made."""

    n: int
    seed: InitVar[int] = 0
    total: int = field(init=False)
    count: ClassVar[int] = 0

    def __post_init__(self, seed: int) -> None:
        calls.append("made")
        self.total = self.n + seed
        self.extra = "kept"

    @cached_property
    def slow(self) -> object:
        """Costs time, and cannot be kept."""
        return object()


@dataclass(slots=True)
class Base:
    """A field in a slot, one of them private."""

    a: Any
    __hidden: int = 7

    def hidden(self) -> int:
        """The private one."""
        return self.__hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Cannot be written to."""

    b: Any
    unset: int = field(init=False)


@dataclass(slots=True)
class Derived(Base):
    """Slots of its own beside those of its base."""

    b: Any = None


INDEX = ClassIndex({f"x:{cls.__name__}": cls for cls in (Noisy, Base, Frozen, Derived)})


def _back(value: Any) -> Any:
    return decode(encode(value, INDEX), INDEX)


def test_neither_init_nor_post_init_runs_again():
    """They may want other arguments, and may have effects."""
    value = Noisy(1, seed=5)
    calls.clear()

    back = _back(value)

    assert back == value
    assert (back.total, back.extra, calls) == (6, "kept", [])


def test_a_cached_property_is_computed_again():
    """Its memory is no state, so it may hold what cannot be kept."""
    value = Noisy(1)
    assert value.slow is value.slow

    assert "slow" not in vars(_back(value))


def test_slots_private_ones_and_those_of_bases_come_back():
    """Whether a class has slots is its own business."""
    back = _back(Derived(1, b=[2]))

    assert type(back) is Derived
    assert (back.a, back.b, back.hidden()) == (1, [2], 7)


def test_a_field_that_was_never_set_stays_unset():
    """It is not invented."""
    value = Frozen(b=1)

    assert not hasattr(_back(value), "unset")
    assert _back(value).b == 1
