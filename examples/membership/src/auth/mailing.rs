use std::sync::Arc;

use saas_core::{
    Clock,
    config::{ConfigError, Env},
};
use saas_rbac::mail::{CapturedMail, Mailer, SMTP_FROM, SMTP_URL, SmtpMailer};

/// How many mails are kept.
const KEPT: usize = 200;

/// What becomes of mail.
#[derive(Debug, Clone)]
pub enum Mailing {
    /// It is kept in memory, the latest of it.
    Captured(CapturedMail),
    /// It is sent.
    Smtp(Arc<SmtpMailer>),
}

impl Mailing {
    /// Reads `SMTP_URL` and `SMTP_FROM`.
    ///
    /// # Errors
    /// [`ConfigError`] when one of them cannot be used.
    pub fn read(env: &Env, clock: &Clock) -> Result<Self, ConfigError> {
        let Some(url) = env.secret(&SMTP_URL)? else { return Ok(Self::captured(clock)) };
        let needed = || SMTP_FROM.refuse("mail that goes out needs a sender");
        let from = env.get(&SMTP_FROM)?.ok_or_else(needed)?;
        Ok(Self::Smtp(Arc::new(SmtpMailer::new(&url, &from)?)))
    }

    /// Keeps mail in memory.
    #[must_use]
    pub fn captured(clock: &Clock) -> Self {
        Self::Captured(CapturedMail::new(KEPT, clock.clone()))
    }

    /// The mail that was kept, if it is.
    #[must_use]
    pub const fn kept(&self) -> Option<&CapturedMail> {
        match self {
            Self::Captured(captured) => Some(captured),
            Self::Smtp(_) => None,
        }
    }

    pub(super) fn mailer(&self) -> Arc<dyn Mailer> {
        match self {
            Self::Captured(captured) => Arc::new(captured.clone()),
            Self::Smtp(smtp) => Arc::clone(smtp) as Arc<dyn Mailer>,
        }
    }
}
