//! Checks that what was built is a component, and makes one of a core module that was built for preview 1.

use std::fs;
use std::path::{Path, PathBuf};

use wash_common::atomic::{Durability, FileMode, write_atomic_with};
use wash_component as component;
use wash_component::{Kind, Shape};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::BuildError;

/// A component as it is; a core module wrapped, in a file beside it: the tool's own output stays as the tool left
/// it, or the tool would not recognise it the next time.
pub(super) fn file(path: PathBuf, bytes: Vec<u8>) -> Result<(PathBuf, Vec<u8>, Shape), BuildError> {
    let is_module = is_module(&bytes);
    let (bytes, shape) = component(&path, bytes)?;
    if !is_module {
        return Ok((path, bytes, shape));
    }
    let beside = path.with_extension("component.wasm");
    write_if_changed(&beside, &bytes)?;
    Ok((beside, bytes, shape))
}

/// A component as it is, or made of a core module, and its shape. Errors have the name.
pub(super) fn component(name: &Path, bytes: Vec<u8>) -> Result<(Vec<u8>, Shape), BuildError> {
    let failed = |reason: String, hint: &str| BuildError::NotAComponent {
        path: name.to_path_buf(),
        reason,
        hint: Some(hint.to_string()),
    };
    let bytes = match is_module(&bytes) {
        true => of_module(&bytes).map_err(|error| failed(error.to_string(), error.hint()))?,
        false => bytes,
    };
    let shape = Shape::parse(&bytes).map_err(|error| failed(error.to_string(), error.hint()))?;
    Ok((bytes, shape))
}

fn is_module(bytes: &[u8]) -> bool {
    matches!(component::kind(bytes), Ok(Kind::CoreModule))
}

/// Why no component can be made of a core module.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("this is a broken core module: {0}")]
    Broken(#[from] wasmparser::BinaryReaderError),
    #[error("this is a core module without component type information")]
    Undescribed,
    #[error("cannot make a component of this core module: {0:#}")]
    Failed(anyhow::Error),
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Refusal::Broken(_) => "build it again",
            Refusal::Undescribed => {
                "build for a target that produces components, such as `wasm32-wasip2`"
            }
            Refusal::Failed(_) => "build for `wasm32-wasip2`",
        }
    }
}

/// Makes a component of a core module that was built for preview 1, or that bindings describe.
pub fn of_module(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let module = Module::read(bytes)?;
    if !module.described && !module.starts {
        return Err(Refusal::Undescribed);
    }
    module.wrap(bytes).map_err(Refusal::Failed)
}

/// What decides how a core module is wrapped.
#[derive(Default)]
struct Module {
    /// It imports WASI preview 1.
    preview1: bool,
    /// It has a `_start`: a command, not a library.
    starts: bool,
    /// Bindings left the type of the component in a custom section.
    described: bool,
}

impl Module {
    fn read(bytes: &[u8]) -> wasmparser::Result<Self> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        module.preview1 |= import?.module == PREVIEW1;
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        module.starts |= export?.name == "_start";
                    }
                }
                Payload::CustomSection(section) => {
                    module.described |= section.name().starts_with("component-type");
                }
                _ => {}
            }
        }
        Ok(module)
    }

    fn wrap(&self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        let adapter = if self.starts {
            WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
        } else {
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
        };
        let mut encoder = ComponentEncoder::default().validate(true).module(bytes)?;
        if self.preview1 || self.starts {
            encoder = encoder.adapter(PREVIEW1, adapter)?;
        }
        encoder.encode()
    }
}

/// Nobody ever sees half a file, and an unchanged one keeps its time.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    // The next build makes it again.
    write_atomic_with(path, bytes, FileMode::Keep, Durability::Cache)?;
    Ok(())
}
