//! The routes, one module a resource. Each has a `router` with its paths as the document shows
//! them.

pub mod admin;
pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod authz;
pub mod dev;
pub mod docs;
pub mod extract;
pub mod health;
pub mod invitations;
pub mod me;
pub mod members;
pub mod membership_types;
pub mod roles;
pub mod team;
pub mod tenant;
pub mod tenants;
pub mod well_known;

#[cfg(test)]
mod tests {
    use super::*;
    use saas_core::Clock;

    fn api() -> utoipa::openapi::OpenApi {
        let routes = members::router().merge(membership_types::router());
        routes.build("", &Clock::system()).unwrap().document
    }

    #[test]
    fn the_document_lists_every_operation_once() {
        let api = api();
        let document = serde_json::to_value(&api).unwrap();
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path}");
                operations.push(operation["operationId"].as_str().unwrap().to_owned());
            }
        }
        operations.sort();
        assert_eq!(
            operations,
            [
                "change_members",
                "create_member",
                "create_membership_type",
                "deactivate_member",
                "delete_membership_type",
                "export_members",
                "import_members",
                "list_members",
                "list_membership_types",
                "read_member",
                "read_membership_type",
                "update_member",
                "update_membership_type",
            ]
        );
    }

    #[test]
    fn every_schema_that_is_referred_to_is_described() {
        let api = api();
        let text = serde_json::to_string(&api).unwrap();
        let document = serde_json::to_value(&api).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let referred = text.split("#/components/schemas/").skip(1);
        for name in referred.filter_map(|rest| rest.split('"').next()) {
            assert!(schemas.contains_key(name), "{name}");
        }
        for name in ["Member", "MemberInput", "MemberStatus", "Interval", "RefusedImport"] {
            assert!(schemas.contains_key(name), "{name}");
        }
    }
}
