"""Tables `sources`, `versions`, `workflows`, `load_errors`: what can be run, and from which bytes.

A source is packed as JSON of path -> base64 text, compressed: it is written once and read once a worker.
"""

import base64
import json
import zlib
from typing import Final, NamedTuple

from flux.core.catalog import Source, Version, needed
from flux.store.database import Reader, Row, Transaction

_COLUMNS: Final = "v.namespace, v.name, v.number, v.digest, v.path, v.registered, v.about"
_PIN: Final = """
    INSERT INTO sources (digest, entry, root, files) VALUES (:digest, :entry, :root, :files)
        ON CONFLICT (digest) DO UPDATE SET root = excluded.root WHERE root <> excluded.root
"""
_PINNED: Final = "SELECT entry, root, files FROM sources WHERE digest = :digest"
_ADD: Final = """
    INSERT INTO versions (namespace, name, number, digest, path, registered, about)
    VALUES (:namespace, :name, :number, :digest, :path, :registered, :about)
"""
_DESCRIBE: Final = """
    UPDATE versions SET path = :path, about = :about
     WHERE namespace = :namespace AND name = :name AND number = :number
"""
_OFFER: Final = """
    INSERT INTO workflows (namespace, name, number, path) VALUES (:namespace, :name, :number, :path)
        ON CONFLICT (namespace, name) DO UPDATE SET number = excluded.number, path = excluded.path
"""
_WITHDRAW: Final = "DELETE FROM workflows WHERE namespace = :namespace AND name = :name"
_OFFERED: Final = f"""
    SELECT {_COLUMNS} FROM workflows AS w
      JOIN versions AS v ON v.namespace = w.namespace AND v.name = w.name AND v.number = w.number
     ORDER BY v.namespace, v.name
"""
_VERSIONS: Final = f"""
    SELECT {_COLUMNS} FROM versions AS v WHERE v.namespace = :namespace AND v.name = :name ORDER BY v.number DESC
"""
_FAILED: Final = """
    INSERT OR REPLACE INTO load_errors (path, digest, type, message, line, seen)
    VALUES (:path, :digest, :type, :message, :line, :seen)
"""
_MENDED: Final = "DELETE FROM load_errors WHERE path = :path"
_ERRORS: Final = "SELECT path, digest, type, message, line, seen FROM load_errors ORDER BY path"


class LoadError(NamedTuple):
    """Why a file does not load. `digest`: of the bytes that do not; `seen`: when."""

    path: str
    digest: str
    type: str
    message: str
    line: int | None
    seen: int


def pin(tx: Transaction, source: Source) -> None:
    """Keep a source; the same content again changes nothing but where it lies: folders are moved."""
    packed = json.dumps({path: base64.b64encode(body).decode() for path, body in source.files.items()})
    tx.execute(_PIN, digest=source.digest, entry=source.entry, root=source.root, files=zlib.compress(packed.encode()))


def pinned(reader: Reader, digest: str) -> Source | None:
    """The source with this digest, or None."""
    row = reader.one(_PINNED, digest=digest)
    if row is None or not isinstance(row[2], bytes):
        return None
    packed = json.loads(zlib.decompress(row[2]))
    files = {path: base64.b64decode(body) for path, body in packed.items()}
    return Source(digest=digest, entry=str(row[0]), root=str(row[1]), files=files)


def add(tx: Transaction, version: Version) -> None:
    """Write a new version."""
    tx.execute(
        _ADD,
        namespace=version.namespace,
        name=version.name,
        number=version.number,
        digest=version.digest,
        path=version.path,
        registered=version.registered,
        about=_packed(version),
    )


def describe(tx: Transaction, version: Version) -> None:
    """Write where a known version lies now, and what is known of it now."""
    tx.execute(
        _DESCRIBE,
        namespace=version.namespace,
        name=version.name,
        number=version.number,
        path=version.path,
        about=_packed(version),
    )


def offer(tx: Transaction, version: Version) -> None:
    """Make this the version that new executions get."""
    tx.execute(_OFFER, namespace=version.namespace, name=version.name, number=version.number, path=version.path)


def withdraw(tx: Transaction, namespace: str, name: str) -> None:
    """Offer no version of a workflow any more. What it was stays known."""
    tx.execute(_WITHDRAW, namespace=namespace, name=name)


def offered(reader: Reader) -> list[Version]:
    """The version of each workflow that new executions get, by name."""
    return [_record(row) for row in reader.all(_OFFERED)]


def versions(reader: Reader, namespace: str, name: str) -> list[Version]:
    """Every version of a workflow, newest first."""
    return [_record(row) for row in reader.all(_VERSIONS, namespace=namespace, name=name)]


def failed(tx: Transaction, error: LoadError) -> None:
    """Note that a file does not load."""
    tx.execute(_FAILED, **error._asdict())


def mended(tx: Transaction, path: str) -> None:
    """Note that a file loads again, or is gone."""
    tx.execute(_MENDED, path=path)


def errors(reader: Reader) -> list[LoadError]:
    """Every file that does not load."""
    return [LoadError(*row) for row in reader.all(_ERRORS)]  # type: ignore[arg-type]  # column types are STRICT


def _packed(version: Version) -> str:
    """The column `about`: what is known of a version, and the names of its tasks."""
    return json.dumps({"tasks": version.tasks, "about": json.loads(version.about)})


def _record(row: Row) -> Version:
    namespace, name, number, digest, path, registered, packed = row
    kept = json.loads(str(packed))
    tasks = tuple(kept["tasks"])
    return Version(
        namespace=str(namespace),
        name=str(name),
        number=number if isinstance(number, int) else 0,
        digest=str(digest),
        path=str(path),
        registered=registered if isinstance(registered, int) else 0,
        tasks=tasks,
        about=json.dumps(kept["about"]),
        permissions=needed(str(namespace), str(name), tasks),
    )
