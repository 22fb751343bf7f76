-- The search hands out members instead of their ids; databases that are there already get it, too.
select pg_temp.searchable('members', array['first_name', 'last_name', 'email']);
