//! A registry that takes tokens, as the public ones do: it says who gives them, and for what.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, SigningKey as _};
use serde_json::json;

use crate::registry::{Options, PASSWORD, Registry, Tokens, USER};
use crate::stage::Stage;

/// What docker keeps in place of a password where somebody has logged in elsewhere.
const IDENTITY: &str = "identity-of-ali";

/// Anybody may pull; who has the password may push as well.
struct TokenServer {
    key: KeyPair,
    /// In DER.
    certificate: Vec<u8>,
}

/// A registry that trusts a token server of its own.
fn registry() -> Registry {
    let key = KeyPair::generate().unwrap();
    let signed = CertificateParams::new(Vec::new()).unwrap();
    let signed = signed.self_signed(&key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let realm = format!("http://{}/token", listener.local_addr().unwrap());
    let server = Arc::new(TokenServer {
        key,
        certificate: signed.der().to_vec(),
    });
    thread::spawn(move || {
        for client in listener.incoming() {
            let server = server.clone();
            thread::spawn(move || server.answer(client.unwrap()));
        }
    });
    Registry::with(Options {
        tokens: Some(Tokens {
            realm,
            certificate: signed.pem(),
        }),
        ..Options::default()
    })
}

impl TokenServer {
    fn answer(&self, mut client: TcpStream) {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut lines = reader.by_ref().lines();
        let mut asked = lines.next().unwrap().unwrap();
        let (mut login, mut length) = (None, 0);
        for line in lines
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
        {
            let lower = line.to_ascii_lowercase();
            if lower.starts_with("authorization: basic ") {
                login = line.split(' ').next_back().map(str::to_owned);
            }
            if let Some(value) = lower.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        let right = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        if asked.starts_with("POST ") {
            let mut form = vec![0; length];
            reader.read_exact(&mut form).unwrap();
            let form = String::from_utf8(form).unwrap();
            let is_right = form.contains("grant_type=refresh_token")
                && form.contains(&format!("refresh_token={IDENTITY}"))
                && form.contains("service=test");
            login = Some(if is_right {
                right.clone()
            } else {
                form.clone()
            });
            asked = format!("POST /token?{form} HTTP/1.1");
        }
        let (status, body) = match &login {
            Some(login) if *login != right => {
                ("401 Unauthorized", json!({ "details": "wrong password" }))
            }
            _ => (
                "200 OK",
                json!({ "token": self.token(&asked, login.is_some()) }),
            ),
        };
        let body = body.to_string();
        let length = body.len();
        let _ = write!(
            client,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    }

    /// For what the request asks for, so far as it is allowed.
    fn token(&self, asked: &str, known: bool) -> String {
        let url = format!("http://x{}", asked.split(' ').nth(1).unwrap());
        let url = url::Url::parse(&url).unwrap();
        let scopes = url.query_pairs().filter(|(name, _)| name == "scope");
        let scopes: Vec<_> = scopes.map(|(_, scope)| scope.into_owned()).collect();
        let access = scopes
            .iter()
            .flat_map(|scope| scope.split(' '))
            .map(|scope| {
                let mut parts = scope.split(':');
                let (kind, name) = (parts.next().unwrap(), parts.next().unwrap());
                let actions = parts.next().unwrap().split(',');
                let actions: Vec<_> = actions
                    .filter(|action| known || *action == "pull")
                    .collect();
                json!({ "type": kind, "name": name, "actions": actions })
            });
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let header =
            json!({ "typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(&self.certificate)] });
        let claims = json!({
            "iss": "test", "sub": USER, "aud": "test", "jti": "1",
            "iat": now, "nbf": now - 60, "exp": now + 300,
            "access": access.collect::<Vec<_>>(),
        });
        let text = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let text = text.join(".");
        let signature = raw(&self.key.sign(text.as_bytes()).unwrap());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The two numbers of an ECDSA signature in 32 bytes each, out of their DER form.
fn raw(der: &[u8]) -> Vec<u8> {
    let mut rest = &der[2..];
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let (number, after) = rest[2..].split_at(usize::from(rest[1]));
        let digits = &number[number.len().saturating_sub(32)..];
        numbers.extend(vec![0; 32 - digits.len()]);
        numbers.extend(digits);
        rest = after;
    }
    numbers
}

#[test]
fn tokens_are_asked_for_and_shown() {
    let registry = registry();
    let address = registry.address();
    let reference = format!("{address}/team/hello:1");
    let push = ["oci", "push", "--insecure", &reference, "hello.wasm"];
    let options = [&push[..], &["-u", USER, "-p", PASSWORD]].concat();
    Stage::new().wash(&options).assert_success();

    let docker = Stage::new();
    let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let config = json!({ "auths": { &address: { "auth": auth } } });
    docker.file("docker/config.json", config.to_string());
    docker.wash(&push).assert_success();

    // An identity token buys others, whether the file has it or a helper.
    let identity = Stage::new();
    let config =
        json!({ "auths": { &address: { "auth": "MDAwOg==", "identitytoken": IDENTITY } } });
    identity.file("docker/config.json", config.to_string());
    identity.wash(&push).assert_success();
    let stale = Stage::new();
    let config = json!({ "auths": { &address: { "identitytoken": "stale" } } });
    stale.file("docker/config.json", config.to_string());
    stale
        .wash(&push)
        .assert_failure(&["credentials used: those of docker"]);

    // Strangers may read.
    let stranger = Stage::new();
    stranger
        .wash(&["oci", "pull", "--insecure", &reference, "pulled.wasm"])
        .assert_success();
    assert_eq!(stranger.read("pulled.wasm"), stranger.read("hello.wasm"));
}

#[test]
fn who_may_not_is_told_so() {
    let registry = registry();
    let reference = format!("{}/team/hello:1", registry.address());
    let push = ["oci", "push", "--insecure", &reference, "hello.wasm"];
    let said = format!("cannot push to `{reference}`: the registry");
    Stage::new()
        .wash(&push)
        .assert_failure(&[&said, "no credentials were found"]);
    let wrong = [&push[..], &["-u", USER, "-p", "sesame-closed"]].concat();
    let ended = Stage::new()
        .wash(&wrong)
        .assert_failure(&[&said, "credentials used: those of the command line"]);
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
}
