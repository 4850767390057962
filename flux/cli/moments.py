"""Instants and durations as people read them. Texts are RFC 3339, durations seconds, as the API has them."""

from datetime import datetime

from flux.clock import from_datetime
from flux.core.why import duration


def took(seconds: float | None) -> str:
    """A duration, short: `12ms`, `3.4s`, `2m05s`, `1h02m`; nothing if it is not known."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def age(instant: str, now: str) -> str:
    """How long before `now` the instant was, in one unit: `3h`."""
    return duration(max(0, _milliseconds(now) - _milliseconds(instant)))


def local(instant: str | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """The instant in the time zone of this machine; nothing if there is none."""
    return datetime.fromisoformat(instant).astimezone().strftime(form) if instant else ""


def _milliseconds(instant: str) -> int:
    return from_datetime(datetime.fromisoformat(instant))
