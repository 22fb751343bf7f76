use std::{fmt, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, header::ContentType},
    transport::smtp::PoolConfig,
};
use saas_core::{
    BoxError,
    config::{ConfigError, Setting},
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Mail, MailError, Mailer};

/// Where mail goes. `smtps://` is encrypted from the start, `smtp://…?tls=required` from the second
/// message on; `smtp://` alone is not.
pub const SMTP_URL: Setting<SecretString> =
    Setting::new("SMTP_URL", "smtps://user:password@smtp.example.com:465");

/// Whom mail comes from.
pub const SMTP_FROM: Setting<String> = Setting::new("SMTP_FROM", "Membership <mail@example.com>");

/// How long the server may take for one step.
const STEP: Duration = Duration::from_secs(10);

/// How long a mail may take in all.
const TOTAL: Duration = Duration::from_secs(45);

/// How many connections to the server there are at most.
const CONNECTIONS: u32 = 4;

/// Sends mail by SMTP.
#[derive(Clone)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// Sends through the server at `url`, as `from`. No connection is opened yet.
    ///
    /// # Errors
    /// [`ConfigError`] when one of the two is not valid; it names the variable.
    ///
    /// # Panics
    /// Outside of a tokio runtime, because idle connections are closed in the background.
    pub fn new(url: &SecretString, from: &str) -> Result<Self, ConfigError> {
        let from = from.parse().map_err(|error| SMTP_FROM.refuse(error))?;
        // What lettre says of a bad address could quote the password in it.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
            .map_err(|_| SMTP_URL.refuse("it is not the address of a mail server"))?
            .timeout(Some(STEP))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS))
            .build();
        Ok(Self { transport, from })
    }

    fn message(&self, mail: Mail) -> Result<Message, BoxError> {
        let to = Mailbox::new(None, mail.to.parse()?);
        // Without an id of its own a mail looks like one that nobody answers for.
        let id = format!("<{}@{}>", Uuid::new_v4(), self.from.email.domain());
        let head = Message::builder()
            .message_id(Some(id))
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject);
        Ok(match mail.html {
            Some(html) => head.multipart(MultiPart::alternative_plain_html(mail.text, html))?,
            None => head.header(ContentType::TEXT_PLAIN).body(mail.text)?,
        })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let message = self.message(mail).map_err(MailError::Refused)?;
        let sent = tokio::time::timeout(TOTAL, self.transport.send(message)).await;
        match sent.map_err(|late| MailError::Unavailable(late.into()))? {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::Refused(error.into())),
            Err(error) => Err(MailError::Unavailable(error.into())),
        }
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bad_address_is_not_repeated_in_the_error() {
        let error = SmtpMailer::new(&"http://user:hunter2@x".to_owned().into(), "a@x.test");
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("`SMTP_URL` is not valid"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_bad_sender_names_its_variable() {
        let error = SmtpMailer::new(&"smtp://127.0.0.1:1".to_owned().into(), "nobody");
        assert!(error.unwrap_err().to_string().starts_with("`SMTP_FROM` is not valid"));
    }
}
