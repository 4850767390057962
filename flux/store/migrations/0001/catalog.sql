-- Pinned sources: a file and its local imports, packed; one row per content.
CREATE TABLE sources (
    digest      TEXT PRIMARY KEY,
    entry       TEXT    NOT NULL,
    root        TEXT    NOT NULL,
    files       BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Every version of a workflow that was ever registered.
CREATE TABLE versions (
    namespace   TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    digest      TEXT    NOT NULL REFERENCES sources (digest),
    path        TEXT    NOT NULL,
    registered  INTEGER NOT NULL,
    about       TEXT    NOT NULL,
    PRIMARY KEY (namespace, name, number)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX versions_by_digest ON versions (namespace, name, digest);

-- The version that new executions get; no row: the workflow is not offered any more.
CREATE TABLE workflows (
    namespace   TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    path        TEXT    NOT NULL,
    PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;

-- Files that do not load, and why.
CREATE TABLE load_errors (
    path        TEXT PRIMARY KEY,
    digest      TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    line        INTEGER,
    seen        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
