//! What is known of products, and what a unit is by it: [`Catalog::identify`].
//!
//! The tables stand in `assets/catalog` and are part of the program. Pure: no files, no clocks; a person's own tables
//! come in as bytes. May use `model`, csv, regex-lite and thiserror.
//!
//! # A person's own tables
//!
//! A file of the same name in the folder `catalog` beside the settings adds rows to a table, and replaces those with
//! the same key. UTF-8, commas between the columns, the names of the columns in the first line and in any order. Lines
//! that begin with `#` are skipped. Every table may have a column `source`, which is for people.
//!
//! | file | columns, those in brackets may be left out | key |
//! | --- | --- | --- |
//! | `products.csv` | `family`, `model`, `class`, `manufacturer` (`ports`, `rebrand`) | the model; the family where `model` is empty |
//! | `object_ids.csv` | `oid`, `match` (`exact` or `prefix`), `family` (`model`, `lineage`) | `oid` and `match` |
//! | `patterns.csv` | `kind`, `pattern`, `family`, `confidence` (`model`, `lineage`, `meaning`, `also_kind`, `also_pattern`) | `kind` and `pattern` |
//! | `blocks.csv` | `block` (24, 28 or 36 bits), `lineage` | `block` |
//! | `ports.csv` | `port`, `service` (`meaning`) | `port` |
//! | `port_sets.csv` | `name`, `open`, `family`, `confidence` (`not_open`, `lineage`, `meaning`) | `name` |
//!
//! - `family` names families of `products.csv`, with ` | ` between those of which it may be any; it may be empty in all
//!   tables but that one. `lineage` is the maker it goes back to: with it alone a unit counts as one of ours, without
//!   the product being known.
//! - `kind` is a kind of clue as `rollcall-cli identify` names it: `description`, `http_title`, `cert_subject` and so
//!   on. `pattern` is a regular expression, in which the group `(?P<firmware>…)` is the firmware and `(?P<model>…)`
//!   the model; `model` then holds `{model}` where the group goes. SNMP texts are matched without quotes around them,
//!   subjects of certificates as `CN=…,OU=…,O=…,L=…,ST=…,C=…` in that order.
//! - `also_kind` and `also_pattern` are a second text of the same unit that must match as well.
//! - `confidence` is `possible`, `likely` or `certain`. Names that people give (`system_name`, `location`) never say
//!   more than `possible`.
//! - A pattern with neither family nor lineage says nothing: that is how one of the program is switched off.
//!
//! A row that cannot be read is left out and listed with its line. A file may have 1 MiB, 10,000 rows, and 512
//! characters in a cell.

mod organization;
mod own;
mod remarks;
mod rows;
mod shown;
mod signs;
mod spelling;
mod table;
mod verdict;

use std::collections::BTreeMap;

pub use self::organization::{REGISTRY_DATE, organization};
use self::rows::{BlockRow, ObjectIdRow, PatternRow, PortRow, PortSetRow, ProductRow, model_key};
pub use self::table::{MAX_CELL_CHARS, MAX_FILE_BYTES, MAX_ROWS, RefusedLine};
pub use self::verdict::Known;
use crate::model::identity::Mac;
use crate::model::probing::Probed;

/// The tables of the program, by the names of their files.
const BUILTIN: [(&str, &str); 6] = [
    (
        "products.csv",
        include_str!("../../assets/catalog/products.csv"),
    ),
    (
        "object_ids.csv",
        include_str!("../../assets/catalog/object_ids.csv"),
    ),
    (
        "patterns.csv",
        include_str!("../../assets/catalog/patterns.csv"),
    ),
    (
        "blocks.csv",
        include_str!("../../assets/catalog/blocks.csv"),
    ),
    ("ports.csv", include_str!("../../assets/catalog/ports.csv")),
    (
        "port_sets.csv",
        include_str!("../../assets/catalog/port_sets.csv"),
    ),
];

/// Everything that is known of products.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    products: Vec<ProductRow>,
    object_ids: Vec<ObjectIdRow>,
    patterns: Vec<PatternRow>,
    blocks: Vec<BlockRow>,
    ports: Vec<PortRow>,
    port_sets: Vec<PortSetRow>,
    /// Indices of `products` by the key of the model.
    models: BTreeMap<String, usize>,
    /// Indices of `products` by family.
    families: BTreeMap<String, Vec<usize>>,
    num_own_rows: usize,
}

impl Catalog {
    /// The tables of the program. Every pattern is compiled here: make it once.
    pub fn builtin() -> Self {
        // Nothing of it is refused: a test reads the same tables and would name the line.
        let (mut catalog, _) = Self::default().with_own(&Self::builtin_files());
        catalog.num_own_rows = 0;
        catalog
    }

    /// The tables of the program as they are written: names of files, and bytes.
    pub fn builtin_files() -> Vec<(String, Vec<u8>)> {
        BUILTIN
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    /// How many products there are, models and families without listed models.
    pub fn num_products(&self) -> usize {
        self.products.len()
    }

    /// How many rows of a person's own tables were taken.
    pub fn num_own_rows(&self) -> usize {
        self.num_own_rows
    }

    /// What the service on a port is called.
    pub fn port_name(&self, port: u16) -> Option<&str> {
        self.port(port).map(|row| row.service.as_str())
    }

    /// What a port is for, in words.
    pub fn port_meaning(&self, port: u16) -> Option<&str> {
        self.port(port)
            .map(|row| row.meaning.as_str())
            .filter(|meaning| !meaning.is_empty())
    }

    fn port(&self, port: u16) -> Option<&PortRow> {
        self.ports.iter().find(|row| row.port == port)
    }

    /// The lineage of the block that a MAC is in: `Avocent`, `Cyclades`. A hint, never more: such blocks are used for
    /// other things too, and units of other brands have other blocks.
    pub fn lineage(&self, mac: Mac) -> Option<&str> {
        let digits = mac.to_string().replace(':', "");
        self.blocks
            .iter()
            .filter_map(|row| Some((row.fits(&digits)?, row)))
            .max_by_key(|(num_digits, _)| *num_digits)
            .map(|(_, row)| row.lineage.as_str())
    }

    /// The firmware that a unit tells of: by its own object, or in a text whose pattern knows where.
    pub fn firmware<'p>(&self, probed: &'p Probed) -> Option<&'p str> {
        signs::firmware(self, probed)
    }

    /// The product with this model, however it is spelled.
    fn by_model(&self, model: &str) -> Option<usize> {
        self.models.get(&model_key(model)).copied()
    }

    /// Makes the look-up tables anew.
    fn index(&mut self) {
        self.models.clear();
        self.families.clear();
        for (idx, product) in self.products.iter().enumerate() {
            if !product.model.is_empty() {
                self.models.insert(model_key(&product.model), idx);
            }
            self.families
                .entry(product.family.clone())
                .or_default()
                .push(idx);
        }
    }
}
