use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What stands where a secret was.
const REDACTED: &str = "[redacted]";

/// What stands where something was that is too long for a log.
const TOO_LARGE: &str = "[too large]";

/// The most bytes of JSON on either side.
const LARGEST: usize = 16 * 1024;

/// The deepest nesting that is looked into for secrets.
const DEEPEST: usize = 16;

/// A field is a secret when its name, without case and separators, contains one of these.
const SECRETS: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "hash",
    "digest",
    "salt",
    "apikey",
    "privatekey",
    "credential",
    "cookie",
    "authorization",
    "recoverycode",
    "cardnumber",
];

/// A field is a secret when its name, without case and separators, is one of these.
const SHORT_SECRETS: [&str; 6] = ["pin", "otp", "totp", "cvc", "cvv", "iban"];

/// What was there before and what is there now, without secrets.
///
/// A field whose name speaks of a secret (`password`, `secret`, `token`, `hash`, `api_key`, `pin`
/// and the like, in any case and spelling, at any depth) keeps its name and loses its value, so the
/// log tells that it changed and nothing else. Each side is at most 16 KiB of JSON; a longer one
/// is replaced as a whole.
///
/// Personal data that must be erasable goes in as the ciphertext that the tenant's key can no longer
/// open one day: the log keeps its hash over exactly those bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    before: Option<Value>,
    after: Option<Value>,
}

impl Changes {
    /// Something new.
    #[must_use]
    pub fn created(after: &Value) -> Self {
        Self { before: None, after: Some(kept(after.clone())) }
    }

    /// Something that is gone.
    #[must_use]
    pub fn deleted(before: &Value) -> Self {
        Self { before: Some(kept(before.clone())), after: None }
    }

    /// What differs between two states of a thing. Of objects only the fields that differ are kept;
    /// secrets are compared before they are removed.
    #[must_use]
    pub fn between(before: &Value, after: &Value) -> Self {
        let (before, after) = match (before, after) {
            (Value::Object(before), Value::Object(after)) => {
                (differing(before, after), differing(after, before))
            }
            (before, after) => (before.clone(), after.clone()),
        };
        Self { before: Some(kept(before)), after: Some(kept(after)) }
    }

    /// What was there before, if anything was.
    #[must_use]
    pub const fn before(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    /// What is there now, if anything is.
    #[must_use]
    pub const fn after(&self) -> Option<&Value> {
        self.after.as_ref()
    }
}

/// The fields of `one` that `other` lacks or has with another value.
fn differing(one: &Map<String, Value>, other: &Map<String, Value>) -> Value {
    let fields = one.iter().filter(|(name, value)| other.get(*name) != Some(value));
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The value as the log keeps it.
fn kept(mut value: Value) -> Value {
    redact(&mut value, DEEPEST);
    if value.to_string().len() > LARGEST { Value::from(TOO_LARGE) } else { value }
}

fn redact(value: &mut Value, depth: usize) {
    match value {
        Value::Array(_) | Value::Object(_) if depth == 0 => *value = Value::from(TOO_LARGE),
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, depth - 1)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret(name) {
                    *value = Value::from(REDACTED);
                } else {
                    redact(value, depth - 1);
                }
            }
        }
        // A character that PostgreSQL's text cannot hold.
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', " "),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let plain = |c: &char| c.is_alphanumeric();
    let name: String = name.chars().filter(plain).flat_map(char::to_lowercase).collect();
    SECRETS.iter().any(|secret| name.contains(secret)) || SHORT_SECRETS.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_keep_their_names_and_lose_their_values_at_any_depth() {
        let names = [
            "password",
            "Password_Hash",
            "clientSecret",
            "refresh-token",
            "API_KEY",
            "pin",
            "TOTP",
            "token",
            "keyHash",
            "private_key",
            "recovery_codes",
            "Set-Cookie",
        ];
        for name in names {
            let changes = Changes::created(&json!({"list": [{name: {"deep": "s3cr3t"}}]}));
            let text = serde_json::to_string(&changes).unwrap();
            assert!(!text.contains("s3cr3t"), "{text}");
            assert_eq!(changes.after().unwrap()["list"][0][name], REDACTED);
        }
    }

    #[test]
    fn ordinary_fields_are_kept() {
        for name in ["name", "email", "shipping", "opinion", "status", "option"] {
            assert_eq!(Changes::created(&json!({name: 1})).after(), Some(&json!({name: 1})));
        }
    }

    #[test]
    fn a_secret_that_changed_shows_that_it_did_and_one_that_did_not_is_absent() {
        let before = json!({"password": "a", "token": "same", "name": "Ann"});
        let after = json!({"password": "b", "token": "same", "name": "Ann"});
        let changes = Changes::between(&before, &after);
        assert_eq!(changes.before(), Some(&json!({"password": REDACTED})));
        assert_eq!(changes.after(), Some(&json!({"password": REDACTED})));
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_replaced() {
        let large = Changes::created(&json!({"text": "x".repeat(LARGEST)}));
        assert_eq!(large.after(), Some(&json!(TOO_LARGE)));
        let deep = (0..100).fold(json!({"password": "p"}), |inner, _| json!({"in": inner}));
        let text = serde_json::to_string(&Changes::deleted(&deep)).unwrap();
        assert!(text.contains(TOO_LARGE) && !text.contains("password"));
    }
}
