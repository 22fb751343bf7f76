//! What is in the tables, seen past all walls.

#![expect(clippy::disallowed_types, reason = "tests look at the database from outside, too")]

use saas_tenancy::{Isolation, ResolvedTenant};
use saas_tests::world::World;
use sqlx::{Executor, PgConnection};

/// Tells of every table of the application, of the control plane and of tenants with a schema of
/// their own how many rows it has, and what is in them.
///
/// The logs of what was done are left out: that somebody tried to do something is to be kept.
const FINGERPRINT: &str = "
    create function pg_temp.fingerprint() returns text language plpgsql as $$
    declare
        place record;
        line text;
        lines text := '';
    begin
        for place in
            select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p')
                and (n.nspname in ('app', 'saas_tenancy') or n.nspname like 't\\_%')
                and c.relname not in ('system_audit', 'audit_pending', 'audit_sinks')
                and c.relname not like 'saas\\_audit%'
            order by 1, 2
        loop
            execute format(
                'select count(*) || '' '' || coalesce(sum(hashtextextended(r::text, 0)), 0)
                 from %I.%I r', place.nspname, place.relname) into line;
            lines := lines || place.nspname || '.' || place.relname || ' ' || line || e'\\n';
        end loop;
        return lines;
    end
    $$";

/// A look at all rows of some databases.
#[derive(Debug)]
pub(crate) struct Rows(Vec<PgConnection>);

impl Rows {
    /// Of the control plane with all that share its database, and of each of `tenants` that has
    /// one to itself.
    pub(crate) async fn of(world: &World, tenants: &[ResolvedTenant]) -> Self {
        let own = tenants.iter().filter(|one| one.placement.isolation == Isolation::Database);
        let mut names = vec![world.database().to_owned()];
        names.extend(own.map(|one| world.role_of(one)));
        let mut connections = Vec::new();
        for name in names {
            let mut conn = world.server().connect(&name).await;
            conn.execute(FINGERPRINT).await.unwrap();
            connections.push(conn);
        }
        Self(connections)
    }

    /// The same text as long as no row is added, changed or removed.
    pub(crate) async fn fingerprint(&mut self) -> String {
        let mut all = String::new();
        for conn in &mut self.0 {
            let one: String = sqlx::query_scalar("select pg_temp.fingerprint()")
                .fetch_one(&mut *conn)
                .await
                .unwrap();
            all.push_str(&one);
        }
        all
    }
}
