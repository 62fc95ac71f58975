//! The table of MAC blocks, held against the crate that it is made from.
//!
//! To make it anew, after a new version of the crate: `cargo test --release --test mac_blocks -- --ignored`, then write
//! the date of that version into `src/catalog/organization.rs`.

use std::collections::BTreeMap;
use std::io::Write as _;

use rollcall::catalog::organization;
use rollcall::model::identity::Mac;

/// Blocks that the IEEE gave out in smaller parts, and did not give this part, stand under its own name.
const REGISTRAR: &str = "IEEE Registration Authority";

/// What the crate says of a prefix of exactly so many hex digits.
fn of_crate(prefix: &str) -> Option<String> {
    let found = oui_data::lookup(prefix)?;
    if found.oui().len() != prefix.len() {
        return None;
    }
    // The crate puts line breaks into some names, where the registry has two spaces.
    let words: Vec<&str> = found.organization().split_whitespace().collect();
    Some(words.join(" "))
}

/// What the crate says of a MAC.
fn of_mac(mac: Mac) -> Option<String> {
    let digits = mac.to_string().replace(':', "").to_uppercase();
    let found = [9, 7, 6]
        .into_iter()
        .find_map(|len| of_crate(&digits[..len]));
    found.filter(|name| !name.is_empty() && name != REGISTRAR)
}

#[test]
fn the_table_says_what_the_crate_says() {
    // Spread over all MACs that units may have, the same at every run, with every block of this field's makers.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut num_named = 0;
    for nth in 0..200_000_u32 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let [first, rest @ ..] = seed.to_be_bytes();
        let mut mac = [0; 6];
        mac[1..].copy_from_slice(&rest[..5]);
        // Many blocks begin with a zero; most of the others are nobody's.
        if nth % 2 == 1 {
            mac[0] = first & 0xfc;
        }
        let mac = Mac::new(mac);
        let expected = of_mac(mac).filter(|_| mac.is_key());
        num_named += usize::from(expected.is_some());
        assert_eq!(organization(mac), expected.as_deref(), "{mac}");
    }
    assert!(num_named > 10_000, "only {num_named} had a name");
    for text in [
        "00:e0:86", "00:60:2e", "00:02:99", "00:80:7d", "14:4f:d7", "6c:5c:3d", "00:50:c2",
        "8c:1f:64",
    ] {
        for last in 0..=255 {
            for other in [0, 0x10, 0x29, 0x9b, 0xf0] {
                let mac = Mac::parse(&format!("{text}:{last:02x}:{other:02x}:00")).expect("a MAC");
                assert_eq!(organization(mac), of_mac(mac).as_deref(), "{mac}");
            }
        }
    }
}

/// A block: its prefix in whole bytes, and whose it is.
type Blocks = BTreeMap<Vec<u8>, String>;

fn bytes_of(prefix: &str) -> Vec<u8> {
    let even = if prefix.len().is_multiple_of(2) {
        prefix.to_owned()
    } else {
        format!("{prefix}0")
    };
    (0..even.len() / 2)
        .map(|idx| u8::from_str_radix(&even[idx * 2..idx * 2 + 2], 16).expect("hex digits"))
        .collect()
}

#[test]
#[ignore = "makes assets/catalog/mac-blocks.bin anew; takes a minute in a release build"]
fn the_table_is_made() {
    let mut sizes: [Blocks; 3] = Default::default();
    for prefix in 0..1_u32 << 24 {
        let digits = format!("{prefix:06X}");
        let Some(name) = of_crate(&digits) else {
            continue;
        };
        if name == REGISTRAR {
            for part in 0..16 {
                let digits = format!("{digits}{part:X}");
                if let Some(name) = of_crate(&digits) {
                    sizes[1].insert(bytes_of(&digits), name);
                }
            }
            for part in 0..4_096 {
                let digits = format!("{digits}{part:03X}");
                if let Some(name) = of_crate(&digits) {
                    sizes[2].insert(bytes_of(&digits), name);
                }
            }
        } else {
            sizes[0].insert(bytes_of(&digits), name);
        }
    }
    for blocks in &mut sizes {
        blocks.retain(|_, name| !name.is_empty() && name != REGISTRAR);
    }
    let mut names: Vec<&String> = sizes.iter().flat_map(BTreeMap::values).collect();
    names.sort_unstable();
    names.dedup();
    let number_of = |name: &String| {
        let idx = names.binary_search(&name).expect("it is among them");
        u16::try_from(idx).expect("names fit into two bytes")
    };
    let mut table = Vec::new();
    let count = |count: usize| u32::try_from(count).expect("a few thousand").to_le_bytes();
    for blocks in &sizes {
        table.extend(count(blocks.len()));
    }
    table.extend(count(names.len()));
    for blocks in &sizes {
        table.extend(blocks.keys().flatten());
        table.extend(
            blocks
                .values()
                .flat_map(|name| number_of(name).to_le_bytes()),
        );
    }
    let mut end = 0;
    for name in &names {
        end += name.len();
        table.extend(count(end));
    }
    table.extend(names.iter().flat_map(|name| name.bytes()));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/catalog/mac-blocks.bin");
    let mut file = std::fs::File::create(path).expect("the folder can be written to");
    file.write_all(&table).expect("it can be written");
}
