-- In clear: ids, shared numbers, stages, instruments, parties, instants, sizes, digests.
-- Everything else is encrypted under the key of its case, which lives outside this database.
-- Instants are microseconds UTC; ids and stages text; digests 32 bytes.

CREATE TABLE mla_request (
    case_id       TEXT    PRIMARY KEY NOT NULL,
    shared_number TEXT    NOT NULL UNIQUE,
    side          TEXT    NOT NULL CHECK (side IN ('requesting', 'requested')),
    counterpart   TEXT    NOT NULL,
    instrument    TEXT    NOT NULL,
    stage         TEXT    NOT NULL CHECK (stage IN ('drafted', 'approved', 'transmitted', 'not-delivered', 'received',
                                                    'acknowledged', 'in-execution', 'executed', 'partly-executed',
                                                    'postponed', 'refused', 'forwarded', 'withdrawn', 'closed')),
    stage_time    INTEGER NOT NULL,
    opened_time   INTEGER NOT NULL,
    body          BLOB    NOT NULL
) STRICT;
CREATE INDEX mla_request_by_opening ON mla_request (opened_time, case_id);

CREATE TABLE production_order (
    shared_number  TEXT    PRIMARY KEY NOT NULL,
    case_id        TEXT    NOT NULL,
    side           TEXT    NOT NULL CHECK (side IN ('ordering', 'provider')),
    counterpart    TEXT    NOT NULL,
    request_number TEXT    NOT NULL,
    stage          TEXT    NOT NULL CHECK (stage IN ('drafted', 'approved', 'served', 'not-delivered', 'received',
                                                     'acknowledged', 'produced')),
    stage_time     INTEGER NOT NULL,
    opened_time    INTEGER NOT NULL,
    body           BLOB    NOT NULL
) STRICT;
CREATE INDEX production_order_by_case ON production_order (case_id);
CREATE INDEX production_order_by_opening ON production_order (opened_time, case_id);

CREATE TABLE preservation (
    case_id         TEXT    PRIMARY KEY NOT NULL,
    shared_number   TEXT    NOT NULL UNIQUE,
    side            TEXT    NOT NULL CHECK (side IN ('requesting', 'requested')),
    counterpart     TEXT    NOT NULL,
    instrument      TEXT    NOT NULL,
    stage           TEXT    NOT NULL CHECK (stage IN ('drafted', 'approved', 'requested', 'not-delivered', 'received',
                                                      'confirmed', 'extended', 'released', 'lapsed', 'refused')),
    stage_time      INTEGER NOT NULL,
    preserved_until INTEGER,
    followed_up_by  TEXT,
    opened_time     INTEGER NOT NULL,
    body            BLOB    NOT NULL
) STRICT;
CREATE INDEX preservation_by_opening ON preservation (opened_time, case_id);
CREATE INDEX preservation_by_end ON preservation (preserved_until) WHERE stage IN ('confirmed', 'extended');

CREATE TABLE document (
    document_id      TEXT    PRIMARY KEY NOT NULL,
    position         INTEGER NOT NULL UNIQUE,
    case_id          TEXT    NOT NULL,
    kind             TEXT    NOT NULL,
    shared_number    TEXT    NOT NULL,
    message_number   INTEGER NOT NULL,
    sender           TEXT    NOT NULL,
    addressee        TEXT    NOT NULL,
    stage            TEXT    NOT NULL CHECK (stage IN ('drafted', 'approved', 'sealed', 'transmitted', 'not-delivered',
                                                       'received', 'refused', 'enclosed')),
    stage_time       INTEGER NOT NULL,
    container_sha256 BLOB    NOT NULL,
    receipt_sha256   BLOB,
    receipt          BLOB,
    receipt_leaf     BLOB
) STRICT;
-- Apart from the row, so that a change of stage does not write the bytes again.
CREATE TABLE document_container (
    document_id TEXT PRIMARY KEY NOT NULL REFERENCES document (document_id),
    container   BLOB NOT NULL
) STRICT;
-- What came enclosed in another document was not transmitted here and takes nobody's number.
CREATE UNIQUE INDEX document_once ON document (sender, shared_number, message_number, container_sha256)
    WHERE stage <> 'enclosed';
CREATE INDEX document_by_case ON document (case_id, position);
CREATE INDEX document_by_number ON document (sender, shared_number, message_number);

CREATE TABLE package (
    package_id      TEXT    PRIMARY KEY NOT NULL,
    case_id         TEXT    NOT NULL,
    shared_number   TEXT    NOT NULL,
    counterpart     TEXT    NOT NULL,
    stage           TEXT    NOT NULL CHECK (stage IN ('submitted', 'sent', 'not-delivered', 'received', 'relayed')),
    stage_time      INTEGER NOT NULL,
    manifest_sha256 BLOB    NOT NULL,
    objects_sha256  BLOB    NOT NULL,
    size_bytes      INTEGER NOT NULL,
    object_count    INTEGER NOT NULL,
    relay_receipt   BLOB,
    receipt_sha256  BLOB,
    receipt         BLOB,
    receipt_leaf    BLOB,
    -- The receipt got when it was passed on, beside the one given when it came.
    relay_answer      BLOB,
    relay_answer_leaf BLOB
) STRICT;
CREATE INDEX package_by_case ON package (case_id);

CREATE TABLE package_object (
    package_id TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256     BLOB    NOT NULL,
    PRIMARY KEY (package_id, position),
    UNIQUE (package_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE transfer (
    transfer_id    TEXT    PRIMARY KEY NOT NULL,
    caller         TEXT    NOT NULL,
    shared_number  TEXT    NOT NULL,
    announced_time INTEGER NOT NULL
) STRICT;

CREATE TABLE transfer_object (
    transfer_id TEXT    NOT NULL REFERENCES transfer (transfer_id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    size_bytes  INTEGER NOT NULL,
    sha256      BLOB    NOT NULL,
    PRIMARY KEY (transfer_id, position),
    UNIQUE (transfer_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE party (
    party_id         TEXT    PRIMARY KEY NOT NULL,
    version          INTEGER NOT NULL,
    container_sha256 BLOB    NOT NULL,
    container        BLOB    NOT NULL,
    confirmed_time   INTEGER NOT NULL
) STRICT;

CREATE TABLE answered_request (
    caller         TEXT    NOT NULL,
    request_id     TEXT    NOT NULL,
    request_sha256 BLOB    NOT NULL,
    answer         TEXT    NOT NULL,
    PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;

-- The custody log. Leaves and nodes never change; bodies can be erased.
CREATE TABLE custody_leaf (
    leaf_index INTEGER PRIMARY KEY NOT NULL,
    leaf       BLOB    NOT NULL CHECK (length(leaf) = 65),
    leaf_hash  BLOB    NOT NULL CHECK (length(leaf_hash) = 32)
) STRICT;
CREATE TRIGGER custody_leaf_never_changes BEFORE UPDATE ON custody_leaf
BEGIN SELECT RAISE(ABORT, 'custody leaves never change'); END;
CREATE TRIGGER custody_leaf_never_goes BEFORE DELETE ON custody_leaf
BEGIN SELECT RAISE(ABORT, 'custody leaves never go'); END;

CREATE TABLE custody_node (
    level      INTEGER NOT NULL,
    node_index INTEGER NOT NULL,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, node_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE custody_body (
    leaf_index INTEGER PRIMARY KEY NOT NULL,
    case_id    TEXT    NOT NULL,
    stream     TEXT    NOT NULL,
    n          INTEGER NOT NULL,
    salt       BLOB    NOT NULL,
    body       BLOB    NOT NULL,
    UNIQUE (case_id, stream, n)
) STRICT;

CREATE TABLE custody_checkpoint (
    id        INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    tree_size INTEGER NOT NULL,
    note      BLOB    NOT NULL
) STRICT;

-- Case heads: what this log said to counterparts, and theirs to it. Notes hold ids, numbers, instants and digests only.
CREATE TABLE case_head (
    case_id     TEXT    NOT NULL,
    direction   TEXT    NOT NULL CHECK (direction IN ('sent', 'received')),
    message     TEXT    NOT NULL,
    counterpart TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    leaf_hash   BLOB    NOT NULL CHECK (length(leaf_hash) = 32),
    head_sha256 BLOB    NOT NULL CHECK (length(head_sha256) = 32),
    note        BLOB    NOT NULL,
    PRIMARY KEY (case_id, direction, message)
) STRICT, WITHOUT ROWID;

-- What must leave the house. Entries of one case for one addressee leave in the order of their position.
CREATE TABLE outbox (
    position    INTEGER PRIMARY KEY NOT NULL,
    what        TEXT    NOT NULL CHECK (what IN ('document', 'package', 'relay')),
    subject     TEXT    NOT NULL,
    case_id     TEXT    NOT NULL,
    addressee   TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    queued_time INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    next_time   INTEGER NOT NULL,
    UNIQUE (what, subject)
) STRICT;
CREATE INDEX outbox_by_line ON outbox (case_id, addressee, position);
CREATE INDEX outbox_by_time ON outbox (next_time, position);

-- Counts the groups of acts that each run of a writer committed, so that a commit whose outcome is in doubt can be found again.
CREATE TABLE committed_group (
    holder TEXT    PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL,
    -- When the last one was, by the server's clock: a clock that went back is noticed.
    committed_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Witnesses. Notes hold ids, sizes, instants, digests and signatures only.
-- What this institution saw last of each log of others; it cosigns only what goes on from there.
CREATE TABLE seen_log (
    origin         TEXT    PRIMARY KEY NOT NULL,
    tree_size      INTEGER NOT NULL,
    root           BLOB    NOT NULL CHECK (length(root) = 32),
    note           BLOB    NOT NULL,
    persisted_time INTEGER NOT NULL
) STRICT;

-- What others showed of a log, to be compared with the log itself; for each of them the latest.
CREATE TABLE heard_checkpoint (
    origin     TEXT    NOT NULL,
    heard_from TEXT    NOT NULL,
    tree_size  INTEGER NOT NULL,
    root       BLOB    NOT NULL CHECK (length(root) = 32),
    note       BLOB    NOT NULL,
    compared   INTEGER NOT NULL CHECK (compared IN (0, 1)),
    heard_time INTEGER NOT NULL,
    next_time  INTEGER NOT NULL,
    PRIMARY KEY (origin, heard_from)
) STRICT, WITHOUT ROWID;

-- Two checkpoints of one log that cannot both be true, as they were signed; of the own log, what a witness refused.
CREATE TABLE log_contradiction (
    origin       TEXT    NOT NULL,
    shown_by     TEXT    NOT NULL,
    shown_sha256 BLOB    NOT NULL CHECK (length(shown_sha256) = 32),
    known_note   BLOB    NOT NULL,
    shown_note   BLOB    NOT NULL,
    found        TEXT    NOT NULL CHECK (found IN ('fork', 'rollback', 'no-proof', 'refused')),
    found_time   INTEGER NOT NULL,
    PRIMARY KEY (origin, shown_by, shown_sha256)
) STRICT, WITHOUT ROWID;

-- Each witness's latest cosignature of the own log; and since when it has not cosigned although the log grew.
CREATE TABLE log_witness (
    party         TEXT    PRIMARY KEY NOT NULL,
    origin        TEXT    NOT NULL,
    tree_size     INTEGER NOT NULL,
    note          BLOB    NOT NULL,
    cosignature   TEXT    NOT NULL,
    cosigned_time INTEGER NOT NULL,
    behind_since  INTEGER
) STRICT;

-- What receipts of others promised: that their log holds a leaf, proven by then.
CREATE TABLE promise_got (
    counterpart TEXT    NOT NULL,
    leaf_hash   BLOB    NOT NULL CHECK (length(leaf_hash) = 32),
    receipt_sha256 BLOB NOT NULL CHECK (length(receipt_sha256) = 32),
    due_time    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    next_time   INTEGER NOT NULL,
    broken_time INTEGER,
    told_time   INTEGER,
    proof       BLOB,
    PRIMARY KEY (counterpart, leaf_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX promise_open ON promise_got (next_time) WHERE proof IS NULL;

-- The leaves that the own receipts named, and to whom.
CREATE TABLE promise_given (
    caller     TEXT    NOT NULL,
    leaf_hash  BLOB    NOT NULL CHECK (length(leaf_hash) = 32),
    leaf_index INTEGER NOT NULL,
    reported   INTEGER NOT NULL CHECK (reported IN (0, 1)),
    PRIMARY KEY (caller, leaf_hash)
) STRICT, WITHOUT ROWID;

-- Erasure. A proposal waits for a second officer; once confirmed, the row says what was erased under which entry.
-- Reason and article are codes or short texts without personal data; the tag key opens nothing.
CREATE TABLE erasure (
    case_id       TEXT    PRIMARY KEY NOT NULL,
    shared_number TEXT    NOT NULL,
    counterpart   TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    article       TEXT    NOT NULL,
    proposed_by   TEXT    NOT NULL,
    proposed_time INTEGER NOT NULL,
    leaf_index    INTEGER,
    erased_time   INTEGER,
    tag_key       BLOB,
    -- Whether the key and the folders in the vault are gone as well.
    finished      INTEGER NOT NULL CHECK (finished IN (0, 1))
) STRICT;

CREATE TABLE erased_number (
    shared_number TEXT PRIMARY KEY NOT NULL,
    case_id       TEXT NOT NULL,
    counterpart   TEXT NOT NULL
) STRICT;

CREATE TABLE erased_event (
    leaf_index INTEGER PRIMARY KEY NOT NULL,
    case_id    TEXT    NOT NULL,
    stream     TEXT    NOT NULL,
    n          INTEGER NOT NULL
) STRICT;
CREATE INDEX erased_event_by_case ON erased_event (case_id, leaf_index);

CREATE TABLE erased_folder (
    what    TEXT NOT NULL CHECK (what IN ('package', 'transfer')),
    name    TEXT NOT NULL,
    case_id TEXT NOT NULL,
    PRIMARY KEY (what, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_folder_by_case ON erased_folder (case_id);

-- Time stamps: what waits for one, and the tokens. A renewal stamps `content`, a list of digests; a checkpoint is its own content.
CREATE TABLE time_stamp (
    position       INTEGER PRIMARY KEY NOT NULL,
    what           TEXT    NOT NULL CHECK (what IN ('document', 'receipt', 'package', 'party-entry', 'checkpoint')),
    case_id        TEXT    NOT NULL,
    subject_sha256 BLOB    NOT NULL CHECK (length(subject_sha256) = 32),
    generation     INTEGER NOT NULL,
    imprint_sha256 BLOB    NOT NULL CHECK (length(imprint_sha256) = 32),
    content        BLOB,
    queued_time    INTEGER NOT NULL,
    token          BLOB,
    stamped_time   INTEGER,
    tsa            TEXT,
    tsa_until      INTEGER,
    algorithm      TEXT,
    UNIQUE (subject_sha256, generation)
) STRICT;
CREATE INDEX time_stamp_waiting ON time_stamp (position) WHERE token IS NULL;
CREATE INDEX time_stamp_by_end ON time_stamp (tsa_until, position);
CREATE INDEX time_stamp_of_checkpoints ON time_stamp (position) WHERE what = 'checkpoint';

-- Since when no time-stamping authority answers, and whether the log says so already.
CREATE TABLE time_stamp_interruption (
    id       INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    since    INTEGER NOT NULL,
    recorded INTEGER NOT NULL
) STRICT;

-- What the server was configured with at its last start: digests only.
CREATE TABLE configuration (
    what    TEXT NOT NULL,
    officer TEXT NOT NULL,
    sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (what, officer)
) STRICT, WITHOUT ROWID;

-- When each package was read whole the last time, and whether it was sound.
CREATE TABLE package_check (
    package_id   TEXT    PRIMARY KEY NOT NULL,
    checked_time INTEGER NOT NULL,
    sound        INTEGER NOT NULL CHECK (sound IN (0, 1))
) STRICT;
CREATE INDEX package_check_by_time ON package_check (checked_time);

-- Stands in a backup only, since its making: what was restored from it is not served before the log's next epoch began.
CREATE TABLE backup_mark (
    id         INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    taken_time INTEGER NOT NULL
) STRICT;

-- The epochs of the log behind its first, each by the entry that began it. `closed_key` is the verifier key of the epoch before.
CREATE TABLE log_epoch (
    epoch         INTEGER PRIMARY KEY NOT NULL,
    origin        TEXT    NOT NULL,
    closed_origin TEXT    NOT NULL,
    closed_key    TEXT    NOT NULL,
    leaf_index    INTEGER NOT NULL
) STRICT;
