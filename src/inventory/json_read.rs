//! JSON to rows, as it streams: a unit that is not as it should be costs one unit. The shape is described where it
//! is written, in `json_write`.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Cursor, Read};

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::header::is_defused;
use super::json_write::{FORMAT, NONE, VERSION};
use super::records::count;
use super::report::{Fault, shown};
use super::row::{Canceled, EXTRA_COLUMN, Row, Taker, WHOLE_ROW};
use super::sniff::{TextEncoding, Utf16Reader};
use super::{MAX_COLUMNS, MAX_RECORD_BYTES, ReadError, ReadInventory, source_error};
use crate::model::column::Column;
use crate::model::sighting::cut_text;

/// Whether a file begins like JSON.
pub(super) fn looks_like_json(head: &[u8]) -> bool {
    let (encoding, mark_bytes) = TextEncoding::sniff(head);
    // In UTF-16 the NULs lie before and after the brace.
    let is_skipped = |byte: u8| {
        byte.is_ascii_whitespace() || (byte == 0 && matches!(encoding, TextEncoding::Utf16(_)))
    };
    let mut text = head[mark_bytes..]
        .iter()
        .copied()
        .filter(|byte| !is_skipped(*byte));
    match text.next() {
        Some(b'{') => true,
        Some(b'[') => matches!(text.next(), Some(b'{' | b'[' | b']' | b'"')),
        _ => false,
    }
}

/// Reads a JSON file, of which `head` was read already.
pub(super) fn read_json(
    head: &[u8],
    rest: &mut dyn Read,
    taker: Taker<'_>,
) -> Result<ReadInventory, ReadError> {
    let (encoding, mark_bytes) = TextEncoding::sniff(head);
    let bytes = Cursor::new(&head[mark_bytes..]).chain(rest);
    match encoding {
        TextEncoding::Bytes | TextEncoding::Utf8Bom => read_text(bytes, "UTF-8", taker),
        TextEncoding::Utf16(utf_16) => {
            read_text(Utf16Reader::new(bytes, utf_16), utf_16.name(), taker)
        }
    }
}

fn read_text(
    input: impl Read,
    encoding: &str,
    taker: Taker<'_>,
) -> Result<ReadInventory, ReadError> {
    let place = Place {
        line: Cell::new(1),
        left_bytes: Cell::new(MAX_RECORD_BYTES),
    };
    let mut document = Document {
        taker,
        place: &place,
        has_format: false,
        version: None,
        has_units: false,
        columns: Vec::new(),
        surplus: Vec::new(),
        fault: None,
    };
    let mut json = serde_json::Deserializer::from_reader(Counted {
        input: BufReader::with_capacity(64 * 1024, input),
        place: &place,
    });
    let read = (&mut document)
        .deserialize(&mut json)
        .and_then(|()| json.end());
    if let Some(fault) = document.fault {
        return Err(fault);
    }
    if let Err(error) = read {
        let (line, column) = (error.line() as u64, error.column() as u64);
        let is_begun = document.has_format && document.version.is_some() && document.has_units;
        match error.classify() {
            Category::Io => {
                let error = io::Error::from(error);
                if !error
                    .get_ref()
                    .is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLong>)
                {
                    return Err(source_error(error));
                }
                let why = format!(
                    "A unit is longer than {} KiB; nothing after it was read",
                    MAX_RECORD_BYTES >> 10
                );
                if !is_begun {
                    return Err(ReadError::NotAnInventory { why });
                }
                let fault = Fault::new(WHOLE_ROW, "", why);
                document.taker.refuse(place.line.get(), fault);
            }
            _ if is_begun => {
                // What came before the fault is good.
                let why =
                    format!("Is not JSON as it should be; nothing after it was read: {error}");
                document.taker.refuse(line, Fault::new(WHOLE_ROW, "", why));
            }
            _ => {
                return Err(ReadError::Json {
                    line,
                    column,
                    source: error,
                });
            }
        }
    }
    if !document.has_format || document.version.is_none() || !document.has_units {
        let missing = match (document.has_format, document.version) {
            (false, _) => "format",
            (_, None) => "version",
            _ => "units",
        };
        return Err(ReadError::NotAnInventory {
            why: format!("the key {missing:?} is missing"),
        });
    }
    let mut reading = vec![format!("Read as JSON in {encoding}, version {VERSION}")];
    if !document.surplus.is_empty() {
        let names: Vec<String> = document
            .surplus
            .iter()
            .take(12)
            .map(|name| format!("\"{}\"", shown(name)))
            .collect();
        reading.push(format!(
            "Kept without being understood: {}",
            names.join(", ")
        ));
    }
    Ok(finish(document, reading)?)
}

/// Puts the surplus keys of units behind the columns that the file lists. A column that says `defused` has no
/// meaning in JSON, and would get one in the next CSV.
fn finish(document: Document<'_, '_>, reading: Vec<String>) -> Result<ReadInventory, Canceled> {
    let Document {
        mut taker,
        columns,
        surplus,
        ..
    } = document;
    let num_listed = columns.len();
    let mut names = Vec::new();
    let mut moved: Vec<Option<u32>> = Vec::new();
    for name in columns.into_iter().chain(surplus) {
        let is_kept = !is_defused(&name);
        moved.push(is_kept.then_some(names.len() as u32));
        if is_kept {
            names.push(cut_text(&name));
        }
    }
    taker.renumber(|idx| {
        let idx = idx as usize;
        let place = match idx.checked_sub(SURPLUS_BASE) {
            Some(surplus_idx) => num_listed + surplus_idx,
            None if idx < num_listed => idx,
            None => return None,
        };
        moved.get(place).copied().flatten()
    });
    taker.finish(names, reading)
}

/// Indices of surplus keys begin here while a file is read: how many columns it lists may come last.
const SURPLUS_BASE: usize = 1 << 16;

/// Where the reader is, and how much it may read before the next unit.
struct Place {
    line: Cell<u64>,
    left_bytes: Cell<usize>,
}

/// Keeps [`Place`]. The parser asks for single bytes, so the line is exact.
struct Counted<'p, R> {
    input: R,
    place: &'p Place,
}

/// What [`Counted`] fails with.
#[derive(Debug, thiserror::Error)]
#[error("a unit is too long")]
struct TooLong;

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let num_bytes = self.input.read(out)?;
        let num_lines = count(&out[..num_bytes], b'\n');
        self.place.line.set(self.place.line.get() + num_lines);
        let left_bytes = self.place.left_bytes.get().checked_sub(num_bytes);
        self.place
            .left_bytes
            .set(left_bytes.ok_or_else(|| io::Error::other(TooLong))?);
        Ok(num_bytes)
    }
}

/// The file as far as it was read.
struct Document<'p, 't> {
    taker: Taker<'t>,
    place: &'p Place,
    has_format: bool,
    version: Option<u64>,
    has_units: bool,
    /// `columns_unknown`.
    columns: Vec<String>,
    /// Keys of units that nobody listed.
    surplus: Vec<String>,
    /// What ended the reading that is no fault of the JSON.
    fault: Option<ReadError>,
}

impl Document<'_, '_> {
    /// Ends the reading.
    fn stop<E: de::Error>(&mut self, fault: ReadError) -> E {
        self.fault = Some(fault);
        E::custom("reading ended here")
    }

    fn surplus_idx(&mut self, key: &str) -> Option<u32> {
        let place = match self.surplus.iter().position(|name| name == key) {
            Some(place) => place,
            None if self.surplus.len() < MAX_COLUMNS => {
                self.surplus.push(key.to_owned());
                self.surplus.len() - 1
            }
            None => return None,
        };
        Some((SURPLUS_BASE + place) as u32)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Document<'_, '_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the keys format, version and units")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        let why = "it begins with a list, not with an object".to_owned();
        Err(self.stop(ReadError::NotAnInventory { why }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format" => match map.next_value::<JsonCell>()? {
                    JsonCell::Text(format) if format == FORMAT => self.has_format = true,
                    other => {
                        let why = format!("its format is {}", other.shown());
                        return Err(self.stop(ReadError::NotAnInventory { why }));
                    }
                },
                "version" => {
                    let version = map.next_value::<JsonCell>()?;
                    match version.number() {
                        Some(version @ 1..=VERSION) => self.version = Some(version),
                        Some(version) if version > VERSION => {
                            return Err(self.stop(ReadError::Newer { version }));
                        }
                        _ => {
                            let why = format!("its version is {}", version.shown());
                            return Err(self.stop(ReadError::NotAnInventory { why }));
                        }
                    }
                }
                "columns_unknown" => {
                    let JsonCell::List(names) = map.next_value::<JsonCell>()? else {
                        let why = "columns_unknown is not a list".to_owned();
                        return Err(self.stop(ReadError::NotAnInventory { why }));
                    };
                    if names.len() > MAX_COLUMNS {
                        let line = self.place.line.get();
                        return Err(self.stop(ReadError::TooManyColumns { line }));
                    }
                    self.columns = names.into_iter().map(JsonCell::into_text).collect();
                }
                "units" => {
                    self.has_units = true;
                    map.next_value_seed(Units(self))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            self.place.left_bytes.set(MAX_RECORD_BYTES);
        }
        Ok(())
    }
}

/// The list of units.
struct Units<'d, 'p, 't>(&'d mut Document<'p, 't>);

impl<'de> DeserializeSeed<'de> for Units<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Units<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of units")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut units: A) -> Result<(), A::Error> {
        loop {
            self.0.place.left_bytes.set(MAX_RECORD_BYTES);
            if units.next_element_seed(Unit(self.0))?.is_none() {
                return Ok(());
            }
        }
    }
}

/// One unit.
struct Unit<'d, 'p, 't>(&'d mut Document<'p, 't>);

impl<'de> DeserializeSeed<'de> for Unit<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Unit<'_, '_, '_> {
    /// Begins a row; whether it may be taken.
    fn begin<E: de::Error>(&mut self, line: u64) -> Result<bool, E> {
        self.0
            .taker
            .begin(line)
            .map_err(|canceled| self.0.stop(canceled.into()))
    }

    /// Refuses an element of the list that is no object.
    fn refuse<E: de::Error>(mut self, value: &str) -> Result<(), E> {
        let line = self.0.place.line.get();
        if self.begin(line)? {
            let fault = Fault::new(WHOLE_ROW, value, "Is not an object, so it is no unit");
            self.0.taker.refuse(line, fault);
        }
        Ok(())
    }

    fn set(&mut self, row: &mut Row, key: &str, cell: JsonCell) {
        match (key, cell) {
            (_, JsonCell::Null) => {}
            ("unknown", JsonCell::List(cells)) => {
                for (idx, cell) in cells.into_iter().take(MAX_COLUMNS).enumerate() {
                    row.set_extra(idx as u32, &cell.into_text());
                }
            }
            ("other_ips", JsonCell::List(cells)) => {
                let ips: Vec<String> = cells.into_iter().map(JsonCell::into_text).collect();
                row.set_other_ips(&ips.join(" "));
            }
            ("other_ips", cell) => row.set_other_ips(&cell.into_text()),
            (key, cell) => {
                if let Some(column) = Column::ALL.into_iter().find(|column| column.key() == key) {
                    set_column(row, column, cell);
                } else if let Some(idx) = self.0.surplus_idx(key) {
                    row.set_extra(idx, &cell.into_text());
                } else {
                    let why = format!("More than {MAX_COLUMNS} keys are not known; left out");
                    let line = self.0.place.line.get();
                    self.0
                        .taker
                        .remark(line, Fault::new(EXTRA_COLUMN, key, why));
                }
            }
        }
    }
}

fn set_column(row: &mut Row, column: Column, cell: JsonCell) {
    let has_none = matches!(column, Column::Ip | Column::Gateway);
    match cell {
        JsonCell::Text(text) if has_none && text == NONE => row.set_none(column),
        JsonCell::List(_) | JsonCell::Object if column != Column::Status => {
            let why = "Is a list or an object where a text is expected";
            row.refuse(Fault::new(column.key(), "", why));
        }
        cell => row.set(column, &cell.into_text()),
    }
}

impl<'de> Visitor<'de> for Unit<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a unit")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let line = self.0.place.line.get();
        if !self.begin(line)? {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mut row = Row::default();
        while let Some(key) = map.next_key::<String>()? {
            let cell = map.next_value::<JsonCell>()?;
            self.set(&mut row, &key, cell);
        }
        self.0.taker.take(line, row);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.refuse("")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.refuse("null")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.refuse(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.refuse(&value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.refuse(&value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.refuse(&value.to_string())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.refuse(value)
    }
}

/// Any value, as far as a cell of an inventory can use it.
#[derive(Debug)]
enum JsonCell {
    Null,
    Text(String),
    /// A number or a truth value, as it prints.
    Plain(String),
    List(Vec<Self>),
    Object,
}

impl JsonCell {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Plain(text) => text,
            Self::Null | Self::List(_) | Self::Object => String::new(),
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Self::Plain(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => format!("\"{}\"", shown(text)),
            Self::Plain(text) => shown(text),
            Self::List(_) => "a list".to_owned(),
            Self::Object => "an object".to_owned(),
        }
    }
}

impl<'de> de::Deserialize<'de> for JsonCell {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyCell)
    }
}

struct AnyCell;

impl<'de> Visitor<'de> for AnyCell {
    type Value = JsonCell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<JsonCell, E> {
        Ok(JsonCell::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<JsonCell, E> {
        Ok(JsonCell::Plain(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<JsonCell, E> {
        Ok(JsonCell::Plain(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<JsonCell, E> {
        Ok(JsonCell::Plain(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<JsonCell, E> {
        Ok(JsonCell::Plain(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<JsonCell, E> {
        Ok(JsonCell::Text(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<JsonCell, E> {
        Ok(JsonCell::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonCell, A::Error> {
        let mut cells = Vec::new();
        while let Some(cell) = seq.next_element()? {
            cells.push(cell);
        }
        Ok(JsonCell::List(cells))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonCell, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(JsonCell::Object)
    }
}
