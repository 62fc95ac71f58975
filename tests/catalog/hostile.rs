//! Texts and files that mean harm, and any others.

use proptest::prelude::*;
use rollcall::catalog::Catalog;
use rollcall::model::identification::Confidence;
use rollcall::model::identity::Mac;
use rollcall::model::probing::{CLUES_KEPT, ClueKind};

use crate::unit::{Unit, builtin};

#[test]
fn hostile_texts_of_every_kind_are_shown_as_symbols_and_prove_nothing() {
    let catalog = Catalog::builtin();
    let fillers = [
        '\0', '\u{1b}', '\u{202e}', '\u{200b}', '\u{feff}', '\u{85}', '"', '\\', ',', '=', '.',
        '9', 'ü',
    ];
    for filler in fillers {
        let text: String = std::iter::repeat_n(filler, 256).collect();
        let noise: String = fillers.iter().cycle().take(256).collect();
        // A product's name with something hidden in it is no product's name.
        let lure = format!("Avocent AutoView 3050{filler}{noise}");
        for text in [text, noise.clone(), lure] {
            let clues: Vec<_> = ClueKind::ALL
                .iter()
                .flat_map(|kind| std::iter::repeat_n((*kind, text.as_str()), 3))
                .collect();
            let mut unit = Unit::of(&clues);
            unit.host_name = Some(text.repeat(20));
            let found = unit.identify(&catalog);
            assert_ne!(
                found.confidence,
                Some(Confidence::Certain),
                "{filler:?}: {found:#?}"
            );
            let texts = found.reasons.iter().map(|reason| &reason.text);
            for text in texts.chain(&found.contradictions).chain(&found.remarks) {
                let is_clean = !text
                    .contains(|c: char| c.is_control() || "\u{202e}\u{200b}\u{feff}".contains(c));
                assert!(is_clean, "{text:?} could act");
            }
        }
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9.]{0,60}",
        r#""?(DSR|MPU|Avocent ACS |ESP-)[0-9]{1,4}( MI)?[ V]{1,2}[0-9.]{0,9}"?"#,
        "1\\.3\\.6\\.1\\.4\\.1\\.(10418|476|2925|9)(\\.[0-9]{1,10}){0,6}",
        "(CN|O|OU)=[A-Za-z., =]{0,40}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T00:00:00Z",
        "(RSA|EC|DSA) [0-9]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is said: no panic, a product has a confidence and a reason, and a name chooses nothing for certain.
    #[test]
    fn arbitrary_clues_are_judged(
        clues in proptest::collection::vec((0..ClueKind::ALL.len(), any_text()), 0..CLUES_KEPT),
        mac in proptest::option::of(any::<[u8; 6]>()),
        host_name in proptest::option::of(any_text()),
        model_number in any::<Option<u16>>(),
        speaks_aidp in any::<bool>(),
        num_targets in 0..60_u32,
    ) {
        let catalog = builtin();
        let unit = Unit {
            mac: mac.map(Mac::new),
            speaks_aidp,
            host_name,
            model_number,
            clues: clues.into_iter().map(|(idx, text)| (ClueKind::ALL[idx], text)).collect(),
            num_targets,
        };
        let found = unit.identify(catalog);
        prop_assert_eq!(found.product.is_some(), found.confidence.is_some());
        prop_assert!(found.product.is_none() || (found.is_ours && !found.reasons.is_empty()));
        prop_assert!(!speaks_aidp || found.is_ours);
        let says_object_id = unit.clues.iter().any(|(kind, _)| *kind == ClueKind::ObjectId);
        prop_assert!(says_object_id || found.confidence != Some(Confidence::Certain));
    }

    /// No bytes in a person's own file do harm, and what is taken and what is refused is bounded.
    #[test]
    fn arbitrary_files_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400), table in 0..6_usize) {
        let (name, table) = Catalog::builtin_files().swap_remove(table);
        let header = table.split(|byte| *byte == b'\n').next().expect("a header");
        let own = [header, b"\n", &bytes].concat();
        let (catalog, refused) = builtin().with_own(&[(name, own)]);
        prop_assert!(catalog.num_own_rows() + refused.len() <= 400);
    }
}
