-- The people of a tenant, and the tiers they can belong to. Names of tiers differ by more than case,
-- and so do addresses.

create table membership_types (
    id uuid primary key,
    name text not null,
    price_amount bigint not null check (price_amount >= 0),
    price_currency text not null check (price_currency ~ '^[A-Z]{3}$'),
    billing_interval text not null check (billing_interval in ('month', 'quarter', 'year')),
    features text[] not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null default 1
);

create unique index membership_types_name_key on membership_types (lower(name));

create table members (
    id uuid primary key,
    first_name text not null,
    last_name text not null,
    email text not null,
    status text not null default 'active'
        constraint members_status_check check (status in ('active', 'inactive', 'suspended', 'pending')),
    membership_type_id uuid not null
        constraint members_membership_type_id_fkey references membership_types (id),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    last_activity_at timestamptz,
    version bigint not null default 1
);

create unique index members_email_key on members (lower(email));

-- For the foreign key, and for pages of one type.
create index members_membership_type_id_idx on members (membership_type_id, id);

-- One index a sort order, with the id as the tie-breaker. The filtered columns ride along, so that
-- a page is found in the index alone, however deep it lies, and only its own rows are fetched.
create index members_first_name_idx on members (first_name, id) include (status, membership_type_id);
create index members_last_name_idx on members (last_name, id) include (status, membership_type_id);
create index members_email_idx on members (email, id) include (status, membership_type_id);
create index members_status_idx on members (status, id) include (membership_type_id);
create index members_created_at_idx on members (created_at, id) include (status, membership_type_id);
-- Whoever was never active counts as active longest ago.
create index members_last_activity_at_idx
    on members (last_activity_at nulls first, id) include (status, membership_type_id);

select pg_temp.searchable('members', array['first_name', 'last_name', 'email']);
