//! How a project read again differs from what it was, and what of it takes effect at once.

use std::collections::BTreeMap;

use wash_runtime::workload::{Limits, MemberSettings};

use super::state::{ConfigChange, UnitName};
use crate::plugin::provider::Offered;
use crate::project::{Build, Image, Project, Sibling, SiblingSource};

/// Compares two readings of the same project.
pub(super) fn compare(old: &Project, new: &Project) -> ConfigChange {
    let mut change = ConfigChange {
        units: units(new).into_keys().collect(),
        ..ConfigChange::default()
    };
    if old.name != new.name {
        change.restarts(format!("the name is now `{}`", new.name));
    }
    let (before, now) = (units(old), units(new));
    for (name, unit) in &now {
        match before.get(name) {
            None if *name == new.name => {}
            None => change.restarts(format!("component `{name}` added")),
            Some(before) => change.compare_units(name, before, unit),
        }
    }
    for name in before.keys().filter(|name| !now.contains_key(*name)) {
        if *name != old.name {
            change.restarts(format!("component `{name}` removed"));
        }
    }
    if old.dev.off != new.dev.off {
        change.restarts("capabilities".to_string());
    }
    if old.dev.http != new.dev.http {
        change.restarts("the chain of HTTP handlers".to_string());
    }
    if old.dev.routes != new.dev.routes {
        change.restarts("routes".to_string());
    }
    if old.dev.service != new.dev.service {
        change.restarts("the service".to_string());
    }
    if old.dev.blobstore != new.dev.blobstore {
        change.restarts("the directory of blobs".to_string());
    }
    if old.dev.service_ports != new.dev.service_ports {
        change.restarts("ports of the service".to_string());
    }
    if old.dev.tls.is_some() != new.dev.tls.is_some() {
        change.postponed.push(match new.dev.tls {
            Some(_) => "HTTPS".to_string(),
            None => "HTTP without TLS".to_string(),
        });
    }
    if old.dev.allowed_hosts != new.dev.allowed_hosts {
        change.applied.push("allowed hosts".to_string());
    }
    if old.dev.max_connections != new.dev.max_connections {
        change.postponed.push("`max_connections`".to_string());
    }
    if old.dev.address != new.dev.address {
        change
            .postponed
            .push(format!("address {}", new.dev.address.socket));
    }
    change
}

impl ConfigChange {
    fn restarts(&mut self, what: String) {
        self.restart = true;
        self.applied.push(what);
    }

    /// Compares two readings of what is installed and provides something.
    pub(super) fn compare_plugins(&mut self, old: &[Offered], new: &[Offered]) {
        for plugin in new {
            let name = &plugin.name;
            let Some(before) = named(old, name) else {
                self.restarts(format!("plugin `{name}` added"));
                continue;
            };
            if before.bytes != plugin.bytes {
                self.restarts(format!("another version of the plugin `{name}`"));
            }
            if before.settings != plugin.settings {
                self.restarts(format!("the permissions of the plugin `{name}`"));
            }
        }
        for plugin in old {
            if named(new, &plugin.name).is_none() {
                self.restarts(format!("plugin `{}` removed", plugin.name));
            }
        }
    }

    fn compare_units(&mut self, name: &UnitName, before: &Unit<'_>, now: &Unit<'_>) {
        if before.source.watched() != now.source.watched() {
            self.applied.push(format!("the watched files of `{name}`"));
        }
        if before.source.is_built_otherwise(&now.source) {
            self.rebuild.insert(name.clone());
            self.applied.push(format!("the build of `{name}`"));
        }
        if before.settings != now.settings {
            self.restarts(format!("settings of `{name}`"));
        }
        if before.subscriptions != now.subscriptions {
            self.restarts(format!("subscriptions of `{name}`"));
        }
        if before.limits != now.limits {
            self.restarts(format!("limits of `{name}`"));
        }
        if before.imports != now.imports {
            self.restarts(format!("imports of `{name}`"));
        }
    }
}

fn named<'p>(plugins: &'p [Offered], name: &str) -> Option<&'p Offered> {
    plugins.iter().find(|plugin| plugin.name == name)
}

/// What matters of a unit.
struct Unit<'p> {
    source: Source<'p>,
    settings: &'p MemberSettings,
    subscriptions: &'p [String],
    limits: &'p Limits,
    imports: &'p BTreeMap<String, String>,
}

#[derive(PartialEq)]
enum Source<'p> {
    File(&'p std::path::Path),
    Image(&'p Image),
    Build(&'p std::path::Path, &'p Build),
}

impl Source<'_> {
    fn watched(&self) -> &[std::path::PathBuf] {
        match self {
            Source::Build(_, build) => &build.watch,
            Source::File(_) | Source::Image(_) => &[],
        }
    }

    fn is_built_otherwise(&self, other: &Self) -> bool {
        match (self, other) {
            (Source::Build(root, build), Source::Build(other_root, other)) => {
                let other = Build {
                    watch: build.watch.clone(),
                    ..(*other).clone()
                };
                root != other_root || **build != other
            }
            (one, other) => one != other,
        }
    }
}

fn units(project: &Project) -> BTreeMap<UnitName, Unit<'_>> {
    let own = Unit {
        source: Source::Build(&project.root, &project.build),
        settings: &project.settings,
        subscriptions: &project.subscriptions,
        limits: &project.dev.limits,
        imports: &project.imports,
    };
    let siblings = project.dev.components.iter().map(|sibling| {
        let Sibling {
            name,
            source,
            settings,
            subscriptions,
            imports,
            limits,
        } = sibling;
        let source = match source {
            SiblingSource::File(path) => Source::File(path),
            SiblingSource::Image(image) => Source::Image(image),
            SiblingSource::Project(project) => Source::Build(&project.root, &project.build),
        };
        (
            name.clone(),
            Unit {
                source,
                settings,
                subscriptions,
                limits,
                imports,
            },
        )
    });
    siblings.chain([(project.name.clone(), own)]).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use wash_runtime::capability::config::ConfigValues;
    use wash_runtime::capability::wasi::Process;

    use super::*;
    use crate::dev::testing::project;
    use wash_common::process::Command;
    use wash_component::Shape;

    fn sibling(name: &str) -> Sibling {
        Sibling {
            name: name.to_string(),
            source: SiblingSource::File(PathBuf::from(format!("/p/{name}.wasm"))),
            settings: Default::default(),
            subscriptions: Vec::new(),
            imports: BTreeMap::new(),
            limits: Default::default(),
        }
    }

    /// What a change to the project comes to: units to build, whether to restart, what is told.
    fn check(edit: impl FnOnce(&mut Project), rebuild: &[&str], restart: bool, told: &[&str]) {
        let mut old = project("/p");
        old.dev.components.push(sibling("cache"));
        let mut new = old.clone();
        edit(&mut new);
        let change = compare(&old, &new);
        assert_eq!(change.rebuild.iter().collect::<Vec<_>>(), rebuild);
        assert_eq!(change.restart, restart);
        let all: Vec<_> = change.applied.iter().chain(&change.postponed).collect();
        assert_eq!(all, told);
    }

    #[test]
    fn nothing() {
        check(|_| (), &[], false, &[]);
        check(|new| new.warnings = Vec::new(), &[], false, &[]);
    }

    #[test]
    fn what_the_run_depends_on() {
        let variable = ("A".to_string(), "1".to_string());
        check(
            |new| {
                new.settings
                    .get_mut::<Process>()
                    .environment
                    .extend([variable.clone()])
            },
            &[],
            true,
            &["settings of `app`"],
        );
        check(
            |new| {
                new.dev.components[0]
                    .settings
                    .get_mut::<ConfigValues>()
                    .0
                    .extend([variable.clone()])
            },
            &[],
            true,
            &["settings of `cache`"],
        );
        check(
            |new| {
                new.imports
                    .extend([("a:b/c".to_string(), "cache".to_string())])
            },
            &[],
            true,
            &["imports of `app`"],
        );
        check(
            |new| new.dev.http.push("cache".to_string()),
            &[],
            true,
            &["the chain of HTTP handlers"],
        );
        check(
            |new| new.dev.limits.concurrent_requests = 1,
            &[],
            true,
            &["limits of `app`"],
        );
        check(
            |new| new.dev.components[0].subscriptions.push("a".to_string()),
            &[],
            true,
            &["subscriptions of `cache`"],
        );
        let service = crate::project::Service {
            name: "cache".to_string(),
            restart: Default::default(),
        };
        check(
            |new| new.dev.service = Some(service),
            &[],
            true,
            &["the service"],
        );
    }

    #[test]
    fn what_the_build_depends_on() {
        check(
            |new| new.build.command = Command::Shell("make all".to_string()),
            &["app"],
            false,
            &["the build of `app`"],
        );
        check(
            |new| new.build.watch.push("/q/assets".into()),
            &[],
            false,
            &["the watched files of `app`"],
        );
        check(
            |new| new.dev.components[0].source = SiblingSource::File("/p/other.wasm".into()),
            &["cache"],
            false,
            &["the build of `cache`"],
        );
        check(
            |new| new.dev.components[0].source = SiblingSource::Project(Box::new(project("/q"))),
            &["cache"],
            false,
            &["the build of `cache`"],
        );
    }

    #[test]
    fn components_come_and_go() {
        check(
            |new| new.dev.components.push(sibling("auth")),
            &[],
            true,
            &["component `auth` added"],
        );
        check(
            |new| new.dev.components.clear(),
            &[],
            true,
            &["component `cache` removed"],
        );
        check(
            |new| new.name = "api".to_string(),
            &[],
            true,
            &["the name is now `api`"],
        );
    }

    #[test]
    fn plugins_come_and_go() {
        let bytes = wat::parse_str("(component)").unwrap();
        let plugin = |name: &str| Offered {
            name: name.to_string(),
            bytes: bytes.clone().into(),
            shape: Shape::parse(&bytes).unwrap().into(),
            settings: MemberSettings::default(),
        };
        let check = |old: &[Offered], new: &[Offered], told: &[&str]| {
            let mut change = ConfigChange::default();
            change.compare_plugins(old, new);
            assert_eq!(change.applied, told);
            assert_eq!(change.restart, !told.is_empty());
        };
        let before = [plugin("a")];
        check(&before, &before, &[]);
        let told = ["plugin `b` added", "plugin `a` removed"];
        check(&before, &[plugin("b")], &told);
        let mut after = before.clone();
        after[0].bytes = [0].into();
        after[0].settings.get_mut::<Process>().stdin = true;
        let told = [
            "another version of the plugin `a`",
            "the permissions of the plugin `a`",
        ];
        check(&before, &after, &told);
    }

    #[test]
    fn what_cannot_change() {
        check(
            |new| new.dev.address.socket.set_port(9),
            &[],
            false,
            &["address 127.0.0.1:9"],
        );
    }
}
