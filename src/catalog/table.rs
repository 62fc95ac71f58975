//! Reads one table: bytes to rows, with file, line and reason for every row that is left out. What the rows mean is
//! said in `rows`.

use std::collections::BTreeMap;
use std::fmt;

use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::shown::quoted;

/// The largest file that is read.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The most rows of one file.
pub const MAX_ROWS: usize = 10_000;

/// The longest cell, in characters.
pub const MAX_CELL_CHARS: usize = 512;

/// How many refusals of one file are listed one by one.
const MAX_LISTED: usize = 100;

/// A line of a person's own file that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// Why, one lower-case clause.
    pub why: String,
}

impl fmt::Display for RefusedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.why)
    }
}

/// Why a row or a whole file is left out.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error("the file has more than {MAX_FILE_BYTES} bytes and is left out")]
    FileTooLarge,
    #[error("there are more than {MAX_ROWS} rows, the rest is left out")]
    TooManyRows,
    #[error("{0} more rows of this file are left out")]
    More(u64),
    #[error("the column {} is not known; the columns are {known}, with commas between them", quoted(.found))]
    UnknownColumn { found: String, known: String },
    #[error("the column \"{0}\" stands there twice")]
    ColumnTwice(&'static str),
    #[error("the column \"{0}\" is missing")]
    NoColumn(&'static str),
    #[error("it has {found} columns instead of {expected}")]
    ColumnCount { found: usize, expected: usize },
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it cannot be read as CSV")]
    NotCsv,
    #[error("\"{0}\" is empty")]
    Empty(&'static str),
    #[error("\"{0}\" has more than {MAX_CELL_CHARS} characters")]
    TooLong(&'static str),
    #[error("{} is no {what}", quoted(.value))]
    NotA { what: &'static str, value: String },
    #[error("the pattern does not compile: {0}")]
    Pattern(String),
    #[error("the model is taken from the pattern, which has no group named \"model\"")]
    NoModelGroup,
    #[error("there is no product of the family {}", quoted(.0))]
    UnknownFamily(String),
    #[error("there is no product {}", quoted(.0))]
    UnknownModel(String),
    #[error("the product {} is of the family {}", quoted(.model), quoted(.family))]
    OtherFamily { model: String, family: String },
    #[error("it says the same thing as line {0}, which is taken")]
    Twice(u64),
}

/// One row of a table.
pub(super) trait Row: Sized {
    /// The file's name.
    const FILE: &'static str;
    /// The columns that must be there.
    const REQUIRED: &'static [&'static str];
    /// The columns that may be left out. `source`, which every table has, is kept for people and not read.
    const OPTIONAL: &'static [&'static str];

    /// Reads a row.
    fn parse(cells: &Cells<'_>) -> Result<Self, RowError>;

    /// What it is about: a later row with the same key replaces it.
    fn key(&self) -> String;
}

/// The cells of one row, by the names of their columns.
pub(super) struct Cells<'a> {
    columns: &'a BTreeMap<&'static str, usize>,
    record: &'a StringRecord,
}

impl Cells<'_> {
    /// The text of a cell; empty when the file has no such column.
    pub(super) fn text(&self, column: &'static str) -> Result<&str, RowError> {
        let text = self
            .columns
            .get(column)
            .and_then(|idx| self.record.get(*idx))
            .map_or("", str::trim);
        if text.chars().nth(MAX_CELL_CHARS).is_some() {
            return Err(RowError::TooLong(column));
        }
        Ok(text)
    }

    /// The text of a cell that must not be empty.
    pub(super) fn some_text(&self, column: &'static str) -> Result<&str, RowError> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Err(RowError::Empty(column));
        }
        Ok(text)
    }
}

/// The rows of a file, each with its line, and what was left out.
pub(super) fn read<R: Row>(file: &str, bytes: &[u8]) -> (Vec<(u64, R)>, Refusals) {
    let mut refused = Refusals::new(file);
    let mut rows = Vec::new();
    if bytes.len() > MAX_FILE_BYTES {
        refused.add(1, &RowError::FileTooLarge);
        return (rows, refused);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(bytes);
    let mut header: Option<(BTreeMap<&'static str, usize>, usize)> = None;
    let mut record = ByteRecord::new();
    let mut lines_by_key = BTreeMap::new();
    let mut num_rows = 0;
    loop {
        let line_before = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => {
                refused.add(line_before, &RowError::NotCsv);
                break;
            }
        }
        let line = record.position().map_or(line_before, csv::Position::line);
        let text = StringRecord::from_byte_record(record.clone());
        let Some((columns, num_columns)) = &header else {
            let found = text
                .ok()
                .ok_or(RowError::NotUtf8)
                .and_then(|text| columns_of::<R>(&text));
            match found {
                Ok(columns) => header = Some((columns, record.len())),
                Err(err) => {
                    refused.add(line, &err);
                    break;
                }
            }
            continue;
        };
        num_rows += 1;
        if num_rows > MAX_ROWS {
            refused.add(line, &RowError::TooManyRows);
            break;
        }
        let row = text
            .ok()
            .ok_or(RowError::NotUtf8)
            .and_then(|text| parse_row::<R>(columns, *num_columns, &text))
            .and_then(|row| match lines_by_key.get(&row.key()) {
                Some(line) => Err(RowError::Twice(*line)),
                None => Ok(row),
            });
        match row {
            Ok(row) => {
                lines_by_key.insert(row.key(), line);
                rows.push((line, row));
            }
            Err(err) => refused.add(line, &err),
        }
    }
    (rows, refused)
}

fn parse_row<R: Row>(
    columns: &BTreeMap<&'static str, usize>,
    num_columns: usize,
    record: &StringRecord,
) -> Result<R, RowError> {
    if record.len() != num_columns {
        return Err(RowError::ColumnCount {
            found: record.len(),
            expected: num_columns,
        });
    }
    R::parse(&Cells { columns, record })
}

/// Which column stands where.
fn columns_of<R: Row>(header: &StringRecord) -> Result<BTreeMap<&'static str, usize>, RowError> {
    let known = || R::REQUIRED.iter().chain(R::OPTIONAL).chain(&["source"]);
    let mut columns = BTreeMap::new();
    for (idx, found) in header.iter().map(str::trim).enumerate() {
        let Some(name) = known().find(|name| name.eq_ignore_ascii_case(found)) else {
            return Err(RowError::UnknownColumn {
                found: found.to_owned(),
                known: known().copied().collect::<Vec<_>>().join(", "),
            });
        };
        if columns.insert(*name, idx).is_some() {
            return Err(RowError::ColumnTwice(name));
        }
    }
    match R::REQUIRED
        .iter()
        .find(|name| !columns.contains_key(**name))
    {
        Some(missing) => Err(RowError::NoColumn(missing)),
        None => Ok(columns),
    }
}

/// What was left out of one file, so many lines and then a sum.
pub(super) struct Refusals {
    file: String,
    lines: Vec<RefusedLine>,
    more: Option<(u64, u64)>,
}

impl Refusals {
    /// None yet, of this file.
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            lines: Vec::new(),
            more: None,
        }
    }

    /// One more.
    pub(super) fn add(&mut self, line: u64, why: &RowError) {
        if self.lines.len() < MAX_LISTED {
            self.lines.push(RefusedLine {
                file: self.file.clone(),
                line,
                why: why.to_string(),
            });
        } else {
            let (_, num) = self.more.get_or_insert((line, 0));
            *num += 1;
        }
    }

    /// In the order of lines, as a list to show.
    pub(super) fn into_lines(mut self) -> Vec<RefusedLine> {
        self.lines.sort_by_key(|refused| refused.line);
        if let Some((line, num)) = self.more {
            self.lines.push(RefusedLine {
                file: self.file,
                line,
                why: RowError::More(num).to_string(),
            });
        }
        self.lines
    }
}
