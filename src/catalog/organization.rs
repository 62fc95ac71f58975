//! Who the IEEE gave a block of MACs to. The registry is a table of one megabyte, looked up where it lies: as a crate's
//! code it would be ten, of which the system copies a good part at every start.
//!
//! The table is made by `tests/mac_blocks.rs` from the crate oui-data, and held against it there. Numbers are
//! little-endian, prefixes big-endian and sorted:
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 × 4 | how many blocks of 24, 28 and 36 bits there are, and how many names |
//! | for each size | the prefixes, in 3, 4 or 5 bytes with the bits beyond them zero; then the number of each one's name in 2 bytes |
//! | 4 each | where each name ends |
//! | the rest | the names |

use crate::model::identity::Mac;

/// How old the registry of MAC blocks is: the day on which its crate, oui-data 0.2.4, was published with it. It holds
/// MA-L, MA-M, MA-S, CID and the older IAB, of 24, 28 and 36 bits.
pub const REGISTRY_DATE: &str = "2026-10-17";

const TABLE: &[u8] = include_bytes!("../../assets/catalog/mac-blocks.bin");

/// The sizes of blocks: how many bytes their prefixes take, and the bits that count in the last of these.
const SIZES: [(usize, u8); 3] = [(3, 0xff), (4, 0xf0), (5, 0xf0)];

/// Who the IEEE gave the smallest block to that the MAC is in, as of [`REGISTRY_DATE`]. `None` when nobody is listed, and
/// for MACs that are no unit's.
pub fn organization(mac: Mac) -> Option<&'static str> {
    if !mac.is_key() {
        return None;
    }
    look_up(TABLE, mac.octets())
}

fn look_up(table: &'static [u8], mac: [u8; 6]) -> Option<&'static str> {
    let number = |at: usize| {
        let bytes = table.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let num_names = number(12)?;
    let mut at = 16;
    let mut name = None;
    for (size_idx, (num_bytes, mask)) in SIZES.into_iter().enumerate() {
        let num_blocks = number(size_idx * 4)?;
        let prefixes = table.get(at..at + num_blocks * num_bytes)?;
        at += prefixes.len();
        let names = table.get(at..at + num_blocks * 2)?;
        at += names.len();
        let mut wanted = mac;
        wanted[num_bytes - 1] &= mask;
        if let Some(idx) = find(prefixes, &wanted[..num_bytes]) {
            // A smaller block is part of a greater one, and says more.
            name = names.get(idx * 2..idx * 2 + 2);
        }
    }
    let name = usize::from(u16::from_le_bytes(name?.try_into().ok()?));
    let texts = table.get(at + num_names * 4..)?;
    let end = number(at + name * 4)?;
    let begin = match name {
        0 => 0,
        name => number(at + (name - 1) * 4)?,
    };
    std::str::from_utf8(texts.get(begin..end)?).ok()
}

/// Where a prefix stands among sorted ones of the same length.
fn find(prefixes: &[u8], wanted: &[u8]) -> Option<usize> {
    let num_bytes = wanted.len();
    let (mut low, mut high) = (0, prefixes.len() / num_bytes);
    while low < high {
        let middle = usize::midpoint(low, high);
        let found = prefixes.get(middle * num_bytes..(middle + 1) * num_bytes)?;
        match found.cmp(wanted) {
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mac: &str, expected: Option<&str>) {
        let mac = Mac::parse(mac).expect("a MAC");
        assert_eq!(organization(mac), expected, "{mac}");
    }

    #[test]
    fn blocks_of_every_size_are_found() {
        check(
            "00:e0:86:12:34:56",
            Some("Emerson Network Power, Avocent Division"),
        );
        check("6c:5c:3d:2a:bc:de", Some("Vertiv Industrial Systems"));
        check("8c:1f:64:9b:21:00", Some("Emerson Rosemount Analytical"));
        check("00:50:c2:03:91:23", Some("Apex Signal Corp"));
        check(
            "c0:8f:20:00:00:01",
            Some("Shenzhen Skyworth Digital Technology CO., Ltd"),
        );
    }

    #[test]
    fn what_is_nobodys_has_no_organization() {
        check("00:00:00:00:00:00", None);
        check("ff:ff:ff:ff:ff:ff", None);
        check("02:42:ac:11:00:02", None);
    }

    #[test]
    fn a_table_that_is_cut_says_nothing_and_does_not_panic() {
        for len in (0..TABLE.len()).step_by(10_007) {
            look_up(&TABLE[..len], [0x00, 0xe0, 0x86, 0x12, 0x34, 0x56]);
        }
    }
}
