//! A decoder as a file that a person can read and change.

use std::fmt::Write as _;

use super::draft::{Draft, Extent, Place};

impl Draft {
    /// As a file. Of a draft without problems [`super::parse`] makes the same decoder.
    pub fn to_toml(&self) -> String {
        let mut text = String::from("[[decoder]]\n");
        // Writing to a string cannot fail.
        self.write(&mut text).ok();
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "name = {}", quoted(&self.name))?;
        if !self.note.is_empty() {
            writeln!(out, "note = {}", quoted(&self.note))?;
        }
        if !self.ports.is_empty() {
            writeln!(out, "ports = {:?}", self.ports)?;
        }
        writeln!(out, "byte_order = \"{}\"", self.byte_order.word())?;
        if let Some(min) = self.min_length {
            writeln!(out, "min_length = {min}")?;
        }
        if let Some(max) = self.max_length {
            writeln!(out, "max_length = {max}")?;
        }
        if !self.rules.is_empty() {
            writeln!(out, "match = [")?;
            for rule in &self.rules {
                write!(
                    out,
                    "    {{ offset = {}, bytes = \"{}\"",
                    rule.offset,
                    hex(&rule.bytes)
                )?;
                if let Some(mask) = &rule.mask {
                    write!(out, ", mask = \"{}\"", hex(mask))?;
                }
                writeln!(out, " }},")?;
            }
            writeln!(out, "]")?;
        }
        if let Some(tlv) = &self.tlv {
            writeln!(out, "\n[decoder.tlv]")?;
            writeln!(out, "begin = {}", tlv.begin)?;
            writeln!(out, "type_bytes = {}", tlv.type_bytes)?;
            writeln!(out, "length_bytes = {}", tlv.length_bytes)?;
            writeln!(out, "length_counts_header = {}", tlv.length_counts_header)?;
            if let Some(kind) = tlv.end_type {
                writeln!(out, "end_type = {kind}")?;
            }
        }
        for field in &self.fields {
            writeln!(out, "\n[[decoder.field]]")?;
            writeln!(out, "fact = \"{}\"", field.fact.word())?;
            match field.place {
                Place::Record { kind } => writeln!(out, "type = {kind}")?,
                Place::Offset { offset, extent } => {
                    writeln!(out, "offset = {offset}")?;
                    match extent {
                        Extent::Length(len) => writeln!(out, "length = {len}")?,
                        Extent::UntilNul => writeln!(out, "until = \"nul\"")?,
                        Extent::ToEnd => writeln!(out, "until = \"end\"")?,
                    }
                }
            }
            writeln!(out, "as = \"{}\"", field.reading.word())?;
        }
        Ok(())
    }
}

/// A text in quotes, as TOML wants it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").ok();
    }
    hex
}
