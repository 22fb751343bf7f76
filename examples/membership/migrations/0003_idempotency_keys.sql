-- Answers to requests that create something, kept so that a repeated request gets the same one.
create table idempotency_keys (
    key text primary key,
    -- Who asked for what, with which body.
    request_hash bytea not null,
    -- The answer; empty until the request is done, which nobody else can see.
    location text not null default '',
    etag text not null default '',
    body text not null default '',
    created_at timestamptz not null
);

-- Finds what has outlived its use.
create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
