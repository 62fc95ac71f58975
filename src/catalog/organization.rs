//! Who the IEEE gave a block of MACs to.

use std::borrow::Cow;

use crate::model::identity::Mac;

/// How old the registry of MAC blocks is: the day on which its crate, oui-data 0.2.4, was published with it. It holds
/// MA-L, MA-M, MA-S, CID and the older IAB, of 24, 28 and 36 bits.
pub const REGISTRY_DATE: &str = "2026-10-17";

/// Blocks that the IEEE gave out in smaller parts, and did not give this part, stand under its own name.
const REGISTRAR: &str = "IEEE Registration Authority";

/// Who the IEEE gave the smallest block to that the MAC is in, as of [`REGISTRY_DATE`]. `None` when nobody is listed, and
/// for MACs that are no unit's.
pub fn organization(mac: Mac) -> Option<Cow<'static, str>> {
    if !mac.is_key() {
        return None;
    }
    let found = oui_data::lookup(&mac.to_string())?.organization().trim();
    if found.is_empty() || found == REGISTRAR {
        return None;
    }
    // The crate puts line breaks into some names, where the registry has two spaces.
    if found.contains(|c: char| c.is_whitespace() && c != ' ') {
        let words: Vec<_> = found.split_whitespace().collect();
        return Some(Cow::Owned(words.join(" ")));
    }
    Some(Cow::Borrowed(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mac: &str, expected: Option<&str>) {
        let mac = Mac::parse(mac).expect("a MAC");
        assert_eq!(organization(mac).as_deref(), expected, "{mac}");
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
}
