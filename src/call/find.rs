//! Finds the function that a name is meant for.

use super::catalog::{Catalog, Function, Kind};
use super::rejected::Problem;

/// How much two names must resemble each other to be taken for one that was mistyped (0 to 1, Jaro-Winkler).
const RESEMBLANCE: f64 = 0.85;
/// Near misses that are told, at most.
const MOST: usize = 3;

/// How directly a name means a function; what comes first wins.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// An export of the component has that very name.
    Export,
    Name,
    /// `counter.new` for the constructor of `counter`, which has no function `new`.
    Constructor,
}

/// The index of the one function that a name is meant for.
pub(super) fn function(catalog: &Catalog, name: &str) -> Result<usize, Problem> {
    let ranked = catalog.functions.iter().enumerate();
    let ranked = ranked.filter_map(|(index, function)| Some((rank(function, name)?, index)));
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort();
    let best = ranked.iter().take_while(|(rank, _)| *rank == ranked[0].0);
    match best.map(|(_, index)| *index).collect::<Vec<_>>().as_slice() {
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

fn rank(function: &Function, name: &str) -> Option<Rank> {
    let is_meant = |short: &str| match &function.interface {
        _ if short == name => true,
        None => false,
        Some(interface) => interface.spellings().iter().any(|spelling| {
            let rest = name.strip_prefix(spelling.as_str());
            rest.is_some_and(|rest| rest.strip_prefix(['#', '.']) == Some(short))
        }),
    };
    let short = function.short();
    if short == name && function.interface.is_none() {
        return Some(Rank::Export);
    }
    if is_meant(&short) {
        return Some(Rank::Name);
    }
    match &function.kind {
        Kind::Constructor { resource } => {
            let new = ["new", "constructor"].map(|word| format!("{resource}.{word}"));
            new.iter()
                .any(|new| is_meant(new))
                .then_some(Rank::Constructor)
        }
        _ => None,
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
    let exact = spellings.iter().position(|spelling| {
        let meant = catalog.functions.iter().enumerate();
        let mut meant = meant
            .filter_map(|(i, f)| Some((rank(f, spelling)?, i)))
            .collect::<Vec<_>>();
        meant.sort();
        let first = meant.first().map(|(rank, _)| rank);
        let same = meant.iter().filter(|(rank, _)| Some(rank) == first).count();
        same == 1 && meant[0].1 == index
    });
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
    scored.truncate(MOST);
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
    near.take(MOST).map(str::to_owned).collect()
}
