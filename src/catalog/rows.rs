//! What the rows of the tables mean: products, object ids, patterns, blocks of MACs, ports and sets of ports.

use regex_lite::{Regex, RegexBuilder};

use super::table::{Cells, Row, RowError};
use crate::model::identification::Confidence;
use crate::model::probing::ClueKind;

/// The most memory of one compiled pattern.
const MAX_PATTERN_BYTES: usize = 64 * 1024;

/// How deep the groups of a pattern may stand in each other.
const MAX_PATTERN_NESTING: u32 = 24;

/// The place in a model's text that the pattern's group `model` fills.
const MODEL_PLACE: &str = "{model}";

/// `products.csv`: a product, or a family of which no model is listed.
#[derive(Clone, Debug)]
pub(super) struct ProductRow {
    pub(super) family: String,
    pub(super) model: String,
    pub(super) class: String,
    pub(super) manufacturer: String,
    pub(super) ports: Option<u16>,
    pub(super) rebrand: Option<String>,
}

impl Row for ProductRow {
    const FILE: &'static str = "products.csv";
    const REQUIRED: &'static [&'static str] = &["family", "model", "class", "manufacturer"];
    const OPTIONAL: &'static [&'static str] = &["ports", "rebrand"];

    fn parse(cells: &Cells<'_>) -> Result<Self, RowError> {
        let ports = match cells.text("ports")? {
            "" => None,
            ports => Some(number(ports, "number of ports")?),
        };
        let rebrand = cells.text("rebrand")?;
        Ok(Self {
            family: cells.some_text("family")?.to_owned(),
            model: cells.text("model")?.to_owned(),
            class: cells.some_text("class")?.to_owned(),
            manufacturer: cells.some_text("manufacturer")?.to_owned(),
            ports,
            rebrand: (!rebrand.is_empty()).then(|| rebrand.to_owned()),
        })
    }

    fn key(&self) -> String {
        if self.model.is_empty() {
            format!("family {}", self.family)
        } else {
            model_key(&self.model)
        }
    }
}

/// The form in which models are compared: letters and digits, upper case. `ACS 8048` and `CPS-810` are read as
/// `ACS8048` and `CPS810`, which units and device libraries also say.
pub(super) fn model_key(model: &str) -> String {
    model
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect()
}

/// `object_ids.csv`: what an arc of sysObjectID stands for. Without a lineage it says nothing of the maker.
#[derive(Clone, Debug)]
pub(super) struct ObjectIdRow {
    pub(super) arcs: Vec<u32>,
    pub(super) is_prefix: bool,
    pub(super) families: Vec<String>,
    pub(super) model: String,
    pub(super) lineage: String,
}

impl Row for ObjectIdRow {
    const FILE: &'static str = "object_ids.csv";
    const REQUIRED: &'static [&'static str] = &["oid", "match", "family"];
    const OPTIONAL: &'static [&'static str] = &["model", "lineage"];

    fn parse(cells: &Cells<'_>) -> Result<Self, RowError> {
        let oid = cells.some_text("oid")?;
        let arcs = arcs_of(oid).ok_or_else(|| not_a("object id", oid))?;
        let is_prefix = match cells.some_text("match")? {
            "prefix" => true,
            "exact" => false,
            other => return Err(not_a("way to match: exact or prefix", other)),
        };
        let families = families_of(cells)?;
        // A person's own row that names a family means it, whoever the maker is.
        let lineage = match cells.text("lineage")? {
            "" => families.first().map_or("", String::as_str),
            lineage => lineage,
        };
        Ok(Self {
            arcs,
            is_prefix,
            model: cells.text("model")?.to_owned(),
            lineage: lineage.to_owned(),
            families,
        })
    }

    fn key(&self) -> String {
        format!("{:?} {}", self.arcs, self.is_prefix)
    }
}

/// The numbers of an object id, with or without a leading dot; `None` when it is none.
pub(super) fn arcs_of(text: &str) -> Option<Vec<u32>> {
    const MAX_ARCS: usize = 128;
    let text = text.trim();
    let text = text.strip_prefix('.').unwrap_or(text);
    let arcs: Vec<u32> = text
        .split('.')
        .take(MAX_ARCS + 1)
        .map(|arc| match arc {
            "iso" => Some(1),
            arc if arc.bytes().all(|byte| byte.is_ascii_digit()) => arc.parse().ok(),
            _ => None,
        })
        .collect::<Option<_>>()?;
    (arcs.len() <= MAX_ARCS).then_some(arcs)
}

/// `patterns.csv`: what a text means. One that names neither family nor lineage says nothing, which is how a
/// person's own row switches one off.
#[derive(Clone, Debug)]
pub(super) struct PatternRow {
    pub(super) kind: ClueKind,
    pub(super) pattern: Regex,
    pub(super) also: Option<(ClueKind, Regex)>,
    pub(super) families: Vec<String>,
    /// The model, or how it is made of the group `model`.
    pub(super) model: String,
    pub(super) lineage: String,
    pub(super) confidence: Confidence,
    pub(super) meaning: String,
}

impl PatternRow {
    /// Whether the model is taken from the text.
    pub(super) fn takes_model(&self) -> bool {
        self.model.contains(MODEL_PLACE)
    }

    /// The model that a text names.
    pub(super) fn model_in(&self, text: &str) -> String {
        if !self.takes_model() {
            return self.model.clone();
        }
        let captures = self.pattern.captures(text);
        let group = captures.as_ref().and_then(|found| found.name("model"));
        self.model
            .replace(MODEL_PLACE, group.map_or("", |group| group.as_str()))
    }

    /// The firmware that a text names.
    pub(super) fn firmware_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let group = self.pattern.captures(text)?.name("firmware")?;
        Some(group.as_str()).filter(|firmware| !firmware.is_empty())
    }
}

impl Row for PatternRow {
    const FILE: &'static str = "patterns.csv";
    const REQUIRED: &'static [&'static str] = &["kind", "pattern", "family", "confidence"];
    const OPTIONAL: &'static [&'static str] =
        &["also_kind", "also_pattern", "model", "lineage", "meaning"];

    fn parse(cells: &Cells<'_>) -> Result<Self, RowError> {
        let pattern = compile(cells.some_text("pattern")?)?;
        let also = match cells.text("also_kind")? {
            "" => None,
            word => Some((clue_kind(word)?, compile(cells.some_text("also_pattern")?)?)),
        };
        let families = families_of(cells)?;
        let meaning = match cells.text("meaning")? {
            "" if families.is_empty() => "is known".to_owned(),
            "" => format!("is that of {}", families.join(" or ")),
            meaning => meaning.to_owned(),
        };
        let row = Self {
            kind: clue_kind(cells.some_text("kind")?)?,
            pattern,
            also,
            families,
            model: cells.text("model")?.to_owned(),
            lineage: cells.text("lineage")?.to_owned(),
            confidence: confidence(cells.some_text("confidence")?)?,
            meaning,
        };
        let has_group = || {
            row.pattern
                .capture_names()
                .flatten()
                .any(|name| name == "model")
        };
        if row.takes_model() && !has_group() {
            return Err(RowError::NoModelGroup);
        }
        Ok(row)
    }

    fn key(&self) -> String {
        format!("{} {}", self.kind.word(), self.pattern.as_str())
    }
}

fn compile(pattern: &str) -> Result<Regex, RowError> {
    RegexBuilder::new(pattern)
        .size_limit(MAX_PATTERN_BYTES)
        .nest_limit(MAX_PATTERN_NESTING)
        .build()
        .map_err(|err| RowError::Pattern(err.to_string()))
}

/// `blocks.csv`: whose lineage a block of MACs is. Only what is listed here counts: similar names are others.
#[derive(Clone, Debug)]
pub(super) struct BlockRow {
    /// The leading half octets of the block, as hex digits.
    digits: String,
    pub(super) lineage: String,
}

impl BlockRow {
    /// How many of the leading half octets are fixed, when a MAC of these hex digits is in the block.
    pub(super) fn fits(&self, mac_digits: &str) -> Option<usize> {
        mac_digits
            .starts_with(&self.digits)
            .then_some(self.digits.len())
    }
}

impl Row for BlockRow {
    const FILE: &'static str = "blocks.csv";
    const REQUIRED: &'static [&'static str] = &["block", "lineage"];
    const OPTIONAL: &'static [&'static str] = &[];

    fn parse(cells: &Cells<'_>) -> Result<Self, RowError> {
        let block = cells.some_text("block")?;
        let digits: String = block
            .chars()
            .filter(|c| !matches!(c, ':' | '-' | '.'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        // MA-L, MA-M and MA-S: 24, 28 and 36 bits.
        let is_block = matches!(digits.len(), 6 | 7 | 9)
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_block {
            return Err(not_a("block of MACs with 24, 28 or 36 bits", block));
        }
        Ok(Self {
            digits,
            lineage: cells.some_text("lineage")?.to_owned(),
        })
    }

    fn key(&self) -> String {
        self.digits.clone()
    }
}

/// `ports.csv`: what a port is for.
#[derive(Clone, Debug)]
pub(super) struct PortRow {
    pub(super) port: u16,
    pub(super) service: String,
    pub(super) meaning: String,
}

impl Row for PortRow {
    const FILE: &'static str = "ports.csv";
    const REQUIRED: &'static [&'static str] = &["port", "service"];
    const OPTIONAL: &'static [&'static str] = &["meaning"];

    fn parse(cells: &Cells<'_>) -> Result<Self, RowError> {
        Ok(Self {
            port: number(cells.some_text("port")?, "port")?,
            service: cells.some_text("service")?.to_owned(),
            meaning: cells.text("meaning")?.to_owned(),
        })
    }

    fn key(&self) -> String {
        self.port.to_string()
    }
}

/// `port_sets.csv`: what it means that some ports are open and others are not.
#[derive(Clone, Debug)]
pub(super) struct PortSetRow {
    name: String,
    pub(super) open: Vec<u16>,
    pub(super) not_open: Vec<u16>,
    pub(super) families: Vec<String>,
    pub(super) lineage: String,
    pub(super) confidence: Confidence,
    pub(super) meaning: String,
}

impl Row for PortSetRow {
    const FILE: &'static str = "port_sets.csv";
    const REQUIRED: &'static [&'static str] = &["name", "open", "family", "confidence"];
    const OPTIONAL: &'static [&'static str] = &["not_open", "lineage", "meaning"];

    fn parse(cells: &Cells<'_>) -> Result<Self, RowError> {
        let families = families_of(cells)?;
        let meaning = match cells.text("meaning")? {
            "" => format!("are those of {}", families.join(" or ")),
            meaning => meaning.to_owned(),
        };
        Ok(Self {
            name: cells.some_text("name")?.to_owned(),
            open: port_numbers(cells.some_text("open")?)?,
            not_open: port_numbers(cells.text("not_open")?)?,
            families,
            lineage: cells.text("lineage")?.to_owned(),
            confidence: confidence(cells.some_text("confidence")?)?,
            meaning,
        })
    }

    fn key(&self) -> String {
        self.name.clone()
    }
}

/// The families of a cell, with a bar between those of which it may be any.
fn families_of(cells: &Cells<'_>) -> Result<Vec<String>, RowError> {
    Ok(cells
        .text("family")?
        .split('|')
        .map(str::trim)
        .filter(|family| !family.is_empty())
        .map(str::to_owned)
        .collect())
}

fn port_numbers(text: &str) -> Result<Vec<u16>, RowError> {
    text.split_whitespace()
        .map(|port| number(port, "port"))
        .collect()
}

fn clue_kind(word: &str) -> Result<ClueKind, RowError> {
    ClueKind::from_word(word).ok_or_else(|| not_a("kind of clue", word))
}

fn confidence(word: &str) -> Result<Confidence, RowError> {
    [
        Confidence::Possible,
        Confidence::Likely,
        Confidence::Certain,
    ]
    .into_iter()
    .find(|confidence| confidence.word() == word)
    .ok_or_else(|| not_a("confidence: possible, likely or certain", word))
}

fn number(text: &str, what: &'static str) -> Result<u16, RowError> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| not_a(what, text))
}

fn not_a(what: &'static str, value: &str) -> RowError {
    RowError::NotA {
        what,
        value: value.to_owned(),
    }
}
