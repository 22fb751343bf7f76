use super::*;

fn refused(name: &str, value: &str) -> String {
    Config::read(&Env::from_pairs([(name, value)])).unwrap_err().to_string()
}

#[test]
fn nothing_set_means_the_private_server() {
    let config = Config::read(&Env::default()).unwrap();
    assert!(matches!(config.database, Database::Embedded { key: None }));
    assert_eq!(config.public_url, None);
}

#[test]
fn a_wrong_value_is_named_with_its_cause_and_an_example() {
    for (name, value, cause) in [
        ("DATABASE_URL", "mysql://root@localhost/app", "does not start with `postgres://`"),
        ("DATABASE_URL", "postgres://localhost/app", "names no user"),
        ("DATABASE_URL", "postgres://app@localhost", "names no database"),
        ("ADMIN_DATABASE_URL", "postgres://a@localhost/app", "`DATABASE_URL` is not set"),
        ("SAAS_SECRET_KEY", "abc", "64 hexadecimal digits"),
        ("DATABASE_POOLER", "session", "`none` or `transaction`"),
        ("DATABASE_URL", "nowhere", "does not start with `postgres://`"),
        ("DATABASE_URL", "postgres://a@localhost/app?sslmode=some", "ssl_mode"),
        ("DATABASE_CONNECTIONS", "0", "from 1 to 1000"),
        ("DATABASE_CONNECTIONS", "1001", "from 1 to 1000"),
        ("DATABASE_CONNECTIONS", "many", "from 1 to 1000"),
        ("PUBLIC_URL", "app.example.com", "must start with"),
        ("PUBLIC_URL", "https://192.0.2.7", "host name"),
        ("PUBLIC_URL", "https://app.example.com/path", "no path"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "everyone"),
    ] {
        let error = refused(name, value);
        assert!(error.starts_with(&format!("`{name}` is not valid: ")), "{error}");
        assert!(error.contains(cause), "{error}");
        assert!(error.contains(&format!("; for example `{name}=")), "{error}");
    }
}

#[test]
fn a_password_is_in_no_message() {
    for (name, value) in [
        ("DATABASE_URL", "mysql://app:hunter2@localhost/app"),
        ("DATABASE_URL", "postgres://app:hunter2@localhost"),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "postgres://app:hunter2@localhost:99999/app"),
        ("DATABASE_URL", "postgres://app:hunter2@localhost/app?sslmode=some"),
        ("ADMIN_DATABASE_URL", "postgres://app:hunter2@localhost/app"),
        ("SAAS_SECRET_KEY", "hunter2"),
    ] {
        assert!(!refused(name, value).contains("hunter2"), "{name}");
    }
    let env = Env::from_pairs([("DATABASE_URL", "postgres://app:hunter2@localhost/app")]);
    assert!(!format!("{:?}", Config::read(&env).unwrap()).contains("hunter2"));
}

#[test]
fn tenants_live_below_the_public_address() {
    let url: PublicUrl = "https://app.example.com:8443".parse().unwrap();
    assert_eq!(url.base_domain(), "app.example.com");
    assert_eq!(url.of(&"acme".parse().unwrap()).to_string(), "https://acme.app.example.com:8443");
    let local = PublicUrl::local("127.0.0.1:8080".parse().unwrap());
    assert_eq!(local.to_string(), "http://localhost:8080");
}

#[test]
fn a_log_filter_that_does_not_parse_is_refused() {
    let read = |name, value| LogFormat::read(&Env::from_pairs([(name, value)]), "info");
    assert!(read("RUST_LOG", "membership=loud").is_err());
    assert!(read("LOG_FORMAT", "xml").is_err());
    assert_eq!(read("LOG_FORMAT", "json").unwrap().0, LogFormat::Json);
}
