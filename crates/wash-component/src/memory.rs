//! A component whose linear memories stop growing at a limit: each declares it as its maximum.
//!
//! In a composition that is what holds one member to a limit of its own: all instances share a store, which sees a
//! memory grow and cannot tell whose it is.

use std::borrow::Cow;

use wasm_encoder::{ComponentSectionId, Encode, MemorySection, MemoryType, SectionId};
use wasmparser::{BinaryReader, BinaryReaderError, MemorySectionReader};

use super::sections::map_sections;

/// What a page has unless the memory says otherwise, as a power of two of bytes.
const PAGE: u32 = 16;

#[derive(Debug, thiserror::Error)]
pub enum MemoryLimitError {
    #[error("starts with {starts} bytes of memory, more than its limit of {limit}")]
    TooSmall { starts: u64, limit: u64 },
    #[error("is damaged")]
    Damaged(#[from] BinaryReaderError),
}

/// The component, each memory of which may hold `limit` bytes at most, or what it declares itself if that is less.
///
/// # Errors
///
/// When a memory is larger than that from the start, or the bytes are no component.
pub fn with_memory_limit(component: &[u8], limit: u64) -> Result<Vec<u8>, MemoryLimitError> {
    const CORE_MODULE: u8 = ComponentSectionId::CoreModule as u8;
    const COMPONENT: u8 = ComponentSectionId::Component as u8;
    map_sections(component, |id, content| match id {
        CORE_MODULE => Ok(Cow::Owned(limit_module(content, limit)?)),
        COMPONENT => Ok(Cow::Owned(with_memory_limit(content, limit)?)),
        _ => Ok(Cow::Borrowed(content)),
    })
}

fn limit_module(module: &[u8], limit: u64) -> Result<Vec<u8>, MemoryLimitError> {
    const MEMORIES: u8 = SectionId::Memory as u8;
    map_sections(module, |id, content| match id {
        MEMORIES => Ok(Cow::Owned(limit_memories(content, limit)?)),
        _ => Ok(Cow::Borrowed(content)),
    })
}

fn limit_memories(section: &[u8], limit: u64) -> Result<Vec<u8>, MemoryLimitError> {
    let mut limited = MemorySection::new();
    for memory in MemorySectionReader::new(BinaryReader::new(section, 0))? {
        let memory = memory?;
        let page = memory.page_size_log2.unwrap_or(PAGE);
        let most = limit.checked_shr(page).unwrap_or(0);
        if memory.initial > most {
            let starts = memory.initial.saturating_mul(1 << page.min(63));
            return Err(MemoryLimitError::TooSmall { starts, limit });
        }
        limited.memory(MemoryType {
            minimum: memory.initial,
            maximum: Some(memory.maximum.map_or(most, |own| own.min(most))),
            memory64: memory.memory64,
            shared: memory.shared,
            page_size_log2: memory.page_size_log2,
        });
    }
    // With its size in front, which whoever writes the section adds.
    let mut sized = Vec::new();
    limited.encode(&mut sized);
    let mut reader = BinaryReader::new(&sized, 0);
    reader.read_var_u32()?;
    let start = reader.original_position();
    Ok(sized.split_off(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(text: &str, limit: u64) -> Result<String, MemoryLimitError> {
        let component = wat::parse_str(text).unwrap();
        let limited = with_memory_limit(&component, limit)?;
        wasmparser::validate(&limited).unwrap();
        let mut memories = Vec::new();
        for payload in wasmparser::Parser::new(0).parse_all(&limited) {
            if let wasmparser::Payload::MemorySection(section) = payload.unwrap() {
                for memory in section {
                    let memory = memory.unwrap();
                    let most = memory.maximum.map_or("-".into(), |most| most.to_string());
                    memories.push(format!("{}-{most}", memory.initial));
                }
            }
        }
        Ok(memories.join(" "))
    }

    #[test]
    fn every_memory_has_a_maximum() {
        let component = r#"(component
            (core module (memory 1) (memory 1 2) (memory i64 1 900))
            (core module (import "a" "b" (memory 1)) (func (export "f")))
            (component (core module (memory 0) (data (i32.const 0) "x"))))"#;
        assert_eq!(limited(component, 4 << 16).unwrap(), "1-4 1-2 1-4 0-4");
    }

    #[test]
    fn parts_of_a_page_do_not_count() {
        let component = "(component (core module (memory 1)))";
        assert_eq!(limited(component, (3 << 16) - 1).unwrap(), "1-2");
    }

    #[test]
    fn a_memory_that_starts_above_the_limit_is_refused() {
        let component = "(component (core module (memory 3)))";
        let error = limited(component, 2 << 16).unwrap_err();
        let expected = "starts with 196608 bytes of memory, more than its limit of 131072";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_is_cut_off_is_told() {
        let component = wat::parse_str("(component (core module (memory 3)))").unwrap();
        for end in 0..component.len() {
            // A component may end after any section.
            let _ = with_memory_limit(&component[..end], 1 << 30);
        }
        assert!(with_memory_limit(&component[..20], 1 << 30).is_err());
    }
}
