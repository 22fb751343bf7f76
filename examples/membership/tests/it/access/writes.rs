//! Every route that changes something of a tenant leaves exactly one entry in its log.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, ask, bearer, signed_in};
use crate::app::{App, owners};

const NOTHING: Value = Value::Null;

/// Routes that change nothing of a tenant: what a person does with their own account, and questions.
const ELSEWHERE: [&str; 3] =
    ["/api/v1/auth/", "/api/v1/admin/impersonate", "POST /api/v1/roles/preview"];

/// A tenant that is asked, and what was asked of it so far.
struct Asked {
    app: App,
    token: String,
    routes: BTreeSet<String>,
}

impl Asked {
    /// How many entries there are, all or those with this action: in the log, and waiting to be
    /// relayed into it.
    async fn entries(&self, action: &str) -> i64 {
        let acme = self.app.tenant("acme").await.id;
        let sql = format!(
            "select count(*) from (
                 select action from app.saas_audit where tenant_id = '{acme}'
                 union all
                 select entry::jsonb ->> 'action' from saas_tenancy.audit_pending
                 where tenant_id = '{acme}'
             ) one where action like '{action}'"
        );
        self.app.count(&sql).await
    }

    /// Asks a route. It must do it, and leave one entry with this action.
    async fn write(&mut self, route: &str, ids: &[&str], body: Value, action: &str) -> Answer {
        let (method, path) = route.split_once(' ').unwrap();
        let mut target = format!("/t/acme/api/v1{path}");
        for id in ids {
            let (start, end) = (target.find('{').unwrap(), target.find('}').unwrap());
            target.replace_range(start..=end, id);
        }
        self.routes.insert(format!("{method} /api/v1{path}"));
        let before = (self.entries("%").await, self.entries(action).await);
        let bearer = bearer(&self.token);
        let mut headers = vec![("authorization", &*bearer), ("if-match", "*")];
        let answer = if path == "/members/import" {
            headers.push(("content-type", "text/csv"));
            let csv = body.as_str().unwrap().as_bytes().to_vec();
            let target = target.trim_start_matches("/t/acme/api/v1");
            let (status, headers, bytes) =
                self.app.bytes(method, target, "acme", &headers, csv).await;
            let body = serde_json::from_slice(&bytes).unwrap_or_default();
            Answer { status: status.as_u16(), headers, body }
        } else {
            ask(self.app.strict_router(), (method, &target), &headers, body).await
        };
        assert!((200..300).contains(&answer.status), "{route}: {answer:?}");
        let after = (self.entries("%").await, self.entries(action).await);
        assert_eq!(after, (before.0 + 1, before.1 + 1), "{route} notes `{action}` and no more");
        answer
    }
}

fn id(answer: &Answer) -> String {
    answer.body["id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

async fn members(asked: &mut Asked) {
    let kind = json!({
        "name": "Gold", "price": { "amount": 1250, "currency": "EUR" }, "interval": "month",
    });
    let made =
        asked.write("POST /membership-types", &[], kind.clone(), "membership_type.create").await;
    let gold = id(&made);
    let put = "PUT /membership-types/{id}";
    asked.write(put, &[&gold], kind.clone(), "membership_type.update").await;
    let mut other = kind;
    other["name"] = json!("Silver");
    let silver =
        id(&asked.write("POST /membership-types", &[], other, "membership_type.create").await);
    let delete = "DELETE /membership-types/{id}";
    asked.write(delete, &[&silver], NOTHING, "membership_type.delete").await;

    let member = crate::app::member(&gold, 1);
    let made = asked.write("POST /members", &[], member.clone(), "member.create").await;
    let one = id(&made);
    asked.write("PUT /members/{id}", &[&one], member, "member.update").await;
    asked.write("DELETE /members/{id}", &[&one], NOTHING, "member.deactivate").await;
    let bulk = json!({ "action": "activate", "member_ids": [one] });
    asked.write("POST /members/bulk", &[], bulk, "member.bulk").await;
    let csv = "first_name,last_name,email,membership_type\nAda,Byron,ada@example.com,Gold\n";
    asked.write("POST /members/import", &[], json!(csv), "member.import").await;
}

async fn tenant(asked: &mut Asked) {
    let settings = json!({ "time_zone": "Europe/Berlin", "currency": "EUR" });
    let body = json!({ "name": "Acme", "settings": settings });
    asked.write("PUT /tenant", &[], body, "tenant.update").await;
    let looks = json!({ "color": "#1a7f5a", "logo_url": null });
    asked.write("PUT /tenant/branding", &[], looks, "tenant.update_branding").await;
    let name = json!({ "name": "members.acme.example" });
    let domain = id(&asked.write("POST /tenant/domains", &[], name, "domain.claim").await);
    asked.write("DELETE /tenant/domains/{id}", &[&domain], NOTHING, "domain.release").await;
    asked.write("POST /audit/verify", &[], NOTHING, "audit.verify").await;
}

async fn access(asked: &mut Asked) {
    let role = json!({ "name": "Desk", "permissions": ["members:read"] });
    let made = asked.write("POST /roles", &[], role.clone(), "role.create").await;
    let desk = id(&made);
    asked.write("PUT /roles/{id}", &[&desk], role, "role.update").await;
    asked.write("DELETE /roles/{id}", &[&desk], NOTHING, "role.delete").await;
    let key = json!({ "name": "import", "scopes": ["members:read"] });
    let key = id(&asked.write("POST /api-keys", &[], key, "api_key.create").await);
    asked.write("POST /api-keys/{id}/rotate", &[&key], NOTHING, "api_key.rotate").await;
    asked.write("DELETE /api-keys/{id}", &[&key], NOTHING, "api_key.revoke").await;
    let invited = json!({ "email": "ada@example.com", "role": "viewer" });
    let sent = asked.write("POST /invitations", &[], invited.clone(), "invitation.create").await;
    let sent = id(&sent);
    let resend = "POST /invitations/{id}/resend";
    asked.write(resend, &[&sent], NOTHING, "invitation.resend").await;
    asked.write("DELETE /invitations/{id}", &[&sent], NOTHING, "invitation.revoke").await;
    asked.write("POST /invitations", &[], invited, "invitation.create").await;
    accept(asked).await;
    let (one, _) = signed_in(&asked.app, "acme", "viewer").await;
    let (other, _) = signed_in(&asked.app, "acme", "viewer").await;
    let (one, other) = (one.user.to_string(), other.user.to_string());
    let role = json!({ "role": "member" });
    asked.write("PUT /team/{user_id}", &[&one], role, "team.change_role").await;
    asked.write("DELETE /team/{user_id}", &[&other], NOTHING, "team.remove").await;
    let to = json!({ "user_id": one });
    asked.write("POST /team/transfer-ownership", &[], to, "team.transfer_ownership").await;
}

/// Accepts the invitation of Ada as somebody who has an account, without a tenant.
async fn accept(asked: &mut Asked) {
    let app = &asked.app;
    app.identity().postbox.flush().await;
    let mails = app.identity().mailing.kept().unwrap().list();
    let mail = mails.iter().find(|one| one.mail.to == "ada@example.com").unwrap();
    let token = mail.mail.text.split("#token=").nth(1).unwrap();
    let token = token.split_whitespace().next().unwrap();
    let ada = super::person(app, "ada@example.com", &[]).await;
    let session = owners::sign_in(app.world(), ada, None).await;
    let bearer = bearer(&owners::token(app.identity(), ada, session, None));
    let before = asked.entries("%").await;
    let target = ("POST", "/api/v1/invitations/accept");
    let headers = [("authorization", &*bearer)];
    let done = ask(app.strict_router(), target, &headers, json!({ "token": token })).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(asked.entries("%").await - before, 1);
    asked.routes.insert("POST /api/v1/invitations/accept".to_owned());
}

#[tokio::test]
async fn every_write_route_leaves_exactly_one_entry() {
    let app = App::new().await;
    let (_, token) = signed_in(&app, "acme", "owner").await;
    let mut asked = Asked { app, token, routes: BTreeSet::new() };
    members(&mut asked).await;
    tenant(&mut asked).await;
    access(&mut asked).await;
    // These are asked elsewhere, of no tenant: in `admin` and in `audit`.
    for tested in [
        "POST /api/v1/admin/tenants/{id}/suspend",
        "POST /api/v1/admin/tenants/{id}/resume",
        "POST /api/v1/tenants",
    ] {
        asked.routes.insert(tested.to_owned());
    }
    let rules = membership::app::rules().unwrap();
    let writes = rules.iter().filter(|(method, ..)| *method != "GET");
    let writes = writes.map(|(method, path, _)| format!("{method} {path}"));
    let missing: Vec<_> = writes
        .filter(|route| !ELSEWHERE.iter().any(|one| route.contains(one)))
        .filter(|route| !asked.routes.contains(route))
        .collect();
    assert!(missing.is_empty(), "these routes are asked by no test: {missing:#?}");
}
