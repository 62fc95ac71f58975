//! Inventory files: bytes to values and back. No sockets, no file system, no clock.

use std::path::Path;

/// The formats that Rollcall writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma or semicolon separated values, for spreadsheets and other teams' tools.
    Csv,
    /// JSON with a format name and version; exact.
    Json,
}

impl Format {
    /// Every format, in the order of the export window.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Json];

    /// The ending of its files, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// What the export window calls it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Json => "JSON",
        }
    }

    /// The format that a file's ending names.
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.extension() == extension)
    }
}

/// What separates the cells of a CSV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`, which spreadsheets of many European locales expect.
    Semicolon,
}

/// How an inventory file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteStyle {
    /// The format.
    pub format: Format,
    /// The delimiter of CSV.
    pub delimiter: Delimiter,
    /// CSV only: cells that a spreadsheet would run as a formula are defused (rules, "Files").
    pub for_spreadsheets: bool,
}
