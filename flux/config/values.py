"""Values of settings: what people write, what the records hold, and how they are shown.

Durations are written as seconds or with a unit and held as int milliseconds, sizes as bytes with K, M or G.
What cannot be read raises ValueError, with a message that says what is needed.
"""

import re
from pathlib import Path
from typing import Final

_SIZES: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\Z", re.ASCII)
_SIZE: Final = re.compile(r"(\d+)\s*([KMG]?)i?B?\Z", re.ASCII)
_UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration(value: object) -> int:
    """Milliseconds of seconds as a number, or of a text such as `10m`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a duration is seconds as a number, or a text such as 10m")  # noqa: TRY004 - one error for all
    match = _DURATION.match(str(value).strip())
    if match is None:
        raise ValueError(f"a duration is seconds as a number, or a text such as 10m, not {value!r}")
    return round(float(match[1]) * _UNITS[match[2] or "s"])


def size(value: object) -> int:
    """Bytes of a number, or of a text such as `512M`."""
    match = _SIZE.match(str(value).strip())
    if isinstance(value, bool) or match is None:
        raise ValueError(f"a size is bytes as a number, or a text such as 512M, not {value!r}")
    return int(match[1]) * _SIZES[match[2]]


def lasting(value: object) -> int:
    """A duration that is not nothing."""
    found = duration(value)
    if not found:
        raise ValueError("0 is no time at all here")
    return found


def count(value: object) -> int:
    """A whole number above 0."""
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]+", str(value)) or int(str(value)) < 1:
        raise ValueError(f"a whole number above 0 is needed, not {value!r}")
    return int(str(value))


def flag(value: object) -> bool:
    """True or false."""
    found = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(str(value).lower())
    if found is None:
        raise ValueError(f"true or false is needed, not {value!r}")
    return found


def path(value: object) -> Path:
    """A path, absolute: from the folder in which the program was started, if it is not already."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"a path is needed, not {value!r}")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as exc:
        raise ValueError(f"{value!r} names the home of nobody: {exc}") from exc


def text(value: object) -> str:
    """A text, empty or not."""
    if not isinstance(value, str):
        raise ValueError(f"a text is needed, not {value!r}")  # noqa: TRY004 - one error for all
    return value


def texts(value: object) -> tuple[str, ...]:
    """A list of texts, or one text with commas between them."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"a list of texts is needed, not {value!r}")
    return tuple(part.strip() for part in parts if part.strip())


def as_duration(milliseconds: int) -> str:
    """The duration in whole seconds, or else in milliseconds."""
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def as_size(number: int) -> str:
    """The size in the largest unit that says it exactly."""
    exact = [unit for unit, bytes_ in _SIZES.items() if bytes_ <= number and number % bytes_ == 0]
    return f"{number // _SIZES[exact[-1]]}{exact[-1]}" if exact else "0"
