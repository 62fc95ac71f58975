//! The one spelling in which texts of units are compared with the tables: no quotes around them, the parts of a
//! certificate's name in one order.

use crate::model::probing::ClueKind;

/// The form in which a text is matched.
pub(super) fn matched_text(kind: ClueKind, text: &str) -> String {
    match kind {
        ClueKind::CertSubject | ClueKind::CertIssuer => in_order(text),
        _ => unquoted(text).to_owned(),
    }
}

/// Without the quotes that some units put around their texts (facts §2.5).
pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .map_or(text, str::trim)
}

/// A certificate's name as the tables write it: `CN=…,OU=…,O=…,L=…,ST=…,C=…`. Libraries write the parts in either
/// order, with and without spaces. Commas inside a value are left out, so that no value looks like another part.
fn in_order(name: &str) -> String {
    const ORDER: [&str; 6] = ["CN", "OU", "O", "L", "ST", "C"];
    let mut parts: Vec<String> = Vec::new();
    for part in split_parts(name) {
        match (part.split_once('='), parts.last_mut()) {
            (Some((key, value)), _) => {
                parts.push(format!(
                    "{}={}",
                    key.trim().to_ascii_uppercase(),
                    value.trim()
                ));
            }
            // What followed a comma that was not marked as a part of the value.
            (None, Some(last)) => {
                last.push(' ');
                last.push_str(part.trim());
            }
            (None, None) => parts.push(part.trim().to_owned()),
        }
    }
    parts.sort_by_key(|part| {
        let key = part.split_once('=').map_or("", |(key, _)| key);
        ORDER
            .iter()
            .position(|known| *known == key)
            .unwrap_or(ORDER.len())
    });
    parts.join(",")
}

/// The parts between commas. A comma after a backslash belongs to the value and is left out, with the backslash; of
/// any other character only the backslash is.
fn split_parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        let kept = match c {
            ',' => {
                parts.push(String::new());
                continue;
            }
            '\\' => chars.next().filter(|escaped| *escaped != ','),
            c => Some(c),
        };
        if let Some(last) = parts.last_mut() {
            last.extend(kept);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_put_in_order() {
        let expected = "CN=avocent.com,OU=AESS,O=Avocent,L=Sunrise,ST=FL,C=US";
        for name in [
            expected,
            "C=US, ST=FL, L=Sunrise, O=Avocent, OU=AESS, CN=avocent.com",
            "c=US,st=FL,l=Sunrise,o=Avocent,ou=AESS,cn=avocent.com",
        ] {
            assert_eq!(in_order(name), expected, "{name}");
        }
        assert_eq!(in_order("O=Avocent, Inc., CN=x"), "CN=x,O=Avocent Inc.");
        assert_eq!(in_order("O=Avocent\\, Inc.,CN=x"), "CN=x,O=Avocent Inc.");
        assert_eq!(in_order("CN=x\\,O=Avocent"), "CN=xO=Avocent");
        assert_eq!(in_order("CN=x\\"), "CN=x");
        assert_eq!(in_order(""), "");
    }
}
