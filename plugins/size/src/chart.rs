//! Rows as a chart for the terminal. Pure.

use std::fmt::Write as _;

use crate::measure::Measured;
use crate::rows::{By, Change, changes, rows};

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Bars of `#` instead of blocks.
    pub ascii: bool,
    /// Lines are cut there; `None`: they are as long as they are.
    pub columns: Option<u16>,
    /// How many rows each chart has.
    pub top: usize,
}

/// Cells of the longest bar.
const BAR: usize = 20;

/// A file: how big it is, and a chart for each of these.
pub fn show(name: &str, measured: &Measured, by: &[By], style: &Style) -> String {
    let modules = measured.modules.len() - 1;
    let modules = match modules {
        1 => "1 core module".to_owned(),
        _ => format!("{modules} core modules"),
    };
    let mut text = format!("{name}: {} in {modules}\n", size(measured.bytes));
    for by in by {
        let all = rows(measured, *by);
        let most = all.first().map_or(0, |row| row.bytes);
        let _ = writeln!(text, "\nBy {}", by.name());
        for row in all.iter().take(style.top) {
            let times = match (row.count, *by) {
                (1, _) | (_, By::Section | By::Module) => String::new(),
                (count, By::Crate) if !row.name.starts_with('[') => format!(" ({count} functions)"),
                (count, _) => format!(" ({count} times)"),
            };
            let bar = bar(row.bytes, most, style.ascii);
            let share = share(row.bytes, measured.bytes);
            let name = format!("{}{times}", row.name);
            line(
                &mut text,
                &format!("{:>10}  {share}  {bar}  ", size(row.bytes)),
                &name,
                style,
            );
        }
        let others = &all[style.top.min(all.len())..];
        let bytes: u64 = others.iter().map(|row| row.bytes).sum();
        if !others.is_empty() {
            let (bar, share) = (bar(0, 1, true), share(bytes, measured.bytes));
            let name = format!("in {} more", others.len());
            line(
                &mut text,
                &format!("{:>10}  {share}  {bar}  ", size(bytes)),
                &name,
                style,
            );
        }
    }
    text
}

/// What has changed from one file to another.
pub fn show_changes(
    names: (&str, &str),
    old: &Measured,
    new: &Measured,
    by: &[By],
    style: &Style,
) -> String {
    let growth = i128::from(new.bytes) - i128::from(old.bytes);
    let mut text = format!(
        "{}: {}\n{}: {} ({})\n",
        names.0,
        size(old.bytes),
        names.1,
        size(new.bytes),
        signed(growth)
    );
    for by in by {
        let all = changes(old, new, *by);
        let _ = writeln!(text, "\nBy {}", by.name());
        if all.is_empty() {
            text.push_str("  no change\n");
        }
        let most = all.iter().map(amount).max().unwrap_or(0);
        for change in all.iter().take(style.top) {
            let bar = bar(amount(change), most, style.ascii);
            let what = match (change.old, change.new) {
                (0, _) => "new".to_owned(),
                (_, 0) => "gone".to_owned(),
                (old, new) => format!("{} to {}", size(old), size(new)),
            };
            let name = format!("{} ({what})", change.name);
            line(
                &mut text,
                &format!("{:>11}  {bar}  ", signed(change.growth())),
                &name,
                style,
            );
        }
        let others = &all[style.top.min(all.len())..];
        if !others.is_empty() {
            let growth = others.iter().map(Change::growth).sum();
            let name = format!("in {} more", others.len());
            let bar = bar(0, 1, true);
            line(
                &mut text,
                &format!("{:>11}  {bar}  ", signed(growth)),
                &name,
                style,
            );
        }
    }
    text
}

fn amount(change: &Change) -> u64 {
    change.old.abs_diff(change.new)
}

fn line(text: &mut String, head: &str, name: &str, style: &Style) {
    // A name is whatever stands in the file.
    let name = name.chars().map(|c| if c.is_control() { '?' } else { c });
    let room = style.columns.map_or(usize::MAX, |columns| {
        usize::from(columns)
            .saturating_sub(head.chars().count())
            .max(10)
    });
    let name: Vec<char> = name.collect();
    let more = if style.ascii { "..." } else { "…" };
    text.push_str(head);
    match name.len() > room {
        true => {
            text.extend(&name[..room - more.chars().count()]);
            text.push_str(more);
        }
        false => text.extend(&name),
    }
    text.push('\n');
}

fn bar(amount: u64, most: u64, ascii: bool) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let steps = if ascii { 1 } else { 8 };
    let filled = u128::from(amount) * (BAR * steps) as u128 / u128::from(most.max(1));
    let filled = filled as usize;
    let (whole, part) = (filled / steps, filled % steps);
    let bar = match ascii {
        true => "#".repeat(whole),
        false => "█".repeat(whole) + EIGHTHS[part],
    };
    format!("{bar:BAR$}")
}

fn share(part: u64, whole: u64) -> String {
    format!("{:5.1} %", part as f64 * 100.0 / whole.max(1) as f64)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn signed(growth: i128) -> String {
    let bytes = u64::try_from(growth.unsigned_abs()).unwrap_or(u64::MAX);
    match growth {
        0 => "no more, no less".to_owned(),
        1.. => format!("+{}", size(bytes)),
        _ => format!("-{}", size(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Part;

    fn measured(parts: &[(&str, Option<&str>, u64)]) -> Measured {
        let parts: Vec<Part> = parts
            .iter()
            .map(|(section, name, bytes)| Part {
                module: 1,
                section: (*section).to_owned(),
                name: name.map(str::to_owned),
                bytes: *bytes,
            })
            .collect();
        Measured {
            bytes: parts.iter().map(|part| part.bytes).sum(),
            modules: vec!["around".to_owned(), "main".to_owned()],
            parts,
        }
    }

    fn style(ascii: bool, columns: Option<u16>, top: usize) -> Style {
        Style {
            ascii,
            columns,
            top,
        }
    }

    #[test]
    fn bars_are_as_long_as_their_share() {
        let file = measured(&[
            ("code", Some("core::a"), 1500),
            ("code", Some("core::b"), 500),
            ("code", Some("memcpy"), 300),
            ("data", Some("segment 0"), 48),
        ]);
        let text = show("a.wasm", &file, &[By::Crate], &style(true, None, 2));
        let expected = "\
a.wasm: 2.3 KB in 1 core module

By crate
    2.0 KB   85.2 %  ####################  core (2 functions)
     300 B   12.8 %  ###                   (without a crate or namespace)
      48 B    2.0 %                        in 1 more
";
        assert_eq!(text, expected);
        let text = show("a.wasm", &file, &[By::Crate], &style(false, None, 9));
        assert!(
            text.contains("300 B   12.8 %  ███                   ("),
            "{text}"
        );
        assert!(
            text.contains("48 B    2.0 %  ▍                     [data]"),
            "{text}"
        );
    }

    #[test]
    fn long_names_are_cut_and_no_name_has_control_characters() {
        let name = "x\x1b[2J".to_owned() + &"y".repeat(300);
        let file = measured(&[("code", Some(&name), 10)]);
        for (ascii, end) in [(true, "..."), (false, "…")] {
            let text = show("a", &file, &[By::Function], &style(ascii, Some(60), 9));
            let line = text.lines().last().unwrap();
            assert_eq!(line.chars().count(), 60, "{line}");
            assert!(line.ends_with(end) && line.contains("x?[2Jyy"), "{line}");
        }
    }

    #[test]
    fn changes_say_what_grew_and_what_is_gone() {
        let old = measured(&[
            ("code", Some("a"), 1000),
            ("code", Some("b"), 10),
            ("data", None, 7),
        ]);
        let new = measured(&[
            ("code", Some("a"), 1300),
            ("code", Some("c"), 40),
            ("data", None, 7),
        ]);
        let by = [By::Function];
        let text = show_changes(("old", "new"), &old, &new, &by, &style(true, None, 9));
        let expected = "\
old: 1.0 KB
new: 1.3 KB (+330 B)

By function
     +300 B  ####################  a (1.0 KB to 1.3 KB)
      +40 B  ##                    c (new)
      -10 B                        b (gone)
";
        assert_eq!(text, expected);
        let same = show_changes(("a", "b"), &old, &old, &by, &style(true, None, 9));
        assert!(same.ends_with("By function\n  no change\n"), "{same}");
    }
}
