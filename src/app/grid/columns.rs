//! Which columns the grid shows, in which order and how wide: kept in the settings, mended here.

use crate::model::column::Column;
use crate::model::query::Direction;
use crate::settings::GridSettings;

/// The columns at the first start, close to what fits beside the right panel on a laptop.
pub(in crate::app) const DEFAULT_COLUMNS: [Column; 11] = [
    Column::Status,
    Column::Name,
    Column::Model,
    Column::Ip,
    Column::Mac,
    Column::Serial,
    Column::Firmware,
    Column::HeardOn,
    Column::HeardBy,
    Column::LastHeard,
    Column::Note,
];

/// Narrower than this a column cannot be grabbed.
pub(in crate::app) const MIN_WIDTH: f32 = 36.0;

/// Wider than this a column hides the rest.
pub(in crate::app) const MAX_WIDTH: f32 = 1_200.0;

/// Columns that may be shown: those of a plan come with the plan.
pub(in crate::app) fn choosable() -> impl Iterator<Item = Column> {
    Column::ALL
        .into_iter()
        .filter(|column| !column.needs_plan())
}

/// The columns that are shown, from the settings. Status is always there and comes first when it was lost.
pub(in crate::app) fn shown(settings: &GridSettings) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for column in settings
        .columns
        .iter()
        .filter_map(|key| Column::from_word(key))
        .filter(|column| !column.needs_plan())
    {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return DEFAULT_COLUMNS.to_vec();
    }
    if !columns.contains(&Column::Status) {
        columns.insert(0, Column::Status);
    }
    columns
}

/// Keeps the columns.
pub(in crate::app) fn keep(settings: &mut GridSettings, columns: &[Column]) {
    settings.columns = columns
        .iter()
        .map(|column| column.key().to_owned())
        .collect();
}

/// How wide a column is.
pub(in crate::app) fn width(settings: &GridSettings, column: Column) -> f32 {
    settings
        .widths
        .get(column.key())
        .copied()
        .filter(|width| width.is_finite())
        .unwrap_or_else(|| default_width(column))
        .clamp(MIN_WIDTH, MAX_WIDTH)
}

/// Makes a column this wide, within what can be grabbed and seen.
pub(in crate::app) fn set_width(settings: &mut GridSettings, column: Column, width: f32) {
    let width = width.round().clamp(MIN_WIDTH, MAX_WIDTH);
    settings.widths.insert(column.key().to_owned(), width);
}

/// How wide a column is at the first start.
pub(in crate::app) const fn default_width(column: Column) -> f32 {
    match column {
        Column::Status => 138.0,
        Column::Name => 124.0,
        Column::Ip | Column::Gateway => 122.0,
        Column::Prefix => 52.0,
        Column::Mac => 146.0,
        Column::Serial | Column::PartNumber => 94.0,
        Column::Firmware => 100.0,
        Column::Model | Column::Class | Column::PlannedName | Column::PlannedPlace => 110.0,
        Column::HeardBy => 106.0,
        Column::HeardOn | Column::FirstHeard | Column::LastHeard => 92.0,
        Column::Note => 180.0,
    }
}

/// What the grid is sorted by, from the settings.
pub(in crate::app) fn sort(settings: &GridSettings) -> Option<(Column, Direction)> {
    let column = Column::from_word(settings.sort.as_deref()?)?;
    let direction = if settings.descending {
        Direction::Descending
    } else {
        Direction::Ascending
    };
    Some((column, direction))
}

/// A click on a header: upwards, downwards, not at all.
pub(in crate::app) fn cycle_sort(settings: &mut GridSettings, column: Column) {
    match sort(settings) {
        Some((sorted, Direction::Ascending)) if sorted == column => settings.descending = true,
        Some((sorted, Direction::Descending)) if sorted == column => {
            settings.sort = None;
            settings.descending = false;
        }
        _ => {
            settings.sort = Some(column.key().to_owned());
            settings.descending = false;
        }
    }
}

/// Moves a column to the place of another one.
pub(in crate::app) fn reorder(columns: &mut Vec<Column>, from: usize, to: usize) {
    if from < columns.len() && to < columns.len() && from != to {
        let column = columns.remove(from);
        columns.insert(to, column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_mended() {
        let mut settings = GridSettings::default();
        assert_eq!(shown(&settings), DEFAULT_COLUMNS);
        settings.columns = vec![
            "name".to_owned(),
            "nonsense".to_owned(),
            "name".to_owned(),
            "planned_name".to_owned(),
        ];
        assert_eq!(shown(&settings), [Column::Status, Column::Name]);
        settings.widths.insert("name".to_owned(), f32::NAN);
        assert!((width(&settings, Column::Name) - default_width(Column::Name)).abs() < 0.1);
        settings.widths.insert("name".to_owned(), 1e9);
        assert!(width(&settings, Column::Name) <= MAX_WIDTH);
    }

    #[test]
    fn a_header_has_three_states() {
        let mut settings = GridSettings::default();
        let mut states = Vec::new();
        for _ in 0..3 {
            cycle_sort(&mut settings, Column::Ip);
            states.push(sort(&settings));
        }
        assert_eq!(
            states,
            [
                Some((Column::Ip, Direction::Ascending)),
                Some((Column::Ip, Direction::Descending)),
                None
            ]
        );
    }

    #[test]
    fn a_column_moves_to_anothers_place() {
        let mut columns = vec![Column::Status, Column::Name, Column::Model, Column::Ip];
        reorder(&mut columns, 3, 1);
        assert_eq!(
            columns,
            [Column::Status, Column::Ip, Column::Name, Column::Model]
        );
        reorder(&mut columns, 9, 1);
        assert_eq!(
            columns.len(),
            4,
            "a place that is not there changes nothing"
        );
    }
}
