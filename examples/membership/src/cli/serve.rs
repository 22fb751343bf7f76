use std::{net::SocketAddr, path::PathBuf};

use metrics_exporter_prometheus::PrometheusBuilder;
use saas_tenancy::{
    audit::{Sealer, SealerOptions},
    resolve::{Authentication, BaseDomains, Resolvers},
};

use super::{
    context::{Context, agreed},
    output::Output,
};
use crate::{
    app, audit_log,
    auth::Mailing,
    boot::{backend::Backend, greeting::Greeting, progress::Progress},
    config::{Config, Database, PublicUrl},
    demo,
    failure::Failure,
    metrics_page,
    server::{CannotListen, Listeners, signals},
    state::{AppState, Mode},
    tls::{Certificate, TlsError, TlsFiles},
};

/// Options of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen. Put a proxy with TLS in front of what others can reach.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// Where to listen for operators: `/metrics`.
    #[arg(long, default_value = "127.0.0.1:9090", value_name = "ADDR")]
    admin_listen: SocketAddr,
    /// Speak TLS 1.3 with this certificate chain, a PEM file. Also `TLS_CERT`.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, a PEM file. Also `TLS_KEY`. Both are read again on SIGHUP.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Load the demo data first.
    #[arg(long)]
    demo: bool,
    /// How many members the largest demo tenant, `acme`, has.
    #[arg(long, default_value_t = demo::MEMBERS, value_name = "N", requires = "demo")]
    members: u64,
    /// Remove the private server's data first. Asks, unless with `--demo` or `--yes`.
    #[arg(long)]
    reset: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Args {
    pub(super) async fn run(self, context: Context, output: &mut Output) -> Result<(), Failure> {
        // Said before anything is started, and before data is removed.
        let certificate = self.certificate(&context.config)?;
        if self.reset {
            self.reset(&context)?;
        }
        // From here on a signal ends the start in order, and stops the private server.
        let stop = signals().map_err(Failure::io("watch for signals"))?;
        tokio::pin!(stop);
        let listeners = Listeners::bind(self.listen, self.admin_listen).await;
        let mut listeners = listeners.map_err(|error| cannot_listen(&context, error))?;
        if let Some(certificate) = certificate {
            listeners = listeners.with_tls(certificate);
        }
        let progress = Progress::new();
        let mut backend =
            Backend::open(&context.config, &context.data, &context.clock, &progress).await?;
        let served = async {
            if backend.is_attached() {
                return Err(context.data.in_use());
            }
            tokio::select! {
                ready = self.prepare(&backend, &progress) => ready?,
                () = &mut stop => return Ok(()),
            }
            progress.finish();
            let mode = if self.demo { Mode::Demo } else { Mode::Production };
            serve(&context, &mut backend, mode, listeners, stop, output).await
        }
        .await;
        progress.finish();
        let stopped = backend.stop().await;
        served?;
        stopped
    }

    /// The certificate that the options name, or else the environment.
    fn certificate(&self, config: &Config) -> Result<Option<Certificate>, TlsError> {
        let cert = self.tls_cert.as_ref().or(config.tls_cert.as_ref()).cloned();
        let key = self.tls_key.as_ref().or(config.tls_key.as_ref()).cloned();
        TlsFiles::both(cert, key)?.map(Certificate::read).transpose()
    }

    fn reset(&self, context: &Context) -> Result<(), Failure> {
        if let Database::Given { .. } = context.config.database {
            let text = "`--reset` removes the private server's data only; unset `DATABASE_URL`";
            return Err(Failure::Usage(text.to_owned()));
        }
        let dir = context.data.path().display().to_string();
        let held = context.data.take()?.ok_or_else(|| context.data.in_use())?;
        let asked = || agreed(&format!("Remove all data in `{dir}`?"));
        if !self.demo && !self.yes && !asked()? {
            return Err(Failure::Usage(format!("`{dir}` stays; use `--yes` to remove its data")));
        }
        held.reset()
    }

    async fn prepare(&self, backend: &Backend, progress: &Progress) -> Result<(), Failure> {
        backend.prepare(progress).await?;
        if self.demo {
            demo::load(backend, self.members, progress).await?;
        }
        Ok(())
    }
}

/// The usual reason why an address is taken is that the application runs already.
fn cannot_listen(Context { config, data, .. }: &Context, error: CannotListen) -> Failure {
    let private = matches!(config.database, Database::Embedded { .. });
    if error.is_taken() && private && data.is_in_use() { data.in_use() } else { error.into() }
}

async fn serve(
    Context { config, data, .. }: &Context,
    backend: &mut Backend,
    mode: Mode,
    listeners: Listeners,
    stop: impl Future<Output = ()>,
    output: &mut Output,
) -> Result<(), Failure> {
    let listen = listeners.app_address().map_err(Failure::io("read the address"))?;
    let admin = listeners.admin_address().map_err(Failure::io("read the address"))?;
    let public_url = config.public_url.clone().unwrap_or_else(|| listeners.local_url(listen));
    warn_of_plain_http(listen, &public_url);
    let mailing = Mailing::read(&config.env, backend.clock())?;
    if mailing.kept().is_some() && mode == Mode::Production {
        tracing::warn!(
            "`SMTP_URL` is not set: invitations and links to reset passwords go nowhere"
        );
    }
    let identity = backend.sign_people_in(&public_url, mailing).await?;
    let audit = audit_log::open(backend, data.path())?;
    // Seals what is written, and signs it, for as long as requests are served.
    let _sealer = Sealer::spawn(audit.clone(), SealerOptions::new());
    let state = AppState {
        clock: backend.clock().clone(),
        databases: backend.databases().clone(),
        store: backend.shared_store(),
        provisioner: backend.provisioner().clone().into(),
        identity,
        audit,
        public_url: public_url.clone(),
        proxies: config.proxies.clone(),
        mode,
    };
    let app = app::router(state, resolvers(config, &public_url)?);
    let app = app.map_err(Failure::other("guard every route by its rule"))?;
    let recorder = PrometheusBuilder::new().install_recorder();
    let recorder = recorder.map_err(Failure::other("collect metrics"))?;
    let greeting = Greeting::of(backend, &public_url, mode, admin, data).await?;
    output.answer(&greeting, &greeting.to_string())?;
    let page = metrics_page::router(recorder);
    listeners.serve(app, page, stop).await.map_err(Failure::io("serve"))
}

/// Who a request belongs to: its host, a domain of the tenant's own, or the path form.
fn resolvers(config: &Config, public_url: &PublicUrl) -> Result<Resolvers, Failure> {
    let bases = BaseDomains::new([public_url.base_domain()])
        .map_err(Failure::other("use `PUBLIC_URL` as the base domain"))?;
    Ok(Resolvers::new(Authentication::WithMembership)
        .with_trusted_proxies(config.proxies.clone())
        .subdomain(&bases)
        .custom_domain(&bases)
        .path())
}

/// Passwords and tokens that travel over a network without TLS can be read on the way.
fn warn_of_plain_http(listen: SocketAddr, public_url: &PublicUrl) {
    if !listen.ip().to_canonical().is_loopback() && !public_url.is_https() {
        tracing::warn!(
            %listen,
            "others can connect, and `PUBLIC_URL` is not `https://`: passwords and tokens can be read \
             on the way; put a proxy with TLS in front and set `PUBLIC_URL` to its address",
        );
    }
}
