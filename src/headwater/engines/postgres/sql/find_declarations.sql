-- Which of these are tables of read models, by name.
SELECT table_name FROM {schema}.headwater_read_models WHERE table_name = ANY($1::text[]) ORDER BY table_name
