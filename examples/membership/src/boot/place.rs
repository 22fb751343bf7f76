//! Which server there is to talk to, and with which logins.

use std::str::FromStr;

use saas_core::config::Env;
use saas_tenancy::{
    db::{DatabaseKey, ServerAddress},
    embedded::EmbeddedPostgres,
    provision::APP_ROLE,
    store::DEFAULT_SERVER,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    admin,
    data::{DataDir, Held},
    progress::Progress,
};
use crate::{config::Database, failure::Failure};

/// The application's database on the private server.
const DATABASE: &str = "membership";

/// A server that answers, and the logins for it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) app: SecretString,
    pub(super) admin: Option<SecretString>,
    pub(super) key: Option<SecretString>,
    pub(super) private: Private,
}

/// Whose server it is.
#[derive(Debug)]
pub(super) enum Private {
    /// This process runs it. The directory is given back after the server has stopped.
    Ours { server: EmbeddedPostgres, held: Held },
    /// Another process of this program runs it.
    Attached,
    /// Somebody else runs it.
    Given,
}

impl Place {
    /// Finds the server, and starts the private one when it is wanted and not running.
    pub(super) async fn find(
        database: &Database,
        data: &DataDir,
        env: &Env,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        match database {
            Database::Given { app, admin, key } => Ok(Self {
                app: app.clone(),
                admin: admin.clone(),
                key: key.clone(),
                private: Private::Given,
            }),
            Database::Embedded { key } => match data.take()? {
                Some(held) => Self::start(held, data, key.clone(), env, progress).await,
                None => Self::attach(data, key.clone()),
            },
        }
    }

    /// The address as the framework takes it.
    pub(super) fn address(&self) -> Result<ServerAddress, Failure> {
        let mut address = ServerAddress::new(DEFAULT_SERVER, &self.app)?;
        if let Some(admin) = &self.admin {
            address = address.with_admin(admin)?;
        }
        match self.key()? {
            Some(key) => Ok(address.with_key(key)),
            None => Ok(address),
        }
    }

    /// The key, if there is one.
    pub(super) fn key(&self) -> Result<Option<DatabaseKey>, Failure> {
        let key = self.key.as_ref().map(|text| DatabaseKey::from_str(text.expose_secret()));
        key.transpose().map_err(Failure::other("read the secret key"))
    }

    /// The login of a tenant that has a database for itself, with the password from the key.
    pub(super) fn login_of(&self, name: &str) -> Result<SecretString, Failure> {
        let key = self.key()?.ok_or(Failure::Needs(
            "a tenant has its own database, so the application needs the key: set `SAAS_SECRET_KEY`",
        ))?;
        let url = url_with(&self.app, |url| {
            url.set_username(name)?;
            url.set_password(Some(key.password(name).expose_secret()))
        })?;
        admin::with_database(&url, name)
    }

    async fn start(
        held: Held,
        data: &DataDir,
        key: Option<SecretString>,
        env: &Env,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let key = key.map_or_else(|| held.key(), Ok)?;
        if data.postgres().exists() {
            progress.step("starting the private PostgreSQL server");
        } else {
            progress.step("making a private PostgreSQL server (once, some seconds)");
        }
        let server = EmbeddedPostgres::at(data.postgres()).with_env(env.clone()).start().await?;
        admin::create_database(server.superuser_url(), DATABASE).await?;
        held.announce(server.superuser_url())?;
        let superuser = server.superuser_url().clone();
        Self::of_private(&superuser, key, Private::Ours { server, held })
    }

    fn attach(data: &DataDir, key: Option<SecretString>) -> Result<Self, Failure> {
        let superuser = data.attach()?.ok_or_else(|| data.in_use())?;
        let key = key.map_or_else(|| data.key(), |key| Ok(Some(key)))?;
        let key = key.ok_or_else(|| data.in_use())?;
        Self::of_private(&superuser, key, Private::Attached)
    }

    /// On the private server the application's password comes from the key, too.
    fn of_private(
        superuser: &SecretString,
        key: SecretString,
        private: Private,
    ) -> Result<Self, Failure> {
        let read = DatabaseKey::from_str(key.expose_secret());
        let read = read.map_err(Failure::other("read the secret key"))?;
        let admin = admin::with_database(superuser, DATABASE)?;
        let app = url_with(&admin, |url| {
            url.set_username(APP_ROLE)?;
            url.set_password(Some(read.password(APP_ROLE).expose_secret()))
        })?;
        Ok(Self { app, admin: Some(admin), key: Some(key), private })
    }
}

fn url_with(
    text: &SecretString,
    change: impl FnOnce(&mut Url) -> Result<(), ()>,
) -> Result<SecretString, Failure> {
    let mut url = Url::parse(text.expose_secret())
        .map_err(Failure::other("read the address of the private server"))?;
    change(&mut url)
        .map_err(|()| Failure::Needs("the address of the private server takes no login"))?;
    Ok(String::from(url).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_logs_in_as_its_own_role_with_a_password_from_the_key() {
        let superuser = "postgres://postgres:root@127.0.0.1:5/postgres?sslmode=disable".to_owned();
        let key = "0f".repeat(32);
        let place = Place::of_private(&superuser.into(), key.into(), Private::Attached).unwrap();
        let app = place.app.expose_secret();
        assert!(app.starts_with("postgres://saas_app:"), "{app}");
        assert!(app.ends_with("@127.0.0.1:5/membership?sslmode=disable"), "{app}");
        assert!(!app.contains("root"), "{app}");
    }
}
