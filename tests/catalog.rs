//! The catalogue: that its tables hold together, that units of every family are known by what they say, that hostile
//! texts do no harm, and that a person's own tables add to it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use proptest::prelude::*;
use rollcall::catalog::{Catalog, Known, MAX_FILE_BYTES, MAX_ROWS};
use rollcall::model::identification::{Confidence, Identification};
use rollcall::model::identity::Mac;
use rollcall::model::probing::{Answer, CLUES_KEPT, ClueKind, Outcome, Probe, Probed, Target};
use rollcall::model::time::Timestamp;

const NOW: &str = "2026-11-22T12:00:00Z";

// ---- units ----------------------------------------------------------------------------------------------------------

/// A unit as a test makes it up.
#[derive(Default)]
struct Unit {
    mac: Option<Mac>,
    speaks_aidp: bool,
    host_name: Option<String>,
    model_number: Option<u16>,
    clues: Vec<(ClueKind, String)>,
    num_targets: u32,
}

impl Unit {
    fn of(clues: &[(ClueKind, &str)]) -> Self {
        let clues = clues.iter().map(|(kind, text)| (*kind, (*text).to_owned()));
        Self {
            clues: clues.collect(),
            ..Self::default()
        }
    }

    fn probed(&self) -> Probed {
        let now = now();
        let answers = Probe::ALL.into_iter().filter_map(|probe| {
            let mut answer = Answer::new(probe, Outcome::Answered, now);
            for (kind, text) in &self.clues {
                if kind.probe() == probe {
                    answer.add(*kind, text);
                }
            }
            (!answer.clues.is_empty()).then_some(answer)
        });
        let targets = (1..=self.num_targets).map(|port| Target {
            port,
            ..Target::default()
        });
        Probed {
            ip: Ipv4Addr::new(192, 0, 2, 7),
            when: now,
            answers: answers.collect(),
            targets: targets.collect(),
        }
    }

    fn identify(&self, catalog: &Catalog) -> Identification {
        let probed = self.probed();
        catalog.identify(&Known {
            mac: self.mac,
            speaks_aidp: self.speaks_aidp,
            host_name: self.host_name.as_deref(),
            model_number: self.model_number,
            probed: Some(&probed),
            now: now(),
        })
    }
}

fn now() -> Timestamp {
    Timestamp::parse(NOW).expect("an instant")
}

fn kind(word: &str) -> ClueKind {
    ClueKind::from_word(word).unwrap_or_else(|| panic!("{word:?} is no kind of clue"))
}

// ---- scenarios ------------------------------------------------------------------------------------------------------

#[test]
fn every_scenario_is_judged_as_written() {
    let catalog = Catalog::builtin();
    let text = include_str!("data/catalog/scenarios.txt");
    let scenarios: Vec<_> = text.split("\n== ").skip(1).collect();
    assert!(scenarios.len() > 50, "scenarios.txt was not understood");
    for scenario in scenarios {
        check(&catalog, scenario);
    }
}

fn check(catalog: &Catalog, scenario: &str) {
    let mut lines = scenario.lines();
    let name = lines.next().expect("a scenario has a name");
    let mut unit = Unit::default();
    let mut expected = Vec::new();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(line) = line.strip_prefix("=> ") {
            expected.push(line);
        } else if let Some((word, text)) = line.split_once(" = ") {
            unit.clues.push((kind(word), text.to_owned()));
        } else {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("mac", mac) => unit.mac = Some(Mac::parse(mac).expect("a MAC")),
                ("aidp", "") => unit.speaks_aidp = true,
                ("host", host) => unit.host_name = Some(host.to_owned()),
                ("number", number) => unit.model_number = Some(number.parse().expect("a number")),
                ("targets", number) => unit.num_targets = number.parse().expect("a number"),
                _ => panic!("{name}: {line:?} is not understood"),
            }
        }
    }
    let found = unit.identify(catalog);
    let all = |word: &str| -> Vec<&str> {
        let lines = expected
            .iter()
            .map(|line| line.split_once(' ').unwrap_or((line, "")));
        lines
            .filter(|(first, _)| *first == word)
            .map(|(_, rest)| rest)
            .collect()
    };
    let product = found.product.as_ref().map(|product| {
        let or_dash = |text: &str| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                text.to_owned()
            }
        };
        [
            or_dash(product.model.as_deref().unwrap_or_default()),
            product.family.clone(),
            or_dash(&product.class),
            or_dash(&product.manufacturer),
            product
                .ports
                .map_or_else(|| "-".to_owned(), |ports| ports.to_string()),
            or_dash(product.rebrand.as_deref().unwrap_or_default()),
        ]
        .join(" | ")
    });
    assert_eq!(
        product.as_deref(),
        all("product").first().copied(),
        "{name}: {found:#?}"
    );
    let confidence = ["certain", "likely", "possible"]
        .into_iter()
        .find(|word| expected.contains(word));
    assert_eq!(
        found.confidence.map(Confidence::word),
        confidence,
        "{name}: {found:#?}"
    );
    assert_eq!(
        found.is_ours,
        expected.contains(&"ours"),
        "{name}: whether it is ours: {found:#?}"
    );
    let probed = unit.probed();
    assert_eq!(
        catalog.firmware(&probed),
        all("firmware").first().copied(),
        "{name}: firmware"
    );
    let reasons: Vec<_> = found
        .reasons
        .iter()
        .map(|reason| reason.text.clone())
        .collect();
    for (word, texts) in [
        ("reason", &reasons),
        ("contradiction", &found.contradictions),
        ("remark", &found.remarks),
    ] {
        let wanted = all(word);
        for wanted in &wanted {
            let is_there = texts.iter().any(|text| text.contains(wanted));
            assert!(is_there, "{name}: no {word} with {wanted:?} in {texts:#?}");
        }
        let is_whole = word == "reason" || wanted.len() == texts.len();
        assert!(
            is_whole,
            "{name}: others than the expected {word}s: {texts:#?}"
        );
    }
    let is_sorted = found
        .reasons
        .is_sorted_by(|a, b| a.confidence >= b.confidence);
    assert!(
        is_sorted,
        "{name}: the strongest reason stands first: {:#?}",
        found.reasons
    );
}

#[test]
fn a_mac_block_alone_is_neither_a_product_nor_ours() {
    let catalog = Catalog::builtin();
    let macs = [
        ("00:e0:86:00:00:01", Some("Avocent")),
        ("00:60:2e:00:00:01", Some("Cyclades")),
        ("00:02:99:00:00:01", Some("Apex")),
        ("00:80:7d:00:00:01", Some("Equinox")),
        ("6c:5c:3d:20:00:01", Some("Vertiv")),
        ("6c:5c:3d:30:00:01", None),
        ("14:4f:d7:9f:ff:ff", Some("Emerson Network Power")),
        ("14:4f:d7:8f:ff:ff", None),
        // Names that only sound alike: Apex Data, Apex Computer, Apexis, Equinox Payments, Equinox Power.
        ("00:20:e5:00:00:01", None),
        ("00:80:4e:00:00:01", None),
        ("54:cd:ee:00:00:01", None),
        ("64:54:22:00:00:01", None),
        ("f4:97:9d:30:00:01", None),
    ];
    for (text, lineage) in macs {
        let mac = Mac::parse(text).expect("a MAC");
        assert_eq!(catalog.lineage(mac), lineage, "{text}");
        let unit = Unit {
            mac: Some(mac),
            ..Unit::of(&[
                (ClueKind::NeighborMac, text),
                (ClueKind::InterfaceMac, text),
            ])
        };
        let found = unit.identify(&catalog);
        assert_eq!((found.product, found.is_ours), (None, false), "{text}");
        assert_eq!(
            found.reasons.len(),
            usize::from(lineage.is_some()),
            "{text}: one reason a MAC"
        );
    }
}

#[test]
fn ports_have_names() {
    let catalog = Catalog::builtin();
    assert_eq!(catalog.port_name(3211), Some("avsecuremgmt"));
    assert_eq!(catalog.port_name(3502), Some("avinstalldisc"));
    assert_eq!(catalog.port_name(1), None);
    assert!(
        catalog
            .port_meaning(2068)
            .is_some_and(|meaning| meaning.contains("KVM"))
    );
}

// ---- the tables -----------------------------------------------------------------------------------------------------

/// Duplicate keys, patterns that do not compile, missing values and names of products that do not exist are refused
/// when a table is read, so nothing may be.
#[test]
fn nothing_of_the_tables_is_refused() {
    let files = Catalog::builtin_files();
    assert_eq!(files.len(), 6);
    let (catalog, refused) = Catalog::default().with_own(&files);
    assert_eq!(refused, [], "a row of the program's own tables is wrong");
    let num_rows: usize = files.iter().map(|(_, bytes)| rows_of(bytes).len()).sum();
    assert_eq!(catalog.num_own_rows(), num_rows, "every row is taken");
    let builtin = Catalog::builtin();
    assert_eq!(builtin.num_own_rows(), 0);
    assert_eq!(builtin.num_products(), catalog.num_products());
}

#[test]
fn every_row_says_where_it_comes_from() {
    for (file, bytes) in Catalog::builtin_files() {
        for row in rows_of(&bytes) {
            let source = row.last().expect("a row has columns");
            assert!(source.len() > 3, "{file}: {row:?} has no source");
        }
    }
}

#[test]
fn every_product_is_of_a_known_class_and_maker() {
    let classes = BTreeSet::from([
        "console server",
        "KVM switch",
        "KVM extender",
        "KVM interface",
        "serial interface",
        "PDU",
        "gateway",
        "environmental monitor",
        "communication card",
        "management software",
    ]);
    let makers = BTreeSet::from(["Avocent", "Vertiv", "Dell", "IBM", "HP"]);
    let products = &Catalog::builtin_files()[0];
    for row in rows_of(&products.1) {
        assert!(classes.contains(row[2].as_str()), "{row:?}: class");
        assert!(makers.contains(row[3].as_str()), "{row:?}: manufacturer");
        let is_rebrand = !matches!(row[3].as_str(), "Avocent" | "Vertiv");
        assert_eq!(is_rebrand, !row[5].is_empty(), "{row:?}: rebrand");
    }
}

/// Every exact arc of the table is the product that it names.
#[test]
fn every_object_id_identifies_its_product() {
    let catalog = Catalog::builtin();
    let (_, bytes) = &Catalog::builtin_files()[1];
    let mut num_exact = 0;
    for row in rows_of(bytes).iter().filter(|row| row[1] == "exact") {
        num_exact += 1;
        let found = Unit::of(&[(ClueKind::ObjectId, &row[0])]).identify(&catalog);
        assert!(found.is_settled() && found.is_ours, "{row:?}: {found:#?}");
        let product = found.product.expect("settled");
        assert_eq!(
            (product.family, product.model),
            (row[2].clone(), Some(row[3].clone()))
        );
        assert_eq!(found.contradictions, [] as [&str; 0], "{row:?}");
    }
    assert!(num_exact > 50, "object_ids.csv was not understood");
}

fn rows_of(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

// ---- hostile texts --------------------------------------------------------------------------------------------------

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

fn builtin() -> &'static Catalog {
    static BUILTIN: std::sync::OnceLock<Catalog> = std::sync::OnceLock::new();
    BUILTIN.get_or_init(Catalog::builtin)
}

// ---- a person's own tables ------------------------------------------------------------------------------------------

fn own(files: &[(&str, &str)]) -> (Catalog, Vec<String>) {
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    let (catalog, refused) = builtin().with_own(&files);
    (catalog, refused.iter().map(ToString::to_string).collect())
}

#[test]
fn own_rows_add_products_and_what_they_are_known_by() {
    // The tables stand in the wrong order, and one file has a byte order mark.
    let (catalog, refused) = own(&[
        (
            "object_ids.csv",
            "oid,match,family,model\n1.3.6.1.4.1.25049.16.1,exact,Opengear,OM2216\n",
        ),
        (
            "patterns.csv",
            "kind,pattern,family,model,confidence\nhttp_title,^Opengear (?P<model>OM\\d+)$,Opengear,{model},likely\n",
        ),
        (
            "Products.CSV",
            "\u{feff}manufacturer,family,model,class,ports\nOpengear,Opengear,OM2216,console server,16\n",
        ),
        ("blocks.csv", "block,lineage\n00:13:C6,Opengear\n"),
        ("ports.csv", "# our own\nport,service\n2200,jump\n"),
        (
            "port_sets.csv",
            "name,open,family,confidence\njump,22 2200,Opengear,possible\n",
        ),
        ("notes.txt", "nothing"),
    ]);
    assert_eq!(refused, [] as [&str; 0]);
    assert_eq!(catalog.num_own_rows(), 6);
    assert_eq!(catalog.num_products(), builtin().num_products() + 1);
    for clue in [
        (ClueKind::ObjectId, "1.3.6.1.4.1.25049.16.1"),
        (ClueKind::HttpTitle, "Opengear OM2216"),
    ] {
        let found = Unit::of(&[clue]).identify(&catalog);
        let product = found.product.expect("it is in the tables");
        assert_eq!(
            (product.model.as_deref(), product.ports),
            (Some("OM2216"), Some(16)),
            "{clue:?}"
        );
        assert!(found.is_ours, "a person's own products are wanted");
    }
    let ports = Unit::of(&[(ClueKind::OpenPort, "22"), (ClueKind::OpenPort, "2200")]);
    assert_eq!(
        ports.identify(&catalog).confidence,
        Some(Confidence::Possible)
    );
    assert_eq!(catalog.port_name(2200), Some("jump"));
    let mac = Mac::parse("00:13:c6:00:00:01").expect("a MAC");
    assert_eq!(catalog.lineage(mac), Some("Opengear"));
}

#[test]
fn own_rows_replace_those_with_the_same_key() {
    let (catalog, refused) = own(&[
        (
            "products.csv",
            "family,model,class,manufacturer,ports\nACS 8000,ACS 8048,console server,Vertiv,48\n",
        ),
        (
            "object_ids.csv",
            "oid,match,family,model\n1.3.6.1.4.1.10418.26.1.2,exact,ACS 8000,ACS8016\n",
        ),
        (
            "patterns.csv",
            "kind,pattern,family,confidence\nhttp_server,^AEWS/\\S+,,possible\n",
        ),
        ("ports.csv", "port,service\n3211,ours\n"),
    ]);
    assert_eq!(refused, [] as [&str; 0]);
    assert_eq!(catalog.num_products(), builtin().num_products());
    let model = |oid| {
        let product = Unit::of(&[(ClueKind::ObjectId, oid)])
            .identify(&catalog)
            .product;
        product.map(|product| (product.model, product.manufacturer))
    };
    // Spelled as its owner's library spells it.
    assert_eq!(
        model("1.3.6.1.4.1.10418.26.1.1"),
        Some((Some("ACS 8048".to_owned()), "Vertiv".to_owned()))
    );
    assert_eq!(
        model("1.3.6.1.4.1.10418.26.1.2"),
        Some((Some("ACS8016".to_owned()), "Avocent".to_owned()))
    );
    let switched_off = Unit::of(&[(ClueKind::HttpServer, "AEWS/0.7")]).identify(&catalog);
    assert_eq!(switched_off, Identification::default());
    assert_eq!(catalog.port_name(3211), Some("ours"));
}

#[test]
fn a_bad_row_is_named_with_its_line_and_the_others_are_taken() {
    let long = "x".repeat(600);
    let huge = format!("({}){{900}}", "[a-z]{50}");
    let deep = format!("{}a{}", "(".repeat(60), ")".repeat(60));
    let pattern =
        |pattern: &str| format!("kind,pattern,family,confidence\nssh_banner,{pattern},,likely\n");
    for (file, text, num_taken, expected) in [
        (
            "products.csv",
            "family,model,class,manufacturer\nA,a1,PDU\nA,a2,PDU,M\n",
            1,
            "products.csv, line 2: it has 3 columns instead of 4",
        ),
        (
            "products.csv",
            "family,model,class,manufacturer\n,a1,PDU,M\n",
            0,
            "products.csv, line 2: \"family\" is empty",
        ),
        (
            "products.csv",
            "family,model,class,manufacturer,ports\nA,a1,PDU,M,70000\nA,a2,PDU,M,\n",
            1,
            "line 2: \"70000\" is no number of ports",
        ),
        (
            "products.csv",
            "family,model,class,manufacturer\nA,a-1,PDU,M\nA,A 1,PDU,M\n",
            1,
            "line 3: it says the same thing as line 2, which is taken",
        ),
        (
            "products.csv",
            "family,model,kind\nA,a1,PDU\n",
            0,
            "line 1: the column \"kind\" is not known; the columns are family, model, class",
        ),
        (
            "products.csv",
            "family;model;class;manufacturer\nA;a1;PDU;M\n",
            0,
            "with commas between them",
        ),
        (
            "products.csv",
            "family,model,class\nA,a1,PDU\n",
            0,
            "line 1: the column \"manufacturer\" is missing",
        ),
        (
            "products.csv",
            "family,family,class\nA,a1,PDU\n",
            0,
            "line 1: the column \"family\" stands there twice",
        ),
        (
            "products.csv",
            &format!("family,model,class,manufacturer\nA,{long},PDU,M\n"),
            0,
            "\"model\" has more than 512 characters",
        ),
        (
            "object_ids.csv",
            "oid,match,family\n1.3.x,exact,DSR\n",
            0,
            "\"1.3.x\" is no object id",
        ),
        (
            "object_ids.csv",
            "oid,match,family\n1.3.4294967296,exact,DSR\n",
            0,
            "is no object id",
        ),
        (
            "object_ids.csv",
            "oid,match,family\n1.3,about,DSR\n",
            0,
            "\"about\" is no way to match",
        ),
        (
            "object_ids.csv",
            "oid,match,family\n1.3,exact,Nobody\n",
            0,
            "there is no product of the family \"Nobody\"",
        ),
        (
            "object_ids.csv",
            "oid,match,family,model\n1.3,exact,DSR,DSR1\n",
            0,
            "there is no product \"DSR1\"",
        ),
        (
            "object_ids.csv",
            "oid,match,family,model\n1.3,exact,DSR,ACS8048\n",
            0,
            "the product \"ACS8048\" is of the family \"ACS 8000\"",
        ),
        (
            "patterns.csv",
            "kind,pattern,family,confidence\nsmell,x,,likely\n",
            0,
            "\"smell\" is no kind of clue",
        ),
        (
            "patterns.csv",
            "kind,pattern,family,confidence\nssh_banner,x,,sure\n",
            0,
            "\"sure\" is no confidence",
        ),
        (
            "patterns.csv",
            "kind,pattern,family,model,confidence\nssh_banner,x,DSR,{model},likely\n",
            0,
            "which has no group named \"model\"",
        ),
        (
            "patterns.csv",
            &pattern("a(b"),
            0,
            "the pattern does not compile",
        ),
        (
            "patterns.csv",
            &pattern(&huge),
            0,
            "the pattern does not compile",
        ),
        (
            "patterns.csv",
            &pattern(&deep),
            0,
            "the pattern does not compile",
        ),
        (
            "blocks.csv",
            "block,lineage\n00:e0,Avocent\n00:e0:86:1,Avocent\n",
            1,
            "\"00:e0\" is no block of MACs",
        ),
        (
            "ports.csv",
            "port,service\n0,none\n70000,none\n",
            0,
            "line 3: \"70000\" is no port",
        ),
        (
            "port_sets.csv",
            "name,open,family,confidence\na,22 x,,likely\n",
            0,
            "\"x\" is no port",
        ),
        (
            "units.csv",
            "a,b\n",
            0,
            "units.csv, line 1: there is no such table",
        ),
    ] {
        let (catalog, refused) = own(&[(file, text)]);
        assert_eq!(catalog.num_own_rows(), num_taken, "{file}: {text}");
        let is_named = refused.iter().any(|line| line.contains(expected));
        assert!(
            is_named,
            "{file}: {text}\nexpected: {expected}\nfound: {refused:#?}"
        );
    }
}

#[test]
fn what_is_no_text_or_too_much_is_refused() {
    let header = b"port,service\n".to_vec();
    let (catalog, refused) = builtin().with_own(&[(
        "ports.csv".to_owned(),
        [&header[..], b"9001,a\n9002,\xff\xfe\n9003,c\n"].concat(),
    )]);
    assert_eq!(catalog.num_own_rows(), 2);
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (refused[0].line, refused[0].why.as_str()),
        (3, "it is not UTF-8")
    );

    let (catalog, refused) =
        builtin().with_own(&[("ports.csv".to_owned(), vec![b'x'; MAX_FILE_BYTES + 1])]);
    assert_eq!((catalog.num_own_rows(), refused.len()), (0, 1));

    let rows: String = (1..=MAX_ROWS + 5)
        .map(|port| format!("{port},p\n"))
        .collect();
    let (catalog, refused) = builtin().with_own(&[(
        "ports.csv".to_owned(),
        [&header[..], rows.as_bytes()].concat(),
    )]);
    assert_eq!((catalog.num_own_rows(), refused.len()), (MAX_ROWS, 1));

    let rows = "0,p\n".repeat(5_000);
    let (_, refused) = builtin().with_own(&[(
        "ports.csv".to_owned(),
        [&header[..], rows.as_bytes()].concat(),
    )]);
    assert_eq!(refused.len(), 101, "a list of refusals has an end");
    assert_eq!(refused[100].why, "4900 more rows of this file are left out");
}
