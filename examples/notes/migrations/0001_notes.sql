create table notes (
    id uuid primary key default gen_random_uuid(),
    body text not null,
    written_at timestamptz not null default now()
);

create index notes_by_time on notes (written_at);
