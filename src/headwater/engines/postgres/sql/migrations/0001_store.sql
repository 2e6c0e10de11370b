-- The whole store, in a schema of its own. Text compares by code point; numbers of 64 bits, as everywhere.

CREATE TABLE {schema}.headwater_store (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    format integer NOT NULL,
    oldest_format integer NOT NULL,
    store_id text NOT NULL,
    secret bytea NOT NULL,
    event_store text NOT NULL,
    command_store text NOT NULL,
    partitions integer NOT NULL
);

CREATE TABLE {schema}.headwater_bonds (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    follows text,
    copy_of text,
    copying boolean NOT NULL DEFAULT FALSE
);

INSERT INTO {schema}.headwater_bonds DEFAULT VALUES;

CREATE TABLE {schema}.headwater_partitions (
    partition integer PRIMARY KEY,
    next bigint NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE {schema}.headwater_streams (
    name text COLLATE "C" PRIMARY KEY,
    category text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    partition_key text COLLATE "C",
    version bigint NOT NULL,
    last_timestamp bigint NOT NULL,
    chain bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE {schema}.headwater_categories (
    name text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    streams bigint NOT NULL,
    PRIMARY KEY (name, partition)
) WITH (fillfactor = 10);

CREATE TABLE {schema}.{events} (
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    event_id uuid NOT NULL,
    timestamp bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    schema bigint NOT NULL,
    data bytea NOT NULL,
    context bytea NOT NULL,
    topic text COLLATE "C",
    checksum bigint NOT NULL,
    PRIMARY KEY (partition, "offset"),
    UNIQUE (stream, version),
    UNIQUE (event_id)
);

CREATE TABLE {schema}.{commands} (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    result bytea NOT NULL,
    error text COLLATE "C",
    writes bytea NOT NULL,
    principal text COLLATE "C",
    timestamp bigint NOT NULL
);

CREATE INDEX ON {schema}.{commands} (number) WHERE error IS NOT NULL;

CREATE TABLE {schema}.headwater_unique_keys (
    scope text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, value)
);

CREATE TABLE {schema}.headwater_tags (
    tag text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    PRIMARY KEY (tag, partition, "offset")
);

CREATE INDEX ON {schema}.headwater_tags (partition, "offset");

CREATE TABLE {schema}.headwater_snapshots (
    stream text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    state bytea NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (stream, kind)
);

CREATE TABLE {schema}.headwater_projections (
    name text COLLATE "C" PRIMARY KEY,
    generations bigint NOT NULL
);

CREATE TABLE {schema}.headwater_generations (
    projection text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    version bigint NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    key_ranges bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    began_at bigint NOT NULL,
    tables text NOT NULL,
    PRIMARY KEY (projection, number)
);

CREATE TABLE {schema}.headwater_checkpoints (
    projection text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    generation bigint NOT NULL,
    key_range bigint NOT NULL,
    "offset" bigint NOT NULL,
    epoch bigint NOT NULL,
    effects bigint NOT NULL,
    PRIMARY KEY (projection, partition, generation, key_range)
) WITH (fillfactor = 20);

CREATE TABLE {schema}.headwater_parked (
    projection text COLLATE "C" NOT NULL,
    generation bigint NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    error text,
    trace text NOT NULL,
    attempts bigint NOT NULL,
    parked_at bigint NOT NULL,
    retry_at bigint,
    data bytea,
    PRIMARY KEY (projection, generation, partition, "offset")
);

CREATE INDEX ON {schema}.headwater_parked (projection, generation, partition, key, "offset");

CREATE TABLE {schema}.headwater_leases (
    name text COLLATE "C" PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    expires_at bigint NOT NULL,
    retry_at bigint NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE {schema}.headwater_read_models (
    table_name text COLLATE "C" PRIMARY KEY,
    declaration text NOT NULL
);

CREATE TABLE {schema}.headwater_changes (
    table_name text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    changes bigint NOT NULL,
    engine text COLLATE "C" NOT NULL,
    changes_elsewhere bigint NOT NULL,
    PRIMARY KEY (table_name, partition)
) WITH (fillfactor = 10);

CREATE TABLE {schema}.headwater_pauses (
    projection text COLLATE "C" PRIMARY KEY,
    paused_by text NOT NULL,
    reason text NOT NULL,
    since bigint NOT NULL
);

CREATE TABLE {schema}.headwater_troubles (
    projection text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    generation bigint NOT NULL,
    key_range bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    error text NOT NULL,
    "offset" bigint NOT NULL,
    since bigint NOT NULL,
    owner text NOT NULL,
    failures bigint NOT NULL,
    retry_at bigint,
    PRIMARY KEY (projection, partition, generation, key_range)
);

CREATE TABLE {schema}.headwater_journal (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    entered_by text NOT NULL,
    action text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    outcome text NOT NULL,
    details text NOT NULL
);

-- A float as the number it is, put together from its bits: a fraction of 52, an exponent of 11.
CREATE FUNCTION {schema}.headwater_exact_bits(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT sign(x)::numeric * mantissa
        * CASE WHEN power < 0 THEN 5::numeric ^ -power * ('1e' || power)::numeric ELSE 2::numeric ^ power END
    FROM (SELECT ('x' || encode(float8send(abs(x)), 'hex'))::bit(64)::bigint AS bits) AS float,
        LATERAL (
            SELECT (bits & (1::bigint << 52) - 1) + CASE WHEN bits >> 52 > 0 THEN 1::bigint << 52 ELSE 0 END AS mantissa,
                greatest(bits >> 52, 1) - 1075 AS power
        ) AS parts
);

-- The same for what is below 1 and has no bit below 2^-124.
CREATE FUNCTION {schema}.headwater_exact_small(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN abs(x) < 1
        AND trunc((x * 4611686018427387904 - trunc(x * 4611686018427387904)) * 4611686018427387904)
            = (x * 4611686018427387904 - trunc(x * 4611686018427387904)) * 4611686018427387904
    THEN trunc(x * 4611686018427387904)::bigint
        * 2.1684043449710088680149056017398834228515625e-19
        + ((x * 4611686018427387904 - trunc(x * 4611686018427387904)) * 4611686018427387904)::bigint
        * 4.70197740328915003187494614888898271127466222708835008603500682511366903781890869140625e-38
    ELSE {schema}.headwater_exact_bits(x)
END;

-- A float as the number it is, to its last bit: a cast would round it to 15 digits. Nearly all are put together from
-- two whole numbers, the second counting 2^-62, or from three, the last counting 2^-124.
CREATE FUNCTION {schema}.headwater_exact(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN abs(x) < 4611686018427387904
        AND trunc((x - trunc(x)) * 4611686018427387904) = (x - trunc(x)) * 4611686018427387904
    THEN trunc(x)::bigint
        + ((x - trunc(x)) * 4611686018427387904)::bigint
        * 2.1684043449710088680149056017398834228515625e-19
    ELSE {schema}.headwater_exact_small(x)
END;
