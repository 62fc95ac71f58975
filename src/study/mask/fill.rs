//! What stands in the place of something that is masked: always as long as it was.

/// Writes a label with a number over `slots`: `unit-1xxx`. Where that does not fit, the number alone, cut from the left.
pub(super) fn label(slots: &mut [&mut u8], word: &str, number: u32) {
    let mut text = format!("{word}-{number}");
    if text.len() > slots.len() {
        text = base36(number, slots.len());
    }
    let padded = text.bytes().chain(std::iter::repeat(b'x'));
    for (slot, byte) in slots.iter_mut().zip(padded) {
        **slot = byte;
    }
}

/// The number in so many digits.
fn base36(number: u32, num_digits: usize) -> String {
    let mut left = number;
    let mut digits: Vec<char> = (0..num_digits)
        .map(|_| {
            let digit = char::from_digit(left % 36, 36).unwrap_or('0');
            left /= 36;
            digit
        })
        .collect();
    digits.reverse();
    digits.into_iter().collect()
}

/// Writes a label over a name. What the bytes tell of their encoding stays: ASCII stays ASCII, UTF-8 stays UTF-8 and what
/// is neither stays so; blanks stay where they are.
pub(super) fn name(bytes: &mut [u8], word: &str, number: u32) {
    let stays = match std::str::from_utf8(bytes) {
        Ok(text) => text_outside_ascii(text),
        Err(_) => latin1_outside_ascii(bytes),
    };
    for (pos, replaced) in &stays {
        bytes[*pos..*pos + replaced.len()].copy_from_slice(replaced);
    }
    let mut is_free = vec![true; bytes.len()];
    for (pos, replaced) in &stays {
        is_free[*pos..*pos + replaced.len()].fill(false);
    }
    let mut slots: Vec<&mut u8> = bytes
        .iter_mut()
        .zip(is_free)
        .filter_map(|(byte, is_free)| is_free.then_some(byte))
        .collect();
    label(&mut slots, word, number);
}

/// What no label is written over: blanks as they are, and a fixed letter of the same length for every other one.
fn text_outside_ascii(text: &str) -> Vec<(usize, Vec<u8>)> {
    text.char_indices()
        .filter(|(_, c)| !c.is_ascii() || c.is_whitespace())
        .map(|(pos, c)| {
            let replaced = match c.len_utf8() {
                _ if c.is_whitespace() => c,
                2 => 'ü',
                3 => '€',
                _ => '𝄞',
            };
            (pos, replaced.to_string().into_bytes())
        })
        .collect()
}

/// The same for Latin-1. The letter that is written can be no part of UTF-8.
fn latin1_outside_ascii(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    const LETTER: u8 = 0xFC;
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| !byte.is_ascii() || char::from(**byte).is_whitespace())
        .map(|(pos, byte)| {
            let is_blank = char::from(*byte).is_whitespace();
            (pos, vec![if is_blank { *byte } else { LETTER }])
        })
        .collect()
}

/// Writes a number over a value of an odd length, behind what is kept of it.
pub(super) fn odd(bytes: &mut [u8], num_kept: usize, number: u32) {
    let rest = bytes.get_mut(num_kept..).unwrap_or_default();
    let octets = number.to_be_bytes();
    let num_octets = rest.len().min(octets.len());
    let (zeros, last) = rest.split_at_mut(rest.len() - num_octets);
    zeros.fill(0);
    last.copy_from_slice(&octets[octets.len() - num_octets..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_length_its_blanks_and_its_encoding() {
        for (bytes, expected) in [
            (&b"fra2-r07-kvm1"[..], &b"unit-1xxxxxxx"[..]),
            (b"fra2 r07", b"unit -1x"),
            (b"abc", b"001"),
            (b"a", b"1"),
            (b"", b""),
            ("köln-7".as_bytes(), "0ü0001".as_bytes()),
            ("köln-rack".as_bytes(), "uünit-1xx".as_bytes()),
            (b"k\xf6ln-rack", b"u\xfcnit-1xx"),
            (b"\xa0k\xf6ln", b"\xa00\xfc01"),
        ] {
            let mut masked = bytes.to_vec();
            name(&mut masked, "unit", 1);
            assert_eq!(
                masked.escape_ascii().to_string(),
                expected.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn values_of_odd_lengths_keep_what_is_kept() {
        for (len, num_kept, expected) in [
            (8, 3, vec![9, 9, 9, 0, 0, 0, 1, 2]),
            (5, 3, vec![9, 9, 9, 1, 2]),
            (4, 3, vec![9, 9, 9, 2]),
            (2, 3, vec![9, 9]),
            (5, 0, vec![0, 0, 0, 1, 2]),
        ] {
            let mut bytes = vec![9; len];
            odd(&mut bytes, num_kept, 0x0102);
            assert_eq!(bytes, expected);
        }
    }
}
