//! What a unit is: the signs weighed against each other. A verdict is right or there is none: signs of equal strength
//! that name different products leave it unknown, or at the family that they share.

use super::Catalog;
use super::remarks::remarks;
use super::rows::model_key;
use super::shown::quoted;
use super::signs::{Maker, Origin, Sign, signs};
use crate::model::identification::{Confidence, Identification, Product};
use crate::model::identity::Mac;
use crate::model::probing::{ClueKind, Probed, TARGETS_KEPT};
use crate::model::time::Timestamp;

/// The class of programs that run on any machine, whose own object id and MAC say nothing against them.
const SOFTWARE: &str = "management software";

/// The class whose units have as many targets as ports.
const CONSOLE_SERVER: &str = "console server";

/// How many contradictions are told.
const MAX_CONTRADICTIONS: usize = 12;

/// What is known of a unit when it is identified.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Its MAC, by whatever means.
    pub mac: Option<Mac>,
    /// Whether it answered or announced itself by the discovery protocol.
    pub speaks_aidp: bool,
    /// Its name, as it says.
    pub host_name: Option<&'a str>,
    /// Field 1 of its discovery reply: a hint, never the model.
    pub model_number: Option<u16>,
    /// What probes brought.
    pub probed: Option<&'a Probed>,
    /// Now, to judge certificates.
    pub now: Timestamp,
}

/// What signs of one strength, or of all down to one, say together.
#[derive(Clone, Debug)]
struct Settled<'a> {
    families: Vec<&'a str>,
    model: Option<usize>,
    confidence: Confidence,
}

impl Catalog {
    /// What a unit is, with all reasons and all that speaks against it. Never panics, whatever the texts hold.
    pub fn identify(&self, known: &Known<'_>) -> Identification {
        let (mut signs, maker) = signs(self, known);
        // Stable: what was looked at first stays first among equals.
        signs.sort_by_key(|sign| std::cmp::Reverse(sign.confidence));
        let settled = self.settle(&signs).filter(|settled| {
            let is_other = matches!(maker, Maker::Other { .. });
            !is_other || self.class_of(settled) == SOFTWARE
        });
        let product = settled.as_ref().map(|settled| self.product_of(settled));
        Identification {
            contradictions: self.contradictions(known, &signs, &maker, settled.as_ref()),
            is_ours: product.is_some() || is_ours(&signs, &maker),
            confidence: settled.map(|settled| settled.confidence),
            product,
            firmware: known
                .probed
                .and_then(|probed| self.firmware(probed))
                .map(str::to_owned),
            remarks: known
                .probed
                .map_or_else(Vec::new, |probed| remarks(probed, known.now)),
            reasons: signs.iter().map(Sign::reason).collect(),
        }
    }

    /// The product that the strongest signs name. Weaker ones only say more precisely what stronger ones leave open,
    /// and make the whole as sure as they are.
    fn settle<'a>(&self, signs: &[Sign<'a>]) -> Option<Settled<'a>> {
        let mut settled: Option<Settled<'a>> = None;
        for confidence in [
            Confidence::Certain,
            Confidence::Likely,
            Confidence::Possible,
        ] {
            let level: Vec<_> = signs
                .iter()
                .filter(|sign| sign.confidence == confidence && !sign.families.is_empty())
                .collect();
            let Some((families, model)) = self.agree(&level) else {
                // Equally strong, and different: nothing is known. What is settled already stays.
                return settled;
            };
            if families.is_empty() {
                continue;
            }
            let Some(before) = &mut settled else {
                settled = Some(Settled {
                    families,
                    model,
                    confidence,
                });
                continue;
            };
            let common: Vec<_> = before
                .families
                .iter()
                .copied()
                .filter(|family| families.contains(family))
                .collect();
            let says_more = common.len() < before.families.len()
                || (before.model.is_none() && model.is_some() && !was_torn(self, signs, before));
            if common.is_empty() || !says_more || confidence == Confidence::Possible {
                continue;
            }
            before.families = common;
            before.model = before.model.or(model);
            before.confidence = confidence;
        }
        settled
    }

    /// What signs of the same strength have in common: families, and the model when they name only one. `None` when
    /// they exclude each other.
    fn agree<'a>(&self, signs: &[&Sign<'a>]) -> Option<(Vec<&'a str>, Option<usize>)> {
        let mut families: Option<Vec<&'a str>> = None;
        for sign in signs {
            let own = sign.families.iter().map(String::as_str);
            families = Some(match families {
                None => own.collect(),
                Some(common) => {
                    let own: Vec<_> = own.collect();
                    common
                        .into_iter()
                        .filter(|family| own.contains(family))
                        .collect()
                }
            });
        }
        let Some(families) = families else {
            return Some((Vec::new(), None));
        };
        if families.is_empty() {
            return None;
        }
        let models = self.models_of(signs);
        let model = match models.as_slice() {
            [model] => Some(*model),
            _ => None,
        };
        match model {
            // A product of one of the families makes it that one.
            Some(idx) => {
                let family = &self.products[idx].family;
                let named = families.into_iter().filter(|name| name == family).collect();
                Some((named, model))
            }
            None => Some((families, None)),
        }
    }

    /// The different models that signs name; of two of which one is the other more precisely, only that one.
    fn models_of(&self, signs: &[&Sign<'_>]) -> Vec<usize> {
        let mut models: Vec<usize> = signs.iter().filter_map(|sign| sign.model).collect();
        models.sort_unstable();
        models.dedup();
        let all = models.clone();
        models.retain(|idx| !all.iter().any(|other| self.is_finer(*other, *idx)));
        models
    }

    /// Whether one product is another one more precisely: `ACS8048SAC` is an `ACS8048`.
    fn is_finer(&self, fine: usize, coarse: usize) -> bool {
        let (fine, coarse) = (&self.products[fine], &self.products[coarse]);
        let (fine_key, coarse_key) = (model_key(&fine.model), model_key(&coarse.model));
        fine.family == coarse.family
            && fine_key
                .strip_prefix(&coarse_key)
                .and_then(|rest| rest.chars().next())
                .is_some_and(|next| !next.is_ascii_digit())
    }

    fn product_of(&self, settled: &Settled<'_>) -> Product {
        if let Some(idx) = settled.model {
            let product = &self.products[idx];
            return Product {
                family: product.family.clone(),
                model: Some(product.model.clone()),
                class: product.class.clone(),
                manufacturer: product.manufacturer.clone(),
                ports: product.ports,
                rebrand: product.rebrand.clone(),
            };
        }
        Product {
            family: settled.families.join(" or "),
            model: None,
            class: self.class_of(settled).to_owned(),
            manufacturer: self
                .common(settled, |idx| &self.products[idx].manufacturer)
                .unwrap_or_default()
                .to_owned(),
            ports: None,
            rebrand: self
                .common(settled, |idx| {
                    self.products[idx].rebrand.as_deref().unwrap_or_default()
                })
                .filter(|rebrand| !rebrand.is_empty())
                .map(str::to_owned),
        }
    }

    fn class_of(&self, settled: &Settled<'_>) -> &str {
        match settled.model {
            Some(idx) => &self.products[idx].class,
            None => self
                .common(settled, |idx| &self.products[idx].class)
                .unwrap_or_default(),
        }
    }

    /// What all products of the families share.
    fn common<'a>(
        &'a self,
        settled: &Settled<'_>,
        text: impl Fn(usize) -> &'a str,
    ) -> Option<&'a str> {
        let mut texts = settled
            .families
            .iter()
            .filter_map(|family| self.families.get(*family))
            .flatten()
            .map(|idx| text(*idx));
        let first = texts.next()?;
        texts.all(|other| other == first).then_some(first)
    }

    fn contradictions(
        &self,
        known: &Known<'_>,
        signs: &[Sign<'_>],
        maker: &Maker<'_>,
        settled: Option<&Settled<'_>>,
    ) -> Vec<String> {
        let mut found = Vec::new();
        if let Maker::Other { what, enterprise } = maker {
            found.extend(
                signs
                    .iter()
                    .filter(|sign| sign.speaks_for_ours() && !self.is_software(sign))
                    .map(|sign| {
                        format!(
                            "{} {}, but {what} is of enterprise {enterprise}, another maker",
                            sign.what, sign.says
                        )
                    }),
            );
        }
        let products = || signs.iter().filter(|sign| !sign.families.is_empty());
        if let Some(leader) = products().next() {
            found.extend(
                products()
                    .skip(1)
                    .filter(|sign| self.exclude(leader, sign))
                    .map(|sign| {
                        format!(
                            "{} says {}, {} says {}",
                            leader.what,
                            self.claim(leader),
                            sign.what,
                            self.claim(sign)
                        )
                    }),
            );
        }
        found.extend(self.other_maker(known, signs));
        found.extend(settled.and_then(|settled| self.other_ports(known, settled)));
        found.truncate(MAX_CONTRADICTIONS);
        found
    }

    /// A manufacturer that nothing else bears out.
    fn other_maker(&self, known: &Known<'_>, signs: &[Sign<'_>]) -> Option<String> {
        let maker = known.probed?.clue(ClueKind::Maker)?;
        let title = ClueKind::Maker.title();
        let what = format!("{title} {}", quoted(maker));
        let is_known = signs.iter().any(|sign| sign.what.starts_with(title));
        let ours = signs
            .iter()
            .find(|sign| sign.speaks_for_ours() && !self.is_software(sign))?;
        (!is_known).then(|| format!("{} {}, but {what} is another one", ours.what, ours.says))
    }

    /// A console server that tells of more or fewer serial ports than its model has.
    fn other_ports(&self, known: &Known<'_>, settled: &Settled<'_>) -> Option<String> {
        let product = &self.products[settled.model?];
        // Where it stopped answering, how many were read says nothing.
        if known.probed?.clue(ClueKind::TargetsCut).is_some() {
            return None;
        }
        let expected = usize::from(product.ports?);
        let found = known.probed?.targets.len();
        let is_other = product.class == CONSOLE_SERVER
            && (1..TARGETS_KEPT).contains(&found)
            && found != expected;
        is_other.then(|| {
            format!(
                "It tells of \"{found}\" serial ports, and the {} has {expected}",
                product.model
            )
        })
    }

    /// Whether two signs cannot both be right.
    fn exclude(&self, one: &Sign<'_>, other: &Sign<'_>) -> bool {
        let shares_family = one
            .families
            .iter()
            .any(|family| other.families.contains(family));
        match (one.model, other.model) {
            _ if !shares_family => true,
            (Some(one), Some(other)) => {
                one != other && !self.is_finer(one, other) && !self.is_finer(other, one)
            }
            _ => false,
        }
    }

    /// What a sign says it is.
    fn claim(&self, sign: &Sign<'_>) -> String {
        match sign.model {
            Some(idx) => self.products[idx].model.clone(),
            None => sign.families.join(" or "),
        }
    }

    fn is_software(&self, sign: &Sign<'_>) -> bool {
        sign.families.iter().any(|family| {
            self.families
                .get(family)
                .is_some_and(|all| all.iter().any(|idx| self.products[*idx].class == SOFTWARE))
        })
    }
}

/// Whether the strongest signs name several models, so that a weaker one cannot choose.
fn was_torn(catalog: &Catalog, signs: &[Sign<'_>], settled: &Settled<'_>) -> bool {
    let strongest: Vec<_> = signs
        .iter()
        .filter(|sign| sign.confidence >= settled.confidence)
        .collect();
    catalog.models_of(&strongest).len() > 1
}

/// Whether the signs show the lineage. A text that only makes it possible needs a second sign of another kind, and no
/// object id of another maker; a MAC alone never does.
fn is_ours(signs: &[Sign<'_>], maker: &Maker<'_>) -> bool {
    let shows = || signs.iter().filter(|sign| !sign.lineage.is_empty());
    let by = |origin| shows().any(|sign| sign.origin == origin);
    let num_possible = [Origin::Text, Origin::Ports, Origin::Mac]
        .into_iter()
        .filter(|origin| by(*origin))
        .count();
    let is_other = matches!(maker, Maker::Other { .. });
    (!is_other && (by(Origin::Ports) || num_possible > 1))
        || shows().any(|sign| sign.origin != Origin::Mac && sign.confidence >= Confidence::Likely)
}
