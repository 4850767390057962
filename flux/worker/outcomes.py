"""How a body ended."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completed:
    """It returned. `payload`: the value in the codec's bytes, if it came so; `value` means nothing then."""

    value: object
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It raised. `payload`: the error in the codec's bytes, if it came so. `is_final`: no other attempt may cure it."""

    error: BaseException
    payload: bytes | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    """It was asked to end, and did."""


@dataclass(frozen=True, slots=True)
class Died:
    """Its process died under it. `peak_memory` in bytes."""

    signal: str | None
    exit_code: int | None
    peak_memory: int | None


Result = Completed | Failed | Interrupted | Died
