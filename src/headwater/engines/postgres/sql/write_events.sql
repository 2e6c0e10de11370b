-- Events at the ends of their partitions, where their streams stand then, and how many there are of a category.
WITH moved AS (
    UPDATE {schema}.headwater_partitions AS log
    SET next = log.next + added.events
    FROM unnest($1::integer[], $2::bigint[]) AS added (partition, events)
    WHERE log.partition = added.partition
    RETURNING log.partition, log.next - added.events AS first
),
standing AS (
    INSERT INTO {schema}.headwater_streams (name, category, partition, partition_key, version, last_timestamp, chain)
    SELECT *
    FROM unnest(
        $3::text[], $4::text[], $5::integer[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[]
    ) AS stream (name, category, partition, partition_key, version, last_timestamp, chain)
    ON CONFLICT (name) DO UPDATE SET
        version = excluded.version, last_timestamp = excluded.last_timestamp, chain = excluded.chain
),
counted AS (
    INSERT INTO {schema}.headwater_categories AS known (name, partition, streams)
    SELECT * FROM unnest($10::text[], $11::integer[], $12::bigint[]) AS category (name, partition, streams)
    ON CONFLICT (name, partition) DO UPDATE SET streams = known.streams + excluded.streams
),
written AS (
    INSERT INTO {schema}.{events} (
        partition, "offset", stream, version, event_id, timestamp, type, schema, data, context, topic, checksum
    )
    SELECT
        moved.partition, moved.first + event.place, event.stream, event.version, event.event_id, event.timestamp,
        event.type, event.schema, event.data, event.context, event.topic, event.checksum
    FROM unnest(
        $13::integer[], $14::bigint[], $15::text[], $16::bigint[], $17::uuid[], $18::bigint[],
        $19::text[], $20::bigint[], $21::bytea[], $22::bytea[], $23::text[], $24::bigint[]
    ) AS event (
        partition, place, stream, version, event_id, timestamp, type, schema, data, context, topic, checksum
    )
    JOIN moved ON moved.partition = event.partition
)
SELECT partition, first FROM moved
