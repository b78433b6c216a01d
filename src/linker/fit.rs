//! Whether an export can stand for an import: types compared part by part, and the first difference in words.
//!
//! Types must be equal; only an interface may export more than is asked for. Handles are compared by what they
//! refer to inside the two interfaces; whether both sides mean the very same resource in the end is for `identity`.

use std::collections::{HashMap, HashSet};

use wash_component::{Func, Instance, Item, ResourceId, Type, TypeId, Types};

use super::Difference;

/// Which resource of an import each resource of the export stands for.
pub(super) type Resources = HashMap<ResourceId, ResourceId>;

/// Compares an import (`expected`) with an export that could provide it (`found`).
pub(super) fn fits(
    expected: (&Types, &Item),
    found: (&Types, &Item),
) -> Result<Resources, Difference> {
    let mut fit = Fit {
        expected: expected.0,
        found: found.0,
        path: Vec::new(),
        equal: HashSet::new(),
        resources: HashMap::new(),
    };
    fit.item(expected.1, found.1)?;
    Ok(fit.resources)
}

struct Fit<'a> {
    expected: &'a Types,
    found: &'a Types,
    /// Where the comparison stands, from the outside in.
    path: Vec<String>,
    /// Pairs known to be equal: what is shared is compared once.
    equal: HashSet<(TypeId, TypeId)>,
    /// Which resource of `found` stands for which of `expected`.
    resources: Resources,
}

type Fits = Result<(), Difference>;

impl Fit<'_> {
    fn differ(&self, expected: impl Into<String>, found: impl Into<String>) -> Fits {
        Err(Difference {
            path: self.path.clone(),
            expected: expected.into(),
            found: found.into(),
        })
    }

    /// Compares a part of what is being compared.
    fn within(&mut self, part: String, compare: impl FnOnce(&mut Self) -> Fits) -> Fits {
        self.path.push(part);
        let result = compare(self);
        self.path.pop();
        result
    }

    fn item(&mut self, expected: &Item, found: &Item) -> Fits {
        match (expected, found) {
            (Item::Func(expected), Item::Func(found)) => self.func(expected, found),
            (Item::Instance(expected), Item::Instance(found)) => self.instance(expected, found),
            (Item::Type(expected), Item::Type(found)) => self.ty(*expected, *found),
            _ => self.differ(
                format!("a {}", expected.kind()),
                format!("a {}", found.kind()),
            ),
        }
    }

    fn instance(&mut self, expected: &Instance, found: &Instance) -> Fits {
        // The named resources first: functions refer to them.
        for (name, item) in &expected.exports {
            if let (Some(expected), Some(found)) = (
                self.expected.named_resource(item),
                found
                    .exports
                    .get(name)
                    .and_then(|i| self.found.named_resource(i)),
            ) {
                self.resources.insert(expected, found);
            }
        }
        for (name, item) in &expected.exports {
            let part = format!("{} `{name}`", item.kind());
            match found.exports.get(name) {
                Some(other) => self.within(part, |fit| fit.item(item, other))?,
                // Types of values are compared where they are used; under which name they are found does not matter.
                None if self.expected.is_value_type(item) => {}
                None => return self.differ(part, "nothing of that name"),
            }
        }
        Ok(())
    }

    fn func(&mut self, expected: &Func, found: &Func) -> Fits {
        if expected.is_async != found.is_async {
            let word = |is_async| {
                if is_async {
                    "an async function"
                } else {
                    "a function that is not async"
                }
            };
            return self.differ(word(expected.is_async), word(found.is_async));
        }
        let names = |func: &Func| {
            func.params
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        if names(expected) != names(found) {
            return self.differ(
                quoted(self.expected.describe_func(expected)),
                quoted(self.found.describe_func(found)),
            );
        }
        for ((name, expected), (_, found)) in expected.params.iter().zip(&found.params) {
            self.within(format!("parameter `{name}`"), |fit| {
                fit.ty(*expected, *found)
            })?;
        }
        self.within("result".to_string(), |fit| {
            fit.optional(expected.result, found.result)
        })
    }

    fn optional(&mut self, expected: Option<TypeId>, found: Option<TypeId>) -> Fits {
        match (expected, found) {
            (Some(expected), Some(found)) => self.ty(expected, found),
            (None, None) => Ok(()),
            (Some(expected), None) => {
                self.differ(quoted(self.expected.describe(expected)), "nothing")
            }
            (None, Some(found)) => self.differ("nothing", quoted(self.found.describe(found))),
        }
    }

    fn ty(&mut self, expected: TypeId, found: TypeId) -> Fits {
        if self.equal.contains(&(expected, found)) {
            return Ok(());
        }
        self.structure(expected, found)
            .map_err(|inner| self.widen(expected, found, inner))?;
        self.equal.insert((expected, found));
        Ok(())
    }

    /// A difference inside a `list<..>` and the like is told with what is around it: that part has no name of its own.
    fn widen(&self, expected: TypeId, found: TypeId, inner: Difference) -> Difference {
        let has_named_parts = |ty: &Type| {
            matches!(
                ty,
                Type::Record(_) | Type::Variant(_) | Type::Enum(_) | Type::Flags(_)
            )
        };
        if inner.path.len() > self.path.len() || has_named_parts(self.expected.get(expected)) {
            return inner;
        }
        let (a, b) = (self.expected.describe(expected), self.found.describe(found));
        if a == b {
            inner
        } else {
            Difference {
                expected: quoted(a),
                found: quoted(b),
                ..inner
            }
        }
    }

    fn structure(&mut self, expected: TypeId, found: TypeId) -> Fits {
        let (a, b) = (self.expected.get(expected), self.found.get(found));
        match (a, b) {
            (Type::Primitive(a), Type::Primitive(b)) if a == b => Ok(()),
            (Type::Record(a), Type::Record(b)) => {
                self.names("fields", a.iter().map(|(n, _)| n), b.iter().map(|(n, _)| n))?;
                for ((name, a), (_, b)) in a.iter().zip(b) {
                    self.within(format!("field `{name}`"), |fit| fit.ty(*a, *b))?;
                }
                Ok(())
            }
            (Type::Variant(a), Type::Variant(b)) => {
                self.names("cases", a.iter().map(|(n, _)| n), b.iter().map(|(n, _)| n))?;
                for ((name, a), (_, b)) in a.iter().zip(b) {
                    self.within(format!("case `{name}`"), |fit| fit.optional(*a, *b))?;
                }
                Ok(())
            }
            (Type::Enum(a), Type::Enum(b)) => self.names("cases", a.iter(), b.iter()),
            (Type::Flags(a), Type::Flags(b)) => self.names("flags", a.iter(), b.iter()),
            (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
                a.iter().zip(b).try_for_each(|(a, b)| self.ty(*a, *b))
            }
            (Type::List(a), Type::List(b)) | (Type::Option(a), Type::Option(b)) => self.ty(*a, *b),
            (Type::FixedList(a, n), Type::FixedList(b, m)) if n == m => self.ty(*a, *b),
            (Type::Map(ak, av), Type::Map(bk, bv)) => {
                self.ty(*ak, *bk).and_then(|()| self.ty(*av, *bv))
            }
            (Type::Result { ok: ao, err: ae }, Type::Result { ok: bo, err: be }) => {
                self.optional(*ao, *bo)?;
                self.optional(*ae, *be)
            }
            (Type::Future(a), Type::Future(b)) | (Type::Stream(a), Type::Stream(b)) => {
                self.optional(*a, *b)
            }
            (Type::Own(a), Type::Own(b))
            | (Type::Borrow(a), Type::Borrow(b))
            | (Type::Resource(a), Type::Resource(b)) => {
                if *self.resources.entry(*a).or_insert(*b) == *b {
                    Ok(())
                } else {
                    self.differ_in_types(expected, found)
                }
            }
            _ => self.differ_in_types(expected, found),
        }
    }

    fn differ_in_types(&self, expected: TypeId, found: TypeId) -> Fits {
        self.differ(
            quoted(self.expected.describe(expected)),
            quoted(self.found.describe(found)),
        )
    }

    /// Compares the names of fields, cases or flags, which must be the same in the same order.
    fn names<'n>(
        &self,
        what: &str,
        expected: impl Iterator<Item = &'n String>,
        found: impl Iterator<Item = &'n String>,
    ) -> Fits {
        let (expected, found): (Vec<_>, Vec<_>) = (expected.collect(), found.collect());
        if expected == found {
            return Ok(());
        }
        let one = what.trim_end_matches('s');
        if let Some(missing) = expected.iter().find(|name| !found.contains(name)) {
            return self.differ(format!("{one} `{missing}`"), format!("no such {one}"));
        }
        if let Some(extra) = found.iter().find(|name| !expected.contains(name)) {
            return self.differ(format!("no {one} `{extra}`"), "one");
        }
        let position = expected
            .iter()
            .zip(&found)
            .position(|(a, b)| a != b)
            .unwrap_or(0);
        self.differ(
            format!(
                "{one} `{}` at position {}",
                expected[position],
                position + 1
            ),
            format!("`{}`", found[position]),
        )
    }
}

fn quoted(text: String) -> String {
    format!("`{text}`")
}
