//! Planning, composing and running a case.

use std::fmt::Write;
use std::sync::LazyLock;

use anyhow::Context;
use wash::inspect::file;
use wash::linker::{
    Exports, LinkFailure, LinkPlan, LinkRequest, Member, Provider, compose, plan, render,
};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use super::case::Case;

pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.wasm_component_model_implements(true);
    config.wasm_component_model_async(true);
    Engine::new(&config).unwrap()
});

/// The plan or failure as text. An error is a fault of the linker, whatever the case expects.
pub(crate) fn run(case: &Case) -> anyhow::Result<String> {
    let members = members(case);
    let planned = plan_of(case, &members);
    let text = describe(&planned);
    for order in orders(members.len()) {
        let shuffled: Vec<_> = order.iter().map(|index| members[*index].clone()).collect();
        let other = describe(&plan_of(case, &shuffled));
        anyhow::ensure!(
            text == other,
            "the order {order:?} of the members changes the plan to\n{other}"
        );
    }
    let plan = match &planned {
        Ok(plan) => plan,
        Err(failure) => {
            check_draft(failure)?;
            return Ok(text);
        }
    };
    let bytes = bytes(case, plan);
    let composed = compose(plan, &bytes)?;
    check(plan, &composed, &bytes)?;
    Ok(text)
}

/// The world of the composed component.
pub(crate) fn wit(case: &Case) -> anyhow::Result<String> {
    let plan = plan_of(case, &members(case))?;
    file::wit(&compose(&plan, &bytes(case, &plan))?)
}

fn members(case: &Case) -> Vec<Member> {
    case.members
        .iter()
        .map(|(member, _)| member.clone())
        .collect()
}

fn bytes<'a>(case: &'a Case, plan: &LinkPlan) -> Vec<&'a [u8]> {
    plan.members
        .iter()
        .map(|m| case.members[m.index].1.as_slice())
        .collect()
}

/// A draft lacks what the failure speaks of and nothing else, and has no circles.
fn check_draft(failure: &LinkFailure) -> anyhow::Result<()> {
    let Some(draft) = &failure.draft else {
        return Ok(());
    };
    let text = failure.to_string();
    for (index, member) in draft.members.iter().enumerate() {
        for (import, external) in &member.shape.imports {
            let name = external.interface.as_ref().map(|i| i.path());
            anyhow::ensure!(
                draft.edges_of(index).any(|edge| edge.import == *import)
                    || text.contains(name.as_ref().unwrap_or(import)),
                "the draft leaves out `{import}` of `{}`",
                member.name
            );
        }
    }
    let mut left: Vec<usize> = (0..draft.members.len()).collect();
    let needs = |member, others: &[usize]| {
        draft.edges_of(member).any(
            |edge| matches!(edge.provider, Provider::Member { member, .. } if others.contains(&member)),
        )
    };
    while let Some(place) = left.iter().position(|member| !needs(*member, &left)) {
        left.remove(place);
    }
    anyhow::ensure!(left.is_empty(), "the draft has a circle");
    Ok(())
}

fn plan_of(case: &Case, members: &[Member]) -> Result<LinkPlan, LinkFailure> {
    plan(&LinkRequest {
        members,
        host: &case.host,
        driven: case.driven.of(),
        exports: if case.all {
            Exports::All
        } else {
            Exports::Driven
        },
        stub_missing: case.stub_missing,
        other_runtime: case.other_runtime,
        max_members: None,
    })
}

/// All orders of a few members, all rotations of many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count > 4 {
        return (0..count)
            .map(|shift| (0..count).map(|i| (i + shift) % count).rev().collect())
            .collect();
    }
    let mut orders = vec![vec![]];
    for index in 0..count {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, index);
                    longer
                })
            })
            .collect();
    }
    orders
}

fn describe(planned: &Result<LinkPlan, LinkFailure>) -> String {
    let plan = match planned {
        Ok(plan) => plan,
        Err(failure) => return format!("{failure}\n"),
    };
    let mut text = render::table(&render::wiring(plan))
        .lines()
        .map(|line| line.trim_end().to_string() + "\n")
        .collect::<String>();
    for edge in plan
        .edges
        .iter()
        .filter(|edge| edge.provider == Provider::Nobody)
    {
        writeln!(
            text,
            "{}: `{}` only names types",
            plan.members[edge.member].name, edge.import
        )
        .unwrap();
    }
    for exported in &plan.exports {
        writeln!(
            text,
            "exports {} of {}",
            exported.export, plan.members[exported.member].name
        )
        .unwrap();
    }
    for host in &plan.host {
        let of = match host.member {
            Some(member) => format!("of {}", plan.members[member].name),
            None => "shared".to_string(),
        };
        writeln!(
            text,
            "host {} = {} ({of}; {})",
            host.import,
            host.interface
                .as_ref()
                .map_or("-".to_string(), ToString::to_string),
            host.capability.unwrap_or("left to the runtime")
        )
        .unwrap();
    }
    for left_out in &plan.left_out {
        writeln!(text, "left out: {}", left_out.name).unwrap();
    }
    text
}

/// The composed component is valid, imports and exports what the plan says, and instantiates.
pub(crate) fn check(plan: &LinkPlan, composed: &[u8], members: &[&[u8]]) -> anyhow::Result<()> {
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(composed)
        .map_err(|e| anyhow::anyhow!("the composed component is not valid: {e}"))?;
    let shape = wash_component::Shape::parse(composed)?;
    for host in &plan.host {
        let import = shape.imports.get(&host.import);
        let import = import.ok_or_else(|| {
            anyhow::anyhow!("the composed component does not import `{}`", host.import)
        })?;
        let compatible = match (&import.interface, &host.interface) {
            (Some(interface), Some(served)) => interface.compatible(served),
            (interface, served) => interface == served,
        };
        anyhow::ensure!(
            compatible,
            "`{}` is {:?}, not {:?}",
            host.import,
            import.interface,
            host.interface
        );
    }
    for (name, import) in &shape.imports {
        let only_types = shape.types.only_names_types(name, &import.item);
        anyhow::ensure!(
            only_types || plan.host.iter().any(|host| host.import == *name),
            "`{name}` is imported, but not in the plan"
        );
    }
    for exported in &plan.exports {
        anyhow::ensure!(
            shape.exports.contains_key(&exported.export),
            "the composed component does not export `{}`",
            exported.export
        );
    }

    check_wit(composed, members)?;

    let component = Component::new(&ENGINE, composed)?;
    let mut linker = Linker::<()>::new(&ENGINE);
    linker.define_unknown_imports_as_traps(&component)?;
    futures::executor::block_on(
        linker.instantiate_async(&mut Store::new(&ENGINE, ()), &component),
    )?;
    Ok(())
}

/// Tools read the composed component as WIT, where they can read each of its members.
fn check_wit(composed: &[u8], members: &[&[u8]]) -> anyhow::Result<()> {
    if members.iter().all(|member| file::wit(member).is_ok()) {
        file::wit(composed).context("the composed component is not readable as WIT")?;
    }
    Ok(())
}
