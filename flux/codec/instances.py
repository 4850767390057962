"""Instances of dataclasses, taken apart and put together without running `__init__` or `__post_init__`.

What is kept is what the instance holds: its slots and its `__dict__`, in their order, fields or not, since a
`__post_init__` may have set more than fields. Left out are the memory of a `cached_property`, which is
computed again, and Python's own dunder attributes.
"""

from functools import cached_property
from typing import Any


def fields_of(value: object) -> dict[str, Any]:
    """The attributes that `value` holds, by name. An attribute that is not set is left out."""
    cls: type = type(value)
    attributes: dict[str, Any] = getattr(value, "__dict__", {})
    return slots_of(value) | {name: content for name, content in attributes.items() if not _is_left_out(cls, name)}


def slots_of(value: object) -> dict[str, Any]:
    """What `value` holds in slots, by name; those of the oldest base first."""
    return {name: getattr(value, name) for name in _slots_of(type(value)) if hasattr(value, name)}


def make(cls: type, fields: dict[str, Any]) -> object:
    """An instance of `cls` that holds `fields`.

    Raises:
        AttributeError: the class has no place for one of them.
    """
    value: object = object.__new__(cls)
    for name, content in fields.items():
        if _is_dunder(name):
            raise AttributeError(f"{name} is not an author's attribute")
        object.__setattr__(value, name, content)  # frozen dataclasses forbid the plain way
    return value


def _slots_of(cls: type) -> list[str]:
    """The names of all slots, those of the oldest base first."""
    names: list[str] = []
    for base in reversed(cls.__mro__):
        slots = vars(base).get("__slots__", ())
        for slot in [slots] if isinstance(slots, str) else slots:
            mangled = slot.startswith("__") and not slot.endswith("__")
            name = f"_{base.__name__.lstrip('_')}{slot}" if mangled else slot
            if not _is_dunder(name):
                names.append(name)
    return names


def _is_left_out(cls: type, name: str) -> bool:
    return _is_dunder(name) or isinstance(_declared(cls, name), cached_property)


def _declared(cls: type, name: str) -> object:
    """What the class itself says about an attribute, without asking any descriptor."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
