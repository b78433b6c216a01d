//! Names of interfaces in fewer words.

use dialoguer::console::{Alignment, measure_text_width, pad_str};
use wash_common::sanitize;
use wash_component::InterfaceName;

/// Letters that a name made of several does not exceed.
const WIDTH: usize = 60;

/// Puts names with the same key together where they are interfaces of one package and version:
/// `wasi:io/{error, poll, streams}@0.2.3`. The order is that of their first mention.
pub(super) fn together<'a, K: PartialEq>(
    names: impl IntoIterator<Item = (K, &'a str)>,
) -> Vec<(K, String)> {
    let mut groups: Vec<(K, &str, Vec<InterfaceName>)> = Vec::new();
    for (key, text) in names {
        let Ok(name) = text.parse::<InterfaceName>() else {
            groups.push((key, text, Vec::new()));
            continue;
        };
        let same = groups.iter_mut().rfind(|(known, _, names)| {
            *known == key
                && names.first().is_some_and(|first| {
                    (&first.package, &first.version) == (&name.package, &name.version)
                })
                && names.iter().map(|n| n.interface.len() + 2).sum::<usize>() + text.len() <= WIDTH
        });
        match same {
            Some((.., names)) => names.push(name),
            None => groups.push((key, text, vec![name])),
        }
    }
    let joined = groups.into_iter().map(|(key, text, names)| {
        let text = match names.as_slice() {
            [first, _, ..] => {
                let interfaces: Vec<_> = names.iter().map(|name| &*name.interface).collect();
                let version = first.version.as_ref();
                let version = version.map(|v| format!("@{v}")).unwrap_or_default();
                format!("{}/{{{}}}{version}", first.package, interfaces.join(", "))
            }
            _ => text.to_string(),
        };
        (key, text)
    });
    joined.collect()
}

/// Lines of aligned columns, each line indented. A cell is one line, whatever is in it.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let one_line = |row: &[String; N]| row.each_ref().map(|cell| sanitize::line(cell).into_owned());
    let rows: Vec<[String; N]> = rows.iter().map(one_line).collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| measure_text_width(&row[column]));
        widths.max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| pad_str(cell, width, Alignment::Left, None))
            .collect();
        format!("  {}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_of_a_package_stand_together() {
        let names = [
            (1, "wasi:io/poll@0.2.3"),
            (1, "wasi:io/streams@0.2.3"),
            (2, "wasi:io/error@0.2.3"),
            (1, "wasi:io/error@0.2.0"),
            (1, "run"),
            (1, "run"),
            (1, "wasi:io/error@0.2.3"),
        ];
        let together = together(names);
        let expected = [
            (1, "wasi:io/{poll, streams, error}@0.2.3"),
            (2, "wasi:io/error@0.2.3"),
            (1, "wasi:io/error@0.2.0"),
            (1, "run"),
            (1, "run"),
        ];
        assert_eq!(
            together,
            expected.map(|(key, text)| (key, text.to_string()))
        );
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [["a", "b", "c"], ["long", "", "x"]].map(|row| row.map(str::to_string));
        assert_eq!(table(&rows), "  a     b  c\n  long     x\n");
    }
}
