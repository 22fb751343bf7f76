-- The roles of the framework, which belong to the whole cluster. Existing ones stay as they are:
-- the start-up check says what is wrong with them.
do $$
declare
    wanted record;
begin
    for wanted in
        select * from (values
            -- Owns schemas, tables and functions. Forced policies bind it.
            ('saas_owner', 'nologin nobypassrls'),
            -- System work across tenants, assumed with `set local role`.
            ('saas_admin', 'nologin bypassrls'),
            -- The rights on the shared schema, assumed inside a tenant's transaction.
            ('saas_shared', 'nologin nobypassrls'),
            -- The rights on one tenant's rows of the control plane, assumed inside a transaction.
            ('saas_control', 'nologin nobypassrls'),
            -- The rights on people and their credentials, who belong to no tenant.
            ('saas_identity', 'nologin nobypassrls'),
            -- The running application. It inherits nothing, so it reads no tenant table by itself.
            ('saas_app', 'login noinherit nobypassrls')
        ) v (name, attributes)
    loop
        if to_regrole(wanted.name) is null then
            execute format('create role %I nosuperuser nocreatedb nocreaterole noreplication %s', wanted.name, wanted.attributes);
        end if;
    end loop;
    for wanted in select * from (values ('saas_shared'), ('saas_control'), ('saas_identity')) v (name) loop
        if not pg_has_role('saas_app', wanted.name, 'member') then
            execute format('grant %I to saas_app', wanted.name);
        end if;
    end loop;
    -- A role that creates others does not act as them by itself; a superuser does.
    if not (select rolsuper from pg_roles where rolname = current_user) then
        if not pg_has_role(current_user, 'saas_owner', 'usage') then
            execute format('grant saas_owner to %I', current_user);
        end if;
        if not pg_has_role(current_user, 'saas_admin', 'usage') then
            execute format('grant saas_admin to %I', current_user);
        end if;
    end if;
end
$$;
