-- name: AddSeries :exec
INSERT INTO ledger_series (digest, organisation, team, project, user_name, key_name, asked, provider, target, operation, payer, node)
SELECT unnest(sqlc.arg(digests)::bytea[]), unnest(sqlc.arg(organisations)::text[]), unnest(sqlc.arg(teams)::text[]),
       unnest(sqlc.arg(projects)::text[]), unnest(sqlc.arg(users)::text[]), unnest(sqlc.arg(keys)::text[]),
       unnest(sqlc.arg(asked)::text[]), unnest(sqlc.arg(providers)::text[]), unnest(sqlc.arg(targets)::text[]),
       unnest(sqlc.arg(operations)::text[]), unnest(sqlc.arg(payers)::text[]), unnest(sqlc.arg(nodes)::text[])
ON CONFLICT (digest) DO NOTHING;

-- name: Series :many
SELECT id, digest FROM ledger_series WHERE digest = ANY (sqlc.arg(digests)::bytea[]);

-- name: AddHourly :exec
INSERT INTO ledger_hourly AS h (begins, series, entries, input, cache_read, output, cost, saved, unpriced, estimated, unknown, opened)
SELECT unnest(sqlc.arg(begins)::bigint[]), unnest(sqlc.arg(series)::bigint[]), unnest(sqlc.arg(entries)::bigint[]),
       unnest(sqlc.arg(input)::bigint[]), unnest(sqlc.arg(cache_read)::bigint[]), unnest(sqlc.arg(output)::bigint[]),
       unnest(sqlc.arg(cost)::bigint[]), unnest(sqlc.arg(saved)::bigint[]), unnest(sqlc.arg(unpriced)::bigint[]),
       unnest(sqlc.arg(estimated)::bigint[]), unnest(sqlc.arg(unknown)::bigint[]), unnest(sqlc.arg(opened)::bigint[])
ON CONFLICT (begins, series) DO UPDATE SET
    entries = h.entries + excluded.entries, input = h.input + excluded.input, cache_read = h.cache_read + excluded.cache_read,
    output = h.output + excluded.output, cost = h.cost + excluded.cost, saved = h.saved + excluded.saved,
    unpriced = h.unpriced + excluded.unpriced, estimated = h.estimated + excluded.estimated, unknown = h.unknown + excluded.unknown,
    opened = h.opened + excluded.opened;

-- name: AddDaily :exec
INSERT INTO ledger_daily AS h (begins, series, entries, input, cache_read, output, cost, saved, unpriced, estimated, unknown, opened)
SELECT unnest(sqlc.arg(begins)::bigint[]), unnest(sqlc.arg(series)::bigint[]), unnest(sqlc.arg(entries)::bigint[]),
       unnest(sqlc.arg(input)::bigint[]), unnest(sqlc.arg(cache_read)::bigint[]), unnest(sqlc.arg(output)::bigint[]),
       unnest(sqlc.arg(cost)::bigint[]), unnest(sqlc.arg(saved)::bigint[]), unnest(sqlc.arg(unpriced)::bigint[]),
       unnest(sqlc.arg(estimated)::bigint[]), unnest(sqlc.arg(unknown)::bigint[]), unnest(sqlc.arg(opened)::bigint[])
ON CONFLICT (begins, series) DO UPDATE SET
    entries = h.entries + excluded.entries, input = h.input + excluded.input, cache_read = h.cache_read + excluded.cache_read,
    output = h.output + excluded.output, cost = h.cost + excluded.cost, saved = h.saved + excluded.saved,
    unpriced = h.unpriced + excluded.unpriced, estimated = h.estimated + excluded.estimated, unknown = h.unknown + excluded.unknown,
    opened = h.opened + excluded.opened;

-- name: AddSpent :exec
INSERT INTO ledger_spent AS s (begins, pot, node, spent)
SELECT unnest(sqlc.arg(begins)::bigint[]), unnest(sqlc.arg(pots)::text[]), unnest(sqlc.arg(nodes)::text[]), unnest(sqlc.arg(spent)::bigint[])
ON CONFLICT (begins, pot, node) DO UPDATE SET spent = s.spent + excluded.spent;

-- name: Spent :many
SELECT begins, pot, node, spent FROM ledger_spent
WHERE (begins, pot, node) > (sqlc.arg(begins)::bigint, sqlc.arg(pot)::text, sqlc.arg(node)::text)
ORDER BY begins, pot, node LIMIT sqlc.arg(most);

-- name: RaiseFact :exec
INSERT INTO ledger_facts AS f (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = greatest(f.value, excluded.value);

-- name: Fact :one
SELECT coalesce((SELECT value FROM ledger_facts WHERE name = $1), 0)::bigint AS value;

-- name: Span :one
SELECT coalesce(min(begins), 0)::bigint AS oldest, coalesce(max(begins), 0)::bigint AS newest FROM ledger_hourly;

-- name: TrimEntries :execrows
DELETE FROM ledger_entries e USING (
    SELECT o.id, o.at FROM ledger_entries o WHERE o.at < sqlc.arg(before)::bigint ORDER BY o.at LIMIT sqlc.arg(most)
) old WHERE e.id = old.id AND e.at = old.at;
