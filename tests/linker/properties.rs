//! What holds for all members, whatever they import and export.
//!
//! The worlds are the same in every run. `PROPTEST_CASES=5000 cargo test --test linker properties` tries more, and
//! `PROPTEST_RNG_SEED` others.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use wash::linker::{LinkFailure, LinkPlan, LinkRequest, Member, Problem, compose, plan};

use crate::run;
use crate::worlds::{Made, World, provider_of, worlds};

/// Runs a property on a bounded number of worlds, or as many as the environment asks for.
fn hold(property: impl Fn(World) -> anyhow::Result<()>) {
    let asked = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let config = Config {
        cases: asked("PROPTEST_CASES").unwrap_or(60) as u32,
        rng_seed: RngSeed::Fixed(asked("PROPTEST_RNG_SEED").unwrap_or(2026)),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&worlds(), |world| {
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

fn link(made: &[Made], stub_missing: bool) -> Result<LinkPlan, LinkFailure> {
    let members: Vec<Member> = made.iter().map(|m| m.member.clone()).collect();
    plan(&LinkRequest {
        members: &members,
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
    run::check(plan, &compose(plan, &bytes)?)
}

/// Adds a provider of the first import that nobody provides, until there is none such.
fn complete(made: &mut Vec<Made>) -> anyhow::Result<Result<LinkPlan, LinkFailure>> {
    loop {
        let planned = link(made, false);
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
        let still = link(made, false).err().into_iter().flat_map(|f| f.problems);
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
    hold(|world| {
        let mut made = world.members()?;
        complete(&mut made)?.map(drop).or(Ok(()))
    });
}

#[test]
fn an_orderly_world_lacks_nothing_but_what_is_unmet() {
    hold(|world| {
        let mut made = world.orderly().members()?;
        complete(&mut made)?.map(drop).map_err(Into::into)
    });
}

#[test]
fn with_stubs_nothing_is_unmet() {
    hold(|world| {
        let made = world.members()?;
        match link(&made, true) {
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
