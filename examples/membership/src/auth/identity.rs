use std::{fmt, sync::Arc};

use saas_core::{
    Clock,
    auth::{StrictVerifier, TokenCache},
};
use saas_rbac::{
    Authorizer,
    api_key::{ApiKeys, KeyFormat},
    authenticate::AuthenticateLayer,
    mail::{Letters, Postbox},
    operate::Operator,
    password::{PasswordOptions, Passwords},
    seal::{Seal, StaticSeal},
    second_factor::SecondFactors,
    session::{Cookies, Liveness, SessionPolicy, Sessions, Transport},
    sign_in::{Links, SignIn, SignInParts},
    throttle::Throttle,
    token::{Issuer, RefreshKey, SigningKeys, TokenError},
    user::Users,
};
use saas_tenancy::{db::TenantDatabases, store::ChangeSink};

use super::{Mailing, Secrets};
use crate::{access::MODEL, config::PublicUrl};

/// What people see as the name of the application, in mail and in authenticator apps.
const NAME: &str = "Membership";

/// How the application's keys begin.
const KEY_PREFIX: &str = "sk_live";

/// What an [`Identity`] is made of.
#[derive(Debug)]
pub struct Foundations<'a> {
    /// Where people, sessions and roles are.
    pub databases: &'a TenantDatabases,
    /// Where the time comes from.
    pub clock: &'a Clock,
    /// What every other key is made of.
    pub secrets: &'a Secrets,
    /// Where people reach the application.
    pub public_url: &'a PublicUrl,
    /// What becomes of mail.
    pub mailing: Mailing,
    /// How much hashing of passwords may go on.
    pub passwords: PasswordOptions,
}

/// An [`Identity`], and what must be told of changes.
pub struct Started {
    /// What signs people in.
    pub identity: Identity,
    /// To be given to one [`ChangeListener`](saas_tenancy::store::ChangeListener).
    pub sinks: Vec<Box<dyn ChangeSink>>,
}

/// What signs people in and says what they may do. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The people.
    pub users: Users,
    /// What hashes passwords.
    pub passwords: Passwords,
    /// What signs people in and out.
    pub sign_in: SignIn,
    /// The sessions that there are.
    pub sessions: Sessions,
    /// The second factors.
    pub second_factors: SecondFactors,
    /// What writes and reads cookies.
    pub cookies: Cookies,
    /// The keys that sign access tokens.
    pub keys: SigningKeys,
    /// What people may do.
    pub authorizer: Authorizer,
    /// The keys of programs.
    pub api_keys: ApiKeys,
    /// What the program itself does to people.
    pub operator: Operator,
    /// What becomes of mail.
    pub mailing: Mailing,
    /// Where mail is left.
    pub postbox: Postbox,
    /// What mail says.
    pub letters: Letters,
    layer: AuthenticateLayer,
}

impl Identity {
    /// Puts it together. The tables must be there.
    ///
    /// # Errors
    /// [`TokenError`] when the signing keys cannot be read, opened or made.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(foundations: Foundations<'_>) -> Result<Started, TokenError> {
        let Foundations { databases, clock, secrets, public_url, mailing, passwords } = foundations;
        let (databases, clock) = (databases.clone(), clock.clone());
        let issuer = Issuer::new(public_url.to_string(), format!("{public_url}/api"));
        let seal: Arc<dyn Seal> = Arc::new(StaticSeal::new(&secrets.key("seal")));
        let keys = SigningKeys::start(databases.clone(), seal.clone(), clock.clone(), &issuer);
        let (keys, key_changes) = keys.await?;
        let (liveness, session_changes) =
            Liveness::new(databases.clone(), clock.clone(), issuer.life());
        let authorizer = Authorizer::new(databases.clone(), MODEL, clock.clone());
        let api_keys = ApiKeys::new(
            databases.clone(),
            MODEL,
            clock.clone(),
            KeyFormat::new(KEY_PREFIX, &secrets.key("api-keys")).expect("the prefix is one"),
            authorizer.clone(),
        );
        let throttle = Throttle::new(databases.clone(), clock.clone(), &secrets.key("throttle"));
        let policy = SessionPolicy::default();
        let sessions = Sessions::new(databases.clone(), clock.clone(), policy);
        let cookies = Cookies::new(transport(public_url));
        let second_factors =
            SecondFactors::new(databases.clone(), seal, throttle.clone(), clock.clone(), NAME);
        let passwords = Passwords::new(passwords);
        let postbox = Postbox::new(mailing.mailer());
        let letters = Letters::new(NAME);
        let verifier =
            StrictVerifier::new(keys.key_set(), issuer.name(), issuer.audience(), clock.clone());
        let layer = AuthenticateLayer::new(MODEL, authorizer.clone())
            .with_tokens(TokenCache::new(verifier), keys.clone(), liveness)
            .with_sessions(sessions.clone(), cookies)
            .with_api_keys(api_keys.clone());
        let sign_in = SignIn::new(SignInParts {
            databases: databases.clone(),
            clock: clock.clone(),
            passwords: passwords.clone(),
            second_factors: second_factors.clone(),
            throttle,
            policy,
            issuer,
            keys: keys.clone(),
            refresh_key: RefreshKey::new(&secrets.key("refresh")),
            postbox: postbox.clone(),
            letters: letters.clone(),
            links: links(public_url),
        });
        let sinks: Vec<Box<dyn ChangeSink>> = vec![
            Box::new(authorizer.changes()),
            Box::new(api_keys.changes()),
            Box::new(session_changes),
            Box::new(key_changes),
        ];
        let operator = Operator::new(databases.clone(), MODEL, clock.clone());
        let users = Users::new(databases, clock);
        let identity = Self {
            users,
            passwords,
            sign_in,
            sessions,
            second_factors,
            cookies,
            keys,
            authorizer,
            api_keys,
            operator,
            mailing,
            postbox,
            letters,
            layer,
        };
        Ok(Started { identity, sinks })
    }

    /// The layer that finds out who asks.
    pub fn layer(&self) -> AuthenticateLayer {
        self.layer.clone()
    }
}

/// Cookies are for TLS as soon as people reach the application by it.
fn transport(public_url: &PublicUrl) -> Transport {
    if public_url.is_https() { Transport::Tls } else { Transport::Plain }
}

/// The pages of the dashboard that links in mail lead to.
fn links(public_url: &PublicUrl) -> Links {
    Links {
        reset_password: format!("{public_url}/reset-password#token="),
        verify_email: format!("{public_url}/verify-email#token="),
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("sinks", &self.sinks.len()).finish_non_exhaustive()
    }
}
