//! How to log in to registries: docker's config and the helpers it names. Nothing goes to the network unless asked.

use futures::future::join_all;
use wash_fetch::oci;
use wash_fetch::oci::{Access, DockerConfig, Scheme};

use super::finding::{Area, Finding, Level};
use crate::build::tools::locate;
use crate::project::{Artifact, Image, Project, SiblingSource};

pub(super) async fn examine(projects: &[&Project], online: bool) -> Vec<Finding> {
    let images: Vec<&Image> = projects
        .iter()
        .flat_map(|project| images(project))
        .collect();
    let bad = match images.is_empty() {
        true => Level::Note,
        false => Level::Warning,
    };
    let mut findings = docker(bad);
    if online {
        findings.extend(join_all(images.into_iter().map(ask)).await);
    }
    findings
}

fn images(project: &Project) -> impl Iterator<Item = &Image> {
    let own = match &project.build.artifact {
        Artifact::Image(image) => Some(image),
        _ => None,
    };
    let siblings = project.dev.components.iter();
    let siblings = siblings.filter_map(|sibling| match &sibling.source {
        SiblingSource::Image(image) => Some(image),
        SiblingSource::File(_) | SiblingSource::Project(_) => None,
    });
    own.into_iter().chain(siblings)
}

/// What is wrong is only a warning: much can be pulled by anybody.
fn docker(bad: Level) -> Vec<Finding> {
    let (path, helpers) = match oci::docker_config() {
        DockerConfig::Missing => return Vec::new(),
        DockerConfig::Broken { path, reason } => {
            let message = format!("cannot use docker's config `{}`: {reason}", path.display());
            let hint = "move it away; docker login REGISTRY writes a new one";
            return vec![Finding::new(Area::Registries, bad, message).hint(hint)];
        }
        DockerConfig::Read {
            path,
            helpers,
            logins,
        } => {
            if helpers.is_empty() {
                let message = format!("docker's config `{}`, logins: {logins}", path.display());
                return vec![Finding::new(Area::Registries, Level::Fine, message)];
            }
            (path, helpers)
        }
    };
    let here = std::path::Path::new(".");
    let one = |(program, registries): (String, Vec<String>)| {
        let whose = match registries.is_empty() {
            true => "all registries".to_string(),
            false => registries.join(", "),
        };
        match locate(&program, here) {
            Some(_) => {
                let message = format!("`{program}` has the credentials of {whose}");
                Finding::new(Area::Registries, Level::Fine, message)
            }
            None => {
                let message = format!(
                    "`{program}` is not on the `PATH`; docker's config `{}` needs it for the credentials of {whose}",
                    path.display()
                );
                let hint = "install it, or remove it from the file; --user and WASH_OCI_USER work without it";
                Finding::new(Area::Registries, bad, message).hint(hint)
            }
        }
    };
    helpers.into_iter().map(one).collect()
}

async fn ask(image: &Image) -> Finding {
    let mut access = Access::from_env();
    if image.insecure {
        access.scheme = Scheme::Either;
    }
    match oci::ask(&image.reference, &access).await {
        Ok(digest) => {
            let message = format!("`{}` is {digest}", image.reference);
            Finding::new(Area::Registries, Level::Fine, message)
        }
        Err(error) => Finding::of(Area::Registries, &error),
    }
}
