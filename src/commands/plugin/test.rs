//! `wash plugin test`

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::invoke::{self, Given};
use super::permissions::PermissionArgs;
use super::{Means, show, source};
use crate::commands::not_parsed;
use crate::commands::oci::AccessArgs;
use crate::completion::values;
use crate::plugin::command::augment;
use crate::plugin::examine::{Choices, examine};
use crate::plugin::install::{self, Replace};
use crate::plugin::manifest::{Manifest, Runs};
use crate::plugin::policy::Decisions;
use crate::plugin::{Store, describe};
use crate::report::{self, hinted};
use crate::scratch::Scratch;

/// Try a plugin out without installing it
///
/// It is examined as for an installation, and what it says of itself is shown. With ARGS, its command is run as if it were
/// installed: with a folder of its own, which is empty and goes afterwards, and what the options allow.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash plugin test .\n  wash plugin test . -- list --all\n  wash plugin test my.wasm --host api.example.com -- fetch"
)]
pub(super) struct TestArgs {
    /// A file, the directory of a project, or REGISTRY/REPOSITORY:TAG
    #[arg(value_name = "PATH", add = values::component_file())]
    path: PathBuf,
    /// What its command is given. Where it adds several, the command comes first
    #[arg(last = true, value_name = "ARGS")]
    arguments: Option<Vec<OsString>>,
    /// Allow everything that it wants
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    what: PermissionArgs,
    #[command(flatten)]
    access: AccessArgs,
}

pub(super) async fn run(args: TestArgs, means: &Means<'_>) -> anyhow::Result<ExitCode> {
    let Means {
        reserved, globals, ..
    } = means;
    let source = source::named(Some(&args.path), globals)?;
    let fetched = source::fetch(source, &args.access, globals).await?;
    let subject = fetched.subject(Choices::default());
    let place = Scratch::temporary("wash-plugin-test-").map_err(hinted)?;
    let store = Store::at(place.path().to_owned());
    let manifest = examine(&subject, &store, reserved).await.map_err(hinted)?;
    // Clashes are for the installation to tell.
    let nobody = describe::Reserved::default();
    let bytes = &subject.bytes;
    install::install(&store, &manifest, bytes, &nobody, Replace::SameSource).map_err(hinted)?;
    let mut decisions = Decisions::default();
    for permission in args.what.permissions(globals)? {
        decisions.allow(permission);
    }
    if args.all {
        let wants = manifest.wants.iter();
        wants.for_each(|want| decisions.allow(want.what.clone()));
    }
    let Some(words) = args.arguments else {
        let text = show::text(&store, &manifest, &decisions);
        let data = json!({ "plugin": manifest });
        report::success(globals.output, &text, "examined", data)?;
        return Ok(ExitCode::SUCCESS);
    };
    let given = match given(&manifest, words, &store)? {
        Ok(given) => given,
        // Not `exit`, which would leave the directory behind.
        Err(error) => return Ok(not_parsed(&error, globals.output)),
    };
    invoke::run_with(&store, &manifest, &decisions, given, globals).await
}

/// The words as they would be understood after `wash`.
fn given(
    manifest: &Manifest,
    words: Vec<OsString>,
    store: &Store,
) -> anyhow::Result<Result<Given, clap::Error>> {
    if manifest.runs == Runs::Program {
        return Ok(Ok(Given::Words(words)));
    }
    let commands: Vec<&str> = manifest.top_level().map(|c| c.path[0].as_str()).collect();
    let only = match commands.as_slice() {
        [] => anyhow::bail!("the plugin `{}` adds no commands", manifest.name),
        [only] => Some(OsString::from(only)),
        _ => None,
    };
    let words = std::iter::once("wash".into()).chain(only).chain(words);
    let tree = clap::Command::new("wash").subcommand_required(true);
    let tree = augment(tree, std::slice::from_ref(manifest), store);
    Ok(tree.try_get_matches_from(words).map(|matches| {
        let (first, matches) = matches.subcommand().expect("a subcommand is required");
        Given::Parsed {
            first: first.to_owned(),
            matches: matches.clone(),
        }
    }))
}
