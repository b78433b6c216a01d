//! Everything that is wrong in the configuration of a project, and of the projects that it names, at once.

use std::path::{Path, PathBuf};

use wash_common::advice::Advice as _;

use super::layers::Layers;
use super::raw::{RawConfig, RawWhich};
use super::resolve::Resolver;
use super::table::Notes;
use super::{Overrides, ProjectError, Warning, directory, layers, sorted};

/// What there is to say of a configuration.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// What stops a build or a session.
    pub problems: Vec<Warning>,
    /// Keys that do not exist. They do not stop anything, and are hardly ever meant.
    pub unknown: Vec<Warning>,
    /// What is not obeyed, and the like.
    pub warnings: Vec<Warning>,
}

impl Verdict {
    fn add(&mut self, notes: Notes) {
        let unknown = notes.unknown.into_inner();
        let warnings = notes.warnings.into_inner().into_iter();
        self.warnings
            .extend(warnings.filter(|warning| !unknown.contains(warning)));
        self.unknown.extend(unknown);
        self.problems.extend(notes.problems.into_inner());
    }

    fn sorted(self) -> Self {
        Self {
            files: self.files,
            problems: sorted(self.problems),
            unknown: sorted(self.unknown),
            warnings: sorted(self.warnings),
        }
    }
}

/// Judges a project's configuration, as `overrides` has it.
pub fn verdict(dir: &Path, overrides: &Overrides) -> Result<Verdict, ProjectError> {
    let mut verdict = Verdict::default();
    project(&directory(dir)?, overrides, &mut Vec::new(), &mut verdict)?;
    Ok(verdict.sorted())
}

/// Judges a single file, as the config of a project in `dir`. That there is no project is no problem of the file.
pub fn verdict_on(file: &Path, dir: &Path, overrides: &Overrides) -> Result<Verdict, ProjectError> {
    let root = directory(dir)?;
    let overrides = Overrides {
        config: Some(file.to_path_buf()),
        ..overrides.clone()
    };
    let mut verdict = Verdict::default();
    let notes = Notes::default();
    let layers = layers::read_file(file, &root, &notes)?;
    let (_, resolved) = resolve(layers, &root, &overrides, &notes, &mut verdict);
    let (Ok(()) | Err(_)) = resolved;
    verdict.add(notes);
    Ok(verdict.sorted())
}

fn project(
    root: &Path,
    overrides: &Overrides,
    seen: &mut Vec<PathBuf>,
    verdict: &mut Verdict,
) -> Result<(), ProjectError> {
    seen.push(root.to_path_buf());
    let notes = Notes::default();
    let layers = layers::read(Some(root), overrides, &notes)?;
    let (others, resolved) = resolve(layers, root, overrides, &notes, verdict);
    let was_well = notes.problems.borrow().is_empty();
    verdict.add(notes);
    // A sibling is judged below; that a project cannot be told is the consequence of what is wrong in its files.
    match resolved {
        Err(ProjectError::Sibling { .. }) | Ok(()) => {}
        Err(error) if was_well => verdict.problems.push(Warning {
            file: root.to_path_buf(),
            line: None,
            message: error.to_string(),
            hint: error.hints().into_iter().next(),
            mend: None,
        }),
        Err(_) => {}
    }
    let overrides = overrides.of_sibling();
    for (warning, path) in others {
        match directory(&root.join(path)) {
            Ok(other) if seen.contains(&other) => {}
            Ok(other) => project(&other, &overrides, seen, verdict)?,
            Err(error) => verdict.problems.push(Warning {
                message: error.to_string(),
                ..warning
            }),
        }
    }
    Ok(())
}

/// Goes through everything that a session would want to know, and returns the projects that are named.
fn resolve(
    layers: Layers,
    root: &Path,
    overrides: &Overrides,
    notes: &Notes,
    verdict: &mut Verdict,
) -> (Vec<(Warning, String)>, Result<(), ProjectError>) {
    let files = layers.sources.iter().filter(|path| path.is_file());
    for file in files {
        if !verdict.files.contains(file) {
            verdict.files.push(file.clone());
        }
    }
    let raw = RawConfig::read(notes, layers.config);
    let service = raw.dev.service.as_ref().map(|service| &service.which);
    let service = match service {
        Some(RawWhich::Component(component)) => Some(&**component),
        _ => None,
    };
    let components = raw.dev.components.iter().chain(service);
    let others = components.filter_map(|component| {
        let path = component.path.as_ref()?;
        let place = Warning {
            file: path.at.file.to_path_buf(),
            line: path.at.line,
            message: String::new(),
            hint: None,
            mend: None,
        };
        Some((place, path.value.clone()))
    });
    let others = others.collect();
    let resolver = Resolver {
        root,
        overrides,
        notes,
        parents: &[root.to_path_buf()],
    };
    (others, resolver.project(raw, layers.sources).map(drop))
}
