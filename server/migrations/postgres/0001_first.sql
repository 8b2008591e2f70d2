-- In clear: ids, shared numbers, stages, instruments, parties, instants, sizes, digests.
-- Everything else is encrypted under the key of its case, which lives outside this database.
-- Instants are microseconds UTC; ids and stages text, compared byte by byte; digests 32 bytes.
-- The same tables and columns as SQLite's; what differs is types, collation and triggers.

CREATE TABLE mla_request (
    case_id       TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    shared_number TEXT COLLATE "C" NOT NULL UNIQUE,
    side          TEXT COLLATE "C" NOT NULL CHECK (side IN ('requesting', 'requested')),
    counterpart   TEXT COLLATE "C" NOT NULL,
    instrument    TEXT COLLATE "C" NOT NULL,
    stage         TEXT COLLATE "C" NOT NULL CHECK (stage IN ('drafted', 'approved', 'transmitted', 'not-delivered', 'received',
                                                    'acknowledged', 'in-execution', 'executed', 'partly-executed',
                                                    'postponed', 'refused', 'forwarded', 'withdrawn', 'closed')),
    stage_time    BIGINT NOT NULL,
    opened_time   BIGINT NOT NULL,
    body          BYTEA NOT NULL
);
CREATE INDEX mla_request_by_opening ON mla_request (opened_time, case_id);

CREATE TABLE production_order (
    shared_number  TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    case_id        TEXT COLLATE "C" NOT NULL,
    side           TEXT COLLATE "C" NOT NULL CHECK (side IN ('ordering', 'provider')),
    counterpart    TEXT COLLATE "C" NOT NULL,
    request_number TEXT COLLATE "C" NOT NULL,
    stage          TEXT COLLATE "C" NOT NULL CHECK (stage IN ('drafted', 'approved', 'served', 'not-delivered', 'received',
                                                     'acknowledged', 'produced')),
    stage_time     BIGINT NOT NULL,
    opened_time    BIGINT NOT NULL,
    body           BYTEA NOT NULL
);
CREATE INDEX production_order_by_case ON production_order (case_id);
CREATE INDEX production_order_by_opening ON production_order (opened_time, case_id);

CREATE TABLE preservation (
    case_id         TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    shared_number   TEXT COLLATE "C" NOT NULL UNIQUE,
    side            TEXT COLLATE "C" NOT NULL CHECK (side IN ('requesting', 'requested')),
    counterpart     TEXT COLLATE "C" NOT NULL,
    instrument      TEXT COLLATE "C" NOT NULL,
    stage           TEXT COLLATE "C" NOT NULL CHECK (stage IN ('drafted', 'approved', 'requested', 'not-delivered', 'received',
                                                      'confirmed', 'extended', 'released', 'lapsed', 'refused')),
    stage_time      BIGINT NOT NULL,
    preserved_until BIGINT,
    followed_up_by  TEXT COLLATE "C",
    opened_time     BIGINT NOT NULL,
    body            BYTEA NOT NULL
);
CREATE INDEX preservation_by_opening ON preservation (opened_time, case_id);
CREATE INDEX preservation_by_end ON preservation (preserved_until) WHERE stage IN ('confirmed', 'extended');

CREATE TABLE document (
    document_id      TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    position         BIGINT NOT NULL UNIQUE,
    case_id          TEXT COLLATE "C" NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    shared_number    TEXT COLLATE "C" NOT NULL,
    message_number   BIGINT NOT NULL,
    sender           TEXT COLLATE "C" NOT NULL,
    addressee        TEXT COLLATE "C" NOT NULL,
    stage            TEXT COLLATE "C" NOT NULL CHECK (stage IN ('drafted', 'approved', 'sealed', 'transmitted', 'not-delivered',
                                                       'received', 'refused', 'enclosed')),
    stage_time       BIGINT NOT NULL,
    container_sha256 BYTEA NOT NULL,
    receipt_sha256   BYTEA,
    receipt          BYTEA,
    receipt_leaf     BYTEA
);
-- Apart from the row, so that a change of stage does not write the bytes again.
CREATE TABLE document_container (
    document_id TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES document (document_id),
    container   BYTEA NOT NULL
);
-- What came enclosed in another document was not transmitted here and takes nobody's number.
CREATE UNIQUE INDEX document_once ON document (sender, shared_number, message_number, container_sha256)
    WHERE stage <> 'enclosed';
CREATE INDEX document_by_case ON document (case_id, position);
CREATE INDEX document_by_number ON document (sender, shared_number, message_number);

CREATE TABLE package (
    package_id      TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    case_id         TEXT COLLATE "C" NOT NULL,
    shared_number   TEXT COLLATE "C" NOT NULL,
    counterpart     TEXT COLLATE "C" NOT NULL,
    stage           TEXT COLLATE "C" NOT NULL CHECK (stage IN ('submitted', 'sent', 'not-delivered', 'received', 'relayed')),
    stage_time      BIGINT NOT NULL,
    manifest_sha256 BYTEA NOT NULL,
    objects_sha256  BYTEA NOT NULL,
    size_bytes      BIGINT NOT NULL,
    object_count    BIGINT NOT NULL,
    relay_receipt   BYTEA,
    receipt_sha256  BYTEA,
    receipt         BYTEA,
    receipt_leaf    BYTEA,
    -- The receipt got when it was passed on, beside the one given when it came.
    relay_answer      BYTEA,
    relay_answer_leaf BYTEA
);
CREATE INDEX package_by_case ON package (case_id);

CREATE TABLE package_object (
    package_id TEXT COLLATE "C" NOT NULL,
    position   BIGINT NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256     BYTEA NOT NULL,
    PRIMARY KEY (package_id, position),
    UNIQUE (package_id, name)
);

CREATE TABLE transfer (
    transfer_id    TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    caller         TEXT COLLATE "C" NOT NULL,
    shared_number  TEXT COLLATE "C" NOT NULL,
    announced_time BIGINT NOT NULL
);

CREATE TABLE transfer_object (
    transfer_id TEXT COLLATE "C" NOT NULL REFERENCES transfer (transfer_id) ON DELETE CASCADE,
    position    BIGINT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    size_bytes  BIGINT NOT NULL,
    sha256      BYTEA NOT NULL,
    PRIMARY KEY (transfer_id, position),
    UNIQUE (transfer_id, name)
);

CREATE TABLE party (
    party_id         TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    version          BIGINT NOT NULL,
    container_sha256 BYTEA NOT NULL,
    container        BYTEA NOT NULL,
    confirmed_time   BIGINT NOT NULL
);

CREATE TABLE answered_request (
    caller         TEXT COLLATE "C" NOT NULL,
    request_id     TEXT COLLATE "C" NOT NULL,
    request_sha256 BYTEA NOT NULL,
    answer         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (caller, request_id)
);

-- The custody log. Leaves and nodes never change; bodies can be erased.
CREATE TABLE custody_leaf (
    leaf_index BIGINT PRIMARY KEY NOT NULL,
    leaf       BYTEA NOT NULL CHECK (length(leaf) = 65),
    leaf_hash  BYTEA NOT NULL CHECK (length(leaf_hash) = 32)
);
CREATE FUNCTION custody_leaf_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'custody leaves never change and never go';
END $$;
CREATE TRIGGER custody_leaf_never_changes BEFORE UPDATE OR DELETE ON custody_leaf
    FOR EACH ROW EXECUTE FUNCTION custody_leaf_stays();
CREATE TRIGGER custody_leaf_never_goes BEFORE TRUNCATE ON custody_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION custody_leaf_stays();

CREATE TABLE custody_node (
    level      BIGINT NOT NULL,
    node_index BIGINT NOT NULL,
    hash       BYTEA NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, node_index)
);

CREATE TABLE custody_body (
    leaf_index BIGINT PRIMARY KEY NOT NULL,
    case_id    TEXT COLLATE "C" NOT NULL,
    stream     TEXT COLLATE "C" NOT NULL,
    n          BIGINT NOT NULL,
    salt       BYTEA NOT NULL,
    body       BYTEA NOT NULL,
    UNIQUE (case_id, stream, n)
);

CREATE TABLE custody_checkpoint (
    id        BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    tree_size BIGINT NOT NULL,
    note      BYTEA NOT NULL
);

-- Case heads: what this log said to counterparts, and theirs to it. Notes hold ids, numbers, instants and digests only.
CREATE TABLE case_head (
    case_id     TEXT COLLATE "C" NOT NULL,
    direction   TEXT COLLATE "C" NOT NULL CHECK (direction IN ('sent', 'received')),
    message     TEXT COLLATE "C" NOT NULL,
    counterpart TEXT COLLATE "C" NOT NULL,
    n           BIGINT NOT NULL,
    leaf_hash   BYTEA NOT NULL CHECK (length(leaf_hash) = 32),
    head_sha256 BYTEA NOT NULL CHECK (length(head_sha256) = 32),
    note        BYTEA NOT NULL,
    PRIMARY KEY (case_id, direction, message)
);

-- What must leave the house. Entries of one case for one addressee leave in the order of their position.
CREATE TABLE outbox (
    position    BIGINT PRIMARY KEY NOT NULL,
    what        TEXT COLLATE "C" NOT NULL CHECK (what IN ('document', 'package', 'relay')),
    subject     TEXT COLLATE "C" NOT NULL,
    case_id     TEXT COLLATE "C" NOT NULL,
    addressee   TEXT COLLATE "C" NOT NULL,
    actor       TEXT COLLATE "C" NOT NULL,
    queued_time BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    next_time   BIGINT NOT NULL,
    UNIQUE (what, subject)
);
CREATE INDEX outbox_by_line ON outbox (case_id, addressee, position);
CREATE INDEX outbox_by_time ON outbox (next_time, position);

-- Counts the groups of acts that each run of a writer committed, so that a commit whose outcome is in doubt can be found again.
CREATE TABLE committed_group (
    holder TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    number BIGINT NOT NULL,
    -- When the last one was, by the server's clock: a clock that went back is noticed.
    committed_time BIGINT NOT NULL
);

-- Witnesses. Notes hold ids, sizes, instants, digests and signatures only.
-- What this institution saw last of each log of others; it cosigns only what goes on from there.
CREATE TABLE seen_log (
    origin         TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    tree_size      BIGINT NOT NULL,
    root           BYTEA NOT NULL CHECK (length(root) = 32),
    note           BYTEA NOT NULL,
    persisted_time BIGINT NOT NULL
);

-- What others showed of a log, to be compared with the log itself; for each of them the latest.
CREATE TABLE heard_checkpoint (
    origin     TEXT COLLATE "C" NOT NULL,
    heard_from TEXT COLLATE "C" NOT NULL,
    tree_size  BIGINT NOT NULL,
    root       BYTEA NOT NULL CHECK (length(root) = 32),
    note       BYTEA NOT NULL,
    compared   BIGINT NOT NULL CHECK (compared IN (0, 1)),
    heard_time BIGINT NOT NULL,
    next_time  BIGINT NOT NULL,
    PRIMARY KEY (origin, heard_from)
);

-- Two checkpoints of one log that cannot both be true, as they were signed; of the own log, what a witness refused.
CREATE TABLE log_contradiction (
    origin       TEXT COLLATE "C" NOT NULL,
    shown_by     TEXT COLLATE "C" NOT NULL,
    shown_sha256 BYTEA NOT NULL CHECK (length(shown_sha256) = 32),
    known_note   BYTEA NOT NULL,
    shown_note   BYTEA NOT NULL,
    found        TEXT COLLATE "C" NOT NULL CHECK (found IN ('fork', 'rollback', 'no-proof', 'refused')),
    found_time   BIGINT NOT NULL,
    PRIMARY KEY (origin, shown_by, shown_sha256)
);

-- Each witness's latest cosignature of the own log; and since when it has not cosigned although the log grew.
CREATE TABLE log_witness (
    party         TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    origin        TEXT COLLATE "C" NOT NULL,
    tree_size     BIGINT NOT NULL,
    note          BYTEA NOT NULL,
    cosignature   TEXT COLLATE "C" NOT NULL,
    cosigned_time BIGINT NOT NULL,
    behind_since  BIGINT
);

-- What receipts of others promised: that their log holds a leaf, proven by then.
CREATE TABLE promise_got (
    counterpart TEXT COLLATE "C" NOT NULL,
    leaf_hash   BYTEA NOT NULL CHECK (length(leaf_hash) = 32),
    receipt_sha256 BYTEA NOT NULL CHECK (length(receipt_sha256) = 32),
    due_time    BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    next_time   BIGINT NOT NULL,
    broken_time BIGINT,
    told_time   BIGINT,
    proof       BYTEA,
    PRIMARY KEY (counterpart, leaf_hash)
);
CREATE INDEX promise_open ON promise_got (next_time) WHERE proof IS NULL;

-- The leaves that the own receipts named, and to whom.
CREATE TABLE promise_given (
    caller     TEXT COLLATE "C" NOT NULL,
    leaf_hash  BYTEA NOT NULL CHECK (length(leaf_hash) = 32),
    leaf_index BIGINT NOT NULL,
    reported   BIGINT NOT NULL CHECK (reported IN (0, 1)),
    PRIMARY KEY (caller, leaf_hash)
);

-- Erasure. A proposal waits for a second officer; once confirmed, the row says what was erased under which entry.
-- Reason and article are codes or short texts without personal data; the tag key opens nothing.
CREATE TABLE erasure (
    case_id       TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    shared_number TEXT COLLATE "C" NOT NULL,
    counterpart   TEXT COLLATE "C" NOT NULL,
    reason        TEXT COLLATE "C" NOT NULL,
    article       TEXT COLLATE "C" NOT NULL,
    proposed_by   TEXT COLLATE "C" NOT NULL,
    proposed_time BIGINT NOT NULL,
    leaf_index    BIGINT,
    erased_time   BIGINT,
    tag_key       BYTEA,
    -- Whether the key and the folders in the vault are gone as well.
    finished      BIGINT NOT NULL CHECK (finished IN (0, 1))
);

CREATE TABLE erased_number (
    shared_number TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    case_id       TEXT COLLATE "C" NOT NULL,
    counterpart   TEXT COLLATE "C" NOT NULL
);

CREATE TABLE erased_event (
    leaf_index BIGINT PRIMARY KEY NOT NULL,
    case_id    TEXT COLLATE "C" NOT NULL,
    stream     TEXT COLLATE "C" NOT NULL,
    n          BIGINT NOT NULL
);
CREATE INDEX erased_event_by_case ON erased_event (case_id, leaf_index);

CREATE TABLE erased_folder (
    what    TEXT COLLATE "C" NOT NULL CHECK (what IN ('package', 'transfer')),
    name    TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (what, name)
);
CREATE INDEX erased_folder_by_case ON erased_folder (case_id);

-- Time stamps: what waits for one, and the tokens. A renewal stamps `content`, a list of digests; a checkpoint is its own content.
CREATE TABLE time_stamp (
    position       BIGINT PRIMARY KEY NOT NULL,
    what           TEXT COLLATE "C" NOT NULL CHECK (what IN ('document', 'receipt', 'package', 'party-entry', 'checkpoint')),
    case_id        TEXT COLLATE "C" NOT NULL,
    subject_sha256 BYTEA NOT NULL CHECK (length(subject_sha256) = 32),
    generation     BIGINT NOT NULL,
    imprint_sha256 BYTEA NOT NULL CHECK (length(imprint_sha256) = 32),
    content        BYTEA,
    queued_time    BIGINT NOT NULL,
    token          BYTEA,
    stamped_time   BIGINT,
    tsa            TEXT COLLATE "C",
    tsa_until      BIGINT,
    algorithm      TEXT COLLATE "C",
    UNIQUE (subject_sha256, generation)
);
CREATE INDEX time_stamp_waiting ON time_stamp (position) WHERE token IS NULL;
CREATE INDEX time_stamp_by_end ON time_stamp (tsa_until, position);
CREATE INDEX time_stamp_of_checkpoints ON time_stamp (position) WHERE what = 'checkpoint';

-- Since when no time-stamping authority answers, and whether the log says so already.
CREATE TABLE time_stamp_interruption (
    id       BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    since    BIGINT NOT NULL,
    recorded BIGINT NOT NULL
);

-- What the server was configured with at its last start: digests only.
CREATE TABLE configuration (
    what    TEXT COLLATE "C" NOT NULL,
    officer TEXT COLLATE "C" NOT NULL,
    sha256  BYTEA NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (what, officer)
);

-- When each package was read whole the last time, and whether it was sound.
CREATE TABLE package_check (
    package_id   TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    checked_time BIGINT NOT NULL,
    sound        BIGINT NOT NULL CHECK (sound IN (0, 1))
);
CREATE INDEX package_check_by_time ON package_check (checked_time);

-- Stands in a backup only, since its making: what was restored from it is not served before the log's next epoch began.
CREATE TABLE backup_mark (
    id         BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    taken_time BIGINT NOT NULL
);

-- The epochs of the log behind its first, each by the entry that began it. `closed_key` is the verifier key of the epoch before.
CREATE TABLE log_epoch (
    epoch         BIGINT PRIMARY KEY NOT NULL,
    origin        TEXT COLLATE "C" NOT NULL,
    closed_origin TEXT COLLATE "C" NOT NULL,
    closed_key    TEXT COLLATE "C" NOT NULL,
    leaf_index    BIGINT NOT NULL
);
