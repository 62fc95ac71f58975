//! The frame around a list of object ids, byte for byte (X.690, RFC 3416, RFC 3412). Reading is no business of this file.

use super::message::{Question, QuestionKind};

/// A message of v1 or v2c.
pub(super) fn write_plain(version: i64, community: &[u8], id: i32, question: &Question) -> Vec<u8> {
    let content = [
        integer(version),
        tlv(0x04, community),
        write_pdu(id, question),
    ];
    tlv(0x30, &content.concat())
}

/// A message of v3 at the level noAuthNoPriv.
pub(super) fn write_unsigned(engine_id: &[u8], id: i32, question: &Question) -> Vec<u8> {
    const REPORTABLE: u8 = 4;
    const USER_SECURITY_MODEL: i64 = 3;
    let header = [
        integer(i64::from(id)),
        // The largest datagram that can come.
        integer(65_507),
        tlv(0x04, &[REPORTABLE]),
        integer(USER_SECURITY_MODEL),
    ];
    let security = [
        tlv(0x04, engine_id),
        integer(0),
        integer(0),
        tlv(0x04, &[]),
        tlv(0x04, &[]),
        tlv(0x04, &[]),
    ];
    let scoped = [
        tlv(0x04, engine_id),
        tlv(0x04, &[]),
        write_pdu(id, question),
    ];
    let content = [
        integer(3),
        tlv(0x30, &header.concat()),
        tlv(0x04, &tlv(0x30, &security.concat())),
        tlv(0x30, &scoped.concat()),
    ];
    tlv(0x30, &content.concat())
}

fn write_pdu(id: i32, question: &Question) -> Vec<u8> {
    let (tag, repetitions) = match question.kind {
        QuestionKind::Get => (0xa0, 0),
        QuestionKind::GetNext => (0xa1, 0),
        QuestionKind::GetBulk(repetitions) => (0xa5, repetitions),
    };
    let names: Vec<u8> = question
        .oids
        .iter()
        .flat_map(|oid| tlv(0x30, &[tlv(0x06, &oid.encode()), vec![0x05, 0]].concat()))
        .collect();
    let content = [
        integer(i64::from(id)),
        integer(0),
        integer(i64::from(repetitions)),
        tlv(0x30, &names),
    ];
    tlv(tag, &content.concat())
}

/// A number, as BER writes it.
pub(super) fn integer(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let sign = if number < 0 { 0xff } else { 0 };
    // As short as it can be without a change of the sign.
    let skipped = bytes
        .windows(2)
        .take_while(|pair| pair[0] == sign && (pair[1] & 0x80) == (sign & 0x80))
        .count();
    tlv(0x02, &bytes[skipped..])
}

/// Any value, as BER writes it: its tag, its length, its content.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut whole = vec![tag];
    let len = content.len();
    if len < 128 {
        whole.push(len as u8);
    } else {
        let bytes = len.to_be_bytes();
        let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
        whole.push(0x80 | (bytes.len() - skipped) as u8);
        whole.extend_from_slice(&bytes[skipped..]);
    }
    whole.extend_from_slice(content);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_their_sign_allows() {
        for (number, bytes) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0, 128]),
            (-1, &[255]),
            (-129, &[255, 127]),
            (65_507, &[0, 255, 227]),
        ] {
            assert_eq!(integer(number), tlv(0x02, bytes), "{number}");
        }
        assert_eq!(tlv(0x04, &[7; 200])[..3], [0x04, 0x81, 200]);
        assert_eq!(tlv(0x04, &[7; 300])[..4], [0x04, 0x82, 1, 44]);
    }
}
