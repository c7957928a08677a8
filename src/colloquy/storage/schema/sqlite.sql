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
INSERT INTO counters (name, value) VALUES ('ledger', 0);
INSERT INTO counters (name, value) VALUES ('inbox', 0);
INSERT INTO counters (name, value) VALUES ('events', 0);
INSERT INTO counters (name, value) VALUES ('webhook_deliveries', 0);
INSERT INTO meta (name, value) VALUES ('search_position', '0');
INSERT INTO meta (name, value) VALUES ('partitions', '64');
INSERT INTO leases (partition, epoch) VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0), (16, 0), (17, 0), (18, 0), (19, 0), (20, 0), (21, 0), (22, 0), (23, 0), (24, 0), (25, 0), (26, 0), (27, 0), (28, 0), (29, 0), (30, 0), (31, 0), (32, 0), (33, 0), (34, 0), (35, 0), (36, 0), (37, 0), (38, 0), (39, 0), (40, 0), (41, 0), (42, 0), (43, 0), (44, 0), (45, 0), (46, 0), (47, 0), (48, 0), (49, 0), (50, 0), (51, 0), (52, 0), (53, 0), (54, 0), (55, 0), (56, 0), (57, 0), (58, 0), (59, 0), (60, 0), (61, 0), (62, 0), (63, 0);
INSERT INTO schema_version (version_num) VALUES ('0001') RETURNING version_num;
