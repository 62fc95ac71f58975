//! Taught decoders against whatever a file and the network can hold: nothing panics, nothing runs past the bytes, and
//! what is written reads back.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rollcall::model::sighting::TEXT_KEPT_CHARS;
use rollcall::taught::{
    ByteOrder, Decoder, Decoders, Draft, Extent, Fact, Field, MAX_RECORDS, MatchRule, Place,
    ReadAs, Taught, Tlv, parse,
};

const GOOD: &str = include_str!("data/taught/decoders.toml");

/// Small numbers more often, since they reach into short datagrams.
fn offset() -> impl Strategy<Value = u16> {
    prop_oneof![8 => 0..40u16, 1 => any::<u16>()]
}

fn rule() -> impl Strategy<Value = MatchRule> {
    // Masks and bytes that fit often, so that decoders match often.
    let bytes = vec(select(vec![0, 1, 0xFF]), 0..4);
    let mask = option::of(vec(select(vec![0, 0, 1, 0xFF]), 0..4));
    (offset(), bytes, mask).prop_map(|(offset, bytes, mask)| MatchRule {
        offset,
        bytes,
        mask,
    })
}

fn tlv() -> impl Strategy<Value = Tlv> {
    let sizes = (0..4u8, 0..6u8);
    (offset(), sizes, any::<bool>(), option::of(0..4u16)).prop_map(
        |(begin, (type_bytes, length_bytes), length_counts_header, end_type)| Tlv {
            begin,
            type_bytes,
            length_bytes,
            length_counts_header,
            end_type,
        },
    )
}

fn field() -> impl Strategy<Value = Field> {
    let extent = prop_oneof![
        4 => offset().prop_map(Extent::Length),
        1 => Just(Extent::UntilNul),
        1 => Just(Extent::ToEnd),
    ];
    let place = prop_oneof![
        (offset(), extent).prop_map(|(offset, extent)| Place::Offset { offset, extent }),
        (0..6u16).prop_map(|kind| Place::Record { kind }),
    ];
    let fact = select(Fact::ALL.to_vec());
    let reading = select(ReadAs::ALL.to_vec());
    (fact, place, reading).prop_map(|(fact, place, reading)| Field {
        fact,
        place,
        reading,
    })
}

/// Anything that the fields of a draft can hold, most of it wrong.
fn draft() -> impl Strategy<Value = Draft> {
    let texts = (".{0,70}", ".{0,20}", vec(any::<u16>(), 0..3));
    let lengths = (option::of(offset()), option::of(offset()));
    let byte_order = select(vec![ByteOrder::Big, ByteOrder::Little]);
    let parts = (vec(rule(), 0..4), option::of(tlv()), vec(field(), 0..40));
    (texts, lengths, byte_order, parts).prop_map(
        |((name, note, ports), (min_length, max_length), byte_order, (rules, tlv, fields))| Draft {
            name,
            note,
            ports,
            byte_order,
            min_length,
            max_length,
            rules,
            tlv,
            fields,
        },
    )
}

/// A draft without problems: whatever part of a random one is wrong is taken out.
fn good_draft() -> impl Strategy<Value = Draft> {
    draft().prop_map(|mut draft| {
        "name".clone_into(&mut draft.name);
        draft.note.clear();
        draft.ports.retain(|port| *port != 0);
        draft.max_length = None;
        draft.min_length = Some(draft.min_length.unwrap_or(1).min(30));
        draft
            .rules
            .retain(|rule| problems_of(&with_rule(rule)) == 0);
        let tlv = draft.tlv.get_or_insert_default();
        tlv.type_bytes = tlv.type_bytes.clamp(1, 2);
        tlv.length_bytes = [1, 2, 4][usize::from(tlv.length_bytes % 3)];
        let tlv = draft.tlv;
        draft.fields.truncate(32);
        draft.fields.retain(|field| {
            let only = Draft {
                tlv,
                fields: vec![*field],
                ..with_rule(&MatchRule::default())
            };
            // The rule of this draft is empty, which is its one problem.
            problems_of(&only) == 1
        });
        if draft.fields.is_empty() {
            draft.fields = with_rule(&MatchRule::default()).fields;
        }
        draft
    })
}

fn with_rule(rule: &MatchRule) -> Draft {
    Draft {
        name: "name".to_owned(),
        rules: vec![rule.clone()],
        fields: vec![Field {
            fact: Fact::Name,
            place: Place::Offset {
                offset: 0,
                extent: Extent::ToEnd,
            },
            reading: ReadAs::Text,
        }],
        ..Draft::default()
    }
}

fn problems_of(draft: &Draft) -> usize {
    draft.problems().len()
}

/// Bytes that are often records.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        vec(select(vec![0, 1, 2, 3, 4, 0xFF, b'a']), 0..200),
    ]
}

fn check(taught: &Taught, draft: &Draft, datagram: &[u8]) {
    for field in &taught.fields {
        assert!(!field.range.is_empty(), "{field:?}");
        assert!(field.range.end <= datagram.len(), "{field:?}");
        assert!(field.text.chars().count() <= TEXT_KEPT_CHARS, "{field:?}");
        assert!(!field.text.is_empty(), "{field:?}");
    }
    for fact in Fact::ALL {
        let num_found = taught
            .fields
            .iter()
            .filter(|field| field.fact == fact)
            .count();
        let num_missed = taught
            .missed
            .iter()
            .filter(|missed| missed.fact == fact)
            .count();
        let num_fields = draft
            .fields
            .iter()
            .take(32)
            .filter(|field| field.fact == fact)
            .count();
        let expected = if num_found == 1 { 0 } else { num_fields };
        assert!(
            num_found <= 1 && num_missed == expected,
            "{fact:?} in {taught:?}"
        );
    }
    for missed in &taught.missed {
        assert!(
            missed.why.to_string().len() < 8 * TEXT_KEPT_CHARS,
            "{missed:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn drafts_with_whatever_problems_read_whatever_bytes(
        draft in draft(),
        datagrams in vec(datagram(), 1..8),
        port in any::<u16>(),
    ) {
        let mut unbound = draft.clone();
        // So that most of them match.
        unbound.rules.clear();
        unbound.ports = vec![port];
        (unbound.min_length, unbound.max_length) = (None, None);
        let list: Vec<(u16, &[u8])> = datagrams.iter().map(|bytes| (port, &bytes[..])).collect();
        for draft in [&draft, &unbound] {
            let results = draft.try_on(&list);
            prop_assert_eq!(results.len(), datagrams.len());
            for (taught, bytes) in results.iter().zip(&datagrams) {
                if let Some(taught) = taught {
                    check(taught, draft, bytes);
                }
            }
        }
        prop_assert!(unbound.try_on(&list).iter().all(Option::is_some));
        // Of a draft with problems too the text is TOML: it is refused with a place or read.
        let (decoders, refused) = parse(&draft.to_toml(), "x");
        prop_assert_eq!(decoders.is_empty(), !refused.is_empty());
        prop_assert_eq!(Decoder::new(draft.clone()).is_err(), !draft.problems().is_empty());
        let ports_only_differ = |other: &Draft| Draft { ports: vec![], ..other.clone() } == Draft { ports: vec![], ..draft.clone() };
        prop_assert!(decoders.iter().all(|decoder| ports_only_differ(decoder.draft())));
    }

    #[test]
    fn good_drafts_are_read_back_as_they_were(draft in good_draft(), bytes in datagram()) {
        prop_assert_eq!(draft.problems(), vec![]);
        let decoder = Decoder::new(draft.clone()).expect("it has no problem");
        let text = decoder.to_toml();
        let (decoders, refused) = parse(&text, "x");
        prop_assert_eq!(refused, vec![]);
        prop_assert_eq!(&decoders[..], &[decoder.clone()][..]);
        for port in draft.ports() {
            let mut set = Decoders::default();
            prop_assert!(set.push(decoder.clone()).is_ok());
            let first = set.first_match(*port, &bytes);
            let decoded = decoder.decode(*port, &bytes);
            prop_assert_eq!(decoded.is_some(), decoder.matches(*port, &bytes));
            let tried = draft.try_on(&[(*port, &bytes)]).remove(0);
            prop_assert_eq!(&decoded, &tried, "what was tried is what is read");
            prop_assert_eq!(&first, &decoded.filter(|decoded| !decoded.fields.is_empty()));
            let claims = first.as_ref().map(|taught| taught.claims.clone());
            prop_assert_eq!(claims, set.first_claims(*port, &bytes));
        }
    }

    #[test]
    fn whatever_the_file_holds_is_read_or_refused(text in ".{0,400}", at in any::<usize>(), with in ".{0,6}") {
        for text in [text.clone(), format!("[[decoder]]\n{text}")] {
            let (_, refused) = parse(&text, "x");
            let num_lines = text.lines().count() as u32 + 1;
            prop_assert!(refused.iter().all(|refused| refused.line <= num_lines && refused.column >= 1));
        }
        // One place of a good file is spoiled.
        let start = GOOD.floor_char_boundary(at % GOOD.len());
        let end = GOOD.ceil_char_boundary((start + with.len()).min(GOOD.len()));
        let spoiled = format!("{}{with}{}", &GOOD[..start], &GOOD[end..]);
        let (decoders, _) = parse(&spoiled, "x");
        prop_assert!(decoders.len() <= 6);
    }

    #[test]
    fn a_proposal_matches_the_datagram_it_was_made_from(
        bytes in datagram(),
        mac in any::<[u8; 6]>(),
        ip in any::<[u8; 4]>(),
        at in 0..200usize,
    ) {
        let mut bytes = bytes;
        let at = at.min(bytes.len());
        bytes.splice(at..at, mac.into_iter().chain(ip));
        let draft = Draft::from_datagram(3502, &bytes, Some(mac.into()), Some(ip.into()));
        let taught = draft.try_on(&[(3502, &bytes)]).remove(0);
        let taught = taught.expect("it matches its own datagram");
        check(&taught, &draft, &bytes);
        prop_assert_eq!(taught.missed, vec![]);
        if mac != [0; 6] && mac != [0xFF; 6] {
            prop_assert_eq!(taught.claims.mac, Some(mac.into()));
        }
    }
}

#[test]
fn a_datagram_of_nothing_but_records_is_looked_at_up_to_a_bound() {
    let mut draft = with_rule(&MatchRule::default());
    draft.tlv = Some(Tlv::default());
    draft.fields = vec![Field {
        fact: Fact::Serial,
        place: Place::Record { kind: 9 },
        reading: ReadAs::Hex,
    }];
    let mut datagram = vec![0; 2 * (MAX_RECORDS - 1)];
    datagram.extend([9, 1, 0xAB]);
    let last = draft
        .try_on(&[(3502, &datagram)])
        .remove(0)
        .expect("it matches");
    assert_eq!(last.fields[0].text, "ab");
    datagram.splice(0..0, [0, 0]);
    let beyond = draft
        .try_on(&[(3502, &datagram)])
        .remove(0)
        .expect("it matches");
    assert_eq!(
        beyond.missed[0].why.to_string(),
        "no record of type 9 among the first 512"
    );
}
