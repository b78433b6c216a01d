//! Where in a file a byte is, for people. Pure.

use std::ops::Range;

use wasmparser::{Encoding, KnownCustom, Name, Parser, Payload};

/// What is known of a file: its sections, as people call them, with the module that each is in.
pub struct Places {
    sections: Vec<(Range<usize>, String, usize)>,
    modules: Vec<String>,
}

impl Places {
    /// What of a file can be read; the places of the rest are unknown.
    pub fn of(bytes: &[u8]) -> Self {
        let mut places = Self {
            sections: Vec::new(),
            modules: vec!["the component".to_owned()],
        };
        let mut open = Vec::new();
        let payloads = Parser::new(0).parse_all(bytes);
        for payload in payloads.map_while(Result::ok) {
            match &payload {
                Payload::Version { encoding, .. } => open.push(match encoding {
                    Encoding::Component => 0,
                    Encoding::Module => {
                        let number = places.modules.len() - 1;
                        places.modules.push(format!("core module {number}"));
                        number + 1
                    }
                }),
                Payload::End(_) => {
                    open.pop();
                }
                Payload::DataSection(reader) => {
                    let module = open.last().copied().unwrap_or(0);
                    places.add(reader.range(), "the data".to_owned(), module);
                }
                Payload::CodeSectionStart { range, .. } => {
                    let module = open.last().copied().unwrap_or(0);
                    places.add(range.clone(), "the code".to_owned(), module);
                }
                Payload::CustomSection(section) => {
                    let module = open.last().copied().unwrap_or(0);
                    let name: String = section.name().chars().take(60).collect();
                    let name = format!("the custom section `{name}`");
                    places.add(section.range(), name, module);
                    if let KnownCustom::Name(names) = section.as_known() {
                        places.name(names, module);
                    }
                }
                _ => {}
            }
        }
        places
    }

    fn add(&mut self, range: Range<usize>, section: String, module: usize) {
        self.sections.push((range, section, module));
    }

    fn name(&mut self, names: wasmparser::NameSectionReader<'_>, module: usize) {
        for name in names.into_iter().map_while(Result::ok) {
            if let Name::Module { name, .. } = name
                && !name.is_empty()
            {
                self.modules[module] = format!("core module `{name}`");
            }
        }
    }

    /// `the data of core module 0, at byte 1234 of the file`
    pub fn name_of(&self, position: usize) -> String {
        let mut sections = self.sections.iter();
        match sections.find(|(range, ..)| range.contains(&position)) {
            Some((_, section, module)) => format!(
                "{section} of {}, at byte {position} of the file",
                self.modules[*module]
            ),
            None => format!("byte {position} of the file"),
        }
    }
}
