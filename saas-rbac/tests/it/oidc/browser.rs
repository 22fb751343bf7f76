//! As much of a browser as a redirect needs.

use std::collections::HashMap;

use http::{HeaderMap, HeaderValue, header};
use reqwest::{Client, Response, redirect::Policy};
use saas_rbac::oidc::Redirect;
use url::Url;

/// Where the provider sends people back. Nobody listens there: the browser stops before.
pub(super) const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// Somebody at a browser, who has an account at the provider.
pub(super) struct Browser {
    client: Client,
    account: &'static str,
    at_provider: HashMap<String, String>,
    at_application: HeaderMap,
}

impl Browser {
    pub(super) fn of(account: &'static str) -> Self {
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        let (at_provider, at_application) = (HashMap::new(), HeaderMap::new());
        Self { client, account, at_provider, at_application }
    }

    /// Follows a redirect to the provider, signs in there, and comes back with a query.
    pub(super) async fn follow(&mut self, redirect: &Redirect) -> String {
        self.keep(&redirect.cookie);
        self.visit(redirect.url.clone()).await
    }

    /// The same without a cookie.
    pub(super) async fn visit(&mut self, mut url: Url) -> String {
        url.query_pairs_mut().append_pair("login_hint", self.account);
        for _ in 0..10 {
            if url.as_str().starts_with(CALLBACK) {
                return url.query().unwrap_or_default().to_owned();
            }
            let response = self.get(&url).await;
            let status = response.status();
            let Some(next) = response.headers().get(header::LOCATION).cloned() else {
                panic!("{status} of `{url}`: {}", response.text().await.unwrap());
            };
            url = url.join(next.to_str().unwrap()).unwrap();
        }
        panic!("it goes round in circles at `{url}`");
    }

    /// Takes a cookie of the application.
    pub(super) fn keep(&mut self, cookie: &HeaderValue) {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        self.at_application.insert(header::COOKIE, pair.parse().unwrap());
    }

    /// What it sends to the application.
    pub(super) const fn headers(&self) -> &HeaderMap {
        &self.at_application
    }

    async fn get(&mut self, url: &Url) -> Response {
        let cookies = self.at_provider.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let request = self.client.get(url.clone()).header(header::COOKIE, cookies);
        let response = request.send().await.unwrap();
        for line in response.headers().get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.at_provider.insert(name.to_owned(), value.to_owned());
        }
        self.at_provider.retain(|_, value| !value.is_empty());
        response
    }
}
