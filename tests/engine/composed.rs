//! Two members in one component: the types are shared, the authority is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use wash::linker;
use wash::linker::{Driven, LinkRequest, Role};
use wash_component::Shape;
use wash_runtime::capability;
use wash_runtime::capability::http_client::OutgoingHttp;
use wash_runtime::capability::wasi::{Access, Directories, Directory, Process, Volume};
use wash_runtime::workload::{Grant, Member, MemberSettings, Workload};

use crate::stage::{Stage, probe};

/// Links two instances of a component. The `answers` one handles requests.
fn compose(bytes: &[u8], answers: &str) -> (Arc<[u8]>, Vec<Grant>) {
    link(&["first", "second"], bytes, answers, false)
}

fn link(names: &[&str], bytes: &[u8], answers: &str, stubs: bool) -> (Arc<[u8]>, Vec<Grant>) {
    let members: Vec<_> = names
        .iter()
        .map(|name| {
            let mut shape = Shape::parse(bytes).unwrap();
            if *name != answers {
                shape.exports.clear();
            }
            linker::Member {
                name: name.to_string(),
                role: Role::Project,
                shape: Arc::new(shape),
                wiring: BTreeMap::new(),
            }
        })
        .collect();
    let plan = linker::plan(&LinkRequest {
        members: &members,
        host: &capability::host_interfaces(),
        driven: Driven::Automatic,
        stub_missing: stubs,
        ..LinkRequest::default()
    })
    .unwrap();
    let grants = plan.host.iter().filter_map(|import| {
        Some(Grant {
            import: import.import.clone(),
            interface: import.interface.as_ref()?.to_string(),
            member: import.member?,
        })
    });
    let composed = linker::compose(&plan, &vec![bytes; names.len()]).unwrap();
    (composed.into(), grants.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_what_nobody_provides_says_so() {
    let app = wat::parse_str(
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $http
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))))
            (alias export $http "incoming-request" (type $request))
            (alias export $http "response-outparam" (type $outparam))
            (import "my:store/counts@1.2.0" (instance $counts
                (export "next" (func (param "of" string) (result u64)))))
            (core module $libc (memory (export "memory") 1))
            (core instance $libc (instantiate $libc))
            (core func $next (canon lower (func $counts "next") (memory $libc "memory")))
            (core module $main
                (import "" "next" (func $next (param i32 i32) (result i64)))
                (func $answer (export "handle") (param i32 i32)
                    (drop (call $next (i32.const 0) (i32.const 3)))))
            (core instance $main (instantiate $main
                (with "" (instance (export "next" (func $next))))))
            (func $handle (param "request" (own $request)) (param "response" (own $outparam))
                (canon lift (core func $main "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#,
    )
    .unwrap();
    let (component, grants) = link(&["api"], &app, "api", true);
    let members = vec![Member {
        name: "api".into(),
        settings: MemberSettings::default(),
    }];
    let stage = Stage::new(Workload::http("stubbed", component, members, grants)).await;
    let (status, text) = stage.get("/").await;
    assert_eq!(status, 500);
    let message = "`api` called `next` of `my:store/counts@1.2.0`, which has no provider";
    assert!(text.contains(message), "{text} {}", stage.output.text());
    stage.idle().await;
    let output = stage.output.text();
    assert!(
        output.contains(message) && output.contains("answer"),
        "{output}"
    );
    assert!(!output.contains("stub:"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_member_has_its_own_authority() {
    let root = tempfile::tempdir().unwrap();
    let settings = |name: &str| {
        MemberSettings::default()
            .with(Process {
                environment: BTreeMap::from([("WHO".into(), name.into())]),
                ..Process::default()
            })
            .with(Directories(vec![Directory {
                volume: Volume::HostPath {
                    path: root.path().join(name),
                    create: true,
                },
                guest: format!("/{name}"),
                access: Access::ReadWrite,
            }]))
            .with(if name == "first" {
                OutgoingHttp::Allowed(vec!["127.0.0.1".into()])
            } else {
                OutgoingHttp::Denied
            })
    };
    let member = |name: &str| Member {
        name: name.to_owned(),
        settings: settings(name),
    };
    for name in ["probe", "probe-p3"] {
        let target = Stage::probe("probe").await.address;
        for (own, other) in [("first", "second"), ("second", "first")] {
            let (component, grants) = compose(&probe(name), own);
            let members = vec![member("first"), member("second")];
            let stage = Stage::new(Workload::http("pair", component, members, grants)).await;
            let (_, text) = stage.get("/environment").await;
            assert!(
                text.contains(&format!("WHO={own}")) && text.contains(&format!("directory /{own}")),
                "{text}"
            );
            assert!(!text.contains(other), "{name}: {text}");
            let (_, fetched) = stage.get(&format!("/fetch?{target}")).await;
            assert_eq!(
                fetched.contains("Denied"),
                own == "second",
                "{name}: {fetched}"
            );
            stage.get("/print").await;
            stage.idle().await;
            let output = stage.output.text();
            assert!(
                output
                    .lines()
                    .any(|line| line.starts_with(&format!("{own} #"))),
                "{name}: {output}"
            );
            assert!(
                !output.lines().any(|line| line.starts_with(other)),
                "{name}: {output}"
            );
        }
    }
}
