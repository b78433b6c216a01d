//! What holds for all members, whatever they import and export.
//!
//! The worlds are the same in every run. `PROPTEST_CASES=5000 cargo test --test linker properties` tries more, and
//! `PROPTEST_RNG_SEED` others.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use wash::linker::{Exports, LinkFailure, LinkPlan, LinkRequest, Member, Problem, compose, plan};

use crate::run;
use crate::worlds::{Made, World, provider_of, worlds, worlds_with_an_api};

/// Runs a property on a bounded number of worlds, or as many as the environment asks for. Few of them may be such that no
/// toolchain makes their members.
fn hold(worlds: impl Strategy<Value = World>, property: impl Fn(World) -> anyhow::Result<()>) {
    let asked = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let cases = cases();
    let config = Config {
        cases,
        max_global_rejects: cases / 2,
        rng_seed: RngSeed::Fixed(asked("PROPTEST_RNG_SEED").unwrap_or(2026)),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&worlds, |world| {
        property(world).map_err(|error| {
            let text = format!("{error:#}");
            match text.contains("transitively depends on an interface in incompatible ways") {
                true => TestCaseError::reject("no toolchain can make such a member"),
                false => TestCaseError::fail(text),
            }
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// How many worlds are tried.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(60)
}

fn link(made: &[Made], exports: Exports, stub_missing: bool) -> Result<LinkPlan, LinkFailure> {
    let members: Vec<Member> = made.iter().map(|m| m.member.clone()).collect();
    plan(&LinkRequest {
        members: &members,
        exports,
        stub_missing,
        ..LinkRequest::default()
    })
}

/// Composes what was planned; it must be valid and instantiate.
fn check(plan: &LinkPlan, made: &[Made]) -> anyhow::Result<()> {
    let bytes: Vec<&[u8]> = plan
        .members
        .iter()
        .map(|m| made[m.index].bytes.as_slice())
        .collect();
    run::check(plan, &compose(plan, &bytes)?, &bytes)
}

/// Adds a provider of the first import that nobody provides, until there is none such.
fn complete(
    made: &mut Vec<Made>,
    exports: Exports,
) -> anyhow::Result<Result<LinkPlan, LinkFailure>> {
    loop {
        let planned = link(made, exports, false);
        let problems = match &planned {
            Ok(plan) => {
                check(plan, made)?;
                return Ok(planned);
            }
            Err(failure) => &failure.problems,
        };
        let unmet = problems.iter().find_map(|problem| match problem {
            Problem::Unmet { member, import, .. } => Some((member, import)),
            _ => None,
        });
        let Some((member, import)) = unmet else {
            return Ok(planned);
        };
        let needs = made
            .iter()
            .find(|m| m.member.name == *member)
            .expect("problems are of members");
        let added = provider_of(needs, import, format!("added{}", made.len()))?;
        made.push(added);
        let still = link(made, exports, false)
            .err()
            .into_iter()
            .flat_map(|f| f.problems);
        let still = still.into_iter().any(|problem| {
            matches!(problem, Problem::Unmet { member: m, import: i, .. } if m == *member && i == *import)
        });
        anyhow::ensure!(
            !still,
            "`{import}` of `{member}` is there now, and yet unmet"
        );
        anyhow::ensure!(made.len() < 60, "providers need ever more providers");
    }
}

#[test]
fn what_is_linked_runs_and_what_is_unmet_can_be_met() {
    hold(worlds(), |world| {
        let mut made = world.members()?;
        complete(&mut made, Exports::Driven)?.map(drop).or(Ok(()))
    });
}

#[test]
fn an_orderly_world_lacks_nothing_but_what_is_unmet() {
    hold(worlds(), |world| {
        let mut made = world.orderly().members()?;
        complete(&mut made, Exports::Driven)?
            .map(drop)
            .map_err(Into::into)
    });
}

#[test]
fn with_stubs_nothing_is_unmet() {
    hold(worlds(), |world| {
        let made = world.members()?;
        match link(&made, Exports::Driven, true) {
            Ok(plan) => check(&plan, &made),
            Err(failure) => {
                let unmet = failure
                    .problems
                    .iter()
                    .any(|problem| matches!(problem, Problem::Unmet { .. }));
                anyhow::ensure!(!unmet, "{failure}");
                Ok(())
            }
        }
    });
}

#[test]
fn what_a_project_exports_has_names_whoever_makes_its_types() {
    let composed = Cell::new(0);
    hold(worlds_with_an_api(), |world| {
        let mut made = world.members()?;
        let stubbed = link(&made, Exports::All, true);
        let planned = complete(&mut made, Exports::All)?;
        for plan in [stubbed, planned].into_iter().flatten() {
            check(&plan, &made)?;
            composed.set(composed.get() + u32::from(plan.needs_composing()));
        }
        Ok(())
    });
    let composed = composed.get();
    assert!(composed > cases() / 4, "only {composed} were composed");
}
