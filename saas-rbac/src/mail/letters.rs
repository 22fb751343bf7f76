use std::str::FromStr;

use super::{Mail, MailKind};

/// How long a name of somebody else's choice may be in a mail.
const NAME: usize = 80;

/// The language of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Locale {
    /// The language of a tag such as `de-AT`, or English.
    #[must_use]
    pub fn of_tag(tag: &str) -> Self {
        tag.parse().unwrap_or_default()
    }
}

/// There is no text in this language.
#[derive(Debug, thiserror::Error)]
#[error("there are mails in `en` and `de` only")]
pub struct UnknownLocale;

impl FromStr for Locale {
    type Err = UnknownLocale;

    fn from_str(tag: &str) -> Result<Self, UnknownLocale> {
        let language = tag.split(['-', '_']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "en" => Ok(Self::En),
            "de" => Ok(Self::De),
            _ => Err(UnknownLocale),
        }
    }
}

/// The texts of all mails.
#[derive(Debug, Clone)]
pub struct Letters {
    application: String,
}

impl Letters {
    /// The texts of an application of this name.
    #[must_use]
    pub fn new(application: &str) -> Self {
        Self { application: one_line(application) }
    }

    /// With a link to choose another password, good for half an hour.
    #[must_use]
    pub fn reset_password(&self, to: &str, link: &str, locale: Locale) -> Mail {
        let app = &self.application;
        let (subject, text) = match locale {
            Locale::En => (
                format!("{app}: choose a new password"),
                format!(
                    "Hello,\n\nsomebody asked for a new password for your account at {app}.\n\
                     If that was you, choose one here within 30 minutes:\n\n{link}\n\n\
                     If it was not you, do nothing: your password stays as it is.\n"
                ),
            ),
            Locale::De => (
                format!("{app}: neues Passwort wählen"),
                format!(
                    "Guten Tag,\n\njemand hat ein neues Passwort für Ihr Konto bei {app} angefordert.\n\
                     Wenn Sie das waren, wählen Sie es hier innerhalb von 30 Minuten:\n\n{link}\n\n\
                     Wenn nicht, brauchen Sie nichts zu tun: Ihr Passwort bleibt, wie es ist.\n"
                ),
            ),
        };
        mail(to, subject, text, MailKind::ResetPassword)
    }

    /// With a link that proves that an address is one's own, good for a day.
    #[must_use]
    pub fn verify_email(&self, to: &str, link: &str, locale: Locale) -> Mail {
        let app = &self.application;
        let (subject, text) = match locale {
            Locale::En => (
                format!("{app}: confirm your e-mail address"),
                format!(
                    "Hello,\n\nplease confirm within 24 hours that this is your address:\n\n{link}\n\n\
                     If you have no account at {app}, ignore this mail.\n"
                ),
            ),
            Locale::De => (
                format!("{app}: E-Mail-Adresse bestätigen"),
                format!(
                    "Guten Tag,\n\nbitte bestätigen Sie innerhalb von 24 Stunden, dass dies Ihre Adresse ist:\n\n\
                     {link}\n\nWenn Sie kein Konto bei {app} haben, beachten Sie diese Mail nicht.\n"
                ),
            ),
        };
        mail(to, subject, text, MailKind::VerifyEmail)
    }

    /// With a link to join `tenant`, good for seven days. Names that others have chosen are cut
    /// short and hold no line breaks.
    #[must_use]
    pub fn invitation(
        &self,
        to: &str,
        (tenant, inviter): (&str, &str),
        link: &str,
        locale: Locale,
    ) -> Mail {
        let (app, tenant, inviter) = (&self.application, one_line(tenant), one_line(inviter));
        let (subject, text) = match locale {
            Locale::En => (
                format!("{app}: invitation to {tenant}"),
                format!(
                    "Hello,\n\n{inviter} invites you to join \"{tenant}\" at {app}.\n\
                     You can accept within 7 days:\n\n{link}\n\n\
                     If you do not know the sender, ignore this mail.\n"
                ),
            ),
            Locale::De => (
                format!("{app}: Einladung zu {tenant}"),
                format!(
                    "Guten Tag,\n\n{inviter} lädt Sie zu „{tenant}“ bei {app} ein.\n\
                     Sie können die Einladung innerhalb von 7 Tagen annehmen:\n\n{link}\n\n\
                     Wenn Sie den Absender nicht kennen, beachten Sie diese Mail nicht.\n"
                ),
            ),
        };
        mail(to, subject, text, MailKind::Invitation)
    }

    /// A sign-in was ended because somebody used a token of it a second time.
    #[must_use]
    pub fn sign_in_ended(&self, to: &str, locale: Locale) -> Mail {
        let app = &self.application;
        let (subject, text) = match locale {
            Locale::En => (
                format!("{app}: we signed one of your devices out"),
                format!(
                    "Hello,\n\na device tried to continue a sign-in at {app} that another device had continued \
                     already. That can mean that somebody copied it, so we ended it on both.\n\n\
                     Please sign in again. If you do not recognise all devices in your account, end them there \
                     and choose another password.\n"
                ),
            ),
            Locale::De => (
                format!("{app}: eines Ihrer Geräte wurde abgemeldet"),
                format!(
                    "Guten Tag,\n\nein Gerät wollte eine Anmeldung bei {app} fortsetzen, die ein anderes schon \
                     fortgesetzt hatte. Das kann heißen, dass jemand sie kopiert hat. Wir haben sie deshalb auf \
                     beiden beendet.\n\nBitte melden Sie sich neu an. Wenn Sie in Ihrem Konto ein Gerät nicht \
                     erkennen, melden Sie es dort ab und wählen Sie ein anderes Passwort.\n"
                ),
            ),
        };
        mail(to, subject, text, MailKind::SignInEnded)
    }
}

fn mail(to: &str, subject: String, text: String, kind: MailKind) -> Mail {
    Mail { to: to.to_owned(), subject, text, html: None, kind }
}

/// A name without anything that could pass for the end of a line or of a text.
fn one_line(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(NAME).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mail_names_the_application_and_carries_its_link() {
        let letters = Letters::new("Club");
        for locale in [Locale::En, Locale::De] {
            for mail in [
                letters.reset_password("a@x.test", "https://x.test/#1", locale),
                letters.verify_email("a@x.test", "https://x.test/#1", locale),
                letters.invitation("a@x.test", ("Acme", "Ann"), "https://x.test/#1", locale),
            ] {
                assert!(mail.text.contains("\nhttps://x.test/#1\n"), "{}", mail.text);
                assert!(mail.subject.starts_with("Club: "), "{}", mail.subject);
            }
            assert!(letters.sign_in_ended("a@x.test", locale).text.contains("Club"));
        }
    }

    #[test]
    fn a_name_cannot_add_lines_to_a_mail() {
        let evil = "Acme\r\nBcc: all@x.test\n\nClick here";
        let mail = Letters::new("Club").invitation("a@x.test", (evil, evil), "L", Locale::En);
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
        assert!(!mail.text.contains("\nBcc") && !mail.text.contains("\nClick"), "{}", mail.text);
        let long = "x".repeat(500);
        let mail = Letters::new("Club").invitation("a@x.test", (&long, "Ann"), "L", Locale::En);
        assert!(mail.subject.len() < 120, "{}", mail.subject);
    }

    #[test]
    fn a_language_is_found_by_its_tag() {
        assert_eq!(Locale::of_tag("de-AT"), Locale::De);
        assert_eq!(Locale::of_tag("DE"), Locale::De);
        assert_eq!(Locale::of_tag("fr"), Locale::En);
    }
}
