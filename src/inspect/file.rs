//! What a file is, in a few lines, and its world as WIT.

use serde::{Serialize, Serializer};
use wash_common::sanitize;
use wash_common::units::size;
use wash_component::{About, Kind, Shape, ShapeError};
use wash_fetch::wit::source::{decode_binary, print_packages};
use wasm_metadata::Producers;
use wasmparser::{KnownCustom, Parser, Payload};

use super::names::{table, together};
use super::text::{drives, provided_by};
use super::view;
use super::view::{Edge, Provider};

/// What a file of WebAssembly is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    pub name: String,
    /// `component`, `core-module` or `wit-package`.
    #[serde(serialize_with = "serialize_kind")]
    pub kind: Kind,
    /// Bytes.
    pub size: usize,
    /// The profile of cargo that it was built with, if it was just built.
    pub profile: Option<String>,
    pub languages: Vec<String>,
    pub tools: Vec<String>,
    /// How many core modules a component contains.
    pub core_modules: usize,
    pub imports: Vec<Import>,
    pub exports: Vec<Export>,
    /// What to do with a file that is no component.
    pub hint: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Import {
    pub import: String,
    /// Who provides it here; `None` where nobody links: in a core module.
    pub provider: Option<Provider>,
    pub reason: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Export {
    pub export: String,
    pub driven_by: Option<&'static str>,
}

/// A component, with the edges of its imports.
pub fn component(name: &str, bytes: usize, shape: &Shape, edges: &[Edge]) -> Overview {
    let imports = edges.iter().filter(|edge| edge.member == name);
    let imports = imports.map(|edge| Import {
        import: edge.import.clone(),
        provider: Some(edge.provider.clone()),
        reason: Some(edge.reason),
    });
    let exports = shape.exports.iter().map(|(export, external)| Export {
        export: export.clone(),
        driven_by: external.interface.as_ref().and_then(view::driven_by),
    });
    Overview {
        imports: imports.collect(),
        exports: exports.collect(),
        core_modules: shape.about.core_modules,
        ..about(name, Kind::Component, bytes, &shape.about)
    }
}

/// A file that is not a component: a core module or a WIT package. Anything else is the error that it was.
pub fn other(name: &str, bytes: &[u8], error: ShapeError) -> Result<Overview, ShapeError> {
    let hint = Some(error.hint());
    match error {
        ShapeError::CoreModule(_) => {
            let module = Module::read(bytes).map_err(|error| ShapeError::BrokenModule {
                reason: error.message().to_string(),
                offset: error.offset(),
            })?;
            let mut overview = about(name, Kind::CoreModule, bytes.len(), &About::default());
            for (field, values) in module.producers.iter().flat_map(Producers::iter) {
                for (name, version) in values.iter() {
                    match field.as_str() {
                        "language" => overview.languages.push(name.clone()),
                        _ => overview
                            .tools
                            .push(format!("{name} {version}").trim_end().to_string()),
                    }
                }
            }
            let imports = module.imports.into_iter().map(|import| Import {
                import,
                provider: None,
                reason: None,
            });
            let exports = module.exports.into_iter().map(|export| Export {
                export,
                driven_by: None,
            });
            Ok(Overview {
                imports: imports.collect(),
                exports: exports.collect(),
                hint,
                ..overview
            })
        }
        ShapeError::WitPackage => {
            let exports = packages(bytes).unwrap_or_default().into_iter();
            let exports = exports.map(|export| Export {
                export,
                driven_by: None,
            });
            Ok(Overview {
                exports: exports.collect(),
                hint,
                ..about(name, Kind::WitPackage, bytes.len(), &About::default())
            })
        }
        error => Err(error),
    }
}

fn about(name: &str, kind: Kind, size: usize, about: &About) -> Overview {
    Overview {
        name: name.to_string(),
        kind,
        size,
        profile: None,
        languages: about.languages.iter().cloned().collect(),
        tools: about.tools.iter().cloned().collect(),
        core_modules: 0,
        imports: Vec::new(),
        exports: Vec::new(),
        hint: None,
    }
}

/// What a core module has around its code.
#[derive(Default)]
struct Module {
    /// The modules it imports from, each once.
    imports: Vec<String>,
    exports: Vec<String>,
    producers: Option<Producers>,
}

impl Module {
    fn read(bytes: &[u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let name = import?.module;
                        if !module.imports.iter().any(|known| known == name) {
                            module.imports.push(name.to_string());
                        }
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        module.exports.push(export?.name.to_string());
                    }
                }
                Payload::CustomSection(custom) => {
                    if let KnownCustom::Producers(_) = custom.as_known() {
                        module.producers =
                            Producers::from_bytes(custom.data(), custom.data_offset()).ok();
                    }
                }
                _ => {}
            }
        }
        Ok(module)
    }
}

/// The interfaces and worlds that a WIT package describes.
fn packages(bytes: &[u8]) -> anyhow::Result<Vec<String>> {
    let decoded = decode_binary(bytes)?;
    let package = &decoded.resolve().packages[decoded.package()];
    let interfaces = package.interfaces.keys();
    let interfaces = interfaces.map(|name| package.name.interface_id(name));
    let worlds = package.worlds.keys();
    let worlds = worlds.map(|name| format!("world {}", package.name.interface_id(name)));
    Ok(interfaces.chain(worlds).collect())
}

/// The world of a component, or the whole of a WIT package, as WIT. The bytes are known to be one of these.
pub fn wit(bytes: &[u8]) -> anyhow::Result<String> {
    let decoded = decode_binary(bytes)?;
    let (resolve, main) = (decoded.resolve(), decoded.package());
    let others = resolve.packages.iter().map(|(id, _)| id);
    let others: Vec<_> = others.filter(|id| *id != main).collect();
    print_packages(resolve, main, &others)
}

/// What a file is, in words; ends without a line break.
pub fn text(overview: &Overview) -> String {
    let kind = overview.kind;
    let mut text = format!(
        "{}: {}, {}",
        sanitize::line(&overview.name),
        words(kind),
        size(overview.size)
    );
    if let Some(profile) = &overview.profile {
        text += &format!(" ({} build)", sanitize::line(profile));
    }
    for language in &overview.languages {
        text += &format!(", {}", sanitize::line(language));
    }
    text.push('\n');
    // Where it was built, and from what, is left out.
    let tools = overview.tools.iter();
    let mut tools: Vec<_> = tools
        .map(|tool| tool.split(" (").next().unwrap_or(tool))
        .collect();
    tools.dedup();
    if !tools.is_empty() {
        text += &format!("made with {}\n", sanitize::line(&tools.join(", ")));
    }
    let mut section = |title: &str, lines: String| {
        if !lines.is_empty() {
            text += &format!("{title}\n{lines}");
        }
    };
    section("imports", imports(overview));
    let exports = overview.exports.iter();
    match kind {
        Kind::Component => {
            let exports = exports.map(|e| [e.export.clone(), drives(e.driven_by)]);
            section("exports", table(&exports.collect::<Vec<_>>()));
        }
        Kind::CoreModule | Kind::WitPackage => {
            let exports = exports.map(|e| [e.export.clone()]);
            let title = match kind {
                Kind::WitPackage => "describes",
                _ => "exports",
            };
            section(title, table(&exports.collect::<Vec<_>>()));
        }
    }
    if let Some(hint) = overview.hint {
        text += &format!("hint: {hint}");
    }
    text.truncate(text.trim_end().len());
    text
}

fn imports(overview: &Overview) -> String {
    let imports = overview.imports.iter();
    let lines = imports.map(|import| {
        let provided = import.provider.as_ref().zip(import.reason);
        let by = provided.map(|(by, reason)| match by {
            Provider::Missing => ("?".to_string(), "nothing provides it here".to_string()),
            by => provided_by(&import.import, by, reason),
        });
        (by.unwrap_or_default(), import.import.as_str())
    });
    let lines = together(lines).into_iter();
    let lines = lines.map(|((provider, why), import)| match provider.as_str() {
        "" => [import, String::new(), String::new()],
        _ => [import, format!("<- {provider}"), why],
    });
    table(&lines.collect::<Vec<_>>())
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Component => "component",
        Kind::CoreModule => "core module",
        Kind::WitPackage => "WIT package",
    }
}

fn serialize_kind<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&words(*kind).to_lowercase().replace(' ', "-"))
}
