-- Splits the versions table into 16 partitions by bucket, for very many objects in very
-- many buckets: see docs/operations/sizing.md. Stop all processes first, and back up:
--
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/postgresql/partition-versions.sql
--
-- All unique indexes begin with the bucket, so each partition can keep them alone; only
-- the primary key gains it. The table is copied: it needs its size on disk once more.
BEGIN;
ALTER TABLE objects_objectversion RENAME TO versions_before;
CREATE SEQUENCE objects_objectversion_number;
CREATE TABLE objects_objectversion (
  LIKE versions_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS
) PARTITION BY HASH (bucket_id);
ALTER TABLE objects_objectversion
  ALTER id SET DEFAULT nextval('objects_objectversion_number');
ALTER SEQUENCE objects_objectversion_number OWNED BY objects_objectversion.id;

DO $$
BEGIN
  FOR n IN 0..15 LOOP
    EXECUTE format(
      'CREATE TABLE objects_objectversion_%s PARTITION OF objects_objectversion'
      ' FOR VALUES WITH (MODULUS 16, REMAINDER %s)', n, n);
  END LOOP;
END $$;

INSERT INTO objects_objectversion SELECT * FROM versions_before;
SELECT setval(
  'objects_objectversion_number',
  (SELECT coalesce(max(id), 0) + 1 FROM objects_objectversion), false);

DO $$
DECLARE
  one record;
BEGIN
  ALTER TABLE objects_objectversion ADD PRIMARY KEY (id, bucket_id);
  FOR one IN
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename = 'versions_before'
      AND indexname NOT LIKE '%_pkey'
  LOOP
    EXECUTE format('ALTER INDEX %I RENAME TO %I', one.indexname, 'b4_' || one.indexname);
    EXECUTE replace(one.indexdef, 'versions_before', 'objects_objectversion');
  END LOOP;
  FOR one IN
    SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE conrelid = 'versions_before'::regclass AND contype = 'f'
  LOOP
    EXECUTE 'ALTER TABLE objects_objectversion ADD ' || one.definition;
  END LOOP;
  FOR one IN
    SELECT pg_get_triggerdef(oid) AS definition FROM pg_trigger
    WHERE tgrelid = 'versions_before'::regclass AND NOT tgisinternal
  LOOP
    EXECUTE replace(one.definition, 'versions_before', 'objects_objectversion');
  END LOOP;
END $$;

DROP TABLE versions_before;
COMMIT;
ANALYZE objects_objectversion;
