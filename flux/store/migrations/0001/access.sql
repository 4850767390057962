-- Who may act. (issuer, subject) is how the world knows a principal, `id` how the log does.
CREATE TABLE principals (
    id          TEXT PRIMARY KEY,
    type        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    issuer      TEXT    NOT NULL,
    display_name TEXT   NOT NULL,
    enabled     INTEGER NOT NULL,
    banned      INTEGER NOT NULL,
    metadata    TEXT    NOT NULL,
    created     INTEGER NOT NULL,
    seen        INTEGER,
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

-- Roles that people made. The built-in ones stand in the code and have no row, so an upgrade can better them.
CREATE TABLE roles (
    name        TEXT PRIMARY KEY,
    about       TEXT    NOT NULL,
    created     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE role_permissions (
    role        TEXT    NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission  TEXT    NOT NULL,
    PRIMARY KEY (role, permission)
) STRICT, WITHOUT ROWID;

CREATE TABLE principal_roles (
    principal   TEXT    NOT NULL REFERENCES principals (id) ON DELETE CASCADE,
    role        TEXT    NOT NULL,
    PRIMARY KEY (principal, role)
) STRICT, WITHOUT ROWID;

-- API keys: `prefix` finds a key, `hash` (keyed) proves it; the key itself stands nowhere.
CREATE TABLE api_keys (
    id          TEXT PRIMARY KEY,
    principal   TEXT    NOT NULL REFERENCES principals (id),
    name        TEXT    NOT NULL,
    prefix      TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    permissions TEXT,
    created     INTEGER NOT NULL,
    creator     TEXT    NOT NULL,
    expires     INTEGER,
    used        INTEGER,
    revoked     INTEGER,
    successor   TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_prefix ON api_keys (prefix);

-- Execution tokens that died before their grant did.
CREATE TABLE revoked_tokens (
    jti         TEXT PRIMARY KEY,
    revoked     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the master key has sealed: a canary that proves it, and the keys of this file.
CREATE TABLE vault (
    name        TEXT PRIMARY KEY,
    key_id      TEXT    NOT NULL,
    sealed      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
