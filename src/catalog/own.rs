//! Adds tables to the catalog, row by row: a person's own, and at the start the program's. The format is described
//! in the documentation of [`super`].

use std::collections::BTreeMap;

use super::rows::{BlockRow, ObjectIdRow, PatternRow, PortRow, PortSetRow, ProductRow};
use super::table::{self, Refusals, RefusedLine, Row, RowError};
use super::{BUILTIN, Catalog};

impl Catalog {
    /// This catalog with more tables, each a name of a file and its bytes. A row with the key of one that is there
    /// replaces it; a row that cannot be taken is left out and listed. A file with another name than the tables' is
    /// listed when it ends in `.csv`, and otherwise not looked at.
    #[must_use]
    pub fn with_own(&self, files: &[(String, Vec<u8>)]) -> (Self, Vec<RefusedLine>) {
        let mut catalog = self.clone();
        let mut refused = Vec::new();
        // Products first, whatever the order of the files: the other tables name them.
        for (table, _) in BUILTIN {
            for (file, bytes) in files {
                if file.eq_ignore_ascii_case(table) {
                    refused.extend(catalog.add(table, file, bytes).into_lines());
                }
            }
        }
        for (file, _) in files {
            let is_table = BUILTIN
                .iter()
                .any(|(table, _)| file.eq_ignore_ascii_case(table));
            if !is_table && file.to_ascii_lowercase().ends_with(".csv") {
                let tables: Vec<_> = BUILTIN.iter().map(|(table, _)| *table).collect();
                refused.push(RefusedLine {
                    file: file.clone(),
                    line: 1,
                    why: format!(
                        "there is no such table; the tables are {}",
                        tables.join(", ")
                    ),
                });
            }
        }
        (catalog, refused)
    }

    fn add(&mut self, table: &str, file: &str, bytes: &[u8]) -> Refusals {
        match table {
            ProductRow::FILE => {
                let refused = self.take(file, bytes, Self::products_mut, |_, _| Ok(()));
                self.index();
                refused
            }
            ObjectIdRow::FILE => self.take(file, bytes, Self::object_ids_mut, |catalog, row| {
                catalog.check(&row.families, &row.model)
            }),
            PatternRow::FILE => self.take(file, bytes, Self::patterns_mut, |catalog, row| {
                let model = if row.takes_model() { "" } else { &row.model };
                catalog.check(&row.families, model)
            }),
            PortSetRow::FILE => self.take(file, bytes, Self::port_sets_mut, |catalog, row| {
                catalog.check(&row.families, "")
            }),
            BlockRow::FILE => self.take(file, bytes, Self::blocks_mut, |_, _| Ok(())),
            _ => self.take(file, bytes, Self::ports_mut, |_, _| Ok(())),
        }
    }

    /// Adds the rows of one file, those that pass the check.
    fn take<R: Row>(
        &mut self,
        file: &str,
        bytes: &[u8],
        rows_of: impl Fn(&mut Self) -> &mut Vec<R>,
        check: impl Fn(&Self, &R) -> Result<(), RowError>,
    ) -> Refusals {
        let (found, mut refused) = table::read::<R>(file, bytes);
        let mut idx_by_key: BTreeMap<String, usize> = rows_of(self)
            .iter()
            .enumerate()
            .map(|(idx, row)| (row.key(), idx))
            .collect();
        for (line, row) in found {
            if let Err(err) = check(self, &row) {
                refused.add(line, &err);
                continue;
            }
            self.num_own_rows += 1;
            let key = row.key();
            let rows = rows_of(self);
            if let Some(idx) = idx_by_key.get(&key) {
                rows[*idx] = row;
            } else {
                idx_by_key.insert(key, rows.len());
                rows.push(row);
            }
        }
        refused
    }

    /// Whether there are such products: every family, and the model, which is of the first family.
    fn check(&self, families: &[String], model: &str) -> Result<(), RowError> {
        for family in families {
            if !self.families.contains_key(family) {
                return Err(RowError::UnknownFamily(family.clone()));
            }
        }
        if model.is_empty() {
            return Ok(());
        }
        let product = self
            .by_model(model)
            .map(|idx| &self.products[idx])
            .ok_or_else(|| RowError::UnknownModel(model.to_owned()))?;
        if families.contains(&product.family) {
            Ok(())
        } else {
            Err(RowError::OtherFamily {
                model: model.to_owned(),
                family: product.family.clone(),
            })
        }
    }

    fn products_mut(&mut self) -> &mut Vec<ProductRow> {
        &mut self.products
    }

    fn object_ids_mut(&mut self) -> &mut Vec<ObjectIdRow> {
        &mut self.object_ids
    }

    fn patterns_mut(&mut self) -> &mut Vec<PatternRow> {
        &mut self.patterns
    }

    fn blocks_mut(&mut self) -> &mut Vec<BlockRow> {
        &mut self.blocks
    }

    fn ports_mut(&mut self) -> &mut Vec<PortRow> {
        &mut self.ports
    }

    fn port_sets_mut(&mut self) -> &mut Vec<PortSetRow> {
        &mut self.port_sets
    }
}
