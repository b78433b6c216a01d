//! What could be typed next, for completion: functions, methods of what a constructor makes, and values of a type.

use super::catalog::{Catalog, Kind};
use super::{find, list};
use crate::{Type, TypeId};
use wasmparser::PrimitiveValType as Primitive;

/// Something to type, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    pub help: String,
}

/// Types within types, at most: more would be no help to anybody.
const DEPTH: usize = 4;

/// For the place of the function. Methods are for those who have typed what makes their resource: `counter(5).`.
pub fn functions(catalog: &Catalog, typed: &str) -> Vec<Suggestion> {
    if let Some((maker, _)) = typed.rsplit_once(").") {
        return methods(catalog, &format!("{maker})"));
    }
    let all = catalog.functions.iter().enumerate();
    let all = all.filter(|(_, function)| !matches!(function.kind, Kind::Method { .. }));
    all.map(|(index, function)| {
        let name = find::spelling(catalog, index);
        let text = match function.kind {
            // Alone it comes to nothing.
            Kind::Constructor { .. } if function.params().is_empty() => format!("{name}()."),
            Kind::Constructor { .. } => format!("{name}("),
            _ => name,
        };
        let help = list::signature(catalog, function);
        Suggestion { text, help }
    })
    .collect()
}

fn methods(catalog: &Catalog, maker: &str) -> Vec<Suggestion> {
    let name = maker.split('(').next().unwrap_or_default();
    let made = find::function(catalog, name).ok().and_then(|index| {
        let result = catalog.functions[index].func.result?;
        Some(catalog.resource(result)?.0)
    });
    let methods = made.into_iter().flat_map(|made| catalog.methods(made));
    methods
        .map(|(index, method)| {
            let function = &catalog.functions[index];
            let end = if function.params().is_empty() {
                ")"
            } else {
                ""
            };
            Suggestion {
                text: format!("{maker}.{method}({end}"),
                help: list::signature(catalog, function),
            }
        })
        .collect()
}

/// For an argument of a function, as far as its type tells: all of a few values, or one as a beginning.
pub fn arguments(catalog: &Catalog, function: &str, index: usize) -> Vec<Suggestion> {
    let function = match find::function(catalog, function) {
        Ok(found) => &catalog.functions[found],
        Err(_) => return Vec::new(),
    };
    let Some((name, ty)) = function.params().get(index) else {
        return Vec::new();
    };
    let help = format!("{name}: {}", catalog.type_text(*ty));
    let values = values(catalog, *ty, DEPTH).into_iter();
    values
        .map(|text| Suggestion {
            text,
            help: help.clone(),
        })
        .collect()
}

fn values(catalog: &Catalog, ty: TypeId, depth: usize) -> Vec<String> {
    if depth == 0 {
        return Vec::new();
    }
    let one = |ty: TypeId| values(catalog, ty, depth - 1).into_iter().next();
    let payload = |case: &str, ty: &Option<TypeId>| match ty {
        None => Some(case.to_owned()),
        Some(ty) => Some(format!("{case}({})", one(*ty)?)),
    };
    match catalog.types.get(ty) {
        Type::Primitive(primitive) => match primitive {
            Primitive::Bool => vec!["true".into(), "false".into()],
            Primitive::String => vec!["\"\"".into()],
            Primitive::Char => vec!["'a'".into()],
            Primitive::F32 | Primitive::F64 => vec!["0.0".into()],
            Primitive::ErrorContext => Vec::new(),
            _ => vec!["0".into()],
        },
        Type::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, ty)| Some(format!("{name}: {}", one(*ty)?)));
            let fields: Option<Vec<String>> = fields.collect();
            fields
                .map(|fields| format!("{{{}}}", fields.join(", ")))
                .into_iter()
                .collect()
        }
        Type::Variant(cases) => cases
            .iter()
            .filter_map(|(name, ty)| payload(name, ty))
            .collect(),
        Type::Enum(cases) => cases.clone(),
        Type::Flags(flags) => vec![format!("{{{}}}", flags.join(", "))],
        Type::Tuple(types) => {
            let parts: Option<Vec<String>> = types.iter().map(|ty| one(*ty)).collect();
            parts
                .map(|parts| format!("({})", parts.join(", ")))
                .into_iter()
                .collect()
        }
        Type::List(ty) | Type::FixedList(ty, _) => {
            let item = one(*ty);
            item.map(|item| format!("[{item}]")).into_iter().collect()
        }
        Type::Option(ty) => {
            let some = one(*ty).map(|value| format!("some({value})"));
            some.into_iter().chain(["none".to_owned()]).collect()
        }
        Type::Result { ok, err } => [payload("ok", ok), payload("err", err)]
            .into_iter()
            .flatten()
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{program, testing};

    const WIT: &str = "package test:it;
    interface ops {
        enum color { red, green }
        flags rights { read, write }
        variant shape { dot(tuple<u8, s64>), empty }
        record point { name: string, at: list<f32>, color: color }
        paint: func(color: color, on: bool);
        may: func(rights: rights, shape: shape);
        place: func(point: option<point>, end: result<char, string>);
        resource counter {
            constructor(start: u32);
            next: func() -> u32;
            add: func(by: u32);
        }
    }
    world member { export ops; }";

    fn catalog() -> Catalog {
        testing::catalog(WIT)
    }

    fn texts(suggestions: Vec<Suggestion>) -> Vec<String> {
        suggestions.into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn functions_are_written_as_they_are_called() {
        let catalog = catalog();
        let all = functions(&catalog, "");
        let paint = all.iter().find(|it| it.text == "paint").unwrap();
        assert_eq!(paint.help, "paint(color: color, on: bool)");
        let mut all = texts(all);
        all.sort();
        assert_eq!(all, ["counter(", "may", "paint", "place"]);
        let mut methods = texts(functions(&catalog, "counter(5).ne"));
        methods.sort();
        assert_eq!(methods, ["counter(5).add(", "counter(5).next()"]);
        assert!(functions(&catalog, "paint(red).").is_empty());
    }

    #[test]
    fn every_suggested_value_is_accepted() {
        let catalog = catalog();
        for (function, first, second) in [
            ("paint", &["red", "green"][..], &["true", "false"][..]),
            ("may", &["{read, write}"], &["dot((0, 0))", "empty"]),
            (
                "place",
                &["some({name: \"\", at: [0.0], color: red})", "none"],
                &["ok('a')", "err(\"\")"],
            ),
        ] {
            assert_eq!(texts(arguments(&catalog, function, 0)), first);
            assert_eq!(texts(arguments(&catalog, function, 1)), second);
            assert!(arguments(&catalog, function, 2).is_empty());
            for (a, b) in first
                .iter()
                .flat_map(|a| second.iter().map(move |b| (a, b)))
            {
                let words = [a.to_string(), b.to_string()];
                program(&catalog, function, &words).unwrap();
            }
        }
        assert!(arguments(&catalog, "other", 0).is_empty());
    }
}
