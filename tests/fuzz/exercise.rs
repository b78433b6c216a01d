//! Everything that `wash` does with the bytes of a component before an engine sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use wash::linker::{Exports, LinkRequest, Member, Role, compose, plan, render};
use wash::{build, provider};
use wash_common::contain::contain;
use wash_component::host_interface::HostInterface;
use wash_component::{CodeSize, Shape, kind};
use wash_runtime::{capability, engine};
use wasmparser::{Validator, WasmFeatures};

/// Reads, plans and composes, and wraps what is a core module. Whether it was a component.
pub(crate) fn bytes(bytes: &[u8]) -> bool {
    let _ = kind(bytes);
    let _ = CodeSize::of(bytes);
    if let Ok(component) = build::of_module(bytes) {
        Shape::parse(&component).expect("what is made of a module is a component");
    }
    match Shape::parse(bytes) {
        Ok(shape) => {
            let _ = engine::model_of(&shape);
            link(bytes, shape);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.hint().is_empty());
            false
        }
    }
}

/// What ships, read once: the time is for what is new.
static SHIPPED: LazyLock<Vec<(Member, &[u8])>> = LazyLock::new(|| {
    let shipped = provider::shipped().iter().map(|shipped| {
        validate(shipped.bytes).expect("what ships is valid");
        let shape = Shape::parse(shipped.bytes).expect("what ships is a component");
        let member = member(shipped.name, Role::Shipped, Arc::new(shape));
        (member, shipped.bytes)
    });
    shipped.collect()
});

/// Links a component with itself and with what ships.
fn link(bytes: &[u8], shape: Shape) {
    for item in shape.imports.values().chain(shape.exports.values()) {
        assert!(shape.types.describe_item(&item.item).len() < 100_000);
    }
    let shape = Arc::new(shape);
    let mut files = vec![bytes, bytes];
    let mut members = vec![
        member("project", Role::Project, Arc::clone(&shape)),
        member("sibling", Role::Sibling, shape),
    ];
    for (member, file) in SHIPPED.iter() {
        members.push(member.clone());
        files.push(file);
    }
    static HOST: LazyLock<Vec<HostInterface>> = LazyLock::new(capability::host_interfaces);
    let valid = validate(bytes).is_ok();
    for (count, stub_missing, exports) in [
        (1, false, Exports::Driven),
        (1, true, Exports::All),
        (members.len(), false, Exports::Driven),
        (members.len(), true, Exports::All),
    ] {
        let planned = plan(&LinkRequest {
            members: &members[..count],
            host: &HOST,
            exports,
            stub_missing,
            ..LinkRequest::default()
        });
        let plan = match planned {
            Ok(plan) => plan,
            Err(failure) => {
                assert!(!failure.to_string().is_empty());
                continue;
            }
        };
        render::table(&render::wiring(&plan));
        let files: Vec<_> = plan.members.iter().map(|m| files[m.index]).collect();
        let composed = compose(&plan, &files).expect("a valid plan composes");
        // Function bodies are not read before an engine does: a member may be invalid there.
        if valid {
            // There are components on which the library panics; `wash` tells so.
            match contain("wasmparser", || validate(&composed)) {
                Ok(validated) => validated.expect("what is composed of valid members is valid"),
                Err(_) => assert!(Shape::parse(&composed).is_err()),
            }
        }
    }
}

fn member(name: &str, role: Role, shape: Arc<Shape>) -> Member {
    Member {
        name: name.to_string(),
        role,
        shape,
        wiring: BTreeMap::new(),
    }
}

fn validate(bytes: &[u8]) -> wasmparser::Result<()> {
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(bytes)
        .map(drop)
}
