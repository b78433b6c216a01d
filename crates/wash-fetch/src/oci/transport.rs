//! HTTP with one registry about one repository: URLs, credentials, bounds, and what an answer means.
//!
//! Ours and not the client library's, which sends credentials to wherever an upload is redirected, does not send them to a
//! registry that asks for them only when it must, reads answers of any length, and cannot log in with identity tokens.
//! Its types of manifests and errors are used.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::Response;
use serde::Deserialize;
use url::Url;

use super::access::Access;
use super::challenge::Challenge;
use super::credentials::Credentials;
use super::error::Doing;
use super::failure;
use super::failure::Failure;
use super::reference::Reference;

/// What a manifest may have at most: the limit that the distribution specification asks registries to accept.
pub(super) const MAX_MANIFEST_SIZE: usize = 4 << 20;
const MAX_TOKEN_SIZE: usize = 1 << 20;
/// Of an answer that says why a request failed; the rest is not read.
const MAX_MESSAGE_SIZE: usize = 64 << 10;

/// A request, which may have to be sent once more.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

impl Call {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
        }
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(super) fn body(mut self, media_type: HeaderValue, body: Bytes) -> Self {
        self.body = Some(body);
        self.header(CONTENT_TYPE, media_type)
    }
}

pub(super) struct Transport {
    http: reqwest::Client,
    /// `https://registry/v2/`
    api: Url,
    repository: String,
    /// What tokens are asked for: `repository:team/app:pull,push`.
    scope: String,
    /// What stands between us and the registry.
    proxy: Option<String>,
    credentials: Credentials,
    /// What the registry has accepted as proof, or would.
    authorization: Mutex<Option<HeaderValue>>,
}

impl Transport {
    pub(super) fn new(
        http: reqwest::Client,
        access: &Access,
        reference: &Reference,
        doing: Doing,
        credentials: Credentials,
    ) -> Result<Self, Failure> {
        let repository = &reference.repository;
        let (scheme, host) = (access.scheme.url(), reference.host());
        let api = Url::parse(&format!("{scheme}://{host}/v2/"))
            .map_err(|error| Failure::Protocol(error.to_string()))?;
        let actions = match doing {
            Doing::Push => "pull,push",
            Doing::Pull => "pull",
        };
        Ok(Self {
            http,
            api,
            scope: format!("repository:{repository}:{actions}"),
            repository: repository.clone(),
            proxy: access.proxy(&host),
            credentials,
            authorization: Mutex::default(),
        })
    }

    /// `manifests/TAG`, `blobs/DIGEST` or `blobs/uploads/` of the repository.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.api.clone();
        url.set_path(&format!("/v2/{}/{path}", self.repository));
        url
    }

    /// Logs in with a registry that asks everybody to do so. One that does not, or not yet, asks when it must.
    pub(super) async fn log_in(&self) -> Result<(), Failure> {
        if self.authorization().is_some() {
            return Ok(());
        }
        let answer = self.http.get(self.api.clone()).send().await;
        let answer = answer.map_err(|error| self.unsent(error))?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && let Some(challenge) = Challenge::of(answer.headers())
        {
            self.meet(challenge).await?;
        }
        Ok(())
    }

    /// Sends a request, and answers a challenge once. Credentials go to the registry and to nobody else.
    pub(super) async fn send(&self, call: &Call) -> Result<Response, Failure> {
        let answer = self.send_once(call).await?;
        let is_ours = answer.url().origin() == self.api.origin();
        if answer.status() == StatusCode::UNAUTHORIZED
            && is_ours
            && let Some(challenge) = Challenge::of(answer.headers())
            && self.meet(challenge).await?
        {
            return self.send_once(call).await;
        }
        Ok(answer)
    }

    async fn send_once(&self, call: &Call) -> Result<Response, Failure> {
        let mut headers = call.headers.clone();
        if call.url.origin() == self.api.origin()
            && let Some(authorization) = self.authorization()
        {
            headers.insert(AUTHORIZATION, authorization);
        }
        let request = self.http.request(call.method.clone(), call.url.clone());
        let request = request.headers(headers);
        let request = match &call.body {
            Some(body) => request.body(body.clone()),
            None if call.method == Method::GET || call.method == Method::HEAD => request,
            // Some registries want to be told that there is nothing.
            None => request.header(CONTENT_LENGTH, 0),
        };
        request.send().await.map_err(|error| self.unsent(error))
    }

    fn unsent(&self, error: reqwest::Error) -> Failure {
        match (Failure::from(error), &self.proxy) {
            (Failure::Refused, Some(proxy)) => Failure::Proxy(proxy.clone()),
            (failure, _) => failure,
        }
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let authorization = self.authorization.lock();
        let authorization = authorization.unwrap_or_else(PoisonError::into_inner);
        authorization.clone()
    }

    /// Makes ready what a challenge asks for. Tells whether there is something new to show.
    async fn meet(&self, challenge: Challenge) -> Result<bool, Failure> {
        let header = match challenge {
            Challenge::Basic => match &self.credentials {
                Credentials::Password { user, password, .. } => Some(basic(user, password)),
                _ => None,
            },
            Challenge::Bearer {
                realm,
                service,
                scope,
            } => {
                let token = self.token(&realm, service, scope).await?;
                Some(format!("Bearer {token}"))
            }
        };
        let Some(header) = header else {
            return Ok(false);
        };
        let invalid = |_| Failure::Protocol("its token has invalid characters".into());
        let mut header = HeaderValue::try_from(header).map_err(invalid)?;
        header.set_sensitive(true);
        let authorization = self.authorization.lock();
        let mut authorization = authorization.unwrap_or_else(PoisonError::into_inner);
        let is_new = authorization.as_ref() != Some(&header);
        *authorization = Some(header);
        Ok(is_new)
    }

    /// Asks the token server that a registry names, as whoever we are.
    async fn token(
        &self,
        realm: &str,
        service: Option<String>,
        scope: Option<String>,
    ) -> Result<String, Failure> {
        let realm = Url::parse(realm)
            .ok()
            .filter(|realm| matches!(realm.scheme(), "http" | "https"))
            .ok_or_else(|| Failure::Protocol(format!("its token server `{realm}` is not a URL")))?;
        let is_secret = !matches!(self.credentials, Credentials::Anonymous);
        if is_secret && self.api.scheme() == "https" && realm.scheme() != "https" {
            return Err(Failure::Protocol(format!(
                "its token server `{realm}` does not use TLS, so it is not sent credentials"
            )));
        }
        // What is asked for now, and what the whole operation needs.
        let mut scopes = vec![self.scope.clone()];
        scopes.extend(scope.filter(|scope| *scope != self.scope));
        let mut parameters: Vec<(&str, String)> = Vec::new();
        parameters.extend(service.map(|service| ("service", service)));
        let request = match &self.credentials {
            // OAuth2 as docker's token servers have it.
            Credentials::IdentityToken { token, .. } => {
                parameters.push(("scope", scopes.join(" ")));
                parameters.push(("grant_type", "refresh_token".to_owned()));
                parameters.push(("refresh_token", token.clone()));
                parameters.push(("client_id", "wash".to_owned()));
                let form = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&parameters)
                    .finish();
                let request = self.http.post(realm);
                request
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form)
            }
            credentials => {
                parameters.extend(scopes.into_iter().map(|scope| ("scope", scope)));
                let mut realm = realm;
                realm.query_pairs_mut().extend_pairs(&parameters);
                let request = self.http.get(realm);
                match credentials {
                    Credentials::Password { user, password, .. } => {
                        request.basic_auth(user, Some(password))
                    }
                    _ => request,
                }
            }
        };
        let answer = request.send().await?;
        if !answer.status().is_success() {
            return Err(match refused(answer).await {
                Failure::Rejected(message) | Failure::Forbidden(message) => {
                    Failure::Unauthorized(message)
                }
                failure => failure,
            });
        }
        let body = body(answer, MAX_TOKEN_SIZE, "the answer of its token server").await?;
        let token: Token = serde_json::from_slice(&body)
            .map_err(|_| Failure::Protocol("its token server sent no token".to_owned()))?;
        token
            .token
            .or(token.access_token)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| Failure::Protocol("its token server sent no token".to_owned()))
    }

    /// Where an answer says that a request goes on.
    pub(super) fn location(&self, answer: &Response) -> Result<Url, Failure> {
        let location = answer.headers().get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let url = location.and_then(|location| answer.url().join(location).ok());
        let Some(mut url) = url else {
            let problem = match location {
                Some(location) => format!("it sends an upload to `{location}`"),
                None => "it does not say where to upload to (no `Location` header)".to_owned(),
            };
            return Err(Failure::Protocol(problem));
        };
        if self.api.scheme() == "https" && url.scheme() == "http" {
            // A registry behind a proxy that speaks TLS for it may not know that.
            let is_same_host = url.host() == self.api.host()
                && url.port().is_none_or(|port| Some(port) == self.api.port());
            if !is_same_host || url.set_scheme("https").is_err() {
                return Err(Failure::Protocol(format!(
                    "it sends an upload to `{url}`, which does not use TLS"
                )));
            }
        }
        Ok(url)
    }
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The answer to a request that succeeded, else why it did not.
pub(super) async fn successful(answer: Response) -> Result<Response, Failure> {
    match answer.status().is_success() {
        true => Ok(answer),
        false => Err(refused(answer).await),
    }
}

/// What an answer that is no success says.
async fn refused(mut answer: Response) -> Failure {
    let (status, retry_after) = (answer.status(), failure::retry_after(answer.headers()));
    let mut message = Vec::new();
    while message.len() < MAX_MESSAGE_SIZE {
        match answer.chunk().await {
            Ok(Some(piece)) => message.extend_from_slice(&piece),
            _ => break,
        }
    }
    message.truncate(MAX_MESSAGE_SIZE);
    Failure::of_status(
        status.as_u16(),
        &String::from_utf8_lossy(&message),
        retry_after,
    )
}

/// The body of an answer, which must not be longer than `limit`.
pub(super) async fn body(
    mut answer: Response,
    limit: usize,
    what: &'static str,
) -> Result<Bytes, Failure> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = answer.chunk().await? {
        if bytes.len() + piece.len() > limit {
            let limit = limit as u64;
            return Err(Failure::TooLarge { what, limit });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}
