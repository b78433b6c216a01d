//! `keyvalue-redis` behind `wash dev`, as a sibling and installed, with a real Redis.

use crate::client::text;
use crate::plugins::{Plugins, sources};
use crate::project::Projects;
use crate::redis::{Redis, free_port};
use crate::wash::{Dev, url_in};

/// A project with `keyvalue-redis` beside it, which is given these settings.
fn beside(test: &str, fixture: &'static str, config: &str, port: u16) -> Projects {
    let projects = Projects::copy(test, &[fixture]);
    projects.write(
        &format!("{fixture}/.wash/config.yaml"),
        format!(
            "name: {fixture}\ndev:\n  components:\n    - name: keyvalue-redis\n      path: {}\n      config: {{ {config} }}\n      allowedHostLoopbackPorts: [{port}]\n",
            sources("keyvalue-redis").display()
        ),
    );
    projects
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_keeps_its_values_in_redis() {
    let mut redis = Redis::start();
    let port = redis.port;
    let config = format!("host: localhost, port: \"{port}\", prefix: \"app/\", database: \"2\"");
    let projects = beside("redis-beside", "ledger", &config, port);
    let (_wash, url) = Dev::on(&projects).serving().await;

    assert_eq!(text(&url, "/set/b/k/value").await, "set");
    let in_database = |redis: &Redis, command: &[&[u8]]| {
        let mut client = redis.client();
        client.ask(&[b"SELECT", b"2"]);
        client.ask(command)
    };
    assert_eq!(in_database(&redis, &[b"GET", b"app/b:k"]), b"value");
    in_database(&redis, &[b"SET", b"app/b:other", b"way round"]);
    assert_eq!(text(&url, "/get/b/other").await, "way round");
    assert_eq!(text(&url, "/get/b/none").await, "nothing");
    assert_eq!(text(&url, "/add/b/n/40").await, "40");
    in_database(&redis, &[b"INCRBY", b"app/b:n", b"2"]);
    assert_eq!(text(&url, "/add/b/n/0").await, "42");
    assert_eq!(text(&url, "/set-many/c/x=1/y=2").await, "set");
    assert_eq!(text(&url, "/get-many/c/y/z/x").await, "y=2\nnothing\nx=1\n");
    assert_eq!(text(&url, "/exists/c/x").await, "true");
    assert_eq!(text(&url, "/delete/c/x").await, "deleted");
    assert_eq!(text(&url, "/keys/c").await, "y\npages: 1");

    let size = 10_000_000;
    assert_eq!(text(&url, &format!("/fill/b/big/{size}")).await, "set");
    let value: Vec<u8> = (0..=250).cycle().take(size).collect();
    assert!(in_database(&redis, &[b"GET", b"app/b:big"]) == value);
    in_database(&redis, &[b"SET", b"app/b:big", &vec![255; size]]);
    let expected = format!("{size} bytes, sum {}", size * 255);
    assert_eq!(text(&url, "/measure/b/big").await, expected);

    redis.stop();
    let answer = text(&url, "/get/b/k").await;
    let expected = format!("error: cannot reach Redis at `localhost:{port}`: ");
    assert!(answer.starts_with(&expected), "{answer}");
    redis.start_again();
    assert_eq!(text(&url, "/get/b/k").await, "value");
    assert_eq!(text(&url, "/add/b/n/1").await, "43");

    in_database(&redis, &[b"LPUSH", b"app/b:list", b"x"]);
    let answer = text(&url, "/get/b/list").await;
    let said = format!("error: Redis at `localhost:{port}` refused `GET`: WRONGTYPE");
    assert!(answer.starts_with(&said), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_the_second_draft_is_in_redis() {
    let redis = Redis::start();
    let config = format!("url: \"redis://127.0.0.1:{}\"", redis.port);
    let projects = beside("redis-swaps", "swaps", &config, redis.port);
    let (_wash, url) = Dev::on(&projects).serving().await;
    // The second time there is something in the buckets.
    for _ in 0..2 {
        let answer = text(&url, "/").await;
        let (ok, others): (Vec<_>, Vec<_>) = answer.lines().partition(|l| l.starts_with("ok "));
        assert!(others.is_empty(), "{answer}");
        assert_eq!(ok.len(), 8, "{answer}");
    }
    assert_eq!(redis.ask(&[b"GET", b"late-swap:k"]), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installed_provider_needs_no_configuration() {
    let redis = Redis::with(&["--requirepass", "open-sesame"]);
    let address = format!("localhost:{}", redis.port);
    let plugins = Plugins::with("keyvalue-redis");
    let projects = Projects::copy("redis-installed", &["ledger"]);
    let dev = |password: &str| {
        Dev::on(&projects)
            .env("XDG_DATA_HOME", plugins.data())
            .env("REDIS_URL", format!("redis://:{password}@{address}"))
    };

    // It may not go anywhere but to the usual port, and says what would allow it.
    let (mut wash, url) = dev("wrong").serving().await;
    let answer = text(&url, "/get/b/k").await;
    assert!(answer.contains(&format!("`{address}`")), "{answer}");
    let hint = wash.line("wash plugin allow keyvalue-redis").await;
    assert!(hint.contains(&address), "{hint}");

    plugins.done(&["plugin", "allow", "keyvalue-redis", "--host", &address]);
    wash.line("reloaded").await;
    let answer = text(&url, "/get/b/k").await;
    let refused = format!("error: Redis at `{address}` refused the login: WRONGPASS");
    assert!(answer.starts_with(&refused), "{answer}");
    drop(wash);

    let (_wash, url) = dev("open-sesame").serving().await;
    assert_eq!(text(&url, "/set/b/k/value").await, "set");
    let mut client = redis.client();
    client.ask(&[b"AUTH", b"open-sesame"]);
    assert_eq!(client.ask(&[b"GET", b"b:k"]), b"value");
    client.ask(&[b"SET", b"b:k", b"changed"]);
    assert_eq!(text(&url, "/get/b/k").await, "changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_session_takes_up_a_provider() {
    let redis = Redis::start();
    let address = format!("localhost:{}", redis.port);
    let plugins = Plugins::none();
    let projects = Projects::copy("redis-later", &["ledger"]);
    projects.write(
        "ledger/.wash/config.yaml",
        "name: ledger\ndev: { capabilities: { keyvalue: off } }\n",
    );
    let mut wash = Dev::on(&projects)
        .env("XDG_DATA_HOME", plugins.data())
        .env("REDIS_URL", format!("redis://{address}"))
        .spawn();
    wash.line("not started").await;

    plugins.install("keyvalue-redis");
    plugins.done(&["plugin", "allow", "keyvalue-redis", "--host", &address]);
    let url = url_in(&wash.line("serving http://").await);
    while text(&url, "/set/b/k/value").await != "set" {
        wash.line("reloaded").await;
    }
    assert_eq!(redis.ask(&[b"GET", b"b:k"]), "value");

    plugins.done(&["plugin", "uninstall", "keyvalue-redis"]);
    wash.line("plugin `keyvalue-redis` removed").await;
    wash.line("the previous version keeps serving").await;
    assert_eq!(text(&url, "/get/b/k").await, "value");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_with_its_name() {
    let port = free_port();
    for (test, config, words) in [
        (
            "redis-gone",
            format!("port: \"{port}\""),
            format!("cannot reach Redis at `localhost:{port}`: the connection was refused"),
        ),
        (
            "redis-denied",
            "host: \"192.0.2.1\"".to_owned(),
            "cannot reach Redis at `192.0.2.1:6379`: this component is not allowed to".to_owned(),
        ),
        (
            "redis-setting",
            "port: many".to_owned(),
            "the setting `port` of keyvalue-redis is `many`: expected a port from 1 to 65535"
                .to_owned(),
        ),
    ] {
        let projects = beside(test, "ledger", &config, port);
        let (_wash, url) = Dev::on(&projects).serving().await;
        assert_eq!(text(&url, "/get/b/k").await, format!("error: {words}"));
    }
}
