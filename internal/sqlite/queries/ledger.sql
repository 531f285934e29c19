-- name: AddSeries :exec
INSERT INTO ledger_series (digest, organisation, team, project, user_name, key_name, asked, provider, target, operation, payer, node)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (digest) DO NOTHING;

-- name: Series :one
SELECT id FROM ledger_series WHERE digest = ?;

-- name: AddHourly :exec
INSERT INTO ledger_hourly (begins, series, entries, input, cache_read, output, cost, saved, unpriced, estimated, unknown, opened)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (begins, series) DO UPDATE SET
    entries = entries + excluded.entries, input = input + excluded.input, cache_read = cache_read + excluded.cache_read,
    output = output + excluded.output, cost = cost + excluded.cost, saved = saved + excluded.saved,
    unpriced = unpriced + excluded.unpriced, estimated = estimated + excluded.estimated, unknown = unknown + excluded.unknown,
    opened = opened + excluded.opened;

-- name: AddDaily :exec
INSERT INTO ledger_daily (begins, series, entries, input, cache_read, output, cost, saved, unpriced, estimated, unknown, opened)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (begins, series) DO UPDATE SET
    entries = entries + excluded.entries, input = input + excluded.input, cache_read = cache_read + excluded.cache_read,
    output = output + excluded.output, cost = cost + excluded.cost, saved = saved + excluded.saved,
    unpriced = unpriced + excluded.unpriced, estimated = estimated + excluded.estimated, unknown = unknown + excluded.unknown,
    opened = opened + excluded.opened;

-- name: AddSpent :exec
INSERT INTO ledger_spent (begins, pot, node, spent) VALUES (?, ?, ?, ?)
ON CONFLICT (begins, pot, node) DO UPDATE SET spent = spent + excluded.spent;

-- name: Spent :many
SELECT begins, pot, node, spent FROM ledger_spent
WHERE (begins, pot, node) > (CAST(sqlc.arg(begins) AS INTEGER), CAST(sqlc.arg(pot) AS TEXT), CAST(sqlc.arg(node) AS TEXT))
ORDER BY begins, pot, node LIMIT sqlc.arg(most);

-- name: RaiseFact :exec
INSERT INTO ledger_facts (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value);

-- name: Fact :one
SELECT CAST(coalesce((SELECT value FROM ledger_facts WHERE name = ?), 0) AS INTEGER) AS value;

-- name: Span :one
SELECT CAST(coalesce(min(begins), 0) AS INTEGER) AS oldest, CAST(coalesce(max(begins), 0) AS INTEGER) AS newest FROM ledger_hourly;

-- name: TrimEntries :execrows
DELETE FROM ledger_entries WHERE seq IN (SELECT e.seq FROM ledger_entries e WHERE e.at < sqlc.arg(before) ORDER BY e.at LIMIT sqlc.arg(most));
