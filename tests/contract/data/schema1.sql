-- Written by imagined at commit c94f8df (schema 1): two jobs that succeeded, one that failed, one in a
-- worker's hands, two in the queue. Made with `iterdump` from the file that the program left; never
-- change it.
BEGIN TRANSACTION;
CREATE TABLE api_keys (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  hash         TEXT NOT NULL,
  last4        TEXT NOT NULL,
  created_ms   INTEGER NOT NULL,
  last_used_ms INTEGER NOT NULL,
  disabled     INTEGER NOT NULL
) STRICT;
INSERT INTO "api_keys" VALUES('AhWmlnI0Q8zT','laptop','28f186cfecc3487292c438c036ff2c51a38284d956eae40428c9f4a0589da5f9','5nCi',1795884388268,1795884388294,0);
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
INSERT INTO "jobs" VALUES(1,'01a2230d-0fc6-72a2-998b-a0c34ff64e5d','AhWmlnI0Q8zT','grok-imagine-image','café 🪁 "quoted"
''; DROP TABLE jobs; --',2,'16:9','1k',9223372036854775807,'png','user-7','succeeded',1,'tGwz7WEFGbN2','',1316163,NULL,'','',1795884388294,1795884388295,1795884389592);
INSERT INTO "jobs" VALUES(2,'01a2230d-14e0-7134-ac42-fcefe8081dde','AhWmlnI0Q8zT','grok-imagine-image-quality','a red kite',1,'auto','1k',NULL,'jpeg','','succeeded',1,'tGwz7WEFGbN2','',1317468,NULL,'','',1795884389600,1795884389600,1795884390360);
INSERT INTO "jobs" VALUES(3,'01a2230d-17e2-7b84-89e6-e74bd0dcd4aa','AhWmlnI0Q8zT','grok-imagine-image','a disk that is full',1,'auto','2k',NULL,'png','','failed',1,'tGwz7WEFGbN2','',1318240,104,'no room left to store data','',1795884390370,1795884390372,1795884391136);
INSERT INTO "jobs" VALUES(4,'01a2230d-1ae4-7c83-a082-6eacf8ea29a5','AhWmlnI0Q8zT','grok-imagine-image-quality','first of the open ones',4,'19.5:9','2k',NULL,'jpeg','','running',1,'ovl8A60WcZ86','sbutPLtk4dISULZixBeXoF',1497921,NULL,'','',1795884391140,1795884570053,0);
INSERT INTO "jobs" VALUES(5,'01a2230d-1c11-7b84-8118-58f731b20da3','AhWmlnI0Q8zT','grok-imagine-image','queued',10,'auto','1.5k',0,'jpeg','','queued',0,'','',0,NULL,'','',1795884391441,0,0);
INSERT INTO "jobs" VALUES(6,'01a2230d-1d3e-7d0d-b1f6-e67d40175099','AhWmlnI0Q8zT','grok-imagine-image-quality','queued too',1,'auto','1k',NULL,'jpeg','','queued',0,'','',0,NULL,'','',1795884391742,0,0);
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
INSERT INTO "pictures" VALUES('jDCDjPHMeytXdobcLeQEDJ','01a2230d-0fc6-72a2-998b-a0c34ff64e5d',0,'7093d33e71f2e3a38eafc533d5596d3a20983d5034c268abcf0bb89e1e5cfdd4','image/png',1280,720,9223372036854775807,459889,1795884389016);
INSERT INTO "pictures" VALUES('mDWaFmU7z2HnGo117nyFLy','01a2230d-0fc6-72a2-998b-a0c34ff64e5d',1,'35cf1645859ca24d89e83934689bc43ce2437eab86843eb3d44d2e296c775a30','image/png',1280,720,-9223372036854775808,456525,1795884389592);
INSERT INTO "pictures" VALUES('IqtwpwOYnWg85JKUKcnd4u','01a2230d-14e0-7134-ac42-fcefe8081dde',0,'c5baa3b3c94367f2d534914a499d27aa59929f881fea6d23e041800f2ad599f3','image/jpeg',1024,1024,3340801383,46080,1795884390360);
CREATE INDEX jobs_open ON jobs (sequence) WHERE state IN ('queued', 'running');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',6);
COMMIT;
PRAGMA application_id = 1768777572;
PRAGMA user_version = 1;
