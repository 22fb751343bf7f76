//! Mail to people: what the crate sends, and where it goes.
//!
//! 1. A [`Mailer`] hands a [`Mail`] over, or says that it could not. [`CapturedMail`] keeps the last
//!    ones in memory and is the default; `SmtpMailer` (feature `smtp`) sends them.
//! 2. A request never waits for a mail server: it leaves its mail with a [`Postbox`], which answers
//!    at once. So an answer does not tell by its time whether there was anything to send.
//! 3. The texts are in one place, [`Letters`], in English and German.
//! 4. A mail may hold a link that is good for a password: it never prints its text.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::sync::Arc;
//! use saas_core::Clock;
//! use saas_rbac::mail::{CapturedMail, Letters, Locale, Postbox};
//!
//! let captured = CapturedMail::new(100, Clock::system());
//! let postbox = Postbox::new(Arc::new(captured.clone()));
//! let letters = Letters::new("Membership");
//! postbox.post(letters.reset_password("ann@acme.test", "https://acme.test/reset#abc", Locale::En));
//! postbox.flush().await;
//! assert_eq!(captured.list()[0].mail.to, "ann@acme.test");
//! # }
//! ```

mod captured;
mod letters;
mod postbox;
#[cfg(feature = "smtp")]
mod smtp;

use std::fmt;

use async_trait::async_trait;
use saas_core::BoxError;
use serde::Serialize;

pub use captured::{Captured, CapturedMail};
pub use letters::{Letters, Locale};
pub use postbox::Postbox;
#[cfg(feature = "smtp")]
pub use smtp::{SMTP_FROM, SMTP_URL, SmtpMailer};

/// One mail to one person.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text, without markup.
    pub text: String,
    /// The same with markup, for those who want it.
    pub html: Option<String>,
    /// What it is for.
    pub kind: MailKind,
}

/// What a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MailKind {
    /// To choose another password.
    ResetPassword,
    /// To prove that an address is one's own.
    VerifyEmail,
    /// To join a tenant.
    Invitation,
    /// A sign-in was ended because its token was used twice.
    SignInEnded,
}

impl MailKind {
    /// Its name in logs and figures.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
            Self::Invitation => "invitation",
            Self::SignInEnded => "sign_in_ended",
        }
    }
}

/// The kind only: the rest is personal, and may be a credential.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Hands mail over.
///
/// # Contract
/// Ends within a minute, and never logs what a mail says.
#[async_trait]
pub trait Mailer: fmt::Debug + Send + Sync + 'static {
    /// Hands `mail` to whoever delivers it.
    ///
    /// # Errors
    /// [`MailError::Refused`] when it will never be taken, [`MailError::Unavailable`] when it might
    /// be later.
    async fn send(&self, mail: Mail) -> Result<(), MailError>;
}

/// Why a mail was not handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The address or the text is not valid, or the server refuses it for good.
    #[error("the mail is refused")]
    Refused(#[source] BoxError),
    /// The server cannot be reached, or takes nothing now.
    #[error("the mail server is not available")]
    Unavailable(#[source] BoxError),
}
