//! The options of pcapng blocks, one at a time: a block may hold millions of them, and none is kept that nobody asks for.
//! One that runs past its block is an error, where the crate's own lists end without a word.

use pcap_parser::{OptionCode, PcapError, parse_option_be, parse_option_le};

use crate::capture::error::Damage;

/// Reads the options in `bytes`, up to their end mark or the end.
pub(super) struct Options<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl<'a> Options<'a> {
    pub(super) const fn new(bytes: &'a [u8], is_big_endian: bool) -> Self {
        Self {
            bytes,
            is_big_endian,
        }
    }

    pub(super) const fn is_big_endian(&self) -> bool {
        self.is_big_endian
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<(OptionCode, &'a [u8]), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let &[code_0, code_1, len_0, len_1, ref rest @ ..] = self.bytes else {
            return None;
        };
        let parsed = if self.is_big_endian {
            parse_option_be::<PcapError<&[u8]>>(self.bytes)
        } else {
            parse_option_le::<PcapError<&[u8]>>(self.bytes)
        };
        let Ok((after, option)) = parsed else {
            let number = if self.is_big_endian {
                u16::from_be_bytes
            } else {
                u16::from_le_bytes
            };
            let len_bytes = number([len_0, len_1]);
            self.bytes = &[];
            return Some(Err(Damage::OptionOverrun {
                code: number([code_0, code_1]),
                len_bytes,
                over_bytes: usize::from(len_bytes).next_multiple_of(4) - rest.len(),
            }));
        };
        if option.code == OptionCode::EndOfOpt {
            self.bytes = &[];
            return None;
        }
        self.bytes = after;
        // Without the padding that the crate leaves on.
        let value = rest.get(..usize::from(option.len)).unwrap_or_default();
        Some(Ok((option.code, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], is_big_endian: bool) -> Vec<Result<(u16, Vec<u8>), Damage>> {
        Options::new(bytes, is_big_endian)
            .map(|option| option.map(|(code, value)| (code.0, value.to_vec())))
            .collect()
    }

    #[test]
    fn reads_up_to_the_end_mark_in_both_byte_orders() {
        let little = [
            1, 0, 3, 0, b'a', b'b', b'c', 0, 9, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 7,
        ];
        let wanted = vec![Ok((1, b"abc".to_vec())), Ok((9, vec![6]))];
        assert_eq!(read(&little, false), wanted);
        let big = [
            0, 1, 0, 3, b'a', b'b', b'c', 0, 0, 9, 0, 1, 6, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(read(&big, true), wanted);
        assert_eq!(
            read(&little[..16], false),
            wanted,
            "the end mark may be missing"
        );
    }

    #[test]
    fn an_option_past_its_block_is_an_error_and_the_last() {
        let overrun = Damage::OptionOverrun {
            code: 1,
            len_bytes: 9,
            over_bytes: 8,
        };
        assert_eq!(
            read(&[1, 0, 9, 0, 1, 2, 3, 4], false),
            vec![Err(overrun)],
            "9 bytes are padded to 12, 4 are there"
        );
    }
}
