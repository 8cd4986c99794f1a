#include "storage/sqlite/schema.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "storage/sqlite/connection.h"

namespace imagined::storage {
namespace {

constexpr std::int64_t kApplicationId = 0x696D6764;  // "imgd": this file is ours

// Step i leads from schema i to schema i + 1. A step that was ever released is never changed.
// Times are unix milliseconds but for lease_until_ms, which is on the monotonic clock.
constexpr std::array kSteps = {
    R"sql(
CREATE TABLE jobs (
  sequence       INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival
  id             TEXT NOT NULL UNIQUE,
  key_id         TEXT NOT NULL,
  model          TEXT NOT NULL,
  prompt         TEXT NOT NULL,
  count          INTEGER NOT NULL CHECK (count BETWEEN 1 AND 10),
  aspect_ratio   TEXT NOT NULL,
  resolution     TEXT NOT NULL,
  seed           INTEGER,                            -- the bits of an unsigned number
  format         TEXT NOT NULL,
  user           TEXT NOT NULL,
  state          TEXT NOT NULL
                 CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  attempt        INTEGER NOT NULL DEFAULT 0,
  worker_id      TEXT NOT NULL DEFAULT '',
  lease_token    TEXT NOT NULL DEFAULT '',
  lease_until_ms INTEGER NOT NULL DEFAULT 0,
  error_code     INTEGER,
  error_message  TEXT NOT NULL DEFAULT '',
  error_field    TEXT NOT NULL DEFAULT '',
  created_ms     INTEGER NOT NULL,
  started_ms     INTEGER NOT NULL DEFAULT 0,
  finished_ms    INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Small however many jobs have ended: what the claim looks through.
CREATE INDEX jobs_open ON jobs (sequence) WHERE state IN ('queued', 'running');

CREATE TABLE pictures (
  id         TEXT PRIMARY KEY,
  job_id     TEXT NOT NULL REFERENCES jobs (id),
  position   INTEGER NOT NULL,
  blob       TEXT NOT NULL,
  mime_type  TEXT NOT NULL,
  width      INTEGER NOT NULL,
  height     INTEGER NOT NULL,
  seed       INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (job_id, position)
) STRICT;

CREATE TABLE api_keys (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  hash         TEXT NOT NULL,
  last4        TEXT NOT NULL,
  created_ms   INTEGER NOT NULL,
  last_used_ms INTEGER NOT NULL,
  disabled     INTEGER NOT NULL
) STRICT;
)sql",
    R"sql(
-- What sliding windows count; at_ms is on the monotonic clock.
CREATE TABLE limit_hits (
  sequence INTEGER PRIMARY KEY,
  bucket   TEXT NOT NULL,
  at_ms    INTEGER NOT NULL,
  units    INTEGER NOT NULL CHECK (units > 0),
  ends_ms  INTEGER NOT NULL   -- no rule counts it from here on
) STRICT;
CREATE INDEX limit_hits_of_bucket ON limit_hits (bucket, at_ms);
CREATE INDEX limit_hits_by_time ON limit_hits (at_ms);
CREATE INDEX limit_hits_by_end ON limit_hits (ends_ms);
)sql",
    // 3: whose a job is, what kind of work, what was sold; what is asked for becomes a payload
    // (storage/codec). Both tables are written anew because pictures refers to jobs.
    R"sql(
CREATE TABLE jobs_2 (
  sequence        INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival
  id              TEXT NOT NULL UNIQUE,
  org_id          TEXT NOT NULL,
  team_id         TEXT NOT NULL,
  key_id          TEXT NOT NULL,
  kind            TEXT NOT NULL,
  payload_version INTEGER NOT NULL,
  payload         TEXT NOT NULL,
  model           TEXT NOT NULL,
  price_usd_ticks INTEGER NOT NULL,
  steps           INTEGER,  -- NULL: taken under schema 1, which did not keep it
  guidance        REAL,
  idempotency_key TEXT NOT NULL DEFAULT '',
  request_hash    TEXT NOT NULL DEFAULT '',
  state           TEXT NOT NULL DEFAULT 'queued'
                  CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  attempt         INTEGER NOT NULL DEFAULT 0,
  worker_id       TEXT NOT NULL DEFAULT '',
  lease_token     TEXT NOT NULL DEFAULT '',
  lease_origin    TEXT NOT NULL DEFAULT '',  -- Clock::origin of lease_until_ms
  lease_until_ms  INTEGER NOT NULL DEFAULT 0,
  error_code      INTEGER,
  error_message   TEXT NOT NULL DEFAULT '',
  error_field     TEXT NOT NULL DEFAULT '',
  created_ms      INTEGER NOT NULL,
  deliver_by_ms   INTEGER NOT NULL DEFAULT 0,
  started_ms      INTEGER NOT NULL DEFAULT 0,
  finished_ms     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO jobs_2
SELECT sequence, id, 'default', 'default', key_id, 'pictures', 1,
       json_patch(
         json_object('aspect_ratio', aspect_ratio, 'count', count, 'format', format,
                     'model', model, 'prompt', prompt, 'resolution', resolution, 'user', user),
         CASE WHEN seed IS NULL THEN '{}' ELSE format('{"seed":%llu}', seed) END),
       model, 0, NULL, NULL, '', '',
       -- Whoever had it in hand was of the program before this one.
       CASE state WHEN 'running' THEN 'queued' ELSE state END,
       CASE state WHEN 'running' THEN attempt - 1 ELSE attempt END,
       worker_id, '', '', 0, error_code, error_message, error_field, created_ms, 0, started_ms, finished_ms
FROM jobs;
CREATE TABLE pictures_2 (
  id         TEXT PRIMARY KEY,
  job_id     TEXT NOT NULL REFERENCES jobs_2 (id),
  position   INTEGER NOT NULL,
  blob       TEXT NOT NULL,
  format     TEXT NOT NULL,
  width      INTEGER NOT NULL,
  height     INTEGER NOT NULL,
  seed       INTEGER NOT NULL,  -- the bits of an unsigned number
  size_bytes INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (job_id, position)
) STRICT;
INSERT INTO pictures_2
SELECT id, job_id, position, blob, substr(mime_type, length('image/') + 1), width, height, seed,
       size_bytes, created_ms
FROM pictures;
DROP TABLE pictures;
DROP TABLE jobs;
ALTER TABLE jobs_2 RENAME TO jobs;
ALTER TABLE pictures_2 RENAME TO pictures;
-- Small however many jobs have ended: what the claim looks through.
CREATE INDEX jobs_open ON jobs (sequence) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_ended ON jobs (finished_ms) WHERE state NOT IN ('queued', 'running');
CREATE UNIQUE INDEX jobs_once ON jobs (team_id, idempotency_key) WHERE idempotency_key <> '';
CREATE INDEX pictures_by_age ON pictures (created_ms);
CREATE INDEX pictures_by_blob ON pictures (blob);

ALTER TABLE api_keys ADD COLUMN org_id  TEXT NOT NULL DEFAULT 'default';
ALTER TABLE api_keys ADD COLUMN team_id TEXT NOT NULL DEFAULT 'default';
ALTER TABLE api_keys ADD COLUMN scopes  TEXT NOT NULL DEFAULT 'all';
)sql",
    // How the model has read what was asked for; warnings one a line.
    R"sql(
ALTER TABLE pictures ADD COLUMN prompt_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pictures ADD COLUMN tokens_read   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pictures ADD COLUMN warnings      TEXT NOT NULL DEFAULT '';
)sql",
    // 5: the books.
    R"sql(
-- The books (service/billing/ledger.h): kept for ever, as books are. A charge is what is paid for.
CREATE TABLE charges (
  id                    TEXT PRIMARY KEY,
  org_id                TEXT NOT NULL,
  team_id               TEXT NOT NULL,
  key_id                TEXT NOT NULL,
  user                  TEXT NOT NULL,
  model                 TEXT NOT NULL,
  per_picture_usd_ticks INTEGER NOT NULL CHECK (per_picture_usd_ticks >= 0),
  once_usd_ticks        INTEGER NOT NULL CHECK (once_usd_ticks >= 0),
  pictures              INTEGER NOT NULL CHECK (pictures > 0),
  held_usd_ticks        INTEGER NOT NULL CHECK (held_usd_ticks >= 0),  -- 0 once it is resolved
  policy                TEXT NOT NULL,
  day                   TEXT NOT NULL,
  created_ms            INTEGER NOT NULL,
  outcome               TEXT,                                          -- NULL: open
  paid_pictures         INTEGER NOT NULL DEFAULT 0 CHECK (paid_pictures BETWEEN 0 AND pictures),
  cost_usd_ticks        INTEGER NOT NULL DEFAULT 0 CHECK (cost_usd_ticks >= 0),
  resolved_ms           INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX charges_by_time ON charges (created_ms);

CREATE TABLE ledger (
  sequence     INTEGER PRIMARY KEY,
  charge_id    TEXT NOT NULL,
  step         TEXT NOT NULL CHECK (step IN ('reserve', 'settle', 'release', 'refund')),
  from_account TEXT NOT NULL,
  to_account   TEXT NOT NULL,
  usd_ticks    INTEGER NOT NULL CHECK (usd_ticks >= 0),
  at_ms        INTEGER NOT NULL,
  UNIQUE (charge_id, step)
) STRICT;
CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
BEGIN SELECT raise(ABORT, 'an entry of the ledger is never changed'); END;
CREATE TRIGGER ledger_is_not_cut BEFORE DELETE ON ledger
BEGIN SELECT raise(ABORT, 'an entry of the ledger is never deleted'); END;

-- Sums that would be too many rows to add up at each request; the audit adds them up.
CREATE TABLE balances (account TEXT PRIMARY KEY, usd_ticks INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE spending (
  bucket    TEXT NOT NULL,
  period    TEXT NOT NULL,
  pictures  INTEGER NOT NULL,
  usd_ticks INTEGER NOT NULL,
  PRIMARY KEY (bucket, period)
) STRICT, WITHOUT ROWID;
)sql",
    // 6: what a key may, how long, and how much; the audit log.
    R"sql(
ALTER TABLE api_keys ADD COLUMN models              TEXT NOT NULL DEFAULT '';  -- with commas
ALTER TABLE api_keys ADD COLUMN not_before_ms       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN expires_ms          INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN revoked_ms          INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN previous_hash       TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN previous_until_ms   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN modified_ms         INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN modified_by         TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN per_second          INTEGER;  -- NULL, here and below: not limited
ALTER TABLE api_keys ADD COLUMN per_minute          INTEGER;
ALTER TABLE api_keys ADD COLUMN in_flight           INTEGER;
ALTER TABLE api_keys ADD COLUMN pictures_per_day    INTEGER;
ALTER TABLE api_keys ADD COLUMN pictures_per_month  INTEGER;
ALTER TABLE api_keys ADD COLUMN usd_ticks_per_day   INTEGER;
ALTER TABLE api_keys ADD COLUMN usd_ticks_per_month INTEGER;

-- Who did what to whom (service/accounts/audit.h), and the end of the chain.
CREATE TABLE audit (
  sequence   INTEGER PRIMARY KEY,
  at_ms      INTEGER NOT NULL,
  actor      TEXT NOT NULL,
  action     TEXT NOT NULL,
  target     TEXT NOT NULL,
  team_id    TEXT NOT NULL,
  detail     TEXT NOT NULL,
  request_id TEXT NOT NULL,
  hash       TEXT NOT NULL
) STRICT;
CREATE TABLE audit_head (
  only     INTEGER PRIMARY KEY CHECK (only = 1),
  sequence INTEGER NOT NULL,
  hash     TEXT NOT NULL,
  mac      TEXT NOT NULL
) STRICT;
)sql",
    // 7: the rest of a job's bill; what a client that lost an answer asks for again.
    R"sql(
ALTER TABLE jobs ADD COLUMN once_usd_ticks INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_by_request ON jobs (key_id, request_hash);
)sql",
    // 8: people, each with a management key.
    R"sql(
ALTER TABLE api_keys ADD COLUMN role TEXT NOT NULL DEFAULT '';  -- empty: a customer's key
)sql",
    // 9: the capacity that is asked for with a key.
    R"sql(
ALTER TABLE api_keys ADD COLUMN asked_per_second INTEGER;
ALTER TABLE api_keys ADD COLUMN asked_per_minute INTEGER;
ALTER TABLE api_keys ADD COLUMN asked_reason     TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN asked_ms         INTEGER NOT NULL DEFAULT 0;  -- 0: nothing is
)sql",
    // 10: the blobs that a job needs, kept while it is open.
    R"sql(
CREATE TABLE job_inputs (
  job_id   TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  blob     TEXT NOT NULL,
  PRIMARY KEY (job_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_inputs_by_blob ON job_inputs (blob);
)sql",
    // 11: the files of customers.
    R"sql(
CREATE TABLE files (
  id         TEXT PRIMARY KEY,
  org_id     TEXT NOT NULL,
  team_id    TEXT NOT NULL,
  key_id     TEXT NOT NULL,
  name       TEXT NOT NULL,
  blob       TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL  -- 0: never
) STRICT;
CREATE INDEX files_by_team ON files (org_id, team_id, id);
CREATE INDEX files_by_blob ON files (blob);
CREATE INDEX files_by_end ON files (expires_ms) WHERE expires_ms > 0;
)sql",
    // 12: what is made once for who shares it; which job answers a request again.
    R"sql(
ALTER TABLE jobs ADD COLUMN share_key TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN uses_cache INTEGER NOT NULL DEFAULT 0;
CREATE TABLE cache_entries (
  team_id    TEXT NOT NULL,
  key        TEXT NOT NULL,
  job_id     TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (team_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_entries_by_end ON cache_entries (expires_ms);
)sql",
    // 13: keys whose files say nothing of how their pictures were made.
    R"sql(
ALTER TABLE api_keys ADD COLUMN unlabelled INTEGER NOT NULL DEFAULT 0;
)sql",
    // 14: what tells errors of one code apart.
    R"sql(
ALTER TABLE jobs ADD COLUMN error_reason INTEGER NOT NULL DEFAULT 0;
)sql",
    // 15: how people sign in to the console, and who is signed in.
    R"sql(
CREATE TABLE logins (
  person_id  TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  hash       TEXT NOT NULL,  -- Argon2id
  changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
  hash       TEXT PRIMARY KEY,  -- of the token
  person_id  TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_person ON sessions (person_id, created_ms);
)sql",
    // 16: files that anybody may fetch.
    R"sql(
ALTER TABLE files ADD COLUMN public_name TEXT NOT NULL DEFAULT '';  -- '': nobody
ALTER TABLE files ADD COLUMN public_until_ms INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX files_by_public_name ON files (public_name) WHERE public_name <> '';
)sql",
    // 17: who asked for capacity; what whoever asked for something blocked was told.
    R"sql(
ALTER TABLE api_keys ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN why TEXT NOT NULL DEFAULT '';
)sql",
    // 18: clips lie among the pictures, with the format "mp4".
    R"sql(
ALTER TABLE pictures ADD COLUMN duration_ms INTEGER NOT NULL DEFAULT 0;
)sql",
    // 19: what teams want to spend a month.
    R"sql(
CREATE TABLE team_limits (team_id TEXT PRIMARY KEY, usd_ticks_per_month INTEGER NOT NULL) STRICT,
WITHOUT ROWID;
)sql",
    // 20: what a client is told about asking again.
    R"sql(
ALTER TABLE jobs ADD COLUMN error_retry          INTEGER NOT NULL DEFAULT 0;  -- 0: as its code says
ALTER TABLE jobs ADD COLUMN error_retry_after_ms INTEGER NOT NULL DEFAULT 0;  -- 0: none is known
)sql",
    // 21: answers in words, which are paid for and are no pictures.
    R"sql(
ALTER TABLE charges ADD COLUMN is_words INTEGER NOT NULL DEFAULT 0;
)sql",
    // 22: people of different teams may sign in by the same name.
    R"sql(
ALTER TABLE logins RENAME TO logins_before;
CREATE TABLE logins (
  person_id  TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  hash       TEXT NOT NULL,  -- Argon2id
  changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO logins SELECT person_id, name, hash, changed_ms FROM logins_before;
DROP TABLE logins_before;
CREATE INDEX logins_by_name ON logins (name);
)sql",
    // 23: how many want a job that have not given it up.
    R"sql(
ALTER TABLE jobs ADD COLUMN askers INTEGER NOT NULL DEFAULT 1;
)sql",
    // 24: until when somebody waits by the clock that nobody sets; `deliver_by_ms` is for after a
    // restart of the machine.
    R"sql(
ALTER TABLE jobs ADD COLUMN deliver_until_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN deliver_origin   TEXT    NOT NULL DEFAULT '';
)sql",
};

constexpr auto kNewest = static_cast<std::int64_t>(kSteps.size());

/// The schema of the file; 0 when it is empty.
Result<std::int64_t> read_version(Connection& connection) {
  const auto version = TRY(connection.read_integer("PRAGMA user_version"));
  const auto application = TRY(connection.read_integer("PRAGMA application_id"));
  const auto objects = TRY(connection.read_integer("SELECT count(*) FROM sqlite_schema"));
  if (objects > 0 && application != kApplicationId)
    return fail(ErrorCode::failed_precondition, "the database file is not one of imagined's");
  if (version > kNewest)
    return fail(ErrorCode::failed_precondition,
                fmt::format("the database was written by a newer imagined: it has schema {}, this "
                            "program knows up to {}",
                            version, kNewest));
  return version;
}

}  // namespace

Result<void> check_ours(Connection& connection) {
  TRY(read_version(connection));
  return {};
}

Result<void> migrate(Connection& connection) {
  if (TRY(read_version(connection)) == kNewest) return {};
  Transaction transaction = TRY(Transaction::begin(connection));
  // Another process may have migrated while we waited for the lock.
  for (auto version = TRY(read_version(connection)); version < kNewest; ++version)
    TRY(connection.execute(kSteps[static_cast<std::size_t>(version)]));
  TRY(connection.execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kNewest)
          .c_str()));
  return transaction.commit();
}

}  // namespace imagined::storage
