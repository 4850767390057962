-- Who did what, each row tied by `link` to the one before it (core/audit.py). Rows are added, nothing else.
CREATE TABLE audit (
    position    INTEGER PRIMARY KEY,
    instant     INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    peer        TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    object      TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    request_id  TEXT    NOT NULL,
    actor_id    TEXT    NOT NULL,
    before      TEXT,
    after       TEXT,
    link        BLOB    NOT NULL
) STRICT;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit is never changed');
END;

CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit is never shortened');
END;
