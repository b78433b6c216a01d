//! Takes the data out of a core module: what an edit of a script changes goes one way, the interpreter another.
//!
//! The memory goes with the data, into a module that has nothing else, so that instances still get it as a copy-on-write
//! image. The code imports it. Data is in place before any of the code runs, start functions included, as it was before.

use std::borrow::Cow;

use wasm_encoder::{
    ConstExpr, DataSection, Encode, EntityType, ExportKind, ExportSection, Module, RawSection,
    SectionId,
};
use wasmparser::{
    BinaryReader, CodeSectionReader, Data, DataKind, DataSectionReader, FunctionBody,
    ImportSectionReader, MemorySectionReader, MemoryType, Operator, TypeRef,
};

use crate::sections::{Section, sections};

/// What the code imports its memory as.
pub(super) const MEMORY_MODULE: &str = "unbundled-data";
pub(super) const MEMORY: &str = "memory";

/// Neighbours with fewer bytes between them become one segment: memory is zero where nothing was written.
const GAP: u64 = 256;

/// A core module in two.
pub(super) struct Split {
    /// Everything but the memory and the data. Imports the memory.
    pub(super) code: Vec<u8>,
    /// Exports the memory, as [`MEMORY`], with the data in it. Imports nothing.
    pub(super) data: Vec<u8>,
}

/// Divides a core module into code and data. `None` where that could make a difference to what runs, where there is nothing to
/// take out, and where the module is damaged.
pub(super) fn split(module: &[u8]) -> Option<Split> {
    let sections = sections(module).ok()?;
    let content = |id: SectionId| {
        let section = sections.iter().find(|section| section.id == id as u8);
        section.map(|section| section.content)
    };
    let memories = content(SectionId::Memory)?;
    let memory = only_memory(memories)?;
    let segments = segments(content(SectionId::Data)?, memory)?;
    // A module without this section cannot name segments.
    if content(SectionId::DataCount).is_some() && names_segments(content(SectionId::Code)?) {
        return None;
    }
    let imports = match content(SectionId::Import) {
        Some(imports) => with_memory(imports, memory)?,
        None => [&[1], memory_import(memory).as_slice()].concat(),
    };
    Some(Split {
        code: code(&sections, &imports),
        data: data(memories, memory, segments),
    })
}

/// The memory of a module that has one.
fn only_memory(memories: &[u8]) -> Option<MemoryType> {
    let memories = MemorySectionReader::new(BinaryReader::new(memories, 0)).ok()?;
    let mut memories = memories.into_iter();
    let memory = memories.next()?.ok()?;
    (memories.next().is_none() && !memory.shared).then_some(memory)
}

/// Where data goes, and the data.
type Segment<'a> = (u64, Cow<'a, [u8]>);

/// The segments in their order. `None` if one is not simply copied to a place that is certain, or would trap.
fn segments(data: &[u8], memory: MemoryType) -> Option<Vec<Segment<'_>>> {
    let page = 1_u64.checked_shl(memory.page_size_log2.unwrap_or(16))?;
    let size = memory.initial.checked_mul(page)?;
    let mut merged: Vec<Segment<'_>> = Vec::new();
    // Of what was written so far. Beyond it there are zeros.
    let mut furthest = 0;
    for segment in DataSectionReader::new(BinaryReader::new(data, 0)).ok()? {
        let segment = segment.ok()?;
        let start = place(&segment)?;
        let end = start.checked_add(segment.data.len() as u64)?;
        if end > size {
            return None;
        }
        if segment.data.is_empty() {
            continue;
        }
        match merged.last_mut() {
            Some((last, bytes))
                if *last + bytes.len() as u64 == furthest
                    && (furthest..furthest + GAP).contains(&start) =>
            {
                let bytes = bytes.to_mut();
                bytes.resize((start - *last) as usize, 0);
                bytes.extend_from_slice(segment.data);
            }
            _ => merged.push((start, Cow::Borrowed(segment.data))),
        }
        furthest = furthest.max(end);
    }
    (!merged.is_empty()).then_some(merged)
}

/// Where a segment goes, if that is a constant.
fn place(segment: &Data<'_>) -> Option<u64> {
    let DataKind::Active {
        memory_index: 0,
        offset_expr,
    } = &segment.kind
    else {
        return None;
    };
    let mut operators = offset_expr.get_operators_reader();
    let place = match operators.read().ok()? {
        Operator::I32Const { value } => u64::from(value.cast_unsigned()),
        Operator::I64Const { value } => value.cast_unsigned(),
        _ => return None,
    };
    let is_all = matches!(operators.read(), Ok(Operator::End)) && operators.eof();
    is_all.then_some(place)
}

/// Whether any function uses segments by their numbers. Damaged ones count as such.
fn names_segments(code: &[u8]) -> bool {
    let functions = match CodeSectionReader::new(BinaryReader::new(code, 0)) {
        Ok(functions) => functions,
        Err(_) => return true,
    };
    let mut functions = functions.into_iter();
    functions.any(|function| match function {
        // Reading all operators takes long: look for what could be one first.
        Ok(function) => {
            may_name_segments(function.as_bytes())
                && function_names_segments(&function).unwrap_or(true)
        }
        Err(_) => true,
    })
}

fn may_name_segments(function: &[u8]) -> bool {
    const MISC: u8 = 0xfc;
    const GC: u8 = 0xfb;
    memchr::memchr2_iter(MISC, GC, function).any(|place| {
        // The number may be encoded longer than necessary, which the highest bit says.
        let number = function.get(place + 1).map(|number| number & 0x7f);
        match function[place] {
            MISC => matches!(number, Some(0x08 | 0x09)),
            _ => matches!(number, Some(0x09 | 0x12)),
        }
    })
}

fn function_names_segments(function: &FunctionBody<'_>) -> wasmparser::Result<bool> {
    let mut operators = function.get_operators_reader()?;
    while !operators.eof() {
        if let Operator::MemoryInit { .. }
        | Operator::DataDrop { .. }
        | Operator::ArrayNewData { .. }
        | Operator::ArrayInitData { .. } = operators.read()?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An import of the memory. It says as little as it must for the code to compile, so that the code stays the same where only
/// the size of its memory differs.
fn memory_import(memory: MemoryType) -> Vec<u8> {
    let ty = wasm_encoder::MemoryType {
        minimum: 0,
        maximum: None,
        ..memory.into()
    };
    let mut import = Vec::new();
    MEMORY_MODULE.encode(&mut import);
    MEMORY.encode(&mut import);
    EntityType::Memory(ty).encode(&mut import);
    import
}

/// The content of an import section with the memory in front of what it has. `None` if there is another memory in it, or one
/// of the same name.
fn with_memory(imports: &[u8], memory: MemoryType) -> Option<Vec<u8>> {
    let reader = ImportSectionReader::new(BinaryReader::new(imports, 0)).ok()?;
    for import in reader.into_imports() {
        let import = import.ok()?;
        if import.module == MEMORY_MODULE || matches!(import.ty, TypeRef::Memory(_)) {
            return None;
        }
    }
    let mut others = BinaryReader::new(imports, 0);
    let mut content = Vec::new();
    others
        .read_var_u32()
        .ok()?
        .checked_add(1)?
        .encode(&mut content);
    content.extend(memory_import(memory));
    content.extend(&imports[others.original_position()..]);
    Some(content)
}

/// A module without its memory and data, and with other imports.
fn code(sections: &[Section<'_>], imports: &[u8]) -> Vec<u8> {
    const CUSTOM: u8 = SectionId::Custom as u8;
    const TYPE: u8 = SectionId::Type as u8;
    const IMPORT: u8 = SectionId::Import as u8;
    const MEMORY: u8 = SectionId::Memory as u8;
    const DATA: u8 = SectionId::Data as u8;
    const DATA_COUNT: u8 = SectionId::DataCount as u8;
    let mut code = Module::new();
    let mut imports = Some(RawSection {
        id: IMPORT,
        data: imports,
    });
    for &Section { id, content: data } in sections {
        // Imports come after types and before everything else.
        if !matches!(id, CUSTOM | TYPE)
            && let Some(imports) = imports.take()
        {
            code.section(&imports);
        }
        if !matches!(id, IMPORT | MEMORY | DATA | DATA_COUNT) {
            code.section(&RawSection { id, data });
        }
    }
    code.finish()
}

fn data(memories: &[u8], memory: MemoryType, segments: Vec<Segment<'_>>) -> Vec<u8> {
    let mut exports = ExportSection::new();
    exports.export(MEMORY, ExportKind::Memory, 0);
    // In the only memory.
    const ACTIVE: u8 = 0;
    let mut data = DataSection::new();
    for (start, bytes) in segments {
        let place = match memory.memory64 {
            true => ConstExpr::i64_const(start.cast_signed()),
            // In bounds of a memory of this kind.
            false => ConstExpr::i32_const((start as u32).cast_signed()),
        };
        let mut segment = vec![ACTIVE];
        place.encode(&mut segment);
        bytes.encode(&mut segment);
        data.raw(&segment);
    }
    let mut module = Module::new();
    module.section(&RawSection {
        id: SectionId::Memory.into(),
        data: memories,
    });
    module.section(&exports);
    module.section(&data);
    module.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the segments are that a module's data becomes, and how long.
    fn merged(segments: &str) -> Vec<(u64, usize)> {
        let module = wat::parse_str(format!("(module (memory 1) {segments})")).unwrap();
        let data = split(&module).unwrap().data;
        wasmparser::validate(&data).unwrap();
        let sections = sections(&data).unwrap();
        let section = sections.iter().find(|section| section.id == 11).unwrap();
        let segments = DataSectionReader::new(BinaryReader::new(section.content, 0)).unwrap();
        let segments = segments.into_iter().map(Result::unwrap);
        let segments = segments.map(|segment| (place(&segment).unwrap(), segment.data.len()));
        segments.collect()
    }

    #[test]
    fn neighbours_become_one_segment() {
        let text = r#"(data (i32.const 0) "a") (data (i32.const 256) "bc") (data (i32.const 258) "d")
            (data (i32.const 600) "e") (data (i32.const 601) "")"#;
        assert_eq!(merged(text), [(0, 259), (600, 1)]);
    }

    #[test]
    fn nothing_is_filled_where_there_may_be_something() {
        let text = r#"(data (i32.const 10) "a") (data (i32.const 0) "bc") (data (i32.const 5) "d")
            (data (i32.const 11) "e")"#;
        assert_eq!(merged(text), [(10, 1), (0, 2), (5, 1), (11, 1)]);
        let overlapping =
            r#"(data (i32.const 0) "abc") (data (i32.const 2) "de") (data (i32.const 5) "f")"#;
        assert_eq!(merged(overlapping), [(0, 3), (2, 4)]);
    }
}
