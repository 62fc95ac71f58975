//! Tables, walked column by column side by side. Whatever a unit answers, a walk ends: every answer must bring a row
//! further than the last, and there is an end to the rows.

use super::message::{Question, QuestionKind, Reply, Voice};
use super::talk::Talk;
use super::values::{Oid, Value};

/// Rows in one answer: with the five columns of the serial ports, some 1,300 bytes, which are not cut into fragments on
/// the way.
const ROWS_AT_ONCE: u32 = 10;

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table<'table> {
    /// Its entry: the columns are below it.
    pub(super) entry: Oid,
    /// The columns that are wanted.
    pub(super) columns: &'table [u32],
    /// How many rows at most.
    pub(super) max_rows: usize,
}

/// So many questions of a column in a row may be lost before the rest of it is given up.
const MAX_LOST: u32 = 2;

/// How far a column is.
#[derive(Clone, Debug)]
struct Column {
    number: u32,
    root: Oid,
    last: Oid,
    num_rows: usize,
    num_lost: u32,
    is_done: bool,
}

/// Walks a table and gives every cell as it comes: column, index, name, value. Whether it came to the end of the table,
/// or to the most rows that are wanted; otherwise rows are missing since the unit did not answer.
pub(super) async fn walk(
    talk: &mut Talk,
    voice: &mut Voice,
    table: &Table<'_>,
    mut on_cell: impl FnMut(u32, &[u32], &Oid, &Value),
) -> bool {
    let mut columns: Vec<Column> = table
        .columns
        .iter()
        .map(|&number| {
            let root = table.entry.below(&[number]);
            Column {
                number,
                last: root.clone(),
                root,
                num_rows: 0,
                num_lost: 0,
                is_done: false,
            }
        })
        .collect();
    let mut has_bulk = voice.has_bulk();
    // Several columns in one question; apart once the unit has refused that.
    let mut is_together = true;
    let mut is_whole = true;
    loop {
        let open: Vec<usize> = (0..columns.len())
            .filter(|position| !columns[*position].is_done)
            .collect();
        if open.is_empty() {
            return is_whole;
        }
        let num_open = open.len();
        let groups: Vec<Vec<usize>> = if is_together {
            vec![open]
        } else {
            open.into_iter().map(|position| vec![position]).collect()
        };
        let kind = if has_bulk {
            let rows_left = table.max_rows.min(ROWS_AT_ONCE as usize);
            QuestionKind::GetBulk(rows_left as u32)
        } else {
            QuestionKind::GetNext
        };
        let questions: Vec<Question> = groups
            .iter()
            .map(|group| Question {
                kind,
                oids: group
                    .iter()
                    .map(|position| columns[*position].last.clone())
                    .collect(),
            })
            .collect();
        let replies = talk.exchange(voice, &questions).await;
        if talk.seen.is_over() {
            return false;
        }
        let is_first = columns.iter().all(|column| column.num_rows == 0);
        let mut has_advanced = false;
        let mut refused: Vec<usize> = Vec::new();
        let mut lost: Vec<usize> = Vec::new();
        for (group, reply) in groups.iter().zip(&replies) {
            match reply {
                Some(reply) if !reply.is_error => {
                    has_advanced |= take(&mut columns, group, reply, table.max_rows, &mut on_cell);
                }
                // v1: one of the columns has no more. Others: the answer is too big for the unit.
                Some(_) => refused.extend(group),
                None => lost.extend(group),
            }
        }
        let has_ended = columns.iter().filter(|column| !column.is_done).count() < num_open;
        // An answer without a row, or one that is lost at once, may also be one that is too big.
        let is_empty = lost.is_empty() && !has_advanced && !has_ended;
        let is_too_big = !refused.is_empty() || is_empty || (!lost.is_empty() && is_first);
        if is_too_big && (has_bulk || is_together) {
            (has_bulk, is_together) = (false, false);
            continue;
        }
        for position in refused.iter().copied() {
            columns[position].is_done = true;
        }
        for position in lost {
            let column = &mut columns[position];
            column.num_lost += 1;
            if column.num_lost >= MAX_LOST {
                (column.is_done, is_whole) = (true, false);
            }
        }
        if is_empty && refused.is_empty() {
            return false;
        }
    }
}

/// Takes the cells of one answer. Whether any of them lay further on in its column.
fn take(
    columns: &mut [Column],
    group: &[usize],
    reply: &Reply,
    max_rows: usize,
    on_cell: &mut impl FnMut(u32, &[u32], &Oid, &Value),
) -> bool {
    let mut has_advanced = false;
    for (position, (name, value)) in group.iter().cycle().zip(&reply.values) {
        let column = &mut columns[*position];
        if column.is_done {
            continue;
        }
        match name.after(&column.root) {
            Some(index) if *name > column.last && value.is_there() => {
                on_cell(column.number, index, name, value);
                column.last = name.clone();
                column.num_rows += 1;
                column.num_lost = 0;
                column.is_done = column.num_rows >= max_rows;
                has_advanced = true;
            }
            // Out of the column, or back where it was.
            _ => column.is_done = true,
        }
    }
    has_advanced
}
