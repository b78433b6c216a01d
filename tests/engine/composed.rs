//! Two members in one component: the types are shared, the authority is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};
use wash::host::workload::{
    Access, Directory, Grant, Limits, Member, MemberSettings, OutgoingHttp, Workload,
};

use crate::stage::{Stage, grants_something, imports, probe};

/// Composes two instances of a probe with imports of their own, as the linker does. The `answers` one handles requests.
fn compose(name: &str, answers: usize) -> (Arc<[u8]>, Vec<Grant>) {
    let bytes = probe(name);
    let mut graph = CompositionGraph::new();
    let package =
        Package::from_bytes("test:probe", None, bytes.to_vec(), graph.types_mut()).unwrap();
    let id = graph.register_package(package).unwrap();
    let world = graph.types()[graph[id].ty()].clone();
    let mut grants = Vec::new();
    let mut instances = Vec::new();
    for (member, name) in ["first", "second"].into_iter().enumerate() {
        let instance = graph.instantiate(id);
        let granting = imports(&bytes)
            .into_iter()
            .filter(|import| grants_something(import));
        // A member may import two versions of an interface: one from its own code, one from its standard library.
        for (index, interface) in granting.enumerate() {
            let plain = interface
                .split('@')
                .next()
                .unwrap()
                .replace([':', '/'], "-");
            let import = format!("{name}-{plain}-i{index}");
            let node = graph.import(&import, world.imports[&interface]).unwrap();
            graph
                .set_instantiation_argument(instance, &interface, node)
                .unwrap();
            grants.push(Grant {
                import,
                interface,
                member,
            });
        }
        instances.push(instance);
    }
    let handler = world
        .exports
        .keys()
        .find(|export| export.starts_with("wasi:http/"))
        .unwrap();
    let export = graph
        .alias_instance_export(instances[answers], handler)
        .unwrap();
    graph.export(export, handler).unwrap();
    (
        graph.encode(EncodeOptions::default()).unwrap().into(),
        grants,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn each_member_has_its_own_authority() {
    let root = tempfile::tempdir().unwrap();
    let settings = |name: &str| MemberSettings {
        environment: BTreeMap::from([("WHO".into(), name.into())]),
        directories: vec![Directory {
            host: root.path().join(name),
            guest: format!("/{name}"),
            access: Access::ReadWrite,
            create: true,
        }],
        outgoing_http: if name == "first" {
            OutgoingHttp::Any
        } else {
            OutgoingHttp::Denied
        },
        ..MemberSettings::default()
    };
    let member = |name: &str| Member {
        name: name.to_owned(),
        settings: settings(name),
    };
    for name in ["probe", "probe-p3"] {
        let target = Stage::probe("probe").await.address;
        for (answers, own, other) in [(0, "first", "second"), (1, "second", "first")] {
            let (component, grants) = compose(name, answers);
            let members = vec![member("first"), member("second")];
            let limits = Limits::default();
            let stage = Stage::new(Workload {
                name: "pair".into(),
                component,
                members,
                grants,
                limits,
            })
            .await;
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
