//! A picture as Graphviz text.

use std::fmt::Write;

use super::{Graph, Kind};

/// The text that `dot` reads.
pub fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph plan {\n  rankdir=TB;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  edge [fontname=\"monospace\", fontsize=10];\n",
    );
    for (index, node) in graph.nodes.iter().enumerate() {
        let label = match node.detail.as_str() {
            "" => node.name.clone(),
            detail => format!("{}\n{detail}", node.name),
        };
        let looks = match node.kind {
            Kind::Driver => ", shape=ellipse",
            Kind::Member => "",
            Kind::Idle => ", style=\"rounded,dashed\"",
            Kind::Host => ", shape=box3d, style=\"\"",
            Kind::Stub => ", color=orange3, style=\"rounded,dashed\"",
            Kind::Missing => ", color=red, fontcolor=red, style=\"rounded,dashed\"",
        };
        line(
            &mut text,
            format_args!("  n{index} [label={}{looks}];", quoted(&label)),
        );
    }
    for edge in &graph.edges {
        let looks = match graph.nodes[edge.to].kind {
            Kind::Missing => ", color=red, fontcolor=red",
            _ => "",
        };
        let label = quoted(&edge.lines.join("\n"));
        line(
            &mut text,
            format_args!("  n{} -> n{} [label={label}{looks}];", edge.from, edge.to),
        );
    }
    for (rank, at) in [
        ("source", [Kind::Driver; 2]),
        ("sink", [Kind::Host, Kind::Missing]),
    ] {
        let nodes = graph.nodes.iter().enumerate();
        let nodes = nodes.filter(|(_, node)| at.contains(&node.kind));
        let nodes: Vec<_> = nodes.map(|(index, _)| format!("n{index};")).collect();
        if !nodes.is_empty() {
            line(
                &mut text,
                format_args!("  {{ rank={rank}; {} }}", nodes.join(" ")),
            );
        }
    }
    text.push_str("}\n");
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}

/// A string of the language: in its quotes, lines are centred, and only quotes and backslashes are special.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_string_but_its_quote() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
    }
}
