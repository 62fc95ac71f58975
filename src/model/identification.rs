//! What a unit is, with how sure that is and why. Made by the catalog from what is known of the unit, never stored:
//! a newer catalog judges anew.

use super::probing::Probe;

/// How sure an identification is. Sorts surest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// One weak sign: it may be something else.
    Possible,
    /// Signs that rarely mislead.
    Likely,
    /// It says so itself, by means that name the product.
    Certain,
}

impl Confidence {
    /// The word on screen and in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// A product of the catalog, or a family of which the model is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The family: `ACS 8000`.
    pub family: String,
    /// The model, spelled as device libraries spell it; `None` when only the family is known.
    pub model: Option<String>,
    /// Console server, KVM switch, PDU. Empty when the family has several.
    pub class: String,
    /// Who sells it, spelled as device libraries spell it: `Avocent`, `Vertiv`, `Dell`.
    pub manufacturer: String,
    /// How many ports or outlets, where known.
    pub ports: Option<u16>,
    /// For a unit that another company sells under its own name: that company.
    pub rebrand: Option<String>,
}

/// One sign, and how much it says by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The probe that brought it; `None` for what the discovery protocol said.
    pub probe: Option<Probe>,
    /// One sentence without a full stop, with the value in quotes.
    pub text: String,
    /// How much it says by itself.
    pub confidence: Confidence,
}

/// The verdict on a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identification {
    /// The best product; `None`: unknown.
    pub product: Option<Product>,
    /// How sure that is; `None` when there is no product.
    pub confidence: Option<Confidence>,
    /// The firmware that it tells of, also within another text.
    pub firmware: Option<String>,
    /// Everything that speaks for it, the strongest first.
    pub reasons: Vec<Reason>,
    /// What speaks against it, one sentence each.
    pub contradictions: Vec<String>,
    /// What a person should know beside: legacy TLS only, an expired certificate.
    pub remarks: Vec<String>,
    /// Whether anything shows that it is of Avocent, Cyclades or Vertiv lineage, rebrands included. A MAC block alone
    /// does not.
    pub is_ours: bool,
}

impl Identification {
    /// Whether there is nothing more to ask for: the product is certain, down to the model.
    pub fn is_settled(&self) -> bool {
        self.confidence == Some(Confidence::Certain)
            && self
                .product
                .as_ref()
                .is_some_and(|product| product.model.is_some())
    }
}
