//! What the answers of a unit cost, and what is left out of them when there is no room for all.

use super::{Answer, Clue, ClueKind, Outcome, Probed, Target};
use crate::model::sighting::{CUT_MARK, RawDatagram};

/// How many clues are left of an answer where there is no room for more: one of each kind that the grid shows.
const FACTS_KEPT: usize = 5;

/// How long a text of [`Probed::only_facts`] is at most, its mark included.
const FACT_KEPT_BYTES: usize = 128;

impl Probed {
    /// About how many bytes it takes.
    pub fn num_bytes(&self) -> usize {
        let answers = self.answers.iter().map(|answer| {
            let clues = answer
                .clues
                .iter()
                .map(|clue| size_of::<Clue>() + clue.text.len());
            let why = answer.outcome.why().map_or(0, str::len);
            size_of::<Answer>() + answer.raw.bytes.len() + why + clues.sum::<usize>()
        });
        let targets = self.targets.iter().map(|target| {
            let texts = [&target.tty, &target.name, &target.status, &target.speed];
            size_of::<Target>() + texts.iter().map(|text| text.len()).sum::<usize>()
        });
        size_of::<Self>() + answers.sum::<usize>() + targets.sum::<usize>()
    }

    /// Whether some of what came is kept byte for byte.
    pub fn has_raw(&self) -> bool {
        let mut answers = self.answers.iter();
        answers.any(|answer| !answer.raw.bytes.is_empty())
    }

    /// The same without what came byte for byte.
    #[must_use]
    pub fn without_raw(&self) -> Self {
        let mut kept = self.clone();
        let none = RawDatagram::keep(&[]).bytes;
        for answer in &mut kept.answers {
            answer.raw.bytes = std::sync::Arc::clone(&none);
        }
        kept
    }

    /// Whether [`Self::only_facts`] would leave something out.
    pub fn has_more_than_facts(&self) -> bool {
        let is_cut = |answer: &Answer| {
            let why = answer.outcome.why();
            answer.clues.iter().any(|clue| !is_fact(clue))
                || answer.clues.len() > FACTS_KEPT
                || why.is_some_and(|why| why.len() > FACT_KEPT_BYTES)
        };
        self.has_raw() || !self.targets.is_empty() || self.answers.iter().any(is_cut)
    }

    /// Only how each probe ended, and what the grid shows and a product is known by, cut to a length that leaves room for
    /// every unit of a large site.
    #[must_use]
    pub fn only_facts(&self) -> Self {
        let mut kept = self.without_raw();
        kept.targets = Vec::new();
        for answer in &mut kept.answers {
            answer.clues.retain(|clue| is_fact_kind(clue.kind));
            answer.clues.truncate(FACTS_KEPT);
            answer.clues.shrink_to_fit();
            for clue in &mut answer.clues {
                cut_fact(&mut clue.text);
            }
            if let Outcome::Garbled(why) | Outcome::Failed(why) = &mut answer.outcome {
                cut_fact(why);
            }
        }
        kept.answers.shrink_to_fit();
        kept
    }
}

fn is_fact(clue: &Clue) -> bool {
    is_fact_kind(clue.kind) && clue.text.len() <= FACT_KEPT_BYTES
}

/// What the grid shows and a product is known by.
const fn is_fact_kind(kind: ClueKind) -> bool {
    matches!(
        kind,
        ClueKind::ObjectId
            | ClueKind::Model
            | ClueKind::PartNumber
            | ClueKind::Serial
            | ClueKind::Firmware
    )
}

fn cut_fact(text: &mut String) {
    if text.len() > FACT_KEPT_BYTES {
        text.truncate(text.floor_char_boundary(FACT_KEPT_BYTES - CUT_MARK.len_utf8()));
        text.push(CUT_MARK);
        text.shrink_to_fit();
    }
}
