//! Finds the function that a name is meant for.

use std::collections::HashMap;

use super::catalog::{Catalog, Function, Interface, Kind};
use super::rejected::Problem;

/// How much two names must resemble each other to be taken for one that was mistyped (0 to 1, Jaro-Winkler).
const RESEMBLANCE: f64 = 0.85;
/// Near misses that are told, at most.
const MAX: usize = 3;

/// How directly a name means a function; what comes first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// An export of the component has that very name.
    Export,
    Name,
    /// `counter.new` for the constructor of `counter`, which has no function `new`.
    Constructor,
}

/// The functions of a component by every name that they are known by.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(HashMap<String, Vec<(Rank, usize)>>);

impl Index {
    pub(super) fn of(functions: &[Function]) -> Self {
        let mut index = Self::default();
        for (place, function) in functions.iter().enumerate() {
            for (name, rank) in known_as(function) {
                index.0.entry(name).or_default().push((rank, place));
            }
        }
        for meant in index.0.values_mut() {
            meant.sort_unstable();
        }
        index
    }

    /// The functions that a name means equally well. Of several versions of one interface it is the newest.
    fn meant(&self, functions: &[Function], name: &str) -> Vec<usize> {
        let ranked = self.0.get(name).map_or(&[][..], Vec::as_slice);
        let best = ranked.iter().take_while(|(rank, _)| *rank == ranked[0].0);
        let mut best: Vec<usize> = best.map(|(_, place)| *place).collect();
        best.dedup();
        match newest(functions, &best) {
            Some(newest) => vec![newest],
            None => best,
        }
    }
}

/// Every name that means a function.
fn known_as(function: &Function) -> Vec<(String, Rank)> {
    let interface = &function.interface;
    let spellings = interface.iter().flat_map(Interface::spellings);
    let spellings: Vec<String> = spellings.collect();
    let within = |short: &str| {
        let marks = ['#', '.'].into_iter();
        let long =
            marks.flat_map(|mark| spellings.iter().map(move |s| format!("{s}{mark}{short}")));
        long.collect::<Vec<_>>()
    };
    let short = function.short();
    let mut names: Vec<(String, Rank)> = within(&short)
        .into_iter()
        .map(|name| (name, Rank::Name))
        .collect();
    if let Kind::Constructor { resource } = &function.kind {
        for new in ["new", "constructor"].map(|word| format!("{resource}.{word}")) {
            names.extend(
                within(&new)
                    .into_iter()
                    .map(|name| (name, Rank::Constructor)),
            );
            names.push((new, Rank::Constructor));
        }
    }
    let rank = match interface {
        None => Rank::Export,
        Some(_) => Rank::Name,
    };
    names.push((short, rank));
    names
}

/// The one of the newest version, if these are one function of several versions of one interface.
fn newest(functions: &[Function], several: &[usize]) -> Option<usize> {
    let name = |place: usize| functions[place].interface.as_ref()?.name.as_ref();
    let (first, others) = several.split_first()?;
    let path = name(*first)?.path();
    let same = |other: &usize| {
        functions[*other].name == functions[*first].name
            && name(*other).is_some_and(|name| name.path() == path)
    };
    let same = !others.is_empty() && others.iter().all(same);
    let newest = || {
        several
            .iter()
            .max_by_key(|place| name(**place).map(|n| &n.version))
    };
    same.then(newest)?.copied()
}

/// The index of the one function that a name is meant for.
pub(super) fn function(catalog: &Catalog, name: &str) -> Result<usize, Problem> {
    match catalog.index.meant(&catalog.functions, name).as_slice() {
        [] => Err(unknown(catalog, name)),
        [one] => Ok(*one),
        several => Err(Problem::Ambiguous {
            name: name.to_owned(),
            candidates: several
                .iter()
                .map(|index| spelling(catalog, *index))
                .collect(),
        }),
    }
}

/// The shortest name that means this function and no other.
pub(super) fn spelling(catalog: &Catalog, index: usize) -> String {
    let function = &catalog.functions[index];
    let short = function.short();
    let interfaces = function.interface.iter().flat_map(|i| i.spellings());
    let longer = interfaces.map(|interface| match interface.contains(['/', '@']) {
        true => format!("{interface}#{short}"),
        false => format!("{interface}.{short}"),
    });
    let mut spellings: Vec<_> = [short.clone()].into_iter().chain(longer).collect();
    let exact = spellings
        .iter()
        .position(|spelling| catalog.index.meant(&catalog.functions, spelling) == [index]);
    spellings.swap_remove(exact.unwrap_or(spellings.len() - 1))
}

fn unknown(catalog: &Catalog, name: &str) -> Problem {
    // What was typed may have an interface in front; what is compared first is the last part of it.
    let last = name.rsplit(['#', '.', '/']).next().unwrap_or(name);
    let scored = catalog
        .functions
        .iter()
        .enumerate()
        .map(|(index, function)| {
            let short = function.short();
            let tail = short.rsplit('.').next().unwrap_or(&short);
            let score = [(name, short.as_str()), (last, tail)]
                .map(|(typed, known)| resemblance(&typed.to_lowercase(), known));
            (score[0].max(score[1]), index)
        });
    let mut scored: Vec<_> = scored.filter(|(score, _)| *score >= RESEMBLANCE).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.truncate(MAX);
    Problem::Unknown {
        name: name.to_owned(),
        near: scored
            .iter()
            .map(|(_, index)| spelling(catalog, *index))
            .collect(),
    }
}

/// Jaro-Winkler has little to compare in short names: there, one wrong letter is a near miss.
fn resemblance(typed: &str, known: &str) -> f64 {
    let score = strsim::jaro_winkler(typed, known);
    let is_short = (3..=5).contains(&known.len());
    match is_short && strsim::osa_distance(typed, known) == 1 {
        true => score.max(RESEMBLANCE),
        false => score,
    }
}

/// Those of `names` that resemble `name`.
pub(super) fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let near = names.filter(|known| resemblance(name, known) >= RESEMBLANCE);
    near.take(MAX).map(str::to_owned).collect()
}
