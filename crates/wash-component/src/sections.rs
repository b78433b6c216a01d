//! Core modules and components as rows of sections, for changes that leave the rest as it is.

use std::borrow::Cow;

use wasm_encoder::Encode;
use wasmparser::{BinaryReader, BinaryReaderError};

/// Magic, version and layer, which components and core modules begin with.
const PREAMBLE: usize = 8;

/// The same core module or component, with other contents of its sections.
pub(super) fn map_sections<'a, E: From<BinaryReaderError>>(
    bytes: &'a [u8],
    mut change: impl FnMut(u8, &'a [u8]) -> Result<Cow<'a, [u8]>, E>,
) -> Result<Vec<u8>, E> {
    let mut reader = BinaryReader::new(bytes, 0);
    let mut changed = reader.read_bytes(PREAMBLE)?.to_vec();
    while !reader.eof() {
        let (id, content) = section(&mut reader)?;
        changed.push(id);
        change(id, content)?.encode(&mut changed);
    }
    Ok(changed)
}

/// A section of a core module or component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) id: u8,
    pub(super) content: &'a [u8],
}

/// All sections, in their order.
pub(super) fn sections(bytes: &[u8]) -> Result<Vec<Section<'_>>, BinaryReaderError> {
    let mut reader = BinaryReader::new(bytes, 0);
    reader.read_bytes(PREAMBLE)?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let (id, content) = section(&mut reader)?;
        sections.push(Section { id, content });
    }
    Ok(sections)
}

/// The next section: its number and its content.
pub(super) fn section<'a>(
    reader: &mut BinaryReader<'a>,
) -> Result<(u8, &'a [u8]), BinaryReaderError> {
    let id = reader.read_u8()?;
    let size = reader.read_var_u32()?;
    Ok((id, reader.read_bytes(size as usize)?))
}
