//! The host name between bytes and text, in both directions. Its encoding is not documented.

/// Bytes as text when their encoding is unknown: UTF-8 if valid, else Latin-1, trimmed. What follows
/// a NUL is padding, so it has no say in that. `None` when nothing is left.
pub fn read(value: &[u8]) -> Option<String> {
    let value = match value.iter().position(|byte| *byte == 0) {
        Some(end) => &value[..end],
        None => value,
    };
    let name = match std::str::from_utf8(value) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => latin1(value),
    };
    (!name.is_empty()).then_some(name)
}

/// Trims before it allocates, and allocates once: every byte of Latin-1 is the character of the
/// same number, which takes two bytes from 0x80 on.
fn latin1(value: &[u8]) -> String {
    let is_text = |byte: &u8| !char::from(*byte).is_whitespace();
    let start = value.iter().position(is_text).unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(is_text)
        .map_or(start, |last| last + 1);
    let value = &value[start..end];
    let num_two_bytes = value.iter().filter(|byte| !byte.is_ascii()).count();
    let mut name = String::with_capacity(value.len() + num_two_bytes);
    name.extend(value.iter().copied().map(char::from));
    name
}

/// The part of a host name that a field can hold, cut between characters so that it stays UTF-8.
pub(super) fn write(name: &str) -> &[u8] {
    let end = name.floor_char_boundary(usize::from(u16::MAX));
    &name.as_bytes()[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_cut_trimmed_and_never_empty() {
        for (value, name) in [
            (&b"con-01"[..], Some("con-01")),
            (b"con-01\0\0\0\0", Some("con-01")),
            (b"con-01\0\xff\xfe", Some("con-01")),
            (b"  con-01\r\n", Some("con-01")),
            (b"k\xc3\xb6ln-7\0\xff", Some("köln-7")),
            (b"k\xf6ln-7", Some("köln-7")),
            (b"\xa0 k\xf6ln-7\xa0", Some("köln-7")),
            (b"\xa0\x85", None),
            (b"", None),
            (b"\0con-01", None),
            (b" \t ", None),
        ] {
            assert_eq!(read(value).as_deref(), name, "bytes {value:02x?}");
        }
    }
}
