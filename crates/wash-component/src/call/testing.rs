//! What the unit tests of calls share.

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use super::catalog::Catalog;
use crate::Shape;

/// What can be called of a component of the world `member`.
pub(super) fn catalog(wit: &str) -> Catalog {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("case.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("member")).unwrap();
    let abi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
    let mut module = dummy_module(&resolve, world, abi);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().module(&module).unwrap();
    let bytes = encoder.validate(false).encode().unwrap();
    Catalog::of(&Shape::parse(&bytes).unwrap())
}
