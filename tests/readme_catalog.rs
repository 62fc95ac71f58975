//! The example of a person's own table in the README works as it stands there.

use std::net::Ipv4Addr;

use rollcall::catalog::{Catalog, Known};
use rollcall::model::identification::Confidence;
use rollcall::model::probing::{Answer, ClueKind, Outcome, Probe, Probed};
use rollcall::model::time::Timestamp;

const README: &str = include_str!("../README.md");

/// The table in the README, with its own line of columns.
fn example() -> &'static str {
    let (_, rest) = README
        .split_once("```csv\n")
        .expect("the README has an example of a table");
    let (table, rest) = rest.split_once("```").expect("the example ends");
    assert!(!rest.contains("```csv"), "there is one example");
    table
}

#[test]
fn the_columns_in_the_text_are_those_of_the_example() {
    let columns = example().lines().next().expect("it has columns");
    assert!(README.contains(&format!("`patterns.csv` (`{columns}`)")));
}

#[test]
fn the_example_tells_family_and_model() {
    let files = [("patterns.csv".to_owned(), example().as_bytes().to_vec())];
    let (catalog, refused) = Catalog::builtin().with_own(&files);
    let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused, [""; 0]);
    assert_eq!(catalog.num_own_rows(), 1);

    let now = Timestamp::parse("2026-11-22T12:00:00Z").expect("an instant");
    let mut page = Answer::new(Probe::Http, Outcome::Answered, now);
    page.add(ClueKind::HttpTitle, "Hall 7 console ACS8048");
    let probed = Probed {
        ip: Ipv4Addr::new(192, 0, 2, 7),
        when: now,
        answers: vec![page],
        targets: Vec::new(),
    };
    let known = Known {
        probed: Some(&probed),
        now,
        ..Known::default()
    };
    assert_eq!(Catalog::builtin().identify(&known).product, None);
    let found = catalog.identify(&known);
    assert_eq!(found.confidence, Some(Confidence::Likely));
    let product = found.product.expect("the example names it");
    assert_eq!(product.family, "ACS 8000");
    assert_eq!(product.model.as_deref(), Some("ACS8048"));
}
