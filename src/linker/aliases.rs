//! The one table of interfaces that go by several names: drafts, release candidates and renamed ones.
//!
//! Versions alone never make these compatible. Between two components the types still have to fit; to the host, a
//! row says whether its spellings are one interface in all but name.

use wash_component::InterfaceName;

struct Row {
    /// Interface and version. A path may end in `/*` (each interface of the package is related to the one of the
    /// same name), a version in `*` (whatever begins like it). No version: an empty one.
    spellings: &'static [(&'static str, &'static str)],
    /// Whether all spellings have the same functions, so that who serves one can serve them all.
    same: bool,
}

const TABLE: &[Row] = &[
    Row {
        spellings: &[
            ("wasi:config/store", "0.2.0-rc.1"),
            ("wasi:config/store", "0.2.0-draft"),
            ("wasi:config/store", ""),
            ("wasi:config/runtime", "0.2.0-draft"),
            ("wasi:config/runtime", ""),
        ],
        same: true,
    },
    Row {
        spellings: &[
            ("wasi:logging/logging", "0.1.0-draft"),
            ("wasi:logging/logging", ""),
        ],
        same: true,
    },
    Row {
        spellings: &[
            ("wasi:keyvalue/*", "0.2.0-draft2"),
            ("wasi:keyvalue/*", "0.2.0-draft"),
            ("wasi:keyvalue/*", ""),
        ],
        same: false,
    },
    Row {
        spellings: &[
            ("wasi:blobstore/*", "0.2.0-draft"),
            ("wasi:blobstore/*", "0.2.0-draft2"),
            ("wasi:blobstore/*", ""),
        ],
        same: false,
    },
    Row {
        spellings: &[
            ("wasi:messaging/*", "0.2.0-draft"),
            ("wasi:messaging/*", ""),
        ],
        same: false,
    },
    Row {
        spellings: &[("wasi:cli/*", "0.3.0-rc*"), ("wasi:cli/*", "0.3.*")],
        same: false,
    },
    Row {
        spellings: &[("wasi:clocks/*", "0.3.0-rc*"), ("wasi:clocks/*", "0.3.*")],
        same: false,
    },
    Row {
        spellings: &[
            ("wasi:filesystem/*", "0.3.0-rc*"),
            ("wasi:filesystem/*", "0.3.*"),
        ],
        same: false,
    },
    Row {
        spellings: &[("wasi:http/*", "0.3.0-rc*"), ("wasi:http/*", "0.3.*")],
        same: false,
    },
    Row {
        spellings: &[("wasi:random/*", "0.3.0-rc*"), ("wasi:random/*", "0.3.*")],
        same: false,
    },
    Row {
        spellings: &[("wasi:sockets/*", "0.3.0-rc*"), ("wasi:sockets/*", "0.3.*")],
        same: false,
    },
];

/// How two names of one interface are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The same functions under another name.
    Same,
    /// Another draft, whose types may differ.
    Draft,
}

/// Whether the two are spellings of one interface.
pub(super) fn related(a: &InterfaceName, b: &InterfaceName) -> Option<Relation> {
    TABLE.iter().find(|row| row.related(a, b)).map(|row| {
        if row.same {
            Relation::Same
        } else {
            Relation::Draft
        }
    })
}

/// Package and interface of a name, the same for all its spellings.
pub(super) fn spelling(name: &InterfaceName) -> (&str, &str) {
    let is_it = |path: &str| path.split_once('/') == Some((&name.package, &name.interface));
    let mut rows = TABLE.iter();
    let row = rows.find(|row| row.spellings.iter().any(|(path, _)| is_it(path)));
    let first = row.and_then(|row| row.spellings[0].0.split_once('/'));
    first.unwrap_or((&name.package, &name.interface))
}

impl Row {
    /// The package of all its spellings.
    fn package(&self) -> &'static str {
        let (path, _) = self.spellings[0];
        path.split_once('/').map_or(path, |(package, _)| package)
    }

    fn related(&self, a: &InterfaceName, b: &InterfaceName) -> bool {
        if a.package != b.package || a.package != self.package() {
            return false;
        }
        let by_package = |(path, _): &(&str, &str)| path.ends_with("/*");
        self.spellings.iter().any(|spelling| {
            spells(spelling, a)
                && self.spellings.iter().any(|other| {
                    spells(other, b)
                        && (!by_package(spelling)
                            || !by_package(other)
                            || a.interface == b.interface)
                })
        })
    }
}

fn spells((path, version): &(&str, &str), name: &InterfaceName) -> bool {
    let same_path = match path.strip_suffix("/*") {
        Some(package) => package == name.package,
        None => *path == name.path(),
    };
    let written = name
        .version
        .as_ref()
        .map(|v| v.to_string())
        .unwrap_or_default();
    same_path
        && match version.strip_suffix('*') {
            Some(start) => written.starts_with(start),
            None => *version == written,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stays_in_its_package() {
        for row in TABLE {
            for (path, _) in row.spellings {
                assert_eq!(path.split_once('/').unwrap().0, row.package(), "{path}");
            }
        }
    }

    #[test]
    fn spellings_are_related_to_each_other_and_to_nothing_else() {
        for (a, b, expected) in [
            (
                "wasi:config/runtime@0.2.0-draft",
                "wasi:config/store@0.2.0-rc.1",
                Some(Relation::Same),
            ),
            (
                "wasi:config/store@0.2.0-draft",
                "wasi:config/store",
                Some(Relation::Same),
            ),
            (
                "wasi:logging/logging",
                "wasi:logging/logging@0.1.0-draft",
                Some(Relation::Same),
            ),
            (
                "wasi:keyvalue/store@0.2.0-draft",
                "wasi:keyvalue/store@0.2.0-draft2",
                Some(Relation::Draft),
            ),
            (
                "wasi:keyvalue/store@0.2.0-draft",
                "wasi:keyvalue/batch@0.2.0-draft2",
                None,
            ),
            (
                "wasi:http/handler@0.3.0-rc-2025-09-16",
                "wasi:http/handler@0.3.0",
                Some(Relation::Draft),
            ),
            (
                "wasi:http/handler@0.3.0-rc-2025-09-16",
                "wasi:http/types@0.3.0",
                None,
            ),
            (
                "wasi:http/handler@0.3.0-rc-2025-09-16",
                "wasi:http/handler@0.2.0",
                None,
            ),
            (
                "wasi:config/store@0.2.0-rc.1",
                "wasi:config/store@0.3.0",
                None,
            ),
            ("a:b/c", "a:b/c@0.1.0-draft", None),
        ] {
            let (x, y) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(related(&x, &y), expected, "{a} and {b}");
            assert_eq!(related(&y, &x), expected, "{b} and {a}");
            if expected.is_some() {
                assert_eq!(spelling(&x), spelling(&y), "{a} and {b}");
            }
        }
    }
}
