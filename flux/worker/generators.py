"""Asynchronous generators of a workflow: closed at the same moment on every run.

Python tells a loop when such a generator is first used and when it is dropped half-way. One that is
dropped by a step of the workflow is closed in the same turn. One that only the garbage collector found
is kept and closed when the body ends, since nobody knows when the collector comes by.
"""

import contextlib
import gc
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Final, Literal
from weakref import ref

Generator = AsyncGenerator[object, object]

_PRUNE_AT: Final = 256


class _Collector:
    """Whether Python's cyclic garbage collector is at work."""

    def __init__(self) -> None:
        self.works = False
        gc.callbacks.append(self._note)

    def _note(self, phase: Literal["start", "stop"], _: dict[str, int]) -> None:
        self.works = phase == "start"


_COLLECTOR: Final = _Collector()


class Generators:
    """The asynchronous generators of one private loop that have begun and not ended."""

    def __init__(self, close_soon: Callable[[Coroutine[object, object, None]], object]) -> None:
        self._close_soon = close_soon
        self._known: dict[int, tuple[int, ref[Generator]]] = {}
        self._found: dict[int, Generator] = {}
        self._number = 0
        self._is_abandoned = False

    def begun(self, generator: Generator) -> None:
        """Hook: first use of `generator`."""
        self._number += 1
        if len(self._known) >= _PRUNE_AT:
            self._known = {key: entry for key, entry in self._known.items() if entry[1]() is not None}
        self._known[id(generator)] = (self._number, ref(generator))

    def dropped(self, generator: Generator) -> None:
        """Hook: nobody holds `generator` any more, and it has not ended."""
        number, _ = self._known.pop(id(generator), (0, None))
        if self._is_abandoned:
            _close_now(generator)
        elif _COLLECTOR.works:
            self._found[number] = generator
        else:
            self._close_soon(generator.aclose())

    def _open(self) -> list[Generator]:
        """Those that can still be closed, the oldest first."""
        numbered = dict(self._found)
        for number, reference in self._known.values():
            generator = reference()
            if generator is not None:
                numbered[number] = generator
        self._known.clear()
        self._found.clear()
        return [numbered[number] for number in sorted(numbered)]

    async def close(self) -> None:
        """Close them all, the oldest first."""
        for generator in self._open():
            await generator.aclose()

    def abandon_from_now(self) -> None:
        """From now on, close each that is dropped at once, as far as it needs no await."""
        self._is_abandoned = True

    def abandon(self) -> None:
        """Close them as far as it needs no await, the newest first; what they say to it concerns nobody."""
        for generator in reversed(self._open()):
            _close_now(generator)


def _close_now(generator: Generator) -> None:
    inner = getattr(
        generator, "ag_await", None
    )  # before Python 3.13, closing who awaits a generator does not close what that awaits
    if isinstance(inner, Coroutine):
        with contextlib.suppress(BaseException):  # as below
            inner.close()
    closing = generator.aclose()
    with contextlib.suppress(BaseException):  # it ends, or it refuses to: either way it is given up
        closing.send(None)
