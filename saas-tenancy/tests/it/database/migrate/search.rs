//! Search keeps its index and its tenant.

use saas_tenancy::migrate::Target;

use super::{A, B, ID, enter, fill, migrated};
use crate::database::server::{count, run, texts};

#[tokio::test]
async fn search_finds_parts_of_the_tenants_own_text_only() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    fill(&mut app).await;
    enter(&mut app, A).await;
    run(
        &mut app,
        &format!("update members set first_name = 'Secret' where tenant_id = '{A}'; commit"),
    )
    .await;
    for (term, found) in [
        ("zOË", 1),
        ("100%", 1),
        ("%", 1),
        ("1%0", 0),
        ("ë_1", 1),
        ("ë-1", 0),
        (r"\", 0),
        ("secret", 0),
        ("", 1),
        ("e' or true", 0),
    ] {
        enter(&mut app, B).await;
        let sql = format!("select count(*) from members_search('{}')", term.replace('\'', "''"));
        assert_eq!(count(&mut app, &sql).await, found, "{term}");
        run(&mut app, "commit").await;
    }
    run(&mut app, "begin; set local role saas_shared; set local search_path = app").await;
    assert_eq!(count(&mut app, "select count(*) from members_search('')").await, 0);
}

#[tokio::test]
async fn search_uses_its_index() {
    let (_db, mut conn) = migrated(Target::Shared).await;
    run(
        &mut conn,
        &format!(
            "set app.tenant_id = '{A}';
             insert into app.membership_types (id, name) values ('{ID}', 'x');
             insert into app.members (id, membership_type_id, first_name, email)
                 select gen_random_uuid(), '{ID}', md5(n::text), n || '@x.test' from generate_series(1, 20000) n;
             analyze app.members;
             set enable_seqscan = off;"
        ),
    )
    .await;
    let body =
        texts(&mut conn, "select prosrc from pg_proc where proname = 'members_search'").await;
    let plan = body[0].replace("term", "substr(md5('777'), 5, 12)");
    let plan = texts(&mut conn, &format!("explain {plan}")).await.join("\n");
    assert!(plan.contains("members_search_idx"), "{plan}");
    let found = "select count(*) from app.members_search(substr(md5('777'), 5, 12))";
    assert_eq!(count(&mut conn, found).await, 1);
}
