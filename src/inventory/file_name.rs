//! The name that an export proposes: site and date, safe on every system.

use jiff::civil::Date;

use super::Format;

/// How long the site's part may be: leaves room under the 255 bytes of the usual file systems.
const SITE_MAX_BYTES: usize = 120;

/// Names that Windows keeps for its devices, whatever the ending.
const RESERVED: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The name that an export proposes: `Hall 4 inventory 2026-11-22.csv`.
pub fn default_file_name(site: &str, date: Date, format: Format) -> String {
    let site = safe(site);
    let gap = if site.is_empty() { "" } else { " " };
    format!("{site}{gap}inventory {date}.{}", format.extension())
}

/// The site's name without anything that a file system, a shell or a reader's eye would stumble over.
fn safe(site: &str) -> String {
    let mut name = String::new();
    for c in site.chars() {
        let c = if is_forbidden(c) { '-' } else { c };
        if name.len() + c.len_utf8() > SITE_MAX_BYTES {
            break;
        }
        name.push(c);
    }
    // Windows drops dots and spaces at the end, and a dot in front hides a file elsewhere.
    let name = name.trim_matches([' ', '.', '-', '~']);
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    if is_reserved(stem) {
        format!("_{name}")
    } else {
        name.to_owned()
    }
}

fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*')
        || super::is_invisible(c)
}

fn is_reserved(stem: &str) -> bool {
    let stem = stem.to_uppercase();
    let mut chars = stem.chars();
    let numbered = stem.chars().count() == 4
        && (stem.starts_with("COM") || stem.starts_with("LPT"))
        && chars
            .next_back()
            .is_some_and(|last| last.is_ascii_digit() || matches!(last, '¹' | '²' | '³'));
    numbered || RESERVED.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proposed_name_is_safe_everywhere() {
        let date = jiff::civil::date(2026, 11, 22);
        for (site, expected) in [
            ("Hall 4", "Hall 4 inventory 2026-11-22.csv"),
            ("", "inventory 2026-11-22.csv"),
            ("../../etc/passwd", "etc-passwd inventory 2026-11-22.csv"),
            ("a<b>:\"|?*\0c", "a-b-------c inventory 2026-11-22.csv"),
            ("con.north", "_con.north inventory 2026-11-22.csv"),
            ("COM1", "_COM1 inventory 2026-11-22.csv"),
            (
                "evil\u{202e}vsc.exe",
                "evil-vsc.exe inventory 2026-11-22.csv",
            ),
            (" . ", "inventory 2026-11-22.csv"),
            ("München", "München inventory 2026-11-22.csv"),
        ] {
            assert_eq!(default_file_name(site, date, Format::Csv), expected);
        }
        let long = default_file_name(&"ü".repeat(500), date, Format::Json);
        assert!(long.len() < 160, "{} bytes are too many", long.len());
        assert_eq!(
            long.rsplit_once('.').map(|(_, ending)| ending),
            Some("json")
        );
    }
}
