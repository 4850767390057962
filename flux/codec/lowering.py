"""Lowering: the long way from a value to JSON, for everything that plain JSON does not keep.

One `Encoder` walks one value. What it meets is handled by exact type, so that a subclass of a builtin is never
taken for the builtin. A refusal notes the path while it leaves the containers; nothing is spent on paths
as long as all goes well.
"""

import json
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from flux.codec import exceptions
from flux.codec.classes import ClassIndex, kind_of
from flux.codec.hints import hint_for
from flux.codec.instances import fields_of
from flux.codec.namespaces import unversioned
from flux.codec.refusals import MAX_DEPTH, Refusal, key_step, too_deep, type_name
from flux.codec.scalars import BY_TYPE, float_word
from flux.codec.standard import standard_name

TAG: Final = "$"
ATOMS: Final = frozenset({type(None), bool, int, float, str})
STRINGS: Final = frozenset({str})
WRITER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))

_PLAIN_BITS: Final = 2_000  # 603 digits; the lowest limit Python can be told for reading a decimal is 640
_CHAIN: Final = 20  # causes of causes


class Exhausted(Exception):
    """More entries than the limit of bytes could hold."""


class Encoder:
    """One walk through one value. `depth` counts containers from the outside."""

    def __init__(self, classes: ClassIndex | None, limit: int, *, failing: bool) -> None:
        self._classes = classes
        self._failing = failing
        self._left = limit

    def lower(self, value: Any, depth: int) -> Any:
        """`value` as JSON with tags. Raises Refusal."""
        self._left -= 1
        if self._left < 0:
            raise Exhausted
        cls = type(value)
        handler = _HANDLERS.get(cls)
        if handler is not None:
            return handler(self, value, depth)
        form = BY_TYPE.get(cls)
        if form is not None:
            return {TAG: form.tag, "v": form.lower(value)}
        kind = kind_of(cls)
        if kind is None:
            raise Refusal(cls, f"the type `{type_name(cls)}` cannot be kept exactly", hint_for(value))
        if depth > MAX_DEPTH:
            raise too_deep(cls)
        return _KINDS[kind](self, value, depth)

    def lower_atom(self, value: object, _depth: int) -> Any:
        return value

    def lower_int(self, value: int, _depth: int) -> Any:
        return value if value.bit_length() <= _PLAIN_BITS else {TAG: "int", "v": hex(value)}

    def lower_float(self, value: float, _depth: int) -> Any:
        return value if isfinite(value) else {TAG: "float", "v": float_word(value)}

    def lower_text(self, value: str, _depth: int) -> str:
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as exc:
                reason = f"the text holds a lone surrogate at {exc.start}, which UTF-8 cannot say"
                hint = "decode it with errors='replace', or pass bytes"
                raise Refusal(str, reason, hint) from None
        return value

    def _items(self, items: Any, depth: int, step: Callable[[int], str]) -> list[Any]:
        if depth >= MAX_DEPTH:
            raise too_deep(type(items))
        lowered = []
        for index, item in enumerate(items):
            try:
                lowered.append(self.lower(item, depth + 1))
            except Refusal as refusal:
                refusal.leaves(step(index))
                raise
        return lowered

    def lower_list(self, value: list[Any], depth: int) -> Any:
        return self._items(value, depth, _index_step)

    def lower_tuple(self, value: tuple[Any, ...], depth: int) -> Any:
        return {TAG: "tuple", "v": self._items(value, depth, _index_step)}

    def lower_set(self, value: set[Any] | frozenset[Any], depth: int) -> Any:
        members = self._items(value, depth, lambda _: ".{member}")
        return {TAG: type(value).__name__, "v": sorted(members, key=WRITER.encode)}

    def lower_dict(self, value: dict[Any, Any], depth: int) -> Any:
        if TAG not in value and STRINGS.issuperset(map(type, value)):
            return self._entries(value, depth)
        keys = self._items(value, depth, lambda index: f".keys()[{index}]")
        values = self._items(value.values(), depth, lambda index: f".values()[{index}]")
        return {TAG: "dict", "v": [list(pair) for pair in zip(keys, values, strict=True)]}

    def _entries(self, value: Mapping[str, Any], depth: int, step: Callable[[str], str] = key_step) -> dict[str, Any]:
        if depth >= MAX_DEPTH:
            raise too_deep(dict)
        lowered = {}
        for key, item in value.items():
            try:
                lowered[self.lower_text(key, depth)] = self.lower(item, depth + 1)
            except Refusal as refusal:
                refusal.leaves(step(key))
                raise
        return lowered

    def _name(self, cls: type) -> str:
        name = standard_name(cls) or (self._classes.name_of(cls) if self._classes is not None else None)
        if name is None:
            raise _unknown(cls)
        return name

    def lower_data(self, value: Any, depth: int) -> Any:
        name = self._name(type(value))
        return {TAG: "data", "c": name, "v": self._entries(fields_of(value), depth, _attribute_step)}

    def lower_named(self, value: Any, depth: int) -> Any:
        name = self._name(type(value))
        fields = type(value)._fields
        if len(fields) != len(value) or getattr(value, "__dict__", None):
            raise Refusal(type(value), "it holds more than its fields", "make it a dataclass")
        values = dict(zip(fields, value, strict=True))
        return {TAG: "named", "c": name, "v": self._entries(values, depth, _attribute_step)}

    def lower_enum(self, value: Any, depth: int) -> Any:
        cls = type(value)
        record = {TAG: "enum", "c": self._name(cls)}
        if cls.__members__.get(value.name) is value:
            record["n"] = value.name
        elif not hasattr(cls, "_boundary_"):  # a Flag may be a combination, which is found again by its number
            raise Refusal(cls, "it is no member of its class", "declare it as one")
        try:
            record["v"] = self.lower(value.value, depth + 1)
        except Refusal:
            if "n" not in record:
                raise
        return record

    def lower_error(self, error: BaseException, depth: int, links: int = _CHAIN, *, cause: bool = False) -> Any:
        """An exception and what led to it. A cause, and what a failure holds, is kept as far as it can be."""
        lenient = self._failing or cause
        cls = type(error)
        record: dict[str, Any] = {TAG: "error"}
        try:
            record["c"] = self._name(cls)
        except Refusal:
            if not lenient:
                raise
        args, state = exceptions.take_apart(error)
        record |= {"type": cls.__qualname__, "module": unversioned(cls.__module__)}
        if lenient or all(type(arg) in ATOMS for arg in args):
            # Python says a set in its own order, and equal values must give equal bytes.
            record["message"] = exceptions.message_of(error)
        if lenient:
            record |= self._what_can_be_kept(args, state, depth)
        else:
            record["args"] = self._items(args, depth, lambda index: f".args[{index}]")
            record["state"] = self._entries(state, depth, _attribute_step)
        if self._failing:
            record["traceback"] = exceptions.traceback_of(error)
        for word, link in exceptions.links_of(error):
            if links > 0 and depth < MAX_DEPTH:
                record[word] = self.lower_error(link, depth + 1, links - 1, cause=True)
        if error.__suppress_context__ and error.__cause__ is None:
            record["suppress"] = True
        return record

    def _what_can_be_kept(self, args: tuple[Any, ...], state: dict[str, Any], depth: int) -> dict[str, Any]:
        record: dict[str, Any] = {"state": {}, "lost": []}
        try:
            record["args"] = self._items(args, depth, _index_step)
        except Refusal:
            record["lost"].append("args")
        for name, value in state.items():
            try:
                record["state"] |= self._entries({name: value}, depth)
            except Refusal:
                record["lost"].append(exceptions.printable(name))
        return record if record["lost"] else {"args": record["args"], "state": record["state"]}


def _unknown(cls: type) -> Refusal:
    if "<locals>" in cls.__qualname__:
        hint = "it is defined inside a function: move it to the top of the module"
    else:
        hint = "make it part of the workflow's source: define it there, or import it there by name"
    return Refusal(cls, f"the class `{type_name(cls)}` could not be found again", hint)


def _index_step(index: int) -> str:
    return f"[{index}]"


def _attribute_step(name: str) -> str:
    return f".{name}"


_Handler = Callable[[Encoder, Any, int], Any]

_HANDLERS: Final[Mapping[type, _Handler]] = {
    type(None): Encoder.lower_atom,
    bool: Encoder.lower_atom,
    int: Encoder.lower_int,
    float: Encoder.lower_float,
    str: Encoder.lower_text,
    list: Encoder.lower_list,
    tuple: Encoder.lower_tuple,
    set: Encoder.lower_set,
    frozenset: Encoder.lower_set,
    dict: Encoder.lower_dict,
}

_KINDS: Final[Mapping[str, _Handler]] = {
    "data": Encoder.lower_data,
    "named": Encoder.lower_named,
    "enum": Encoder.lower_enum,
    "error": Encoder.lower_error,
}
