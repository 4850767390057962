"""Call ids: the place of a call in the program, `scope/name#n`.

A scope is one frame: the workflow body, an asyncio task created in one, the body of a task's attempt.

    charge#1                the first call of `charge` in the workflow body
    2/charge#1              ... in the second asyncio task that the body created
    2.1/charge#1            ... in the first task that that one created
    charge#1@2/charge#1     ... in the body of the second attempt of charge#1

Tasks and calls are numbered when they are created and made, never when they first run, so no number depends
on timing; and a call of one name does not shift the ids of another. In a name the characters `/ # @ %` are
percent-encoded, so two places never share an id.

Deliberately absent: digests of arguments. They are compared on replay, and nothing is found by them.
"""

from hashlib import blake2b
from typing import Final

_ESCAPES: Final = str.maketrans({character: f"%{ord(character):02X}" for character in "%/#@"})
_KEY_BYTES: Final = 16  # a collision within one execution is then out of reach


class Scope:
    """One frame, and how often what was called in it. It belongs to one run of one frame, and is not shared."""

    __slots__ = ("_calls", "_children", "_children_prefix", "_prefix", "path")

    def __init__(self, path: str, prefix: str, children_prefix: str) -> None:
        self.path = path
        self._prefix = prefix
        self._children_prefix = children_prefix
        self._children = 0
        self._calls: dict[str, int] = {}

    @classmethod
    def root(cls) -> "Scope":
        """The frame of the workflow body."""
        return cls("", "", "")

    def child(self) -> "Scope":
        """The frame of the asyncio task that is created here next."""
        self._children += 1
        path = f"{self._children_prefix}{self._children}"
        return Scope(path, f"{path}/", f"{path}.")

    def call(self, name: str) -> str:
        """The id of the call of `name` that is made here next."""
        n = self._calls.get(name, 0) + 1
        self._calls[name] = n
        return f"{self._prefix}{escape(name)}#{n}"

    def __repr__(self) -> str:
        return f"<scope {self.path!r}>"


def attempt_frame(call_id: str, attempt: int) -> Scope:
    """The frame of the body of one attempt, counted from 1. A second attempt is a new frame."""
    path = f"{call_id}@{attempt}"
    return Scope(path, f"{path}/", f"{path}/")


def escape(name: str) -> str:
    """`name` as it stands in a call id."""
    return name if name.isidentifier() else name.translate(_ESCAPES)


def idempotency_key(execution_id: str, call_id: str, generation: int = 0) -> str:
    """What a body tells others so that they do the same thing once: the same over attempts and replays.

    Args:
        execution_id: of the execution that runs the body; a fork has another one, so its keys are new.
        generation: how often the call was compensated; what was undone may be done again.
    """
    place = f"{call_id}\0{generation}".encode("utf-8", "surrogatepass")
    return f"{execution_id}-{blake2b(place, digest_size=_KEY_BYTES, key=execution_id.encode()[:64]).hexdigest()}"
