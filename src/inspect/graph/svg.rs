//! A picture as SVG.

use std::fmt::Write;

use wash_common::sanitize;

use super::layout::{Place, Size, layout};
use super::{Graph, Kind, Node};

/// The width of a letter in parts of the font's size: every letter of a monospaced font has it.
const LETTER: f64 = 0.62;
const LINE: f64 = 1.35;
const NAME: f64 = 14.0;
const SMALL: f64 = 11.0;

const STYLE: &str = "text { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #1d2733 } \
.small { font-size: 11px } .name { font-size: 14px; font-weight: bold } \
.detail { font-size: 11px; fill: #5c6b7a } \
.box { fill: #eef4fb; stroke: #3a6ea5; stroke-width: 1.5 } \
.idle { fill: #ffffff; stroke: #9aa7b4; stroke-width: 1.5; stroke-dasharray: 5 4 } \
.host { fill: #f3f0e6; stroke: #8a7a3d; stroke-width: 1.5 } \
.driver { fill: #eef7ee; stroke: #4a8a4f; stroke-width: 1.5 } \
.stub { fill: #fff6e5; stroke: #b7791f; stroke-width: 1.5; stroke-dasharray: 5 4 } \
.missing { fill: #fdeeee; stroke: #c0392b; stroke-width: 1.5; stroke-dasharray: 5 4 } \
.line { fill: none; stroke: #6b7a89; stroke-width: 1.2 } .lost { stroke: #c0392b; stroke-dasharray: 5 4 } \
.label { fill: #ffffff }";

/// An SVG document that needs nothing else.
pub fn svg(graph: &Graph) -> String {
    let nodes: Vec<Size> = graph.nodes.iter().map(node_size).collect();
    let labels: Vec<Size> = graph
        .edges
        .iter()
        .map(|edge| text_size(&edge.lines))
        .collect();
    let layout = layout(graph, &nodes, &labels);
    let Size { width, height } = layout.size;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n\
         <title>who provides what to whom</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
         <path d=\"M0 0 L8 4 L0 8 z\" fill=\"#6b7a89\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
    );
    for (edge, path) in graph.edges.iter().zip(&layout.edges) {
        let lost = match graph.nodes[edge.to].kind {
            Kind::Missing => " lost",
            _ => "",
        };
        let mut stops = vec![layout.nodes[edge.from]];
        stops.extend(path);
        stops.push(layout.nodes[edge.to]);
        let d = curve(&stops);
        out += &format!("<path class=\"line{lost}\" d=\"{d}\" marker-end=\"url(#tip)\"/>\n");
    }
    for (edge, path) in graph.edges.iter().zip(&layout.edges) {
        if let Some(place) = path.first() {
            rect(&mut out, "label", place, 3.0);
            lines(
                &mut out,
                place,
                edge.lines
                    .iter()
                    .map(|line| ("small", SMALL, line.as_str())),
            );
        }
    }
    for (node, place) in graph.nodes.iter().zip(&layout.nodes) {
        let (class, radius) = match node.kind {
            Kind::Driver => ("driver", place.size.height / 2.0),
            Kind::Member => ("box", 6.0),
            Kind::Idle => ("idle", 6.0),
            Kind::Host => ("host", 0.0),
            Kind::Stub => ("stub", 6.0),
            Kind::Missing => ("missing", 6.0),
        };
        rect(&mut out, class, place, radius);
        let detail = Some(("detail", SMALL, node.detail.as_str()));
        let detail = detail.filter(|(.., text)| !text.is_empty());
        let name = ("name", NAME, node.name.as_str());
        lines(&mut out, place, [name].into_iter().chain(detail));
    }
    out.push_str("</svg>\n");
    out
}

fn node_size(node: &Node) -> Size {
    let width = |text: &str, size: f64| text.chars().count() as f64 * size * LETTER;
    let detail = if node.detail.is_empty() {
        0.0
    } else {
        SMALL * LINE
    };
    Size {
        width: width(&node.name, NAME).max(width(&node.detail, SMALL)) + 28.0,
        height: NAME * LINE + detail + 16.0,
    }
}

fn text_size(lines: &[String]) -> Size {
    let longest = lines.iter().map(|line| line.chars().count()).max();
    Size {
        width: longest.unwrap_or_default() as f64 * SMALL * LETTER + 8.0,
        height: lines.len() as f64 * SMALL * LINE + 4.0,
    }
}

/// From the bottom of the first place to the top of the last, through the middle of those between. It is upright within
/// the layers, so that it passes by what else is in them.
fn curve(stops: &[Place]) -> String {
    let mut d = String::new();
    for (index, pair) in stops.windows(2).enumerate() {
        let (from, to) = (&pair[0], &pair[1]);
        let down = from.y <= to.y;
        let (leaves, start) = match down {
            true => (from.bottom(), from.layer_bottom()),
            false => (from.top(), from.layer_top()),
        };
        let (end, arrives) = match down {
            true => (to.layer_top(), to.top()),
            false => (to.layer_bottom(), to.bottom()),
        };
        let middle = (start + end) / 2.0;
        let command = if index == 0 { "M" } else { " L" };
        d += &format!("{command}{:.1} {leaves:.1}", from.x);
        if leaves != start {
            d += &format!(" L{:.1} {start:.1}", from.x);
        }
        d += &format!(
            " C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {end:.1}",
            from.x, to.x, to.x
        );
        if end != arrives {
            d += &format!(" L{:.1} {arrives:.1}", to.x);
        }
    }
    d
}

fn rect(out: &mut String, class: &str, place: &Place, radius: f64) {
    let (x, y) = (place.left(), place.top());
    let Size { width, height } = place.size;
    writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius:.1}\"/>"
    )
    .expect("a string takes everything");
}

/// Lines of text in the middle of a place: class, size and text of each.
fn lines<'a>(
    out: &mut String,
    place: &Place,
    lines: impl IntoIterator<Item = (&'a str, f64, &'a str)> + Clone,
) {
    let height: f64 = lines
        .clone()
        .into_iter()
        .map(|(_, size, _)| size * LINE)
        .sum();
    let mut top = place.y - height / 2.0;
    for (class, size, text) in lines {
        // A little above the bottom of its line: letters such as `g` go below the baseline.
        let baseline = top + size * 1.05;
        writeln!(
            out,
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{baseline:.1}\" text-anchor=\"middle\">{}</text>",
            place.x,
            sanitize::markup(text)
        )
        .expect("a string takes everything");
        top += size * LINE;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Edge;
    use super::*;

    /// Points on a path, close to each other.
    fn points(d: &str) -> Vec<(f64, f64)> {
        let numbers = |text: &str| -> Vec<f64> {
            let numbers = text
                .split_whitespace()
                .map(|number| number.parse().unwrap());
            numbers.collect()
        };
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (at, command) in d.match_indices(['M', 'L', 'C']) {
            let rest = &d[at + 1..];
            let rest = &rest[..rest.find(['M', 'L', 'C']).unwrap_or(rest.len())];
            let given = numbers(rest);
            let to = (given[given.len() - 2], given[given.len() - 1]);
            let from = points.last().copied().unwrap_or(to);
            let (first, second) = match command {
                "C" => ((given[0], given[1]), (given[2], given[3])),
                _ => (from, to),
            };
            for step in 0..=100 {
                let t = f64::from(step) / 100.0;
                let bezier = |p: [f64; 4]| {
                    let u = 1.0 - t;
                    u * u * u * p[0]
                        + 3.0 * u * u * t * p[1]
                        + 3.0 * u * t * t * p[2]
                        + t * t * t * p[3]
                };
                points.push((
                    bezier([from.0, first.0, second.0, to.0]),
                    bezier([from.1, first.1, second.1, to.1]),
                ));
            }
        }
        points
    }

    #[test]
    fn no_label_lies_on_the_line_of_another() {
        let node = |name: &str, kind| Node {
            name: name.to_string(),
            detail: String::new(),
            kind,
        };
        let edge = |from, to, lines: usize, width: usize| Edge {
            from,
            to,
            lines: vec!["x".repeat(width); lines],
        };
        for (many, few) in [(9, 1), (1, 9), (14, 2)] {
            let graph = Graph {
                nodes: vec![
                    node("hello", Kind::Member),
                    node("pricing", Kind::Member),
                    node("the host", Kind::Host),
                ],
                edges: vec![
                    edge(0, 2, many, 70),
                    edge(0, 1, few, 20),
                    edge(1, 2, many, 40),
                ],
            };
            let nodes: Vec<Size> = graph.nodes.iter().map(node_size).collect();
            let labels = graph.edges.iter().map(|edge| text_size(&edge.lines));
            let layout = layout(&graph, &nodes, &labels.collect::<Vec<_>>());
            for (index, (edge, path)) in graph.edges.iter().zip(&layout.edges).enumerate() {
                let mut stops = vec![layout.nodes[edge.from]];
                stops.extend(path);
                stops.push(layout.nodes[edge.to]);
                let others = layout.edges.iter().enumerate();
                let others = others.filter(|(other, _)| *other != index);
                for label in others.filter_map(|(_, path)| path.first()) {
                    let inside = |(x, y): &(f64, f64)| {
                        let inside = 0.5;
                        (label.left() + inside..label.right() - inside).contains(x)
                            && (label.top() + inside..label.bottom() - inside).contains(y)
                    };
                    assert!(
                        !points(&curve(&stops)).iter().any(inside),
                        "edge {index} of {many} and {few} lines"
                    );
                }
            }
        }
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            sanitize::markup("<a & b>\u{1}"),
            "&lt;a &amp; b&gt;\u{fffd}"
        );
    }
}
