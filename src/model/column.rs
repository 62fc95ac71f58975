//! The columns of the grid and of inventory files: one list for both.

use std::fmt::Write;

use super::appliance::Appliance;
use super::status::StatusContext;

/// A column of the grid, in the order of inventory files (rules, "Files").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// The one word.
    Status,
    /// Typed, heard or imported.
    Name,
    /// From a file or a person.
    Model,
    /// Console server, KVM switch, rack PDU.
    Class,
    /// Its IPv4 address.
    Ip,
    /// Its prefix length.
    Prefix,
    /// Its default gateway.
    Gateway,
    /// Its MAC.
    Mac,
    /// Its serial.
    Serial,
    /// Its part number.
    PartNumber,
    /// Its firmware.
    Firmware,
    /// From the plan; hidden without one.
    PlannedName,
    /// From the plan; hidden without one.
    PlannedPlace,
    /// The networks it was heard on.
    HeardOn,
    /// How it was heard last.
    HeardBy,
    /// When it was heard first.
    FirstHeard,
    /// When it was heard last.
    LastHeard,
    /// A person's note.
    Note,
}

impl Column {
    /// Every column, in order.
    pub const ALL: [Self; 18] = [
        Self::Status,
        Self::Name,
        Self::Model,
        Self::Class,
        Self::Ip,
        Self::Prefix,
        Self::Gateway,
        Self::Mac,
        Self::Serial,
        Self::PartNumber,
        Self::Firmware,
        Self::PlannedName,
        Self::PlannedPlace,
        Self::HeardOn,
        Self::HeardBy,
        Self::FirstHeard,
        Self::LastHeard,
        Self::Note,
    ];

    /// The header in inventory files, and the word before the colon in a filter.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Name => "name",
            Self::Model => "model",
            Self::Class => "class",
            Self::Ip => "ip",
            Self::Prefix => "prefix",
            Self::Gateway => "gateway",
            Self::Mac => "mac",
            Self::Serial => "serial",
            Self::PartNumber => "part_number",
            Self::Firmware => "firmware",
            Self::PlannedName => "planned_name",
            Self::PlannedPlace => "planned_place",
            Self::HeardOn => "heard_on",
            Self::HeardBy => "heard_by",
            Self::FirstHeard => "first_heard",
            Self::LastHeard => "last_heard",
            Self::Note => "note",
        }
    }

    /// The header in the grid.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Status => "Status",
            Self::Name => "Name",
            Self::Model => "Model",
            Self::Class => "Class",
            Self::Ip => "Address",
            Self::Prefix => "Prefix",
            Self::Gateway => "Gateway",
            Self::Mac => "MAC",
            Self::Serial => "Serial",
            Self::PartNumber => "Part number",
            Self::Firmware => "Firmware",
            Self::PlannedName => "Planned name",
            Self::PlannedPlace => "Planned place",
            Self::HeardOn => "Heard on",
            Self::HeardBy => "Heard by",
            Self::FirstHeard => "First heard",
            Self::LastHeard => "Last heard",
            Self::Note => "Note",
        }
    }

    /// Reads [`Column::key`] or [`Column::title`], whatever the case, spaces, hyphens and underscores; `address` too.
    pub fn from_word(word: &str) -> Option<Self> {
        let plain = |text: &str| -> String {
            text.chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect()
        };
        let word = plain(word);
        Self::ALL
            .into_iter()
            .find(|column| plain(column.key()) == word || plain(column.title()) == word)
    }

    /// Whether the column only makes sense with a rollout plan.
    pub const fn needs_plan(self) -> bool {
        matches!(self, Self::PlannedName | Self::PlannedPlace)
    }

    /// Appends the cell's text, as files and filters see it. *None* and *unknown* are both nothing.
    pub fn write_text(self, unit: &Appliance, context: &StatusContext, out: &mut String) {
        // Writing to a `String` cannot fail.
        let _ = match self {
            Self::Status => write_str(out, Some(context.status(unit).word())),
            Self::Name => write_str(out, unit.name().map(|best| best.value)),
            Self::Model => write_str(out, unit.model().map(|best| best.value)),
            Self::Class => write_str(out, unit.class().map(|best| best.value)),
            Self::Ip => write_value(out, unit.ip_value()),
            Self::Prefix => write_value(out, unit.prefix().map(|best| best.value)),
            Self::Gateway => write_value(out, unit.gateway().and_then(|best| best.value)),
            Self::Mac => write_value(out, unit.mac().map(|best| best.value)),
            Self::Serial => write_str(out, unit.serial().map(|best| best.value)),
            Self::PartNumber => write_str(out, unit.part_number().map(|best| best.value)),
            Self::Firmware => write_str(out, unit.firmware().map(|best| best.value)),
            Self::PlannedName => write_str(out, unit.planned_name().map(|best| best.value)),
            Self::PlannedPlace => write_str(out, unit.planned_place().map(|best| best.value)),
            Self::HeardOn => write_str(out, unit.heard_on().as_deref()),
            Self::HeardBy => write_str(out, unit.heard_by()),
            Self::FirstHeard => write_value(out, unit.first_heard()),
            Self::LastHeard => write_value(out, unit.last_heard()),
            Self::Note => write_str(out, unit.note()),
        };
    }

    /// The cell's text on its own.
    pub fn text(self, unit: &Appliance, context: &StatusContext) -> String {
        let mut text = String::new();
        self.write_text(unit, context, &mut text);
        text
    }
}

fn write_str(out: &mut String, text: Option<&str>) -> std::fmt::Result {
    out.write_str(text.unwrap_or_default())
}

fn write_value<T: std::fmt::Display>(out: &mut String, value: Option<T>) -> std::fmt::Result {
    value.map_or(Ok(()), |value| write!(out, "{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_by_any_spelling() {
        for column in Column::ALL {
            assert_eq!(Column::from_word(column.key()), Some(column));
            assert_eq!(
                Column::from_word(&column.title().to_uppercase()),
                Some(column)
            );
        }
        assert_eq!(Column::from_word("Part-Number"), Some(Column::PartNumber));
        assert_eq!(Column::from_word("address"), Some(Column::Ip));
        assert_eq!(Column::from_word("color"), None);
    }
}
