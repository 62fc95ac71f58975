//! Names looked for in any bytes: all of them at once, in one walk, whatever their case.

use std::collections::BTreeMap;

/// How many names are looked for. A unit has one or two; a hostile one must not make the search long.
pub(super) const NAMES_SEARCHED: usize = 200;

/// A shorter name is found everywhere by chance. In its own field it is masked all the same.
const MIN_NAME_BYTES: usize = 3;

/// No host name is longer.
const MAX_NAME_BYTES: usize = 255;

/// Where a letter leads.
#[derive(Debug, Default)]
struct Branch {
    next: BTreeMap<u8, usize>,
    /// The number of the name that ends here.
    ends: Option<u32>,
}

/// The names as a tree of their letters.
#[derive(Debug)]
pub(super) struct Needles {
    branches: Vec<Branch>,
    num_names: usize,
}

impl Needles {
    pub(super) fn new() -> Self {
        Self {
            branches: vec![Branch::default()],
            num_names: 0,
        }
    }

    /// Looks for this name from now on, as UTF-8 and as Latin-1.
    pub(super) fn add(&mut self, name: &str, number: u32) {
        if self.num_names >= NAMES_SEARCHED {
            return;
        }
        self.num_names += 1;
        self.add_bytes(name.bytes(), number);
        if !name.is_ascii() {
            let latin1: Option<Vec<u8>> = name.chars().map(|c| u8::try_from(c).ok()).collect();
            self.add_bytes(latin1.unwrap_or_default().into_iter(), number);
        }
    }

    fn add_bytes(&mut self, bytes: impl ExactSizeIterator<Item = u8>, number: u32) {
        if !(MIN_NAME_BYTES..=MAX_NAME_BYTES).contains(&bytes.len()) {
            return;
        }
        let mut at = 0;
        for byte in bytes {
            let next = self.branches.len();
            let branch = &mut self.branches[at];
            at = *branch.next.entry(byte.to_ascii_lowercase()).or_insert(next);
            if at == next {
                self.branches.push(Branch::default());
            }
        }
        self.branches[at].ends.get_or_insert(number);
    }

    /// The names in a text, the longest at each place, as (start, length, number).
    pub(super) fn find(&self, text: &[u8]) -> Vec<(usize, usize, u32)> {
        let mut found = Vec::new();
        let mut start = 0;
        while start < text.len() {
            match self.longest(&text[start..]) {
                Some((len, number)) => {
                    found.push((start, len, number));
                    start += len;
                }
                None => start += 1,
            }
        }
        found
    }

    fn longest(&self, text: &[u8]) -> Option<(usize, u32)> {
        let mut at = 0;
        let mut longest = None;
        for (idx, byte) in text.iter().enumerate() {
            let Some(next) = self.branches[at].next.get(&byte.to_ascii_lowercase()) else {
                break;
            };
            at = *next;
            if let Some(number) = self.branches[at].ends {
                longest = Some((idx + 1, number));
            }
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_is_found_in_any_case() {
        let mut needles = Needles::new();
        needles.add("con-1", 1);
        needles.add("con-1.example", 2);
        needles.add("köln", 3);
        needles.add("ab", 4);
        assert_eq!(
            needles.find(b"\0CON-1.example con-1, con-, ab"),
            [(1, 13, 2), (15, 5, 1)]
        );
        assert_eq!(needles.find("KöLN".as_bytes()), [(0, 5, 3)]);
        assert_eq!(needles.find(b"k\xf6ln"), [(0, 4, 3)]);
        assert_eq!(needles.find(b""), []);
    }
}
