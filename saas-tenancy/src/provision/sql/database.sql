-- Closes what PostgreSQL opens to everybody in a new database. What the administrator may not
-- change on a managed server stays open, and the start-up check reports it.

create or replace function pg_temp.try(statement text) returns void
language plpgsql
as $$
begin
    execute statement;
exception when insufficient_privilege then
    raise warning 'not allowed: %', statement;
end
$$;

create or replace function pg_temp.secure_database(runtime name) returns void
language plpgsql
as $$
declare
    routine regprocedure;
begin
    perform pg_advisory_xact_lock(hashtextextended('saas secure database', 0));
    create schema if not exists saas_ext authorization saas_owner;
    grant usage on schema saas_ext to public;
    if not (select rolsuper from pg_roles where rolname = current_user) then
        perform pg_temp.try(format('grant all on database %I to %I', current_database(), current_user));
    end if;
    -- Temporary tables could hide real ones; connecting is for the one role that serves from here.
    perform pg_temp.try(format('revoke all on database %I from public', current_database()));
    perform pg_temp.try(format('grant connect on database %I to %I', current_database(), runtime));
    perform pg_temp.try('revoke create on schema public from public');
    for routine in
        select p.oid from pg_proc p
        where p.pronamespace = 'pg_catalog'::regnamespace
          and (p.proname in (
                -- With it an injected expression could change the tenant within a statement.
                'set_config',
                -- They show and end the work of others under the same login.
                'pg_stat_get_activity', 'pg_cancel_backend', 'pg_terminate_backend',
                -- Large objects belong to nobody's tenant.
                'loread', 'lowrite')
            or p.proname like 'lo\_%')
          and has_function_privilege('public', p.oid, 'execute')
        order by 1
    loop
        perform pg_temp.try(format('revoke execute on function %s from public', routine));
        perform pg_temp.try(format('grant execute on function %s to saas_owner, saas_admin', routine));
    end loop;
    perform pg_temp.try('grant execute on function pg_stat_get_activity(integer) to pg_monitor');
end
$$;
