"""A nightly import: every CSV file of a folder into one SQLite table, each file once.

With `flux dev` running in this folder:

    cp examples/nightly_import.py workflows/
    flux run nightly_import inbox=/data/inbox database=/data/customers.db

Run it as often as you like: a file that was imported is known by its content and left alone, a row that
comes again replaces the old one, and lines that make no sense end up beside the database in `rejects.jsonl`.
"""

import csv
import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypedDict

from flux import ExecutionContext, task, workflow


class Places(TypedDict):
    inbox: str
    database: str


class Found(TypedDict):
    path: str
    digest: str


class Customer(TypedDict):
    id: int
    name: str
    email: str


class Parsed(TypedDict):
    customers: list[Customer]
    rejects: list[dict[str, object]]


def open_database(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30)
    db.executescript("""
        CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS imported (digest TEXT PRIMARY KEY, path TEXT NOT NULL, rows INTEGER NOT NULL);
    """)
    return db


@task.with_options(retry_max_attempts=3, retry_delay=2)  # the inbox is a network share on most nights
def find_new(places: Places) -> list[Found]:
    """The files that were never imported, by name.

    A plain `def`, like all tasks here: it waits for disks, so it gets a process of its own.
    """
    with closing(open_database(places["database"])) as db:
        known = {digest for (digest,) in db.execute("SELECT digest FROM imported")}
    found = [
        Found(path=str(path), digest=hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(Path(places["inbox"]).glob("*.csv"))
    ]
    return [file for file in found if file["digest"] not in known]


@task
def parse(file: Found) -> Parsed:
    """What can be used of the file, and what not."""
    customers: list[Customer] = []
    rejects: list[dict[str, object]] = []
    with Path(file["path"]).open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            try:
                customers.append(as_customer(row))
            except (KeyError, ValueError) as error:
                rejects.append({"file": Path(file["path"]).name, "line": number, "reason": str(error), "row": row})
    return {"customers": customers, "rejects": rejects}


def as_customer(row: dict[str, str]) -> Customer:
    if None in (*row, *row.values()):  # how csv says that a line has more columns than the first one, or fewer
        raise ValueError("not as many columns as the first line")
    email = row["email"].strip().lower()
    if "@" not in email:
        raise ValueError(f"{email!r} is no address")
    return {"id": int(row["id"]), "name": row["name"].strip(), "email": email}


@task.with_options(retry_max_attempts=3, retry_delay=1)
def store(places: Places, file: Found, parsed: Parsed) -> int:
    """The rows and the note that this file is done, in one transaction."""
    with closing(open_database(places["database"])) as db, db:
        db.executemany("INSERT OR REPLACE INTO customers VALUES (:id, :name, :email)", parsed["customers"])
        db.execute(
            "INSERT OR REPLACE INTO imported VALUES (?, ?, ?)", (file["digest"], file["path"], len(parsed["customers"]))
        )
    return len(parsed["customers"])


@task
def keep_rejects(places: Places, rejects: list[dict[str, object]]) -> str:
    """Written whole each time, so that a second attempt leaves the same file."""
    path = Path(places["database"]).with_name("rejects.jsonl")
    path.write_text("".join(json.dumps(reject) + "\n" for reject in rejects), encoding="utf-8")
    return str(path)


@workflow
async def nightly_import(ctx: ExecutionContext[Places]) -> dict[str, object]:
    places = ctx.input
    files = await find_new(places)
    rows = 0
    rejects: list[dict[str, object]] = []
    for file in files:
        parsed = await parse(file)
        rows += await store(places, file, parsed)
        rejects += parsed["rejects"]
    summary: dict[str, object] = {"files": len(files), "rows": rows, "rejected": len(rejects)}
    if rejects:
        summary["rejects"] = await keep_rejects(places, rejects)
    return summary
