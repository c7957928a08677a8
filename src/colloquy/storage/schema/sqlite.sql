CREATE TABLE schema_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT schema_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE api_keys (
    id TEXT NOT NULL,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (id),
    UNIQUE (hash)
);
CREATE TABLE changes (
    position INTEGER NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    session BIGINT,
    operation TEXT NOT NULL,
    collection TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "after" BLOB,
    previous BIGINT,
    origin TEXT,
    PRIMARY KEY (position)
);
CREATE UNIQUE INDEX changes_of_key ON changes (collection, "key", position);
CREATE TABLE console_sessions (
    hash BLOB NOT NULL,
    key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (hash)
)
 WITHOUT ROWID;
CREATE TABLE counters (
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE dead_letters (
    id INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    conversation BLOB NOT NULL,
    kind SMALLINT NOT NULL,
    received_at BIGINT NOT NULL,
    dead_at BIGINT NOT NULL,
    stream TEXT,
    sequence BIGINT,
    recorded BIGINT NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    status TEXT NOT NULL,
    payload BLOB NOT NULL,
    note BLOB,
    PRIMARY KEY (id)
);
CREATE INDEX dead_letters_of_conversation ON dead_letters (conversation, id);
CREATE INDEX dead_letters_of_message ON dead_letters (message_id);
CREATE INDEX dead_letters_of_status ON dead_letters (status, id);
CREATE TABLE effects (
    "key" BLOB NOT NULL,
    name TEXT NOT NULL,
    session BIGINT NOT NULL,
    turn_id BLOB NOT NULL,
    state TEXT NOT NULL,
    at BIGINT NOT NULL,
    result BLOB,
    PRIMARY KEY ("key")
)
 WITHOUT ROWID;
CREATE TABLE events (
    position INTEGER NOT NULL,
    session BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    turn_id BLOB,
    inbox_id BIGINT,
    body BLOB NOT NULL,
    PRIMARY KEY (position)
);
CREATE INDEX events_of_feedback ON events (at) WHERE kind = 'feedback';
CREATE INDEX events_of_inbox ON events (inbox_id) WHERE inbox_id IS NOT NULL;
CREATE UNIQUE INDEX events_of_session ON events (session, seq);
CREATE TABLE graph_contradictions (
    number INTEGER NOT NULL,
    subject BIGINT NOT NULL,
    predicate TEXT NOT NULL,
    single SMALLINT NOT NULL,
    target BIGINT,
    kind TEXT NOT NULL,
    chosen TEXT NOT NULL,
    other TEXT NOT NULL,
    chosen_key TEXT NOT NULL,
    other_key TEXT NOT NULL,
    learned_from BIGINT NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX graph_contradictions_in ON graph_contradictions (target) WHERE target IS NOT NULL;
CREATE INDEX graph_contradictions_of ON graph_contradictions (subject, predicate);
CREATE TABLE graph_entities (
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT,
    name TEXT,
    stands BIGINT,
    changed BIGINT NOT NULL,
    PRIMARY KEY (number),
    UNIQUE (id)
);
CREATE INDEX graph_entities_by_change ON graph_entities (changed, number);
CREATE INDEX graph_entities_merged ON graph_entities (stands) WHERE stands IS NOT NULL;
CREATE INDEX graph_entities_of_kind ON graph_entities (kind, number);
CREATE TABLE graph_facts (
    number INTEGER NOT NULL,
    subject BIGINT NOT NULL,
    predicate TEXT NOT NULL,
    single SMALLINT NOT NULL,
    target BIGINT,
    value BLOB,
    valid_from BIGINT,
    valid_to BIGINT,
    learned_from BIGINT NOT NULL,
    learned_to BIGINT,
    confidence DOUBLE NOT NULL,
    support BIGINT NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX graph_edges_in ON graph_facts (target, predicate, subject, confidence, learned_to) WHERE target IS NOT NULL AND learned_to IS NULL;
CREATE INDEX graph_edges_out ON graph_facts (subject, predicate, target, confidence, learned_to) WHERE target IS NOT NULL AND learned_to IS NULL;
CREATE INDEX graph_facts_closed ON graph_facts (learned_to, number) WHERE learned_to IS NOT NULL;
CREATE INDEX graph_facts_in ON graph_facts (target, predicate, subject) WHERE target IS NOT NULL;
CREATE INDEX graph_facts_learned ON graph_facts (learned_from, number);
CREATE INDEX graph_facts_out ON graph_facts (subject, predicate, target);
CREATE TABLE graph_merges (
    kept BIGINT NOT NULL,
    other BIGINT NOT NULL,
    learned_from BIGINT NOT NULL,
    learned_to BIGINT,
    PRIMARY KEY (kept, other, learned_from)
)
 WITHOUT ROWID;
CREATE INDEX graph_merges_by_other ON graph_merges (other);
CREATE TABLE graph_sources (
    event BIGINT NOT NULL,
    "key" TEXT NOT NULL,
    PRIMARY KEY (event, "key")
)
 WITHOUT ROWID;
CREATE TABLE graph_vectors (
    entity INTEGER NOT NULL,
    model TEXT NOT NULL,
    text BLOB NOT NULL,
    vector BLOB NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (entity)
);
CREATE INDEX graph_vectors_by_change ON graph_vectors (changed);
CREATE TABLE idempotency (
    "key" BLOB NOT NULL,
    body BLOB NOT NULL,
    status SMALLINT NOT NULL,
    answer BLOB,
    at BIGINT NOT NULL,
    PRIMARY KEY ("key")
);
CREATE INDEX idempotency_by_age ON idempotency (at);
CREATE TABLE inbox (
    id INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    conversation BLOB NOT NULL,
    partition INTEGER NOT NULL,
    kind SMALLINT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    stream TEXT,
    sequence BIGINT,
    attempts INTEGER NOT NULL,
    recorded BIGINT NOT NULL,
    payload BLOB NOT NULL,
    note BLOB,
    PRIMARY KEY (id)
);
CREATE TABLE leases (
    partition INTEGER NOT NULL,
    epoch BIGINT DEFAULT 0 NOT NULL,
    owner TEXT,
    PRIMARY KEY (partition)
);
CREATE TABLE ledger_audit (
    number INTEGER NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    severity TEXT NOT NULL,
    operation TEXT,
    point TEXT,
    session BIGINT,
    message TEXT NOT NULL,
    reason TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX ledger_audit_by_age ON ledger_audit (at);
CREATE TABLE ledger_conflicts (
    id TEXT NOT NULL,
    operation BIGINT NOT NULL,
    collection TEXT NOT NULL,
    "key" TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    base BLOB,
    ours BLOB,
    theirs BLOB,
    live BIGINT NOT NULL,
    paths BLOB NOT NULL,
    merged BLOB,
    confidence DOUBLE NOT NULL,
    state TEXT NOT NULL,
    decision TEXT,
    value BLOB,
    decided_by TEXT,
    decided_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ledger_conflicts_by_state ON ledger_conflicts (state, id);
CREATE INDEX ledger_conflicts_of_operation ON ledger_conflicts (operation, state, id);
CREATE TABLE ledger_items (
    operation BIGINT NOT NULL,
    collection TEXT NOT NULL,
    "key" TEXT NOT NULL,
    rank INTEGER NOT NULL,
    runs BLOB NOT NULL,
    state TEXT NOT NULL,
    "before" BIGINT,
    written BIGINT,
    note TEXT,
    PRIMARY KEY (operation, collection, "key")
)
 WITHOUT ROWID;
CREATE INDEX ledger_items_next ON ledger_items (operation, state, rank, collection, "key");
CREATE TABLE ledger_log (
    operation BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    data BLOB,
    PRIMARY KEY (operation, number)
)
 WITHOUT ROWID;
CREATE TABLE ledger_operations (
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    request BLOB NOT NULL,
    point TEXT,
    target BIGINT NOT NULL,
    head BIGINT NOT NULL,
    scope_key TEXT NOT NULL,
    strategy TEXT NOT NULL,
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    planned_to BIGINT NOT NULL,
    total BIGINT NOT NULL,
    counts BLOB NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    error_code TEXT,
    error TEXT,
    cancelled SMALLINT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT,
    owner TEXT,
    lease_until BIGINT,
    PRIMARY KEY (number),
    UNIQUE (id)
);
CREATE INDEX ledger_operations_by_status ON ledger_operations (status, number);
CREATE TABLE ledger_points (
    id TEXT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    actor TEXT NOT NULL,
    session BIGINT,
    automatic TEXT NOT NULL,
    tags TEXT NOT NULL,
    metadata BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (id)
);
CREATE INDEX ledger_points_by_age ON ledger_points (created_at, id);
CREATE INDEX ledger_points_by_position ON ledger_points (position);
CREATE INDEX ledger_points_of_session ON ledger_points (session, created_at) WHERE session IS NOT NULL;
CREATE TABLE message_keys (
    message_id BLOB NOT NULL,
    body_hash BLOB NOT NULL,
    inbox_id BIGINT NOT NULL,
    PRIMARY KEY (message_id)
)
 WITHOUT ROWID;
CREATE TABLE meta (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE outbox (
    session BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    reply_id BLOB NOT NULL,
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    automatic SMALLINT NOT NULL,
    owner_epoch BIGINT NOT NULL,
    priority SMALLINT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    note BLOB,
    PRIMARY KEY (session, seq)
)
 WITHOUT ROWID;
CREATE TABLE sessions (
    number INTEGER NOT NULL,
    id BLOB NOT NULL,
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    "key" TEXT NOT NULL,
    thread TEXT NOT NULL,
    status TEXT NOT NULL,
    owner TEXT NOT NULL,
    owner_id TEXT,
    owner_epoch BIGINT NOT NULL,
    version BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    state BLOB NOT NULL,
    streams BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    name TEXT,
    preview TEXT,
    intent TEXT,
    feeling TEXT,
    said_seq BIGINT DEFAULT 0 NOT NULL,
    read_seq BIGINT DEFAULT 0 NOT NULL,
    flow BLOB,
    PRIMARY KEY (number),
    UNIQUE (id)
);
CREATE INDEX sessions_by_activity ON sessions (updated_at, number);
CREATE INDEX sessions_handed_over ON sessions (updated_at, number) WHERE owner <> 'assistant';
CREATE TABLE webhook_deliveries (
    number INTEGER NOT NULL,
    webhook TEXT NOT NULL,
    position BIGINT NOT NULL,
    session BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at BIGINT,
    status_code INTEGER,
    detail TEXT NOT NULL,
    duration_ms BIGINT,
    PRIMARY KEY (number)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, due_at, number) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook, number);
CREATE TABLE webhooks (
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    channels TEXT NOT NULL,
    description TEXT NOT NULL,
    enabled SMALLINT NOT NULL,
    disabled_reason TEXT,
    secret BLOB NOT NULL,
    former_secret BLOB,
    former_until BIGINT,
    position BIGINT NOT NULL,
    failing_since BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE workers (
    name TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    info BLOB NOT NULL,
    PRIMARY KEY (name)
);
CREATE VIRTUAL TABLE search USING fts5 (words, content='', detail='none', prefix='2 3', tokenize='ascii');
CREATE VIRTUAL TABLE graph_search USING fts5 (name, words, content='', contentless_delete=1, prefix='1 2 3', tokenize='ascii');
INSERT INTO counters (name, value) VALUES ('ledger', 0);
INSERT INTO counters (name, value) VALUES ('inbox', 0);
INSERT INTO counters (name, value) VALUES ('events', 0);
INSERT INTO counters (name, value) VALUES ('webhook_deliveries', 0);
INSERT INTO counters (name, value) VALUES ('ledger_operations', 0);
INSERT INTO counters (name, value) VALUES ('ledger_audit', 0);
INSERT INTO counters (name, value) VALUES ('graph_entities', 0);
INSERT INTO counters (name, value) VALUES ('graph_facts', 0);
INSERT INTO counters (name, value) VALUES ('graph_vectors', 0);
INSERT INTO counters (name, value) VALUES ('graph_offered', 0);
INSERT INTO counters (name, value) VALUES ('graph_repeated', 0);
INSERT INTO counters (name, value) VALUES ('graph_refused', 0);
INSERT INTO meta (name, value) VALUES ('search_position', '0');
INSERT INTO meta (name, value) VALUES ('partitions', '64');
INSERT INTO leases (partition, epoch) VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0), (16, 0), (17, 0), (18, 0), (19, 0), (20, 0), (21, 0), (22, 0), (23, 0), (24, 0), (25, 0), (26, 0), (27, 0), (28, 0), (29, 0), (30, 0), (31, 0), (32, 0), (33, 0), (34, 0), (35, 0), (36, 0), (37, 0), (38, 0), (39, 0), (40, 0), (41, 0), (42, 0), (43, 0), (44, 0), (45, 0), (46, 0), (47, 0), (48, 0), (49, 0), (50, 0), (51, 0), (52, 0), (53, 0), (54, 0), (55, 0), (56, 0), (57, 0), (58, 0), (59, 0), (60, 0), (61, 0), (62, 0), (63, 0);
INSERT INTO schema_version (version_num) VALUES ('0001') RETURNING version_num;
CREATE TABLE feedback_summaries (session INTEGER PRIMARY KEY, last_seq BIGINT NOT NULL, version SMALLINT NOT NULL, body BLOB NOT NULL);
UPDATE schema_version SET version_num='0002' WHERE schema_version.version_num = '0001';
CREATE TABLE context_parts (session BIGINT NOT NULL, part BIGINT NOT NULL, position BIGINT NOT NULL, format SMALLINT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (session, part));
UPDATE schema_version SET version_num='0003' WHERE schema_version.version_num = '0002';
CREATE TABLE validation_metrics (id TEXT NOT NULL PRIMARY KEY, event_type VARCHAR(50) NOT NULL CHECK (length(event_type) <= 50), total_events BIGINT NOT NULL, passed_events BIGINT NOT NULL, failed_events BIGINT NOT NULL, pass_rate DOUBLE NOT NULL, avg_validation_time_ms DOUBLE NOT NULL, total_errors BIGINT NOT NULL, total_warnings BIGINT NOT NULL, flush_timestamp BIGINT NOT NULL, created_at BIGINT NOT NULL);
CREATE INDEX idx_validation_metrics_event_type ON validation_metrics (event_type);
CREATE INDEX idx_validation_metrics_created_at ON validation_metrics (created_at);
CREATE TABLE validation_rollups (span TEXT NOT NULL, starts_at BIGINT NOT NULL, event_type VARCHAR(50) NOT NULL CHECK (length(event_type) <= 50), total_events BIGINT NOT NULL, passed_events BIGINT NOT NULL, failed_events BIGINT NOT NULL, validation_ms DOUBLE NOT NULL, total_errors BIGINT NOT NULL, total_warnings BIGINT NOT NULL, PRIMARY KEY (span, starts_at, event_type));
UPDATE schema_version SET version_num='0004' WHERE schema_version.version_num = '0003';
CREATE TABLE rollout_watch (name TEXT NOT NULL PRIMARY KEY, started_at BIGINT NOT NULL, revision BIGINT NOT NULL, at BIGINT NOT NULL, data BLOB NOT NULL);
UPDATE schema_version SET version_num='0005' WHERE schema_version.version_num = '0004';
ALTER TABLE outbox ADD COLUMN made BLOB;
UPDATE schema_version SET version_num='0006' WHERE schema_version.version_num = '0005';
