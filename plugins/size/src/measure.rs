//! From the bytes of a component or core module to its parts, which have each byte once.

use std::collections::BTreeMap;
use std::ops::Range;

use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// A file, measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    pub bytes: u64,
    /// In the order of the file; the first is the component itself, what is around its core modules.
    pub modules: Vec<String>,
    pub parts: Vec<Part>,
}

/// Something that bytes are spent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Index into [`Measured::modules`].
    pub module: usize,
    /// `code`, `data`, `custom section "name"`, ...
    pub section: String,
    /// Of the function as it is in the file, or of the data segment; `None`: the rest of the section.
    pub name: Option<String>,
    pub bytes: u64,
}

/// What the parts around core modules are counted for.
pub const COMPONENT: &str = "(the component around its modules)";

/// Measures a file.
pub fn measure(bytes: &[u8]) -> Result<Measured, String> {
    if !bytes.starts_with(b"\0asm") {
        return Err("it does not begin with `\\0asm`".to_owned());
    }
    let mut walk = Walk::default();
    walk.modules.push(Module::new(COMPONENT.to_owned()));
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| error.to_string())?;
        walk.payload(&payload).map_err(|error| error.to_string())?;
    }
    Ok(walk.finish(bytes.len()))
}

#[derive(Default)]
struct Walk {
    /// Bytes before it belong to a part.
    position: usize,
    modules: Vec<Module>,
    /// The modules and components that are open, as indices of modules.
    open: Vec<usize>,
    parts: Vec<Unnamed>,
}

/// A part whose name may come later.
struct Unnamed {
    module: usize,
    section: String,
    label: Label,
    bytes: u64,
}

enum Label {
    None,
    Function(u32),
    Data(u32),
}

/// What is known of a core module, once it was read to its end.
struct Module {
    name: String,
    imported_functions: u32,
    /// Functions that were defined so far.
    functions: u32,
    function_names: BTreeMap<u32, String>,
    export_names: BTreeMap<u32, String>,
    data_names: BTreeMap<u32, String>,
}

impl Module {
    fn new(name: String) -> Self {
        Self {
            name,
            imported_functions: 0,
            functions: 0,
            function_names: BTreeMap::new(),
            export_names: BTreeMap::new(),
            data_names: BTreeMap::new(),
        }
    }

    fn label(&self, label: &Label) -> Option<String> {
        match label {
            Label::None => None,
            Label::Data(index) => Some(match self.data_names.get(index) {
                Some(name) => name.clone(),
                None => format!("segment {index}"),
            }),
            Label::Function(index) => {
                let names = [&self.function_names, &self.export_names];
                let name = names.iter().find_map(|names| names.get(index));
                Some(name.map_or_else(|| format!("function {index}"), String::clone))
            }
        }
    }
}

impl Walk {
    fn payload(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::Version {
                encoding, range, ..
            } => {
                let module = match encoding {
                    wasmparser::Encoding::Component => 0,
                    wasmparser::Encoding::Module => {
                        // The component itself is none.
                        let number = self.modules.len() - 1;
                        self.modules
                            .push(Module::new(format!("core module {number}")));
                        self.modules.len() - 1
                    }
                };
                self.open.push(module);
                self.rest(range.end, "header");
            }
            Payload::End(end) => {
                self.rest(*end, "header");
                self.open.pop();
            }
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } => {
                // What is in it comes next; this is the head.
                self.rest(unchecked_range.start, "header");
            }
            Payload::CodeSectionStart { range, .. } => self.rest(range.start, "code"),
            Payload::CodeSectionEntry(body) => {
                let module = self.module();
                let index = module.imported_functions + module.functions;
                module.functions += 1;
                self.part(body.range().end, "code", Label::Function(index));
            }
            Payload::DataSection(reader) => {
                for (index, segment) in (0..).zip(reader.clone()) {
                    self.part(segment?.range.end, "data", Label::Data(index));
                }
                self.rest(reader.range().end, "data");
            }
            Payload::ImportSection(reader) => {
                for import in reader.clone().into_imports() {
                    if matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                        self.module().imported_functions += 1;
                    }
                }
                self.rest(reader.range().end, "imports");
            }
            Payload::ExportSection(reader) => {
                for export in reader.clone() {
                    let export = export?;
                    if export.kind == wasmparser::ExternalKind::Func {
                        let names = &mut self.module().export_names;
                        names.insert(export.index, export.name.to_owned());
                    }
                }
                self.rest(reader.range().end, "exports");
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    self.names(names);
                }
                let name: String = section.name().chars().take(60).collect();
                let range = section.range();
                self.rest(range.end, &format!("custom section \"{name}\""));
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let section = section(id, self.open.last() == Some(&0));
                    self.rest(range.end, section);
                }
            }
        }
        Ok(())
    }

    /// A name section may be wrong in part; what can be read of it is taken.
    fn names(&mut self, names: wasmparser::NameSectionReader<'_>) {
        let module = self.module();
        for name in names.into_iter().map_while(Result::ok) {
            let (map, into) = match name {
                Name::Module { name, .. } => {
                    if !name.is_empty() {
                        name.clone_into(&mut module.name);
                    }
                    continue;
                }
                Name::Function(map) => (map, &mut module.function_names),
                Name::Data(map) => (map, &mut module.data_names),
                _ => continue,
            };
            let namings = map.into_iter().map_while(Result::ok);
            into.extend(namings.map(|naming| (naming.index, naming.name.to_owned())));
        }
    }

    fn module(&mut self) -> &mut Module {
        let open = self.open.last().copied().unwrap_or(0);
        &mut self.modules[open]
    }

    fn rest(&mut self, end: usize, section: &str) {
        self.part(end, section, Label::None);
    }

    /// Everything up to here that belongs to nothing yet.
    fn part(&mut self, end: usize, section: &str, label: Label) {
        let Range { start, end } = self.position..end.max(self.position);
        self.position = end;
        if start < end {
            self.parts.push(Unnamed {
                module: self.open.last().copied().unwrap_or(0),
                section: section.to_owned(),
                label,
                bytes: (end - start) as u64,
            });
        }
    }

    /// Gives modules of the same name numbers.
    fn tell_apart(&mut self) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for module in &mut self.modules {
            let count = seen.entry(module.name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                module.name = format!("{} ({count})", module.name);
            }
        }
    }

    fn finish(mut self, length: usize) -> Measured {
        self.rest(length, "header");
        self.tell_apart();
        let parts = self.parts.into_iter().map(|part| Part {
            module: part.module,
            name: self.modules[part.module].label(&part.label),
            section: part.section,
            bytes: part.bytes,
        });
        let parts = parts.collect();
        Measured {
            bytes: length as u64,
            modules: self.modules.into_iter().map(|module| module.name).collect(),
            parts,
        }
    }
}

/// What a section of this number is called.
fn section(id: u8, in_component: bool) -> &'static str {
    match (id, in_component) {
        (1, false) => "types",
        (3, false) => "function table",
        (4, false) => "tables",
        (5, false) => "memories",
        (6, false) => "globals",
        (8, false) => "start",
        (9, false) => "elements",
        (12, false) => "data count",
        (13, false) => "tags",
        (2 | 5, true) => "instances",
        (6, true) => "aliases",
        (3 | 7, true) => "types",
        (8, true) => "canonical functions",
        (9, true) => "start",
        (10, true) => "imports",
        (11, true) => "exports",
        _ => "other sections",
    }
}
