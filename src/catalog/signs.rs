//! What speaks for a product: one sign for each thing that a unit said and the tables know. The verdict is made of
//! them in `verdict`.

use super::Catalog;
use super::rows::{ObjectIdRow, PatternRow, arcs_of};
use super::shown::quoted;
use super::spelling::{matched_text, unquoted};
use super::verdict::Known;
use crate::model::identification::{Confidence, Reason};
use crate::model::identity::Mac;
use crate::model::probing::{ClueKind, Probe, Probed};

/// How many different MACs of one unit are looked at.
const MAX_MACS: usize = 16;

/// Where enterprises begin in the tree of object ids.
const ENTERPRISES: [u32; 6] = [1, 3, 6, 1, 4, 1];

/// Where a sign comes from, as far as the verdict treats it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It answers the discovery protocol.
    Discovery,
    /// sysObjectID.
    ObjectId,
    /// A text that a pattern or the model table knows.
    Text,
    /// The set of open ports.
    Ports,
    /// The block of a MAC: never more than a hint.
    Mac,
    /// Something that only agrees with something else.
    Agreeing,
}

/// One sign.
#[derive(Clone, Debug)]
pub(super) struct Sign<'a> {
    pub(super) origin: Origin,
    pub(super) probe: Option<Probe>,
    /// What it is, with the value in quotes: the beginning of a sentence.
    pub(super) what: String,
    /// What that means: the rest of the sentence.
    pub(super) says: String,
    pub(super) confidence: Confidence,
    /// The families of which it may be any; none when it does not say.
    pub(super) families: &'a [String],
    /// The product, an index into the catalog.
    pub(super) model: Option<usize>,
    /// Whose lineage it shows; empty when it does not say.
    pub(super) lineage: &'a str,
}

impl Sign<'_> {
    /// As a reason, to show.
    pub(super) fn reason(&self) -> Reason {
        Reason {
            probe: self.probe,
            text: format!("{} {}", self.what, self.says),
            confidence: self.confidence,
        }
    }

    /// Whether it speaks for a product or for the lineage.
    pub(super) fn speaks_for_ours(&self) -> bool {
        self.rank() > 0
    }

    /// How much it tells: a model more than a family, a family more than a lineage.
    fn rank(&self) -> u8 {
        match (self.model, self.families) {
            (Some(_), _) => 3,
            (None, [_, ..]) => 2,
            (None, []) => u8::from(!self.lineage.is_empty()),
        }
    }
}

/// What sysObjectID says of who made the unit.
#[derive(Clone, Debug)]
pub(super) enum Maker<'a> {
    /// Nothing: there is none, or it is that of an agent which many makers use.
    Unsaid,
    /// The tables know it, and whose lineage it is.
    Ours {
        row: &'a ObjectIdRow,
        /// The last of the unit's own arcs.
        last_arc: Option<u32>,
    },
    /// An enterprise that is not in the tables.
    Other {
        /// The beginning of a sentence.
        what: String,
        enterprise: u32,
    },
}

/// Every sign, and what sysObjectID says of the maker.
pub(super) fn signs<'a>(catalog: &'a Catalog, known: &Known<'_>) -> (Vec<Sign<'a>>, Maker<'a>) {
    let mut signs = Vec::new();
    let mut maker = Maker::Unsaid;
    if known.speaks_aidp {
        signs.push(Sign {
            origin: Origin::Discovery,
            probe: None,
            what: "It".to_owned(),
            says: "answers the discovery protocol (AIDP)".to_owned(),
            confidence: Confidence::Likely,
            families: &[],
            model: None,
            lineage: "Avocent",
        });
    }
    if let Some(probed) = known.probed {
        maker = object_id(catalog, probed, &mut signs);
        models(catalog, probed, &maker, &mut signs);
        texts(catalog, probed, &maker, &mut signs);
        ports(catalog, probed, &mut signs);
    }
    if let Some(name) = known.host_name {
        let found = matches(catalog, ClueKind::SystemName, name, known.probed);
        signs.extend(found.into_iter().map(|sign| Sign {
            probe: None,
            what: format!("Name {}", quoted(name)),
            ..sign
        }));
    }
    macs(catalog, known, &mut signs);
    if let (Maker::Ours { last_arc, .. }, Some(number)) = (&maker, known.model_number)
        && *last_arc == Some(u32::from(number))
    {
        signs.push(Sign {
            origin: Origin::Agreeing,
            probe: None,
            what: format!("Model number \"{number}\""),
            says: "of the discovery protocol (AIDP) equals the end of the object id".to_owned(),
            confidence: Confidence::Possible,
            families: &[],
            model: None,
            lineage: "",
        });
    }
    (signs, maker)
}

/// The firmware that a unit tells of.
pub(super) fn firmware<'p>(catalog: &Catalog, probed: &'p Probed) -> Option<&'p str> {
    if let Some(firmware) = probed.clue(ClueKind::Firmware) {
        return Some(unquoted(firmware));
    }
    catalog.patterns.iter().find_map(|row| {
        let answer = probed.answer(row.kind.probe())?;
        answer
            .clues(row.kind)
            .find_map(|text| row.firmware_in(unquoted(text)))
    })
}

fn object_id<'a>(catalog: &'a Catalog, probed: &Probed, signs: &mut Vec<Sign<'a>>) -> Maker<'a> {
    let Some(text) = probed.clue(ClueKind::ObjectId) else {
        return Maker::Unsaid;
    };
    let Some(arcs) = arcs_of(unquoted(text)) else {
        return Maker::Unsaid;
    };
    let what = format!("Object id {}", quoted(text));
    let row = catalog
        .object_ids
        .iter()
        .filter(|row| {
            if row.is_prefix {
                arcs.starts_with(&row.arcs)
            } else {
                arcs == row.arcs
            }
        })
        .max_by_key(|row| (row.arcs.len(), !row.is_prefix));
    let Some(row) = row else {
        let rest = arcs.strip_prefix(&ENTERPRISES);
        // Zero is nobody's.
        return match rest.and_then(<[u32]>::first).filter(|first| **first > 0) {
            Some(enterprise) => Maker::Other {
                what,
                enterprise: *enterprise,
            },
            None => Maker::Unsaid,
        };
    };
    if row.lineage.is_empty() {
        return Maker::Unsaid;
    }
    let model = catalog
        .by_model(&row.model)
        .filter(|_| !row.model.is_empty());
    let names_product = model.is_some() || !row.families.is_empty();
    let says = match model.map(|idx| &catalog.products[idx]) {
        Some(product) => match &product.rebrand {
            Some(rebrand) => format!("is that of the {}, sold by {rebrand}", product.model),
            None => format!("is that of the {}", product.model),
        },
        None if names_product => format!("is in the tree of {}", row.families.join(" or ")),
        None => format!("is in the tree of {}", row.lineage),
    };
    signs.push(Sign {
        origin: Origin::ObjectId,
        probe: Some(Probe::Snmp),
        what,
        says,
        confidence: if names_product {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
        families: &row.families,
        model,
        lineage: &row.lineage,
    });
    Maker::Ours {
        row,
        last_arc: arcs.last().copied(),
    }
}

/// The family's own model: what stands before the first space, or all of it (facts §2.4). Together with the family's
/// object id it names the product.
fn models<'a>(catalog: &'a Catalog, probed: &Probed, maker: &Maker<'_>, signs: &mut Vec<Sign<'a>>) {
    let Some(text) = probed.clue(ClueKind::Model) else {
        return;
    };
    let whole = unquoted(text);
    let first = whole.split_whitespace().next().unwrap_or_default();
    let Some(idx) = catalog.by_model(first).or_else(|| catalog.by_model(whole)) else {
        return;
    };
    let product = &catalog.products[idx];
    let is_of_family =
        matches!(maker, Maker::Ours { row, .. } if row.families.contains(&product.family));
    signs.push(Sign {
        origin: Origin::Text,
        probe: Some(Probe::Snmp),
        what: format!("Model {}", quoted(whole)),
        says: format!("is that of the {}", product.model),
        confidence: if is_of_family {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
        families: std::slice::from_ref(&product.family),
        model: Some(idx),
        lineage: "",
    });
}

/// Every text of every probe that a pattern knows.
fn texts<'a>(catalog: &'a Catalog, probed: &Probed, maker: &Maker<'_>, signs: &mut Vec<Sign<'a>>) {
    for answer in &probed.answers {
        for clue in &answer.clues {
            let found = matches(catalog, clue.kind, &clue.text, Some(probed));
            for mut sign in found {
                // A description is as good as the object id of the same lineage that stands beside it.
                if clue.kind == ClueKind::Description
                    && sign.model.is_some()
                    && matches!(maker, Maker::Ours { row, .. } if row.lineage == sign.lineage)
                {
                    sign.confidence = Confidence::Certain;
                }
                let is_new = !signs
                    .iter()
                    .any(|other| other.what == sign.what && other.says == sign.says);
                if is_new {
                    signs.push(sign);
                }
            }
        }
    }
}

/// What the patterns say of one text: only those that tell most.
fn matches<'a>(
    catalog: &'a Catalog,
    kind: ClueKind,
    text: &str,
    probed: Option<&Probed>,
) -> Vec<Sign<'a>> {
    let matched_as = matched_text(kind, text);
    let mut found: Vec<Sign<'a>> = catalog
        .patterns
        .iter()
        .filter(|row| row.kind == kind && row.pattern.is_match(&matched_as))
        .filter(|row| matches_also(row, probed))
        .map(|row| pattern_sign(catalog, row, text, &matched_as))
        .filter(|sign| sign.rank() > 0)
        .collect();
    let best = found
        .iter()
        .map(|sign| (sign.rank(), sign.confidence))
        .max();
    found.retain(|sign| Some((sign.rank(), sign.confidence)) == best);
    found
}

fn matches_also(row: &PatternRow, probed: Option<&Probed>) -> bool {
    let Some((kind, pattern)) = &row.also else {
        return true;
    };
    probed
        .and_then(|probed| probed.answer(kind.probe()))
        .is_some_and(|answer| {
            answer
                .clues(*kind)
                .any(|text| pattern.is_match(&matched_text(*kind, text)))
        })
}

fn pattern_sign<'a>(
    catalog: &'a Catalog,
    row: &'a PatternRow,
    text: &str,
    matched_as: &str,
) -> Sign<'a> {
    let model = Some(row.model_in(matched_as))
        .filter(|model| !model.is_empty())
        .and_then(|model| catalog.by_model(&model))
        .filter(|idx| row.families.contains(&catalog.products[*idx].family));
    // People choose these names: they say what somebody thought.
    let is_typed = matches!(row.kind, ClueKind::SystemName | ClueKind::Location);
    Sign {
        origin: Origin::Text,
        probe: Some(row.kind.probe()),
        what: format!("{} {}", row.kind.title(), quoted(unquoted(text))),
        says: row.meaning.clone(),
        confidence: if is_typed {
            Confidence::Possible
        } else {
            row.confidence
        },
        families: match model {
            Some(idx) => std::slice::from_ref(&catalog.products[idx].family),
            None => &row.families,
        },
        model,
        lineage: &row.lineage,
    }
}

/// Sets of open ports. One that is part of another that fits as well says nothing of its own.
fn ports<'a>(catalog: &'a Catalog, probed: &Probed, signs: &mut Vec<Sign<'a>>) {
    let Some(answer) = probed.answer(Probe::Ports) else {
        return;
    };
    let open: Vec<u16> = answer
        .clues(ClueKind::OpenPort)
        .filter_map(|port| port.trim().parse().ok())
        .collect();
    let fitting: Vec<_> = catalog
        .port_sets
        .iter()
        .filter(|row| {
            row.open.iter().all(|port| open.contains(port))
                && !row.not_open.iter().any(|port| open.contains(port))
        })
        .collect();
    for row in &fitting {
        let is_part = fitting.iter().any(|other| {
            other.open.len() > row.open.len()
                && row.open.iter().all(|port| other.open.contains(port))
        });
        if is_part {
            continue;
        }
        let numbers: Vec<_> = row.open.iter().map(ToString::to_string).collect();
        signs.push(Sign {
            origin: Origin::Ports,
            probe: Some(Probe::Ports),
            what: format!("Open ports \"{}\"", numbers.join(" ")),
            says: row.meaning.clone(),
            confidence: row.confidence,
            families: &row.families,
            model: None,
            lineage: &row.lineage,
        });
    }
}

/// The blocks of its MACs.
fn macs<'a>(catalog: &'a Catalog, known: &Known<'_>, signs: &mut Vec<Sign<'a>>) {
    let by_neighbors = known
        .probed
        .and_then(|probed| probed.clue(ClueKind::NeighborMac))
        .and_then(Mac::parse);
    let mut macs: Vec<(Mac, Option<Probe>)> = Vec::new();
    if let Some(mac) = known.mac {
        let is_only_there = !known.speaks_aidp && by_neighbors == Some(mac);
        macs.push((mac, is_only_there.then_some(Probe::Neighbors)));
    }
    for kind in [ClueKind::NeighborMac, ClueKind::InterfaceMac] {
        let answer = known.probed.and_then(|probed| probed.answer(kind.probe()));
        let found = answer
            .into_iter()
            .flat_map(|answer| answer.clues(kind))
            .filter_map(Mac::parse);
        for mac in found {
            if macs.len() < MAX_MACS && !macs.iter().any(|(other, _)| *other == mac) {
                macs.push((mac, Some(kind.probe())));
            }
        }
    }
    let mut said = Vec::new();
    for (mac, probe) in macs {
        // Once for each lineage: a unit has several interfaces, and the second says nothing new.
        if let Some(lineage) = catalog.lineage(mac)
            && !said.contains(&lineage)
        {
            said.push(lineage);
            signs.push(Sign {
                origin: Origin::Mac,
                probe,
                what: format!("MAC \"{mac}\""),
                says: format!("is in a block of {lineage}"),
                confidence: Confidence::Possible,
                families: &[],
                model: None,
                lineage,
            });
        }
    }
}
