//! What a person does to units: renaming, noting, forgetting, adding, importing. Each can be undone.

use std::sync::Arc;

use super::appliance::FileFacts;
use super::identity::ApplianceId;
use super::snapshot::FloodSender;

/// One action of a person on one or several units: one step of undo.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Names a unit; an empty name goes back to the heard one.
    Name {
        /// The units.
        ids: Vec<ApplianceId>,
        /// The name.
        name: String,
    },
    /// Notes something on units.
    Note {
        /// The units.
        ids: Vec<ApplianceId>,
        /// The note; empty removes it.
        note: String,
    },
    /// Takes units out of the site.
    Forget {
        /// The units.
        ids: Vec<ApplianceId>,
    },
    /// Takes everything out that was only ever heard from one sender, and its flood line.
    ForgetSender {
        /// The sender.
        sender: FloodSender,
    },
    /// Adds a unit that a person knows of.
    Add {
        /// What the person knows.
        facts: Arc<FileFacts>,
    },
    /// Takes the good rows of a file.
    Import {
        /// The file's name, for the words of undo.
        file_name: String,
        /// Columns that Rollcall does not know, as the rows' `extra` counts them.
        extra_columns: Vec<String>,
        /// The rows.
        rows: Vec<ImportRow>,
    },
}

/// A row of an inventory file that is to be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportRow {
    /// The line in the file, from 1, for the report.
    pub line: u64,
    /// What it says.
    pub facts: Arc<FileFacts>,
}

/// Why the registry refused a row of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// The line in the file, from 1.
    pub line: u64,
    /// The column, by its header.
    pub column: &'static str,
    /// The value, cut.
    pub value: String,
    /// Why, one sentence that names the units concerned.
    pub why: String,
}

/// What an edit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditOutcome {
    /// Units that were changed.
    pub changed: usize,
    /// Units that are new.
    pub added: usize,
    /// Units that were taken out.
    pub removed: usize,
    /// Rows that were refused.
    pub refused: Vec<RefusedRow>,
    /// Rows that were taken, with something to say about them (a serial that lost its zeros).
    pub remarks: Vec<RefusedRow>,
}
