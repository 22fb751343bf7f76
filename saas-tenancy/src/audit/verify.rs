use sqlx::Row;

use super::{
    AuditError, AuditLog,
    chain::{Bad, Chain, Verdict, Why},
    rows::{LINKS, Link},
};
use crate::db::TenantDb;

/// How many entries are read at once.
const BATCH: i64 = 500;

impl AuditLog {
    /// Compares a tenant's whole log with its chain, and the chain with its checkpoints. Changes
    /// nothing. Entries that are not sealed yet do not count.
    ///
    /// # Errors
    /// [`AuditError::Tenancy`] when the database fails, [`AuditError::Io`] when checkpoints cannot be
    /// read. What is wrong with the log is no error: it is in the [`Verdict`].
    pub async fn verify(&self, db: &mut TenantDb) -> Result<Verdict, AuditError> {
        let mut chain = Chain::whole();
        if let Some(checkpoints) = &self.checkpoints {
            let key = checkpoints.public();
            for signed in checkpoints.all(db.scope().tenant()).await? {
                if let Err(bad) = chain.expect(&signed, &key) {
                    return Ok(chain.verdict(Err(bad)));
                }
            }
        }
        let outcome = follow(&mut chain, db).await?;
        let outcome = match outcome.and_then(|()| chain.end()) {
            Ok(()) => planted(db, chain.next()).await?.map_or(Ok(()), Err),
            bad => bad,
        };
        Ok(chain.verdict(outcome))
    }
}

async fn follow(chain: &mut Chain, db: &mut TenantDb) -> Result<Result<(), Bad>, AuditError> {
    loop {
        let links = links(db, chain.next() - 1, i64::MAX, BATCH).await?;
        for link in &links {
            if let Err(bad) = chain.follow(link) {
                return Ok(Err(bad));
            }
        }
        if links.is_empty() {
            return Ok(Ok(()));
        }
    }
}

/// Seals behind `after` up to `last`, with their entries. A short transaction each: a long check
/// must not hold up the cleaning of the tables.
pub(super) async fn links(
    db: &mut TenantDb,
    after: i64,
    last: i64,
    limit: i64,
) -> Result<Vec<Link>, AuditError> {
    let tenant = db.scope().tenant();
    let mut tx = db.begin().await?;
    let rows = sqlx::query(LINKS)
        .bind(tenant.as_uuid())
        .bind(after)
        .bind(last)
        .bind(limit)
        .fetch_all(&mut tx)
        .await?;
    Ok(rows.iter().map(Link::read).collect::<Result<_, _>>()?)
}

/// An entry that has no seal although the sealer has been past its transaction: it was put there
/// with the triggers off.
async fn planted(db: &mut TenantDb, next: i64) -> Result<Option<Bad>, AuditError> {
    let tenant = db.scope().tenant();
    let mut tx = db.begin().await?;
    let row = sqlx::query(
        "select e.id from saas_audit e
         where e.tenant_id = $1 and e.xid < (
                 select l.xid from saas_audit_seals s
                 join saas_audit l on l.tenant_id = s.tenant_id
                     and l.occurred_at = s.occurred_at and l.id = s.entry_id
                 where s.tenant_id = $1 order by s.seq desc limit 1)
           and not exists (select from saas_audit_seals s
               where s.tenant_id = $1 and s.entry_id = e.id)
         order by e.occurred_at, e.id limit 1",
    )
    .bind(tenant.as_uuid())
    .fetch_optional(&mut tx)
    .await?;
    let bad = |id| Bad { seq: next, id: Some(id), why: Why::Planted };
    Ok(row.map(|row| row.try_get("id")).transpose()?.map(bad))
}
