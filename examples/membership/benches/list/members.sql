-- As the superuser, who is past the policies: the tenant is in the settings that defaults read.
set search_path = {schema};
set app.tenant_id = '{tenant}';

insert into membership_types
    (id, name, price_amount, price_currency, billing_interval, created_at, updated_at)
select gen_random_uuid(), name, price, 'EUR', 'month', now(), now()
from (values ('Individual', 1250), ('Family', 2400), ('Corporate', 9900)) v (name, price);

insert into members
    (id, first_name, last_name, email, status, membership_type_id, created_at, updated_at,
     last_activity_at)
select gen_random_uuid(),
    (array['Zoë', 'Liam', 'Noémie', 'Søren', 'Aoife', 'José', 'Anna', 'Mei'])[1 + n % 8],
    (array['Martin', 'O''Brien', 'García', 'Nguyễn', 'Müller', 'Rossi'])[1 + n / 8 % 6]
        || ' ' || substr(md5(n::text), 1, 5),
    'member' || n || '@example.com',
    (array['active', 'active', 'active', 'active', 'inactive', 'suspended', 'pending'])[1 + n % 7],
    types.ids[1 + n % 3],
    now() - n * interval '1 minute',
    now(),
    case when n % 5 > 0 then now() - n * interval '30 seconds' end
from generate_series(1, {members}) n,
    (select array_agg(id) as ids from membership_types
     where tenant_id = current_setting('app.tenant_id')::uuid) types;
