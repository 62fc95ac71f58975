//! The catalog: that its tables hold together, that units of every family are known by what they say, that hostile
//! texts do no harm, and that a person's own tables add to it.

use std::collections::BTreeSet;

use rollcall::catalog::{Catalog, REGISTRY_DATE};
use rollcall::model::identification::Confidence;
use rollcall::model::identity::Mac;
use rollcall::model::probing::ClueKind;

use unit::Unit;

#[path = "catalog/hostile.rs"]
mod hostile;
#[path = "catalog/own_tables.rs"]
mod own_tables;
#[path = "catalog/unit.rs"]
mod unit;

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

/// The date is written by hand beside the version of the crate that it is of.
#[test]
fn the_registry_of_mac_blocks_is_as_old_as_is_said() {
    let lock = include_str!("../Cargo.lock").replace("\r\n", "\n");
    assert!(
        lock.contains("name = \"oui-data\"\nversion = \"0.2.4\"\n"),
        "the crate is another: write its date into REGISTRY_DATE, and its version there and here"
    );
    assert_eq!(REGISTRY_DATE, "2026-10-17");
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

fn kind(word: &str) -> ClueKind {
    ClueKind::from_word(word).unwrap_or_else(|| panic!("{word:?} is no kind of clue"))
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
