-- +goose Up

-- One row for each billable thing. Times are nanoseconds since 1970, amounts billionths of a dollar.
CREATE TABLE ledger_entries (
    seq          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL,
    exchange     TEXT    NOT NULL,
    attempt      INTEGER NOT NULL,
    node         TEXT    NOT NULL,
    revision     TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    ended        INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    estimated    INTEGER NOT NULL,
    payer        TEXT    NOT NULL,
    organisation TEXT    NOT NULL,
    team         TEXT    NOT NULL,
    project      TEXT    NOT NULL,
    user_name    TEXT    NOT NULL,
    key_name     TEXT    NOT NULL,
    end_user     TEXT    NOT NULL,
    session      TEXT    NOT NULL,
    tags         TEXT    NOT NULL, -- JSON: an array of NAME=VALUE
    operation    TEXT    NOT NULL,
    dialect      TEXT    NOT NULL,
    spoken       TEXT    NOT NULL,
    rule         TEXT    NOT NULL,
    asked        TEXT    NOT NULL,
    provider     TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    answered     TEXT    NOT NULL,
    upstream_id  TEXT    NOT NULL,
    answer_id    TEXT    NOT NULL,
    batch        TEXT    NOT NULL,
    usage        TEXT    NOT NULL, -- JSON, '' = none
    items        TEXT    NOT NULL, -- JSON, '' = none
    input        INTEGER NOT NULL,
    cache_read   INTEGER NOT NULL,
    output       INTEGER NOT NULL,
    cost         INTEGER NOT NULL,
    held         INTEGER NOT NULL,
    saved        INTEGER NOT NULL,
    price        TEXT    NOT NULL,
    unpriced     TEXT    NOT NULL,
    charges      TEXT    NOT NULL, -- JSON, '' = none
    corrects     TEXT    NOT NULL,
    reason       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX ledger_entries_id ON ledger_entries (id);
CREATE INDEX ledger_entries_at ON ledger_entries (at);
CREATE INDEX ledger_entries_exchange ON ledger_entries (exchange);
CREATE INDEX ledger_entries_batch ON ledger_entries (batch) WHERE batch <> '';

-- What sums are told apart by. digest is made of all the columns after it, so that texts of any length can be told apart.
CREATE TABLE ledger_series (
    id           INTEGER PRIMARY KEY,
    digest       BLOB NOT NULL UNIQUE,
    organisation TEXT NOT NULL,
    team         TEXT NOT NULL,
    project      TEXT NOT NULL,
    user_name    TEXT NOT NULL,
    key_name     TEXT NOT NULL,
    asked        TEXT NOT NULL,
    provider     TEXT NOT NULL,
    target       TEXT NOT NULL,
    operation    TEXT NOT NULL,
    payer        TEXT NOT NULL,
    node         TEXT NOT NULL
) STRICT;

-- Sums of entries by hour, and by day of UTC. begins is in seconds since 1970.
CREATE TABLE ledger_hourly (
    begins     INTEGER NOT NULL,
    series     INTEGER NOT NULL,
    entries    INTEGER NOT NULL,
    input      INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    output     INTEGER NOT NULL,
    cost       INTEGER NOT NULL,
    saved      INTEGER NOT NULL,
    unpriced   INTEGER NOT NULL,
    estimated  INTEGER NOT NULL,
    unknown    INTEGER NOT NULL,
    opened     INTEGER NOT NULL,
    PRIMARY KEY (begins, series)
) STRICT, WITHOUT ROWID;
CREATE TABLE ledger_daily (
    begins     INTEGER NOT NULL,
    series     INTEGER NOT NULL,
    entries    INTEGER NOT NULL,
    input      INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    output     INTEGER NOT NULL,
    cost       INTEGER NOT NULL,
    saved      INTEGER NOT NULL,
    unpriced   INTEGER NOT NULL,
    estimated  INTEGER NOT NULL,
    unknown    INTEGER NOT NULL,
    opened     INTEGER NOT NULL,
    PRIMARY KEY (begins, series)
) STRICT, WITHOUT ROWID;

-- What is charged to the windows of budgets.
CREATE TABLE ledger_spent (
    begins INTEGER NOT NULL,
    pot    TEXT    NOT NULL,
    node   TEXT    NOT NULL,
    spent  INTEGER NOT NULL,
    PRIMARY KEY (begins, pot, node)
) STRICT, WITHOUT ROWID;

-- Single values: trimmed = entries admitted before it may be gone, in nanoseconds since 1970.
CREATE TABLE ledger_facts (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What others may read. Their columns are documented in docs/ledger.md and stay.
CREATE VIEW weir_entries AS
SELECT id, exchange, attempt, node, revision,
       strftime('%Y-%m-%dT%H:%M:%S', at / 1000000000, 'unixepoch') || printf('.%03dZ', at / 1000000 % 1000) AS admitted_at,
       CASE WHEN ended = 0 THEN NULL ELSE strftime('%Y-%m-%dT%H:%M:%S', ended / 1000000000, 'unixepoch') || printf('.%03dZ', ended / 1000000 % 1000) END AS ended_at,
       state, estimated, payer, organisation, team, project, user_name, key_name, end_user, session, tags,
       operation, dialect, spoken, rule, asked AS model, provider, target, answered, upstream_id, answer_id, batch,
       usage, items, input AS input_tokens, cache_read AS cache_read_tokens, output AS output_tokens,
       cost AS cost_nanos, printf('%s%d.%09d', CASE WHEN cost < 0 THEN '-' ELSE '' END, abs(cost) / 1000000000, abs(cost) % 1000000000) AS cost_usd,
       held AS held_nanos, printf('%s%d.%09d', CASE WHEN held < 0 THEN '-' ELSE '' END, abs(held) / 1000000000, abs(held) % 1000000000) AS held_usd,
       saved AS saved_nanos, printf('%s%d.%09d', CASE WHEN saved < 0 THEN '-' ELSE '' END, abs(saved) / 1000000000, abs(saved) % 1000000000) AS saved_usd,
       price, unpriced, charges, corrects, reason
FROM ledger_entries;

CREATE VIEW weir_spend_hourly AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', h.begins, 'unixepoch') AS hour,
       s.organisation, s.team, s.project, s.user_name, s.key_name, s.asked AS model, s.provider, s.target, s.operation, s.payer, s.node,
       h.entries, h.input AS input_tokens, h.cache_read AS cache_read_tokens, h.output AS output_tokens,
       h.cost AS cost_nanos, printf('%s%d.%09d', CASE WHEN h.cost < 0 THEN '-' ELSE '' END, abs(h.cost) / 1000000000, abs(h.cost) % 1000000000) AS cost_usd,
       h.saved AS saved_nanos, printf('%s%d.%09d', CASE WHEN h.saved < 0 THEN '-' ELSE '' END, abs(h.saved) / 1000000000, abs(h.saved) % 1000000000) AS saved_usd,
       h.unpriced, h.estimated, h.unknown
FROM ledger_hourly h JOIN ledger_series s ON s.id = h.series;

CREATE VIEW weir_spend_daily AS
SELECT strftime('%Y-%m-%d', h.begins, 'unixepoch') AS day,
       s.organisation, s.team, s.project, s.user_name, s.key_name, s.asked AS model, s.provider, s.target, s.operation, s.payer, s.node,
       h.entries, h.input AS input_tokens, h.cache_read AS cache_read_tokens, h.output AS output_tokens,
       h.cost AS cost_nanos, printf('%s%d.%09d', CASE WHEN h.cost < 0 THEN '-' ELSE '' END, abs(h.cost) / 1000000000, abs(h.cost) % 1000000000) AS cost_usd,
       h.saved AS saved_nanos, printf('%s%d.%09d', CASE WHEN h.saved < 0 THEN '-' ELSE '' END, abs(h.saved) / 1000000000, abs(h.saved) % 1000000000) AS saved_usd,
       h.unpriced, h.estimated, h.unknown
FROM ledger_daily h JOIN ledger_series s ON s.id = h.series;
