-- One row per execution: the fold of its events, rebuilt from them if it must be. `sequence` is that of the
-- last event that changed the row; events since then do not touch it.
CREATE TABLE executions (
    key         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    namespace   TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    principal   TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    sequence    INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    worker      TEXT,
    deaths      INTEGER NOT NULL,
    alone       INTEGER NOT NULL,
    priority    INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    started     INTEGER NOT NULL,
    finished    INTEGER NOT NULL,
    reason      TEXT,
    narrowing   TEXT,
    labels      TEXT
) STRICT;

-- Open executions, and pages: within an entry, rows are in the order of their keys.
CREATE INDEX executions_by_place ON executions (state, namespace, name);

-- How many rows each entry of that index has: kept by whoever changes them, since counting takes long.
CREATE TABLE totals (
    state       TEXT    NOT NULL,
    namespace   TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    PRIMARY KEY (state, namespace, name)
) STRICT, WITHOUT ROWID;

-- The log. `position` counts over all executions, `sequence` within one. `type` is the number in core/events.py.
CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    execution   INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    type        INTEGER NOT NULL,
    instant     INTEGER NOT NULL,
    call        TEXT,
    parent      TEXT,
    name        TEXT,
    attempt     INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    digest      BLOB,
    actor       TEXT,
    worker      TEXT,
    detail      TEXT,
    payload     BLOB
) STRICT;

CREATE INDEX events_of_execution ON events (execution);

-- Open timers. Pauses need no row: they are opened and closed by events.
CREATE TABLE timers (
    execution   INTEGER NOT NULL,
    call        TEXT    NOT NULL,
    due         INTEGER NOT NULL,
    opened      INTEGER NOT NULL,
    parent      TEXT,
    PRIMARY KEY (execution, call)
) STRICT, WITHOUT ROWID;

-- What user code printed and logged.
CREATE TABLE logs (
    id          INTEGER PRIMARY KEY,
    execution   INTEGER NOT NULL,
    call        TEXT,
    attempt     INTEGER NOT NULL,
    stream      TEXT    NOT NULL,
    instant     INTEGER NOT NULL,
    text        TEXT    NOT NULL
) STRICT;

CREATE INDEX logs_of_execution ON logs (execution);

-- Same key and same body: the same execution again.
CREATE TABLE idempotency (
    namespace   TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    principal   TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    digest      BLOB    NOT NULL,
    execution   INTEGER NOT NULL,
    PRIMARY KEY (namespace, name, principal, key)
) STRICT, WITHOUT ROWID;
