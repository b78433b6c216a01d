//! `wash oci push`

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context as _;
use serde_json::json;
use wash_common::advice::hinted;
use wash_common::units::size;
use wash_component::{InterfaceName, Shape};
use wash_fetch::oci;
use wash_fetch::oci::{Artifact, Cache, Pushed, Reference};
use wash_runtime::capability;

use super::AccessArgs;
use crate::commands::plugin::hooks;
use crate::commands::{Globals, gather};
use crate::completion::values;
use crate::plugin::hook::Event;
use crate::plugin::manifest::HookPoint;
use crate::project::Purpose;
use crate::report;

/// Push a component or a WIT package to a registry
///
/// Pushes a file, or builds a project and pushes its component. Annotates the artifact from the component's metadata:
/// title, description, authors, source, url, version, revision and licenses. Prints the reference with the digest of the
/// pushed artifact. With SOURCE_DATE_EPOCH set, the same component always has the same digest.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wash oci push ghcr.io/me/app:0.1.0\n  wash oci push ghcr.io/me/app:0.1.0 app.wasm --annotation org.opencontainers.image.vendor=me\n  wash oci push --insecure localhost:5000/app:dev app.wasm\n  echo $TOKEN | wash oci push -u me --password-stdin ghcr.io/me/app:1 -o json"
)]
pub(super) struct PushArgs {
    /// Reference to push to: REGISTRY/REPOSITORY:TAG
    #[arg(value_name = "REFERENCE", add = values::pushable())]
    reference: String,
    /// A file or a project directory [default: current directory]
    #[arg(value_name = "PATH", add = values::component_file())]
    path: Option<PathBuf>,
    /// Set an annotation of the artifact; an empty value removes one that comes from the metadata
    #[arg(long, short, value_name = "KEY=VALUE", add = values::annotations())]
    annotation: Vec<Annotation>,
    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Debug, Clone)]
struct Annotation(String, String);

impl FromStr for Annotation {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self(key.trim().to_string(), value.to_string()))
            }
            _ => Err("expected KEY=VALUE"),
        }
    }
}

pub(super) async fn run(args: PushArgs, globals: &Globals) -> anyhow::Result<ExitCode> {
    let reference: Reference = args.reference.parse().map_err(hinted)?;
    let access = args.access.access(globals)?;
    let path = globals.path_or_here(args.path.as_deref())?;
    let (name, bytes) = match path.is_dir() {
        true => built(path.clone(), globals).await?,
        false => {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            (name.into_owned(), bytes)
        }
    };
    let annotations: BTreeMap<String, String> = args
        .annotation
        .into_iter()
        .map(|Annotation(key, value)| (key, value))
        .collect();
    let event = |bytes| Event {
        reference: Some(&args.reference),
        ..hooks::with(&name, &path, bytes)
    };
    hooks::run(HookPoint::BeforePush, event(&bytes), globals).await?;
    let artifact = Artifact::new(bytes.clone(), &name, &annotations).map_err(hinted)?;
    warn_of_missing_parts(&name, &bytes, path.is_dir());
    let cache = Cache::open().map_err(hinted)?;
    let progress = super::progress(globals);
    let push = oci::push(&reference, &artifact, &access, &cache, &*progress);
    let Pushed { digest, known } = super::transfer(push).await?;

    let pinned = reference.pinned(&digest).to_string();
    let looked = hooks::run(HookPoint::AfterPush, event(&bytes), globals).await;
    looked.with_context(|| format!("`{pinned}` was pushed"))?;
    let text = format!("{pinned} ({})", size(artifact.size()));
    let data = json!({
        "reference": reference.to_string(),
        "digest": digest.to_string(),
        "pinned": pinned,
        "size": artifact.size(),
        "known": known,
        "annotations": artifact.annotations,
    });
    report::success(globals.output, &text, "pushed", data)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what the component needs from other components, which are not pushed with it.
fn warn_of_missing_parts(name: &str, bytes: &[u8], is_project: bool) {
    // A WIT package needs nothing.
    let Ok(shape) = Shape::parse(bytes) else {
        return;
    };
    let missing: Vec<String> = shape
        .imports
        .iter()
        .filter(|(import, external)| !shape.types.only_names_types(import, &external.item))
        .filter(|(_, external)| !external.interface.as_ref().is_some_and(is_of_hosts))
        .map(|(import, _)| format!("`{import}`"))
        .collect();
    if missing.is_empty() {
        return;
    }
    let message = format!(
        "`{name}` imports {}, which hosts do not provide",
        missing.join(", ")
    );
    let hint = match is_project {
        true => format!(
            "`wash build --compose -o {name}.wasm` combines it with the components it needs; push that file"
        ),
        false => "compose it with the components it needs, and push the result".to_owned(),
    };
    report::warn(&message, Some(&hint));
}

/// Whether a host may be expected to serve an interface: it is one of WASI or wasmCloud, or served here.
fn is_of_hosts(interface: &InterfaceName) -> bool {
    let interface = interface.to_string();
    let is_common = |namespace: &&str| interface.starts_with(*namespace);
    ["wasi:", "wasmcloud:"].iter().any(is_common) || capability::serves(&interface)
}

/// The component of the project that a path lies in, built.
async fn built(path: PathBuf, globals: &Globals) -> anyhow::Result<(String, Vec<u8>)> {
    let overrides = globals.overrides(Purpose::Build)?;
    let project = gather::project(gather::Named::Project(path), &overrides)?;
    let name = project.name.clone();
    let components = gather::build(project, false, globals).await?;
    let (_, bytes) = components.own();
    Ok((name, bytes.to_vec()))
}
