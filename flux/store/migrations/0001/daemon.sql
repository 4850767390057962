-- Facts about the file and its daemon: `epoch` is raised by every daemon that starts.
CREATE TABLE facts (
    name        TEXT PRIMARY KEY,
    value       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO facts (name, value) VALUES ('epoch', 0);

-- Processes of ours that live: whoever starts next ends them before the first grant.
CREATE TABLE processes (
    pid         INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    PRIMARY KEY (pid, start)
) STRICT, WITHOUT ROWID;
