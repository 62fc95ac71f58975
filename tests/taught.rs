//! Taught decoders: what they read in datagrams, what is said of bad ones, and what a draft proposes.
//! The decoders and the cases are in `data/taught`.

use std::net::Ipv4Addr;

use rollcall::model::identity::Mac;
use rollcall::model::sighting::TEXT_KEPT_CHARS;
use rollcall::taught::{
    Decoder, Decoders, Draft, Extent, Fact, MAX_DECODERS_PER_FILE, MAX_FILE_BYTES, MatchRule,
    NotAdded, Place, ReadAs, Refused, Taught, Tlv, parse,
};
use rollcall::wire::Claimed;

const DECODERS: &str = include_str!("data/taught/decoders.toml");
const CASES: &str = include_str!("data/taught/cases.txt");
const BAD: &str = include_str!("data/taught/bad.toml");
const BAD_SAID: &str = include_str!("data/taught/bad.txt");

const MAC: [u8; 6] = [0x00, 0xE0, 0x86, 0x12, 0x34, 0x56];

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .filter_map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    assert_eq!(digits.len() % 2, 0, "whole bytes in {hex:?}");
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn all_good(text: &str) -> Vec<Decoder> {
    let (decoders, refused) = parse(text, "good.toml");
    assert_eq!(words(&refused), [""; 0]);
    decoders
}

fn words(refused: &[Refused]) -> Vec<String> {
    refused.iter().map(ToString::to_string).collect()
}

fn set(text: &str) -> Decoders {
    let mut set = Decoders::default();
    for decoder in all_good(text) {
        set.push(decoder).expect("the names differ");
    }
    set
}

fn name_of(taught: &Taught) -> &str {
    let taught = taught.claims.taught.as_ref();
    &taught.expect("a taught decoder names itself").decoder
}

/// What the claims say of a fact, which must be what the field says.
fn claimed(taught: &Taught, fact: Fact) -> Option<String> {
    let claims = &taught.claims;
    let beside = claims.taught.as_ref().expect("it names itself");
    let ip = |claimed: Claimed| match claimed {
        Claimed::Absent => None,
        Claimed::None => Some("0.0.0.0".to_owned()),
        Claimed::Ip(ip) => Some(ip.to_string()),
    };
    match fact {
        Fact::Mac => claims.mac.map(|mac| mac.to_string()),
        Fact::Ip => ip(claims.ip),
        Fact::Mask => ip(claims.mask),
        Fact::Gateway => ip(claims.gateway),
        Fact::Name => claims.host_name.clone(),
        Fact::Model => beside.model.clone(),
        Fact::Serial => beside.serial.clone(),
        Fact::Firmware => beside.firmware.clone(),
    }
}

#[test]
fn every_case_is_read_as_written() {
    let decoders = set(DECODERS);
    let mut num_cases = 0;
    for line in CASES.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [port, hex, name, fields, missed] = parts[..] else {
            panic!("five parts in {line:?}");
        };
        num_cases += 1;
        let port = port.parse().expect("a port");
        let datagram = bytes_of(hex);
        let first = decoders.first_match(port, &datagram);
        let claims = decoders.first_claims(port, &datagram);
        assert_eq!(first.is_some(), !fields.is_empty(), "{line:?}");
        assert_eq!(first.as_ref().map(|first| &first.claims), claims.as_ref());
        // A decoder that matches and finds nothing claims nothing; a person is shown why all the same.
        let matching = || decoders.iter().find_map(|one| one.decode(port, &datagram));
        let Some(taught) = first.or_else(matching) else {
            assert_eq!(name, "-", "nothing reads {line:?}");
            continue;
        };
        assert_eq!(name_of(&taught), name, "{line:?}");
        let found: Vec<String> = taught
            .fields
            .iter()
            .map(|field| {
                let range = &field.range;
                format!(
                    "{} {}..{} {}",
                    field.fact.word(),
                    range.start,
                    range.end,
                    field.text
                )
            })
            .collect();
        assert_eq!(found.join("; "), fields, "fields of {line:?}");
        let not_found: Vec<String> = taught
            .missed
            .iter()
            .map(|missed| format!("{}: {}", missed.fact.word(), missed.why))
            .collect();
        assert_eq!(not_found.join("; "), missed, "missed of {line:?}");
        for fact in Fact::ALL {
            let text = taught.fields.iter().find(|field| field.fact == fact);
            let text = text.map(|field| field.text.clone());
            assert_eq!(claimed(&taught, fact), text, "{fact:?} of {line:?}");
        }
    }
    assert!(num_cases >= 20, "the table lost cases");
}

#[test]
fn what_is_written_reads_back() {
    for decoder in all_good(DECODERS) {
        let text = decoder.to_toml();
        assert_eq!(all_good(&text), [decoder], "{text}");
    }
    let hostile = Draft {
        name: "a \"b\" \\ 'c' # ü".to_owned(),
        note: "'''two\nlines\"\"\" \\".to_owned(),
        min_length: Some(1),
        fields: all_good(DECODERS)[0].draft().fields.clone(),
        ..Draft::default()
    };
    assert_eq!(hostile.problems(), []);
    assert_eq!(all_good(&hostile.to_toml())[0].draft(), &hostile);
}

#[test]
fn bad_decoders_are_named_with_their_place_and_the_good_ones_stay() {
    let (decoders, refused) = parse(BAD, "bad.toml");
    let names: Vec<&str> = decoders.iter().map(Decoder::name).collect();
    assert_eq!(names, ["good one", "good two"]);
    assert_eq!(words(&refused).join("\n"), BAD_SAID.trim_end());
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_place() {
    let deep = format!("x = {}", "[".repeat(100_000));
    let long = "#".repeat(MAX_FILE_BYTES + 1);
    for (text, said) in [
        ("[[decoder]]\nname = \n", "x:2:8: "),
        ("[[decoder]]\r\nname = \"ü\" 3\r\n", "x:2:12: "),
        ("\u{feff}nonsense", "x:1:"),
        (
            "[decoder]\n",
            "x:1:2: a decoder begins with [[decoder]], in two brackets",
        ),
        ("decoder = [1]", "x:1:12: a table of keys is expected here"),
        (
            "decoder = [[\"positional\"]]",
            "x:1:12: a table of keys is expected here",
        ),
        (
            "[[decoder]]\nname = \"x\"\nmatch = [[0, \"00\"]]\n",
            "x:3:10: a table of keys is expected here",
        ),
        (
            "[[decoder]]\nname = \"x\"\nmin_length = 70000\n",
            "x:3:14: invalid value: integer `70000`, expected a whole number from 0 to 65535",
        ),
        (&deep, "x:1:"),
        (&long, "x:1:1: it is longer than 256 KiB"),
    ] {
        let (decoders, refused) = parse(text, "x");
        let words = words(&refused);
        assert!(decoders.is_empty(), "{said:?}");
        assert!(
            words.len() == 1 && words[0].starts_with(said),
            "{words:?} is not {said:?}"
        );
    }
    assert_eq!(
        parse("", "x"),
        (vec![], vec![]),
        "an empty file is no error"
    );
}

#[test]
fn a_file_and_a_set_hold_so_many_decoders_and_no_more() {
    let one = |idx: usize| {
        format!(
            "[[decoder]]\nname = \"{idx}\"\nmin_length = 6\nfield = [{{ fact = \"mac\", offset = 0 }}]\n"
        )
    };
    let text: String = (0..=MAX_DECODERS_PER_FILE).map(one).collect();
    let (decoders, refused) = parse(&text, "x");
    assert_eq!(decoders.len(), MAX_DECODERS_PER_FILE);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].line, 4 * 64 + 1);

    let mut set = Decoders::default();
    let decoder = |idx| all_good(&one(idx)).remove(0);
    for idx in 0..rollcall::taught::MAX_DECODERS {
        assert_eq!(set.push(decoder(idx)), Ok(()));
    }
    assert_eq!(set.push(decoder(0)), Err(NotAdded::NameTaken));
    assert_eq!(set.push(decoder(999)), Err(NotAdded::Full));
    let taught = set.first_match(3502, &MAC).expect("all of them match");
    assert_eq!(name_of(&taught), "0", "the first one reads");
}

#[test]
fn long_texts_are_cut_and_their_range_is_not() {
    let decoders = set(
        "[[decoder]]\nname = \"x\"\nmin_length = 1\nfield = [{ fact = \"name\", offset = 0, until = \"end\" }, { fact = \"model\", offset = 0, until = \"end\", as = \"hex\" }, { fact = \"serial\", offset = 0, until = \"end\", as = \"bcd\" }]\n",
    );
    for datagram in [
        "ü".repeat(30_000).into_bytes(),
        format!("x{}", "ü".repeat(30_000)).into_bytes(),
        vec![0x11; 60_000],
        vec![0xFC; 60_000],
    ] {
        let taught = decoders.first_match(3502, &datagram).expect("it matches");
        assert!(taught.fields.len() >= 2);
        for field in &taught.fields {
            assert_eq!(
                field.text.chars().count(),
                TEXT_KEPT_CHARS,
                "{:?}",
                field.fact
            );
            assert_eq!(field.range, 0..datagram.len());
        }
    }
    let umlauts = "ü".repeat(30_000).into_bytes();
    let taught = decoders.first_match(3502, &umlauts).expect("it matches");
    let name = taught.claims.host_name.expect("it is a name");
    assert!(name.starts_with("üüü"), "what is UTF-8 stays so: {name:?}");
}

#[test]
fn a_draft_begins_with_what_one_datagram_shows() {
    let ip = Ipv4Addr::new(10, 20, 4, 17);
    let datagram = bytes_of("50445542 0100 00e086123456 0a140411 722d3031");
    let mut draft = Draft::from_datagram(3502, &datagram, Some(Mac::new(MAC)), Some(ip));
    assert_eq!(
        draft.rules,
        [MatchRule {
            offset: 0,
            bytes: b"PDUB".to_vec(),
            mask: None
        }]
    );
    assert_eq!((draft.min_length, draft.max_length), (Some(16), Some(40)));
    let said: Vec<String> = draft.problems().iter().map(ToString::to_string).collect();
    assert_eq!(said, ["name: it has no name"], "only the name is missing");

    draft.mark(16..20, Fact::Name, ReadAs::Text);
    // It works before it is finished.
    let other = bytes_of("50445542 0100 00e086999999 0a140412 722d3032 0000");
    let results = draft.try_on(&[
        (3502, &datagram),
        (3502, &other),
        (3211, &other),
        (3502, b"x"),
    ]);
    let names: Vec<Option<&str>> = results
        .iter()
        .map(|result| result.as_ref()?.claims.host_name.as_deref())
        .collect();
    assert_eq!(names, [Some("r-01"), Some("r-02"), None, None]);
    let found = results[1].as_ref().expect("it matches");
    assert_eq!(found.claims.mac, Mac::parse("00:e0:86:99:99:99"));
    assert_eq!(found.claims.ip, Claimed::Ip(Ipv4Addr::new(10, 20, 4, 18)));

    draft.name = "PDU beacon".to_owned();
    assert_eq!(draft.problems(), []);
    assert_eq!(all_good(&draft.to_toml())[0].draft(), &draft);
}

#[test]
fn what_is_marked_no_longer_has_to_match() {
    let datagram = bytes_of("00e086123456 0102");
    let mut draft = Draft::from_datagram(3211, &datagram, None, None);
    assert_eq!(draft.rules[0].bytes, [0x00, 0xE0, 0x86, 0x12]);
    draft.mark(0..6, Fact::Mac, ReadAs::Bytes);
    assert_eq!(draft.rules, [], "other senders match too");
    draft.rules = vec![MatchRule {
        offset: 0,
        bytes: vec![1, 2, 3, 4, 5, 6],
        mask: Some(vec![255, 254, 253, 252, 251, 250]),
    }];
    draft.mark(2..4, Fact::Model, ReadAs::Decimal);
    let rule = |offset, bytes: [u8; 2], mask: [u8; 2]| MatchRule {
        offset,
        bytes: bytes.to_vec(),
        mask: Some(mask.to_vec()),
    };
    assert_eq!(
        draft.rules,
        [rule(0, [1, 2], [255, 254]), rule(4, [5, 6], [251, 250])]
    );
}

#[test]
fn a_fact_is_marked_once_and_unmarked() {
    let mut draft = Draft::default();
    draft.mark(0..4, Fact::Ip, ReadAs::Bytes);
    draft.mark_from(6, Extent::UntilNul, Fact::Name, ReadAs::Text);
    draft.mark(4..8, Fact::Ip, ReadAs::Bytes);
    draft.mark_record(7, Fact::Serial, ReadAs::Hex);
    draft.mark(3..3, Fact::Mac, ReadAs::Bytes);
    draft.mark(70_000..70_006, Fact::Mac, ReadAs::Bytes);
    let facts: Vec<Fact> = draft.fields.iter().map(|field| field.fact).collect();
    assert_eq!(facts, [Fact::Ip, Fact::Name, Fact::Serial]);
    let ip = draft.field(Fact::Ip).expect("it is marked").place;
    let extent = Extent::Length(4);
    assert_eq!(ip, Place::Offset { offset: 4, extent });
    draft.unmark(Fact::Name);
    assert_eq!(draft.field(Fact::Name), None);

    let said: Vec<String> = draft.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "name: it has no name",
            "nothing tells its datagrams from others: it needs a match or a length",
            "field 2: it is in a record of type 7, and nothing says where records are",
        ]
    );
    draft.tlv = Some(Tlv::default());
    draft.min_length = Some(1);
    draft.name = "x".to_owned();
    assert_eq!(draft.problems(), []);
}

#[test]
fn a_decoder_that_finds_nothing_leaves_the_datagram_to_the_next_and_claims_nothing() {
    let named = |name: &str, at: u16| {
        format!(
            "[[decoder]]\nname = \"{name}\"\nports = [3502]\n\
             match = [{{ offset = 0, bytes = \"54:58\" }}]\n\
             [[decoder.field]]\nfact = \"name\"\noffset = {at}\nlength = 3\n"
        )
    };
    let far = set(&named("far", 40));
    assert_eq!(far.first_claims(3502, b"TXabc"), None);
    assert_eq!(far.first_match(3502, b"TXabc"), None);
    let both = set(&(named("far", 40) + &named("near", 2)));
    let claims = both.first_claims(3502, b"TXabc").expect("one reads it");
    assert_eq!(claims.host_name.as_deref(), Some("abc"));
    let taught = both.first_match(3502, b"TXabc").expect("the same one");
    assert_eq!(name_of(&taught), "near");
}
