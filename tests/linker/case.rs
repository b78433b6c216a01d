//! Reading a case, and making components of its members.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use semver::Version;
use wash::linker::{Driven, Member, Role, Wire};
use wash_component::Shape;
use wash_component::host_interface::{HostInterface, Scope, Tier};

use crate::of_wit;

const WASI_P2: &str = include_str!("../linker/wit/wasi-0.2.wit");
const WASI_P3: &str = include_str!("../linker/wit/wasi-0.3.wit");
const WASI_P3_WHOLE: &str = include_str!("../linker/wit/wasi-0.3-whole.wit");
const WASI_P3_RC: &str = include_str!("../linker/wit/wasi-0.3-rc-2026-01-06.wit");
const DRAFTS: &str = include_str!("../linker/wit/drafts.wit");
const HOST: &str = include_str!("../linker/wit/host.txt");

/// The parts of a file: a description, then sections that begin with `=== KIND NAME`.
pub(crate) struct Case {
    before: String,
    pub(crate) members: Vec<(Member, Vec<u8>)>,
    pub(crate) host: Vec<HostInterface>,
    pub(crate) driven: What,
    pub(crate) all: bool,
    pub(crate) stub_missing: bool,
    pub(crate) other_runtime: bool,
    pub(crate) expected: String,
}

/// What is to be driven.
pub(crate) enum What {
    Automatic,
    Http(Vec<String>),
    Service(String),
    Messages(String),
}

impl What {
    pub(crate) fn of(&self) -> Driven<'_> {
        match self {
            What::Automatic => Driven::Automatic,
            What::Http(chain) => Driven::Http {
                chain,
                key: "dev.http",
            },
            What::Service(name) => Driven::Service(name),
            What::Messages(name) => Driven::Messages(name),
        }
    }
}

impl Case {
    pub(crate) fn parse(text: &str) -> anyhow::Result<Case> {
        let (before, expected) = text.split_once("=== expect\n").unwrap_or((text, ""));
        let mut sections = before.split("=== ");
        sections.next().expect("a description comes first");
        let sections: Vec<(&str, &str)> = sections
            .map(|s| s.split_once('\n').unwrap_or((s, "")))
            .collect();

        let body = |kind: &str| {
            sections
                .iter()
                .find(|(head, _)| *head == kind)
                .map(|(_, body)| *body)
        };
        let mut case = Case {
            before: before.to_string(),
            members: Vec::new(),
            host: body("host")
                .unwrap_or(HOST)
                .lines()
                .filter_map(host_interface)
                .collect(),
            driven: What::Automatic,
            all: false,
            stub_missing: false,
            other_runtime: false,
            expected: expected.to_string(),
        };
        for (head, text) in &sections {
            let words: Vec<_> = head.split_whitespace().collect();
            let role = match words[0] {
                "project" => Role::Project,
                "sibling" => Role::Sibling,
                "plugin" => Role::Plugin,
                "shipped" => Role::Shipped,
                "service" => {
                    case.driven = What::Service(words[1].to_string());
                    continue;
                }
                "messages" => {
                    case.driven = What::Messages(words[1].to_string());
                    continue;
                }
                "http" => {
                    let chain = words[1..].iter().map(|name| name.to_string());
                    case.driven = What::Http(chain.collect());
                    continue;
                }
                "export-all" => {
                    case.all = true;
                    continue;
                }
                "stub-missing" => {
                    case.stub_missing = true;
                    continue;
                }
                "other-runtime" => {
                    case.other_runtime = true;
                    continue;
                }
                "wit" | "host" => continue,
                other => panic!("a section cannot begin with `{other}`"),
            };
            let name = words[1];
            let (wiring, body_text) = wiring(text);
            let wit = body(&format!("wit {name}"))
                .or(body("wit"))
                .unwrap_or_default();
            let bytes = component(&body_text, wit).with_context(|| format!("member `{name}`"))?;
            let shape = Shape::parse(&bytes).with_context(|| format!("member `{name}`"))?;
            case.members.push((
                Member {
                    name: name.to_string(),
                    role,
                    shape: Arc::new(shape),
                    wiring,
                },
                bytes,
            ));
        }
        Ok(case)
    }

    pub(crate) fn with_expected(&self, expected: &str) -> String {
        format!("{}=== expect\n{expected}", self.before)
    }
}

/// Takes the lines `wire IMPORT -> PROVIDER` out of a member's text.
fn wiring(text: &str) -> (BTreeMap<String, Wire>, String) {
    let mut wiring = BTreeMap::new();
    let mut rest = String::new();
    for line in text.lines() {
        match line
            .strip_prefix("wire ")
            .and_then(|line| line.split_once(" -> "))
        {
            Some((import, provider)) => {
                wiring.insert(import.to_string(), provider.parse().unwrap());
            }
            None => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    (wiring, rest)
}

fn host_interface(line: &str) -> Option<HostInterface> {
    let words: Vec<_> = line.split_whitespace().collect();
    let [interface, version, tier, scope, capability @ ..] = words.as_slice() else {
        return None;
    };
    if interface.starts_with('#') {
        return None;
    }
    Some(HostInterface {
        interface: interface.to_string(),
        version: (*version != "-").then(|| Version::parse(version).unwrap()),
        tier: if *tier == "wasi" {
            Tier::Wasi
        } else {
            Tier::Capability
        },
        scope: if *scope == "shared" {
            Scope::Shared
        } else {
            Scope::PerMember
        },
        capability: capability.join(" ").leak(),
        off: None,
    })
}

/// A component of a world whose functions trap, or of WAT as it is.
pub(crate) fn component(text: &str, wit: &str) -> anyhow::Result<Vec<u8>> {
    if text.trim_start().starts_with("(component") {
        return Ok(wat::parse_str(text)?);
    }
    let mut source = format!("package test:case;\nworld member {{\n{text}\n}}\n{wit}\n");
    let mut known = vec![DRAFTS.to_string()];
    for (wasi, versions) in [
        (WASI_P2, &["0.2.0", "0.2.3"][..]),
        (WASI_P3, &["0.3.0", "0.3.0-rc-2025-09-16"]),
    ] {
        known.extend(versions.iter().map(|v| wasi.replace("VERSION", v)));
    }
    for (wasi, version) in [
        (WASI_P3_RC, "0.3.0-rc-2026-01-06"),
        (WASI_P3_WHOLE, "0.3.0-rc-2026-03-15"),
        (WASI_P3_WHOLE, "0.3.2"),
    ] {
        if text.contains(version) {
            known.push(wasi.replace("VERSION", version));
        }
    }
    for package in known
        .iter()
        .flat_map(|text| text.split("\npackage ").skip(1))
    {
        // What a case says itself comes first.
        let name = package.split(' ').next().unwrap_or_default();
        if !wit.contains(&format!("package {name} {{")) {
            source.push_str("\npackage ");
            source.push_str(package);
        }
    }
    of_wit::component(&source)
}
