//! A person's own tables: what they add and replace, and what of them is refused.

use rollcall::catalog::{Catalog, MAX_FILE_BYTES, MAX_ROWS};
use rollcall::model::identification::{Confidence, Identification};
use rollcall::model::identity::Mac;
use rollcall::model::probing::ClueKind;

use crate::unit::{Unit, builtin};

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

    let rows: String = (1..=MAX_ROWS + 5).fold(String::new(), |mut rows, port| {
        rows.push_str(&port.to_string());
        rows.push_str(",p\n");
        rows
    });
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
