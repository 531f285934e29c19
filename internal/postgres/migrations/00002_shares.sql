-- +goose Up

-- What nodes have of purses and levels. slot is when the window begins, in seconds since 1970; 0 for a level.
CREATE TABLE pot_claims (
    pot   TEXT COLLATE "C" NOT NULL,
    slot  BIGINT NOT NULL,
    node  TEXT COLLATE "C" NOT NULL,
    seq   BIGINT NOT NULL,
    total BIGINT NOT NULL,
    wants BOOLEAN NOT NULL, -- of a level: the node wanted more than it got
    void  TIMESTAMPTZ, -- of a level: unless it is renewed
    ends  TIMESTAMPTZ, -- the row may be deleted
    PRIMARY KEY (pot, slot, node)
);
CREATE INDEX pot_claims_ends ON pot_claims (ends) WHERE ends IS NOT NULL;

-- One row for each pot that was ever claimed of: who claims holds its lock.
CREATE TABLE pot_turns (pot TEXT COLLATE "C" PRIMARY KEY);

-- Buckets: amount in per, the microsecond at which one is full, and moments of least debt, each with more than the one
-- before: no more comes back of what was taken at a time than the debt of the first of them after it.
CREATE TABLE pot_buckets (
    pot       TEXT COLLATE "C" PRIMARY KEY,
    amount    BIGINT NOT NULL DEFAULT 0,
    per       BIGINT NOT NULL DEFAULT 0,
    full_at   BIGINT NOT NULL DEFAULT 0,
    ats       BIGINT[] NOT NULL DEFAULT '{}',
    debts     BIGINT[] NOT NULL DEFAULT '{}'
);

-- +goose StatementBegin
CREATE FUNCTION pot_claim(
    who TEXT, pots TEXT[], slots BIGINT[], seqs BIGINT[], totals BIGINT[], forces BOOLEAN[], amounts BIGINT[],
    sinces BIGINT[], leases BIGINT[], endings BIGINT[]
) RETURNS TABLE (granted BIGINT, remains BIGINT, last BIGINT, sharers BIGINT) LANGUAGE plpgsql AS $$
DECLARE
    mine    RECORD;
    have    NUMERIC;
    others  NUMERIC;
    want    NUMERIC;
    clock   TIMESTAMPTZ;
BEGIN
    INSERT INTO pot_turns SELECT DISTINCT unnest(pots) AS pot ORDER BY pot ON CONFLICT DO NOTHING;
    PERFORM 1 FROM pot_turns t WHERE t.pot = ANY (pots) ORDER BY t.pot FOR UPDATE;
    clock := clock_timestamp();
    FOR i IN 1 .. coalesce(array_length(pots, 1), 0) LOOP
        SELECT c.seq, CASE WHEN c.void <= clock THEN 0 ELSE c.total END AS total INTO mine
            FROM pot_claims c WHERE c.pot = pots[i] AND c.slot = slots[i] AND c.node = who;
        last := coalesce(mine.seq, 0);
        have := coalesce(mine.total, 0);
        SELECT coalesce(sum(c.total), 0), count(*) FILTER (WHERE c.slot = slots[i] AND (c.total > 0 OR c.wants)) INTO others, sharers
            FROM pot_claims c
            WHERE c.pot = pots[i] AND c.slot >= sinces[i] AND (sinces[i] < slots[i] OR c.slot = slots[i])
                AND NOT (c.slot = slots[i] AND c.node = who) AND (c.void IS NULL OR c.void > clock);
        IF seqs[i] > last THEN
            want := totals[i];
            IF NOT forces[i] THEN
                want := least(want, greatest(have, amounts[i] - others));
            END IF;
            have := want;
            last := seqs[i];
            INSERT INTO pot_claims VALUES (
                pots[i], slots[i], who, last, have, leases[i] > 0 AND have < totals[i],
                CASE WHEN leases[i] > 0 THEN clock + leases[i] * INTERVAL '1 millisecond' END,
                CASE WHEN leases[i] > 0 THEN clock + leases[i] * INTERVAL '1 millisecond' + INTERVAL '10 minutes'
                    WHEN endings[i] > 0 THEN greatest(to_timestamp(endings[i]), clock + INTERVAL '1 hour') END
            ) ON CONFLICT (pot, slot, node) DO UPDATE
                SET seq = excluded.seq, total = excluded.total, wants = excluded.wants, void = excluded.void, ends = excluded.ends;
        END IF;
        IF have > 0 THEN
            sharers := sharers + 1;
        END IF;
        granted := have;
        remains := greatest(amounts[i] - others - have, 0);
        RETURN NEXT;
    END LOOP;
    -- What has ended is cleared away by whoever comes, a little at a time.
    IF random() < 0.02 THEN
        DELETE FROM pot_claims c WHERE c.ctid = ANY (ARRAY(
            SELECT d.ctid FROM pot_claims d WHERE d.ends < clock LIMIT 200 FOR UPDATE SKIP LOCKED));
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION pot_take(
    pots TEXT[], amounts BIGINT[], pers BIGINT[], wants BIGINT[], mores BIGINT[], keeps BIGINT[], backs BIGINT[], takens BIGINT[]
) RETURNS TABLE (granted BIGINT, remains BIGINT, moment BIGINT) LANGUAGE plpgsql AS $$
DECLARE
    b     pot_buckets%ROWTYPE;
    clock BIGINT;
    debt  BIGINT;
    back  BIGINT;
    most  BIGINT;
    one   INT;
    lows  INT;
    room  BIGINT;
    base  BIGINT;
    until BIGINT;
    n     NUMERIC;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true); -- what is lost fills again
    INSERT INTO pot_buckets (pot) SELECT DISTINCT unnest(pots) AS pot ORDER BY pot ON CONFLICT DO NOTHING;
    PERFORM 1 FROM pot_buckets t WHERE t.pot = ANY (pots) ORDER BY t.pot FOR UPDATE;
    clock := (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT;
    FOR i IN 1 .. coalesce(array_length(pots, 1), 0) LOOP
        granted := 0;
        remains := 0;
        moment := clock;
        IF amounts[i] > 0 AND pers[i] > 0 THEN
            SELECT * INTO STRICT b FROM pot_buckets t WHERE t.pot = pots[i];
            IF b.amount > 0 AND (b.amount <> amounts[i] OR b.per <> pers[i]) THEN
                b.full_at := clock + least(ceil(ceil(greatest(b.full_at - clock, 0)::NUMERIC * b.amount / b.per) * pers[i] / amounts[i]), 1e17)::BIGINT;
                b.ats := ARRAY[clock]; b.debts := ARRAY[0];
            END IF;
            b.amount := amounts[i]; b.per := pers[i];
            b.full_at := greatest(b.full_at, clock);
            lows := cardinality(b.ats);
            IF backs[i] > 0 THEN
                back := least(div(backs[i]::NUMERIC * b.per, b.amount), b.full_at - clock)::BIGINT;
                one := 1;
                WHILE one <= lows AND b.ats[one] <= takens[i] LOOP
                    one := one + 1;
                END LOOP;
                most := back;
                IF one <= lows THEN
                    most := least(back, b.debts[one]);
                END IF;
                back := greatest(most, back - (clock - takens[i]), 0); -- time cannot have filled more
                b.full_at := b.full_at - back;
                FOR j IN one .. lows LOOP
                    b.debts[j] := greatest(b.debts[j] - back, 0);
                END LOOP;
            END IF;
            -- What is taken now is remembered with the debt of before.
            debt := b.full_at - clock;
            WHILE lows > 0 AND b.debts[lows] >= debt LOOP
                lows := lows - 1;
            END LOOP;
            b.ats := b.ats[1:lows]; b.debts := b.debts[1:lows];
            IF lows = 8 THEN
                one := 1;
                FOR j IN 2 .. 7 LOOP
                    IF b.debts[j + 1] - b.debts[j] < b.debts[one + 1] - b.debts[one] THEN
                        one := j;
                    END IF;
                END LOOP;
                b.ats := b.ats[1:one - 1] || b.ats[one + 1:8];
                b.debts := b.debts[1:one] || b.debts[one + 2:8];
            END IF;
            b.ats := b.ats || clock; b.debts := b.debts || debt;
            -- First what is used at once, then what is used later: that counts as taken at the last moment that it can be.
            FOR j IN 1 .. 2 LOOP
                until := CASE j WHEN 1 THEN clock ELSE clock + keeps[i] END;
                n := CASE j WHEN 1 THEN wants[i] ELSE mores[i] END;
                base := greatest(b.full_at, until);
                room := clock + b.per - base;
                IF n > 0 AND room > 0 THEN
                    n := least(n, div(room::NUMERIC * b.amount, b.per));
                    IF n > 0 THEN
                        b.full_at := base + div(n * b.per + b.amount - 1, b.amount)::BIGINT;
                        granted := granted + n::BIGINT;
                    END IF;
                END IF;
            END LOOP;
            UPDATE pot_buckets t SET amount = b.amount, per = b.per, full_at = b.full_at, ats = b.ats,
                debts = b.debts WHERE t.pot = pots[i];
            remains := div(greatest(b.per - greatest(b.full_at - clock, 0), 0)::NUMERIC * b.amount, b.per)::BIGINT;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
-- +goose StatementEnd
