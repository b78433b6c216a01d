//! Components made of nothing but a world.

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, UnresolvedPackageGroup};

/// A component of the world `member`, whose functions trap.
pub(crate) fn component(source: &str) -> anyhow::Result<Vec<u8>> {
    ComponentEncoder::default()
        .module(&module(source)?)?
        .encode()
}

/// The core module that such a component is made of.
pub(crate) fn module(source: &str) -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve {
        all_features: true,
        ..Resolve::default()
    };
    let package = resolve.push_group(
        UnresolvedPackageGroup::parse("case.wit", source)
            .map_err(|e| anyhow::anyhow!("{:?}", e.1))?,
    )?;
    let world = resolve.select_world(&[package], Some("member"))?;
    let mut module =
        wit_component::dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}
