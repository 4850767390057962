"""The file that holds the master key: where it is looked for, how it is read and, once, made.

The first of these counts: the systemd credential, the file that was named, `master.key` in the state
folder. Only the last is ever made by us, readable by its owner alone, and only for a database that has
not been sealed yet: a key made for a sealed one would hide that the right one is lost.

The file holds 32 raw bytes, 64 hexadecimal digits, or base64 of 32 bytes; white space around text is fine.
"""

import binascii
import os
import re
import stat
from base64 import b64decode, urlsafe_b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flux.errors import InvalidConfiguration

KEY_BYTES: Final = 32
_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_HEXADECIMAL: Final = re.compile(rb"[0-9A-Fa-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a master key may be.

    Attributes:
        credential: the systemd credential, if there is a folder of credentials; the file may be missing.
        file: the file that the settings name; must be there if named.
        state: where one is made if there is none anywhere.
    """

    credential: Path | None = None
    file: Path | None = None
    state: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """A master key and where it came from. `warning`: what to tell the operator, once."""

    key: bytes = field(repr=False)
    path: Path
    warning: str | None = None


def find(sources: Sources, *, create: bool) -> Master:
    """The master key.

    Args:
        create: whether to make one if there is none; False for a database that has been sealed.

    Raises:
        InvalidConfiguration: it is missing, unreadable, malformed, or readable by others.
    """
    if sources.credential is not None and sources.credential.exists():
        return Master(key=_read(sources.credential), path=sources.credential)
    if sources.file is not None:
        return Master(key=_read(sources.file), path=sources.file)
    if sources.state.exists():
        _refuse_open_file(sources.state)
        return Master(key=_read(sources.state), path=sources.state)
    if not create:
        raise InvalidConfiguration(
            f"the master key is missing: {sources.state} is gone, and this database was sealed; bring the file back, "
            "or name it in FLUX_MASTER_KEY_FILE",
            file=str(sources.state),
        )
    return _make(sources.state)


def _read(path: Path) -> bytes:
    try:
        return _parse(path.read_bytes(), path)
    except OSError as exc:
        raise InvalidConfiguration(f"the master key cannot be read: {exc.strerror}", file=str(path)) from exc


def _parse(content: bytes, path: Path) -> bytes:
    text = content.strip()
    if _HEXADECIMAL.fullmatch(text):
        return bytes.fromhex(text.decode("ascii"))
    if len(text) in (43, 44):
        key = _base64(text)
        if len(key) == KEY_BYTES:
            return key
    if len(content) == KEY_BYTES:
        return content
    raise InvalidConfiguration(
        f"a master key is {KEY_BYTES} bytes, raw, in hexadecimal or in base64; this file holds {len(content)} others",
        file=str(path),
    )


def _base64(text: bytes) -> bytes:
    padded = text.rstrip(b"=") + b"="
    try:
        return urlsafe_b64decode(padded) if set(padded) & set(b"-_") else b64decode(padded, validate=True)
    except binascii.Error:
        return b""


def _refuse_open_file(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _FOR_OTHERS:
        raise InvalidConfiguration(
            f"others than its owner may use the master key (mode {mode:04o}): chmod 600 {path}", file=str(path)
        )


def _make(path: Path) -> Master:
    """A new key, complete on disk before it has its name: a crash leaves no half of one."""
    key = os.urandom(KEY_BYTES)
    draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}.new")
    try:
        _write_new(draft, key.hex().encode("ascii") + b"\n")
        try:
            os.link(draft, path)
        finally:
            draft.unlink()
        _sync_folder(path.parent)
    except OSError as exc:
        raise InvalidConfiguration(f"the master key cannot be made: {exc.strerror}", file=str(path)) from exc
    return Master(
        key=key,
        path=path,
        warning=f"a new master key was made in {path}: keep a copy elsewhere, without it nothing that is encrypted "
        "can be read; better, move it out of the state folder and name it in FLUX_MASTER_KEY_FILE",
    )


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
