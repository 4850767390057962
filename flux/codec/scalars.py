"""Scalars: the standard library's small types that JSON cannot say, each as one `Form`.

A form turns a value of exactly one type into JSON and back, so that value and type are the same, and
says how readers of the API see it: instants as RFC 3339, durations as ISO 8601, bytes as base64.
A type that is added later is one more form in `BY_TYPE` and `BY_TAG`; nothing else has to know.

Deliberately absent: containers, classes of authors, exceptions (`encoding.py`).
"""

import base64
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, Final
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from flux.codec.refusals import Refusal

_DAY: Final = 86_400
_MICRO: Final = 1_000_000
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = timedelta(minutes=1)
_PATHS: Final[Mapping[str, type[PurePath]]] = {
    cls.__name__: cls for cls in (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How values of one type are written (`lower`), read back (`revive`) and shown (`view`)."""

    tag: str
    lower: Callable[[Any], Any]
    revive: Callable[[Any], Any]
    view: Callable[[Any], Any]


def float_word(value: float) -> str:
    """A float that JSON has no word for: `inf`, `-inf`, `nan`, or the 16 digits of an unusual NaN."""
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    bits = struct.pack(">d", value)
    return "nan" if bits == _NAN else bits.hex()


_NAN: Final = struct.pack(">d", math.nan)


def _revive_float(text: str) -> float:
    if text in {"inf", "-inf", "nan"}:
        return float(text)
    number: float = struct.unpack(">d", bytes.fromhex(text))[0]
    return number


def _view_float(text: str) -> str:
    return {"inf": "Infinity", "-inf": "-Infinity"}.get(text, "NaN")


def _lower_zone(zone: tzinfo | None) -> dict[str, Any]:
    """What ISO 8601 does not say about a zone: the key of a time zone, the name of a fixed offset.

    Nor does Python read every offset that it writes: it takes `+00:00:00.5` for UTC.
    """
    if zone is None or zone is UTC:
        return {}
    if type(zone) is timezone:
        offset, name = zone.utcoffset(None), zone.tzname(None)
        if name != timezone(offset).tzname(None):
            return {"offset": offset // _MICROSECOND, "name": name}
        return {"offset": offset // _MICROSECOND} if offset % _MINUTE else {}
    if type(zone) is ZoneInfo and zone.key:
        return {"zone": zone.key}
    hint = "use `datetime.timezone` or `zoneinfo.ZoneInfo(key)`"
    raise Refusal(type(zone), f"its time zone, a `{type(zone).__qualname__}`, cannot be kept exactly", hint)


def _lower_instant(value: datetime | time) -> str | dict[str, Any]:
    extras = _lower_zone(value.tzinfo)
    if value.fold:
        extras["fold"] = 1
    text = value.isoformat()
    return {"at": text, **extras} if extras else text


def _revive_instant(cls: type[datetime] | type[time]) -> Callable[[Any], datetime | time]:
    def revive(record: Any) -> datetime | time:
        if isinstance(record, str):
            return cls.fromisoformat(record)
        value = cls.fromisoformat(record["at"]).replace(fold=record.get("fold", 0))
        if "zone" in record:
            return value.replace(tzinfo=ZoneInfo(record["zone"]))
        if "offset" in record:
            offset = timedelta(microseconds=record["offset"])
            return value.replace(tzinfo=timezone(offset, record["name"]) if "name" in record else timezone(offset))
        return value

    return revive


def _view_instant(record: Any) -> Any:
    return record if isinstance(record, str) else record["at"]


def _view_duration(record: list[int]) -> str:
    """ISO 8601, as JSON schema's `duration` wants it: `P1DT2H`, `-PT0.5S`."""
    micros = (record[0] * _DAY + record[1]) * _MICRO + record[2]
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, fraction = divmod(micros, _MICRO)
    days, seconds = divmod(seconds, _DAY)
    text = f"{seconds}.{fraction:06d}".rstrip("0") if fraction else str(seconds)
    return f"{sign}P{days}DT{text}S" if days else f"{sign}PT{text}S"


def _lower_uuid(value: UUID) -> str | list[Any]:
    return str(value) if value.is_safe is SafeUUID.unknown else [str(value), value.is_safe.value]


def _revive_uuid(record: Any) -> UUID:
    return UUID(record) if isinstance(record, str) else UUID(record[0], is_safe=SafeUUID(record[1]))


def _lower_path(value: PurePath) -> str | list[str]:
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refusal(
            type(value), "its name is not valid UTF-8", "rename the file, or pass `os.fsencode(path)`"
        ) from None
    return text if type(value) is type(Path()) else [type(value).__name__, text]


def _revive_path(record: Any) -> PurePath:
    return Path(record) if isinstance(record, str) else _PATHS[record[0]](record[1])


def _itself(record: Any) -> Any:
    return record


def _first(record: Any) -> Any:
    return record if isinstance(record, str) else record[0]


def _last(record: Any) -> Any:
    return record if isinstance(record, str) else record[-1]


def _lower_complex(value: complex) -> list[float | str]:
    return [part if math.isfinite(part) else float_word(part) for part in (value.real, value.imag)]


def _revive_complex(record: list[Any]) -> complex:
    return complex(*(_revive_float(part) if isinstance(part, str) else part for part in record))


def _view_complex(record: list[Any]) -> list[Any]:
    return [_view_float(part) if isinstance(part, str) else part for part in record]


_FLOAT: Final = Form(tag="float", lower=float_word, revive=_revive_float, view=_view_float)
# Hexadecimal: decimal digits of a long number cost quadratic time, and Python refuses more than 4,300.
_INT: Final = Form(tag="int", lower=hex, revive=lambda text: int(text, 16), view=_itself)
_PATH: Final = Form(tag="path", lower=_lower_path, revive=_revive_path, view=_last)

BY_TYPE: Final[Mapping[type, Form]] = {
    bytes: Form(
        tag="bytes",
        lower=lambda value: base64.b64encode(value).decode("ascii"),
        revive=lambda text: base64.b64decode(text, validate=True),
        view=_itself,
    ),
    complex: Form(tag="complex", lower=_lower_complex, revive=_revive_complex, view=_view_complex),
    datetime: Form(tag="datetime", lower=_lower_instant, revive=_revive_instant(datetime), view=_view_instant),
    time: Form(tag="time", lower=_lower_instant, revive=_revive_instant(time), view=_view_instant),
    date: Form(tag="date", lower=date.isoformat, revive=date.fromisoformat, view=_itself),
    timedelta: Form(
        tag="timedelta",
        lower=lambda value: [value.days, value.seconds, value.microseconds],
        revive=lambda record: timedelta(*record),
        view=_view_duration,
    ),
    Decimal: Form(tag="decimal", lower=str, revive=Decimal, view=_itself),
    UUID: Form(tag="uuid", lower=_lower_uuid, revive=_revive_uuid, view=_first),
    **dict.fromkeys(_PATHS.values(), _PATH),
}
"""By exact type, without int and float: most of these are plain JSON, and the encoder looks first."""

BY_TAG: Final[Mapping[str, Form]] = {form.tag: form for form in (*BY_TYPE.values(), _FLOAT, _INT)}
