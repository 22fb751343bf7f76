-- The same rows with the same index and no wall at all.
drop schema if exists bare cascade;
create schema bare;
create table bare.membership_types as select * from app.membership_types;
alter table bare.membership_types add primary key (tenant_id, id);
create table bare.members as select * from app.members;
alter table bare.members add primary key (tenant_id, id);
create index on bare.members (tenant_id, created_at, id);
grant usage on schema bare to saas_app;
grant select on all tables in schema bare to saas_app;
analyze bare.membership_types;
analyze bare.members;
