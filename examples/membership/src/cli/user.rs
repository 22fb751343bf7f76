use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use clap::Args;
use saas_core::UserId;
use saas_rbac::{
    operate::Staff,
    password::{self, PasswordHash, PasswordOptions, Passwords},
    user::{Email, EmailProof, NewUser, User},
};
use saas_tenancy::Slug;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;

use super::{
    context::{self, Context},
    output::{Output, table},
};
use crate::{boot::backend::Backend, failure::Failure};

/// How many people are read at once.
const PAGE: u32 = 500;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a person who can sign in.
    Create(Create),
    /// List everybody.
    List,
    /// Keep a person from signing in, and end their sessions.
    Disable(One),
    /// Give a person another password, and end their sessions.
    SetPassword(SetPassword),
    /// Let a person run the application: see and stop every tenant.
    MakeSuperAdmin(One),
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The person's address.
    email: String,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The person's address.
    email: String,
    /// What to call the person; the address if it is left out.
    #[arg(long)]
    name: Option<String>,
    /// A tenant to belong to.
    #[arg(long, value_name = "SLUG", requires = "role")]
    tenant: Option<Slug>,
    /// The role in it: `owner`, `admin`, `member` or `viewer`.
    #[arg(long, requires = "tenant")]
    role: Option<String>,
    #[command(flatten)]
    password: NewPassword,
}

#[derive(Debug, Args)]
pub(super) struct SetPassword {
    /// The person's address.
    email: String,
    #[command(flatten)]
    password: NewPassword,
}

/// Never an argument: others on the machine can read those.
#[derive(Debug, Args)]
struct NewPassword {
    /// Read the password from this file, `-` for standard input. Without it one is made and shown.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// A password that is about to be given to somebody.
struct Chosen {
    hash: PasswordHash,
    /// To be shown, if nobody knows it yet.
    made: Option<SecretString>,
}

#[derive(Debug, Serialize)]
struct Person {
    id: UserId,
    email: String,
    name: String,
    is_super_admin: bool,
    is_disabled: bool,
}

impl Command {
    pub(super) async fn run(self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context, output).await,
            Self::List => list(context, output).await,
            Self::Disable(one) => {
                let done = context
                    .with_backend(async |backend| {
                        let user = find(backend, &one.email).await?;
                        Ok(backend.users().disable(user.id).await?)
                    })
                    .await?;
                answer(output, &done, None)
            }
            Self::SetPassword(set) => set.run(context, output).await,
            Self::MakeSuperAdmin(one) => {
                let done = context
                    .with_backend(async |backend| {
                        let user = find(backend, &one.email).await?;
                        Ok(backend.operator().set_staff(user.id, Staff::SuperAdmin).await?)
                    })
                    .await?;
                answer(output, &done, None)
            }
        }
    }
}

impl Create {
    async fn run(self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let email = parse(&self.email)?;
        let chosen = self.password.choose(&email).await?;
        let name = self.name.unwrap_or_else(|| self.email.clone());
        let new =
            NewUser::new(email, &name)?.with_password(chosen.hash).with_proof(EmailProof::Given);
        let user = context
            .with_backend(async |backend| {
                let tenant = match &self.tenant {
                    Some(slug) => Some(context::tenant(backend, slug).await?.id),
                    None => None,
                };
                let user = backend.users().create(new).await?;
                if let (Some(tenant), Some(role)) = (tenant, &self.role) {
                    backend.operator().enlist(tenant, user.id, role).await?;
                }
                Ok(user)
            })
            .await?;
        answer(output, &user, chosen.made)
    }
}

impl SetPassword {
    async fn run(self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let chosen = self.password.choose(&parse(&self.email)?).await?;
        let user = context
            .with_backend(async |backend| {
                let user = find(backend, &self.email).await?;
                Ok(backend.operator().set_password(user.id, &chosen.hash).await?)
            })
            .await?;
        answer(output, &user, chosen.made)
    }
}

impl NewPassword {
    async fn choose(&self, email: &Email) -> Result<Chosen, Failure> {
        let (password, made) = match &self.password_file {
            Some(file) => (read(file)?, None),
            None => {
                let password = random()?;
                (password.clone(), Some(password))
            }
        };
        let refused = password::check(&password, email.as_str());
        refused.map_err(|refused| Failure::Usage(refused.to_string()))?;
        let hash = Passwords::new(PasswordOptions::new()).hash(&password).await;
        Ok(Chosen { hash: hash.map_err(Failure::other("hash the password"))?, made })
    }
}

/// The first line of a file.
fn read(file: &Path) -> Result<SecretString, Failure> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    let text = text.map_err(Failure::io(format!("read `{}`", file.display())))?;
    Ok(text.lines().next().unwrap_or_default().to_owned().into())
}

/// 128 random bits.
fn random() -> Result<SecretString, Failure> {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).map_err(Failure::other("draw random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

fn parse(email: &str) -> Result<Email, Failure> {
    Email::parse(email).map_err(|error| Failure::Usage(error.to_string()))
}

async fn find(backend: &Backend, email: &str) -> Result<User, Failure> {
    let found = backend.users().by_email(&parse(email)?).await?;
    found.ok_or_else(|| Failure::NotFound { kind: "user", name: email.to_owned() })
}

async fn list(context: &Context, output: &mut Output) -> Result<(), Failure> {
    let people = context
        .with_backend(async |backend| {
            let operator = backend.operator();
            let mut people: Vec<Person> = Vec::new();
            loop {
                let page = operator.people(people.last().map(|one| one.id), PAGE).await?;
                if page.is_empty() {
                    return Ok(people);
                }
                people.extend(page.iter().map(Person::from));
            }
        })
        .await?;
    let rows: Vec<_> = people.iter().map(Person::row).collect();
    output.answer(&json!({ "users": people }), &table(HEAD, &rows))
}

const HEAD: [&str; 4] = ["EMAIL", "NAME", "STATE", "ID"];

impl From<&User> for Person {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            name: user.name.clone(),
            is_super_admin: user.is_super_admin,
            is_disabled: user.disabled_at.is_some(),
        }
    }
}

impl Person {
    fn row(&self) -> [String; 4] {
        let state = match (self.is_disabled, self.is_super_admin) {
            (true, _) => "disabled",
            (false, true) => "super-admin",
            (false, false) => "active",
        };
        [self.email.clone(), self.name.clone(), state.to_owned(), self.id.to_string()]
    }
}

fn answer(output: &mut Output, user: &User, made: Option<SecretString>) -> Result<(), Failure> {
    let person = Person::from(user);
    let mut text = table(HEAD, &[person.row()]);
    let mut value = json!({ "user": person });
    if let Some(made) = made {
        let made = made.expose_secret();
        text.push_str(&format!("\npassword: {made}   (shown once)"));
        value["password"] = made.into();
    }
    output.answer(&value, &text)
}
