//! Damages files in the ways that leave them interesting: by bits, by ranges, and by whole sections.

/// Files grow no larger than this.
const LARGEST: usize = 200 * 1024;

pub(crate) struct Mutator<'a> {
    state: u64,
    seeds: &'a [Vec<u8>],
}

impl<'a> Mutator<'a> {
    pub(crate) fn new(seed: u64, seeds: &'a [Vec<u8>]) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            seeds,
        }
    }

    /// The next damaged file.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        if self.below(20) == 0 {
            return self.noise();
        }
        let mut bytes = self.seed().to_vec();
        for _ in 0..=self.below(3) {
            match self.below(8) {
                0 => bytes.truncate(self.below(bytes.len() + 1)),
                1 => self.flip(&mut bytes),
                2 => self.overwrite(&mut bytes),
                3 => self.remove(&mut bytes),
                4 => self.repeat(&mut bytes),
                5 => self.splice(&mut bytes),
                _ => bytes = self.sections(&bytes),
            }
            bytes.truncate(LARGEST);
        }
        bytes
    }

    /// A number below `limit`, which is not 0: xorshift, for the same numbers everywhere.
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % limit.max(1) as u64) as usize
    }

    fn seed(&mut self) -> &'a [u8] {
        let which = self.below(self.seeds.len());
        &self.seeds[which]
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = (length - start).min(if self.below(4) == 0 { LARGEST } else { 16 });
        start..start + self.below(most + 1)
    }

    fn noise(&mut self) -> Vec<u8> {
        let mut bytes = match self.below(3) {
            0 => b"\0asm\x0d\0\x01\0".to_vec(),
            1 => b"\0asm\x01\0\0\0".to_vec(),
            _ => Vec::new(),
        };
        for _ in 0..self.below(300) {
            bytes.push(self.below(256) as u8);
        }
        bytes
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << self.below(8);
            }
        }
    }

    /// Writes numbers that are at the edge of something.
    fn overwrite(&mut self, bytes: &mut [u8]) {
        const EDGES: [&[u8]; 7] = [
            &[0],
            &[0x7f],
            &[0x80],
            &[0xff],
            &[0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0xff, 0xff, 0xff, 0xff, 0x07],
            &[0x80, 0x80, 0x04],
        ];
        let edge = EDGES[self.below(EDGES.len())];
        let at = self.below(bytes.len());
        for (byte, edge) in bytes.iter_mut().skip(at).zip(edge) {
            *byte = *edge;
        }
    }

    fn remove(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes.len());
        bytes.drain(range);
    }

    fn repeat(&mut self, bytes: &mut Vec<u8>) {
        let copy = bytes[self.range(bytes.len())].to_vec();
        let at = self.below(bytes.len() + 1);
        bytes.splice(at..at, copy);
    }

    fn splice(&mut self, bytes: &mut Vec<u8>) {
        let other = self.seed();
        let copy = other[self.range(other.len())].to_vec();
        let range = self.range(bytes.len());
        bytes.splice(range, copy);
    }

    /// Drops, repeats, moves or exchanges whole sections, or takes one from another file.
    fn sections(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some((header, mut parts)) = split(bytes) else {
            return bytes.to_vec();
        };
        let at = self.below(parts.len());
        match self.below(4) {
            0 if !parts.is_empty() => drop(parts.remove(at)),
            1 if !parts.is_empty() => parts.insert(self.below(parts.len() + 1), parts[at]),
            2 if !parts.is_empty() => {
                let other = self.below(parts.len());
                parts.swap(at, other);
            }
            _ => {
                if let Some((_, others)) = split(self.seed()).filter(|(_, o)| !o.is_empty()) {
                    let from = self.below(others.len());
                    parts.insert(at, others[from]);
                }
            }
        }
        [header]
            .into_iter()
            .chain(parts)
            .flatten()
            .copied()
            .collect()
    }
}

/// The header of a file and its sections, as far as they make sense.
fn split(bytes: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (header, mut rest) = bytes.split_at_checked(8)?;
    let mut parts = Vec::new();
    while let Some((size, width)) = rest.get(1..).and_then(number) {
        let Some((part, after)) = rest.split_at_checked(1 + width + size) else {
            break;
        };
        parts.push(part);
        rest = after;
    }
    Some((header, parts))
}

/// A number in LEB128, and how many bytes it takes.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}
