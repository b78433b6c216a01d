//! Where everything in a picture goes: layers from top to bottom, each component below all that import from it.
//!
//! The label of an arrow takes a place of its own, in a layer between those of the components, so that nothing lies on top of
//! anything. Where an arrow passes by other layers, it has an empty place there.

use super::{Graph, Kind};

/// Pixels between places side by side, and between layers.
const BESIDE: f64 = 24.0;
const BELOW: f64 = 26.0;
/// How often the order in the layers, and the places, are improved. More changes nothing to be seen.
const SWEEPS: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A place, by its centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) size: Size,
    /// The height of the layer that it is in the middle of.
    layer: f64,
}

impl Place {
    /// Where its layer begins: above, nothing is in the way of an arrow.
    pub(super) fn layer_top(&self) -> f64 {
        self.y - self.layer / 2.0
    }

    pub(super) fn layer_bottom(&self) -> f64 {
        self.y + self.layer / 2.0
    }

    pub(super) fn top(&self) -> f64 {
        self.y - self.size.height / 2.0
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.size.height / 2.0
    }

    pub(super) fn left(&self) -> f64 {
        self.x - self.size.width / 2.0
    }

    pub(super) fn right(&self) -> f64 {
        self.x + self.size.width / 2.0
    }
}

pub(super) struct Layout {
    /// Of each node.
    pub(super) nodes: Vec<Place>,
    /// Of each edge: its label, then the places it passes by.
    pub(super) edges: Vec<Vec<Place>>,
    pub(super) size: Size,
}

/// Places the nodes and the labels of a graph, which have the given sizes.
pub(super) fn layout(graph: &Graph, nodes: &[Size], labels: &[Size]) -> Layout {
    let ranks = ranks(graph);
    let mut grid = Grid::default();
    for (size, rank) in nodes.iter().zip(&ranks) {
        grid.add(2 * rank, *size);
    }
    let mut paths = Vec::new();
    for (edge, label) in graph.edges.iter().zip(labels) {
        let (from, to) = (2 * ranks[edge.from], 2 * ranks[edge.to]);
        // Below the component that imports, as there may be many arrows above the one that is imported from.
        let between: Vec<usize> = match from < to {
            true => (from + 1..to).collect(),
            false => (to + 1..from).rev().collect(),
        };
        let sizes = [*label].into_iter().chain(std::iter::repeat(BEND));
        let path = between.into_iter().zip(sizes);
        let path: Vec<usize> = path.map(|(layer, size)| grid.add(layer, size)).collect();
        let mut stops = vec![edge.from];
        stops.extend(&path);
        stops.push(edge.to);
        stops
            .windows(2)
            .for_each(|pair| grid.link(pair[0], pair[1]));
        paths.push(path);
    }
    grid.order();
    let places = grid.places();
    let far = |edge: fn(&Place) -> f64| places.iter().map(edge).fold(0.0, f64::max);
    Layout {
        nodes: places[..nodes.len()].to_vec(),
        edges: paths
            .iter()
            .map(|path| path.iter().map(|item| places[*item]).collect())
            .collect(),
        size: Size {
            width: far(Place::right) + BESIDE,
            height: far(Place::bottom) + BELOW,
        },
    }
}

/// Where an arrow passes by.
const BEND: Size = Size {
    width: 8.0,
    height: 0.0,
};

/// The layer of each node: below all that have arrows to it. The host is at the bottom.
fn ranks(graph: &Graph) -> Vec<usize> {
    let mut ranks = vec![0; graph.nodes.len()];
    // In a circle there is no such order; it ends after as many rounds as there are nodes.
    for _ in &graph.nodes {
        for edge in graph.edges.iter().filter(|edge| edge.from != edge.to) {
            ranks[edge.to] = ranks[edge.to]
                .max(ranks[edge.from] + 1)
                .min(graph.nodes.len());
        }
    }
    let is_last = |kind| matches!(kind, Kind::Host | Kind::Stub | Kind::Missing);
    let others = ranks.iter().zip(&graph.nodes);
    let others = others.filter(|(_, node)| !is_last(node.kind));
    let last = others.map(|(rank, _)| rank + 1).max().unwrap_or_default();
    for (rank, node) in ranks.iter_mut().zip(&graph.nodes) {
        if is_last(node.kind) {
            *rank = last;
        }
    }
    // What drives a component stands right above it.
    for edge in &graph.edges {
        if graph.nodes[edge.from].kind == Kind::Driver {
            ranks[edge.from] = ranks[edge.to].saturating_sub(1);
        }
    }
    ranks
}

/// Places in layers, with the lines between them.
#[derive(Default)]
struct Grid {
    layers: Vec<Vec<usize>>,
    items: Vec<Item>,
}

struct Item {
    layer: usize,
    size: Size,
    above: Vec<usize>,
    below: Vec<usize>,
    x: f64,
}

impl Grid {
    fn add(&mut self, layer: usize, size: Size) -> usize {
        let index = self.items.len();
        if self.layers.len() <= layer {
            self.layers.resize(layer + 1, Vec::new());
        }
        self.layers[layer].push(index);
        self.items.push(Item {
            layer,
            size,
            above: Vec::new(),
            below: Vec::new(),
            x: 0.0,
        });
        index
    }

    fn link(&mut self, a: usize, b: usize) {
        let (above, below) = match self.items[a].layer <= self.items[b].layer {
            true => (a, b),
            false => (b, a),
        };
        self.items[above].below.push(below);
        self.items[below].above.push(above);
    }

    /// Orders each layer by where its neighbours are, down and up again, so that few lines cross.
    fn order(&mut self) {
        for sweep in 0..SWEEPS {
            for (layer, down) in passes(self.layers.len(), sweep) {
                let mut position = vec![0.0; self.items.len()];
                for layer in &self.layers {
                    // In parts of the layer: layers with many places are as wide as those with few.
                    let count = layer.len() as f64;
                    for (index, item) in layer.iter().enumerate() {
                        position[*item] = (index as f64 + 0.5) / count;
                    }
                }
                let mut order = std::mem::take(&mut self.layers[layer]);
                let key = |item: &usize| {
                    mean(self.neighbours(*item, down), |n| position[n]).unwrap_or(position[*item])
                };
                order.sort_by(|a, b| key(a).total_cmp(&key(b)));
                self.layers[layer] = order;
            }
        }
    }

    fn neighbours(&self, item: usize, down: bool) -> &[usize] {
        match down {
            true => &self.items[item].above,
            false => &self.items[item].below,
        }
    }

    /// Moves everything as close to its neighbours as the others in its layer allow.
    fn places(mut self) -> Vec<Place> {
        for layer in 0..self.layers.len() {
            self.place(layer, |_, _| 0.0);
        }
        for sweep in 0..SWEEPS {
            for (layer, down) in passes(self.layers.len(), sweep) {
                self.place(layer, |grid, item| {
                    mean(grid.neighbours(item, down), |n| grid.items[n].x)
                        .unwrap_or(grid.items[item].x)
                });
            }
        }
        let lefts = self.items.iter().map(|item| item.x - item.size.width / 2.0);
        let left = lefts.fold(f64::INFINITY, f64::min);
        let mut places = vec![
            Place {
                x: 0.0,
                y: 0.0,
                size: BEND,
                layer: 0.0,
            };
            self.items.len()
        ];
        let mut top = BELOW;
        for layer in &self.layers {
            let heights = layer.iter().map(|item| self.items[*item].size.height);
            let height = heights.fold(0.0, f64::max);
            for index in layer {
                let Item { x, mut size, .. } = self.items[*index];
                if size == BEND {
                    // Upright past the others of the layer.
                    size.height = height;
                }
                let x = x - left + BESIDE;
                places[*index] = Place {
                    x,
                    y: top + height / 2.0,
                    size,
                    layer: height,
                };
            }
            top += height + BELOW;
        }
        places
    }

    /// Places a layer: all of it as near as can be to where each place wants to be, in order and without overlaps.
    ///
    /// Pools neighbours that would overlap into blocks, and puts each block where its places want to be on average.
    fn place(&mut self, layer: usize, wish: impl Fn(&Self, usize) -> f64) {
        let mut offsets = Vec::new();
        let mut blocks: Vec<(f64, usize)> = Vec::new();
        let mut offset = 0.0;
        for (index, item) in self.layers[layer].iter().enumerate() {
            let width = self.items[*item].size.width;
            if index > 0 {
                offset += width / 2.0;
            }
            offsets.push(offset);
            let mut block = (wish(self, *item) - offset, 1);
            while let Some((wished, count)) = blocks.last().copied().filter(|b| b.0 > block.0) {
                let total = count + block.1;
                block = (
                    (wished * count as f64 + block.0 * block.1 as f64) / total as f64,
                    total,
                );
                blocks.pop();
            }
            blocks.push(block);
            offset += width / 2.0 + BESIDE;
        }
        let starts = blocks
            .into_iter()
            .flat_map(|(start, count)| std::iter::repeat_n(start, count));
        let places: Vec<f64> = starts.zip(offsets).map(|(a, b)| a + b).collect();
        for (item, x) in self.layers[layer].clone().into_iter().zip(places) {
            self.items[item].x = x;
        }
    }
}

/// The layers from the top with their neighbours above, or from the bottom with those below, in turns.
fn passes(layers: usize, sweep: usize) -> Vec<(usize, bool)> {
    match sweep % 2 {
        0 => (0..layers).map(|layer| (layer, true)).collect(),
        _ => (0..layers).rev().map(|layer| (layer, false)).collect(),
    }
}

fn mean(of: &[usize], value: impl Fn(usize) -> f64) -> Option<f64> {
    let sum: f64 = of.iter().map(|item| value(*item)).sum();
    (!of.is_empty()).then(|| sum / of.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::{Edge, Node};
    use super::*;

    /// A graph of members by number, without words.
    fn graph(nodes: usize, edges: &[(usize, usize)]) -> Graph {
        let node = |index: usize| Node {
            name: index.to_string(),
            detail: String::new(),
            kind: if index + 1 == nodes {
                Kind::Host
            } else {
                Kind::Member
            },
        };
        Graph {
            nodes: (0..nodes).map(node).collect(),
            edges: edges
                .iter()
                .map(|(from, to)| Edge {
                    from: *from,
                    to: *to,
                    lines: Vec::new(),
                })
                .collect(),
        }
    }

    fn place_all(graph: &Graph) -> Vec<Place> {
        let size = |width| Size {
            width,
            height: 20.0,
        };
        let layout = layout(
            graph,
            &vec![size(100.0); graph.nodes.len()],
            &vec![size(150.0); graph.edges.len()],
        );
        let labels = layout.edges.iter().filter_map(|path| path.first());
        layout.nodes.iter().chain(labels).copied().collect()
    }

    #[test]
    fn nothing_lies_on_top_of_anything() {
        let everyone: Vec<_> = (0..9)
            .flat_map(|a| (a + 1..10).map(move |b| (a, b)))
            .collect();
        for graph in [
            graph(1, &[]),
            graph(4, &[(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)]),
            graph(6, &[(0, 4), (1, 4), (2, 4), (3, 5)]),
            graph(10, &everyone),
            graph(3, &[(0, 1), (1, 0), (1, 2), (1, 1)]),
        ] {
            let places = place_all(&graph);
            for (index, a) in places.iter().enumerate() {
                for b in &places[index + 1..] {
                    let apart = a.right() <= b.left()
                        || b.right() <= a.left()
                        || a.bottom() <= b.top()
                        || b.bottom() <= a.top();
                    assert!(apart, "{a:?} and {b:?}");
                }
            }
        }
    }

    #[test]
    fn providers_are_below_and_the_host_is_at_the_bottom() {
        let graph = graph(4, &[(0, 1), (1, 2), (0, 3)]);
        let places = place_all(&graph);
        for edge in &graph.edges {
            assert!(places[edge.from].bottom() < places[edge.to].top());
        }
        assert!(places[..3].iter().all(|place| place.y <= places[3].y));
    }
}
