//! Each member has what it was given, and nothing else.

use std::collections::BTreeMap;

use wash_runtime::capability::http_client::OutgoingHttp;
use wash_runtime::capability::wasi::{Access, Directories, Directory, Process, Volume};
use wash_runtime::workload::{MemberSettings, StartError};

use crate::stage::{Stage, alone, probe};

const PROBES: [&str; 2] = ["probe", "probe-p3"];

#[tokio::test(flavor = "multi_thread")]
async fn by_default_there_is_nothing() {
    for name in PROBES {
        let stage = Stage::probe(name).await;
        let (_, text) = stage.get("/environment").await;
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            ["argument api", "lookup false", "tcp true"],
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_is_there() {
    let root = tempfile::tempdir().unwrap();
    let directory = |host: &str, access| Directory {
        volume: Volume::HostPath {
            path: root.path().join(host),
            create: true,
        },
        guest: format!("/{host}"),
        access,
    };
    let settings = MemberSettings::default()
        .with(Process {
            environment: BTreeMap::from([("GREETING".into(), "hi".into())]),
            arguments: vec!["--flag".into()],
            ..Process::default()
        })
        .with(Directories(vec![
            directory("data", Access::ReadWrite),
            directory("fixed", Access::ReadOnly),
        ]));
    let stage = Stage::new(alone(probe("probe"), settings.clone())).await;
    let (_, text) = stage.get("/environment").await;
    for line in [
        "GREETING=hi",
        "argument --flag",
        "directory /data",
        "wrote",
        "directory /fixed",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert_eq!(
        std::fs::read(root.path().join("data/written")).unwrap(),
        b"by the guest"
    );
    assert!(!root.path().join("fixed/written").exists(), "{text}");

    let stage = Stage::new(alone(probe("probe-p3"), settings)).await;
    let (_, text) = stage.get("/environment").await;
    for line in [
        "GREETING=hi",
        "argument --flag",
        "directory /data",
        "directory /fixed",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_is_the_same_everywhere_and_read_only_stays_so() {
    let volume = |guest: &str, access| Directory {
        volume: Volume::Empty {
            name: "scratch".into(),
        },
        guest: guest.into(),
        access,
    };
    let settings = MemberSettings::default().with(Directories(vec![
        volume("/fixed", Access::ReadOnly),
        volume("/open", Access::ReadWrite),
    ]));
    let stage = Stage::new(alone(probe("probe"), settings)).await;
    for contents in ["", "by the guest"] {
        let (_, text) = stage.get("/read?/fixed/written").await;
        assert_eq!(
            text, contents,
            "what was written is there for the next instance"
        );
        let (_, text) = stage.get("/environment").await;
        let after = |guest: &str| {
            let mut lines = text.lines();
            lines.find(|line| *line == format!("directory {guest}"));
            lines.next().unwrap_or_default().to_owned()
        };
        assert!(after("/fixed").starts_with("could not write"), "{text}");
        assert_eq!(after("/open"), "wrote", "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_where_the_patterns_allow() {
    for name in PROBES {
        let target = Stage::probe("probe").await;
        let port = target.address.port();
        let allowed = OutgoingHttp::Allowed(vec![format!("127.0.0.1:{port}")]);
        let settings = MemberSettings::default().with(allowed);
        let stage = Stage::new(alone(probe(name), settings)).await;
        assert_eq!(
            stage.get(&format!("/fetch?127.0.0.1:{port}")).await,
            (200, "status 200".into()),
            "{name}"
        );
        let (_, text) = stage.get("/fetch?denied.example").await;
        assert!(text.contains("HttpRequestDenied"), "{name}: {text}");
        let output = stage.output.text();
        assert!(
            output.contains("allowedHosts: [\"127.0.0.1:")
                && output.contains(", \"denied.example\"]"),
            "{name}: {output}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_at_once() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("file"), "").unwrap();
    let directory = |host: &str| Directory {
        volume: Volume::HostPath {
            path: root.path().join(host),
            create: false,
        },
        guest: format!("/{host}"),
        access: Access::ReadOnly,
    };
    let settings = MemberSettings::default()
        .with(Directories(vec![directory("missing"), directory("file")]))
        .with(OutgoingHttp::Allowed(vec!["*foo".into()]));
    let mut workload = alone(probe("probe"), settings);
    workload.entries[0].grants[0].member = 7;
    let Err(StartError::Invalid { problems, .. }) = Stage::try_new(workload).await.map(drop) else {
        panic!()
    };
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(messages.len(), 4, "{messages:#?}");
    assert!(
        problems[..3]
            .iter()
            .all(|problem| problem.member.as_deref() == Some("api"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_nobody_was_granted_is_refused() {
    let mut workload = alone(probe("probe"), MemberSettings::default());
    workload.entries[0]
        .grants
        .retain(|grant| !grant.interface.starts_with("wasi:filesystem/preopens"));
    let Err(StartError::Invalid { problems, .. }) = Stage::try_new(workload).await.map(drop) else {
        panic!()
    };
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].message.contains("wasi:filesystem/preopens"),
        "{problems:?}"
    );
}
