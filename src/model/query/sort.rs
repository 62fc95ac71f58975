//! Puts rows in order: by value where a column has one, by text as people count otherwise (`con2` before `con10`).
//! What is not known comes last in both directions, and what is equal stands in the order of ids.

use super::Direction;
use super::cache::{Row, SortKey};
use crate::model::column::Column;
use crate::model::identity::ApplianceId;
use crate::model::snapshot::Slot;

/// The order in which the grid shows rows.
pub(super) fn order(
    found: &[(Slot, &Row)],
    sort: Option<(Column, Direction)>,
) -> Vec<(Slot, ApplianceId)> {
    match sort {
        None => by_id(found.iter().map(|(slot, row)| (*slot, row.id)).collect()),
        Some((column, direction)) => by_column(found, column, direction),
    }
}

fn by_id(mut rows: Vec<(Slot, ApplianceId)>) -> Vec<(Slot, ApplianceId)> {
    rows.sort_unstable_by_key(|(_, id)| *id);
    rows
}

fn by_column(
    found: &[(Slot, &Row)],
    column: Column,
    direction: Direction,
) -> Vec<(Slot, ApplianceId)> {
    let mut unknown = Vec::new();
    let mut numbers: Vec<(u64, ApplianceId, Slot)> = Vec::new();
    let mut texts = TextKeys::default();
    for &(slot, row) in found {
        match row.sort_key(column) {
            // Turned around here and not afterwards, so that equal values stay in the order of ids.
            SortKey::Number(number) => match direction {
                Direction::Ascending => numbers.push((number, row.id, slot)),
                Direction::Descending => numbers.push((!number, row.id, slot)),
            },
            SortKey::Text(text) => texts.push(text, row.id, slot),
            SortKey::Unknown => unknown.push((slot, row.id)),
        }
    }
    let mut rows = if texts.keys.is_empty() {
        numbers.sort_unstable();
        numbers
            .into_iter()
            .map(|(_, id, slot)| (slot, id))
            .collect()
    } else {
        texts.sorted(direction)
    };
    rows.append(&mut by_id(unknown));
    rows
}

/// How many bytes of a text are compared without looking it up.
const HEAD_BYTES: usize = 16;

/// Texts turned into bytes that compare as people count.
#[derive(Default)]
struct TextKeys {
    bytes: Vec<u8>,
    keys: Vec<TextKey>,
}

struct TextKey {
    /// The first bytes after what all texts begin with, so that most comparisons end here.
    head: u128,
    id: ApplianceId,
    slot: Slot,
    /// Where its bytes are.
    start: usize,
    len: usize,
}

impl TextKeys {
    fn push(&mut self, text: &str, id: ApplianceId, slot: Slot) {
        let start = self.bytes.len();
        write_natural(text, &mut self.bytes);
        self.keys.push(TextKey {
            head: 0,
            id,
            slot,
            start,
            len: self.bytes.len() - start,
        });
    }

    fn sorted(self, direction: Direction) -> Vec<(Slot, ApplianceId)> {
        let Self { bytes, mut keys } = self;
        let num_shared = num_shared_bytes(&bytes, &keys);
        for key in &mut keys {
            key.start += num_shared;
            key.len -= num_shared;
            let mut head = [0; HEAD_BYTES];
            let len = key.len.min(HEAD_BYTES);
            head[..len].copy_from_slice(&bytes[key.start..key.start + len]);
            key.head = u128::from_be_bytes(head);
        }
        let rest = |key: &TextKey| &bytes[key.start..key.start + key.len];
        let compare = |left: &TextKey, right: &TextKey| {
            left.head.cmp(&right.head).then_with(|| {
                if left.len.max(right.len) <= HEAD_BYTES {
                    left.len.cmp(&right.len)
                } else {
                    rest(left).cmp(rest(right))
                }
            })
        };
        keys.sort_unstable_by(|left, right| {
            let order = match direction {
                Direction::Ascending => compare(left, right),
                Direction::Descending => compare(right, left),
            };
            order.then_with(|| left.id.cmp(&right.id))
        });
        keys.into_iter().map(|key| (key.slot, key.id)).collect()
    }
}

/// How many bytes all keys begin with in common.
fn num_shared_bytes(bytes: &[u8], keys: &[TextKey]) -> usize {
    let key_bytes = |key: &TextKey| &bytes[key.start..key.start + key.len];
    let Some(first) = keys.first().map(key_bytes) else {
        return 0;
    };
    keys.iter().fold(first.len(), |num_shared, key| {
        let pairs = first[..num_shared].iter().zip(key_bytes(key));
        pairs.take_while(|(left, right)| left == right).count()
    })
}

/// Appends a text in lower case as bytes whose plain order is the order of people: a run of digits becomes `0`,
/// the number of its digits without leading zeros, and these. The `0` keeps numbers where digits stand among
/// letters and signs, and the count puts the longer number later.
fn write_natural(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if !byte.is_ascii_digit() {
            out.push(byte);
            rest = after;
            continue;
        }
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (run, after) = rest.split_at(len);
        let num_zeros = run.iter().take_while(|&&byte| byte == b'0').count();
        let digits = &run[num_zeros..];
        out.push(b'0');
        // A cell is shorter than 65,536 bytes.
        out.extend_from_slice(&(digits.len() as u16).to_be_bytes());
        out.extend_from_slice(digits);
        rest = after;
    }
}
