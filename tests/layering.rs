//! Who may import whom, the length of files, and that the invariants in the crate documentation name real tests.
//!
//! The sources are read as text (`layering/rust_source.rs`). What it cannot see is what macros generate and what a
//! method hides behind its name. `layering/cases.txt` has the made-up sources that the checker itself is tested with.
//! A new arrow in [`LAYERS`] is a design decision: say so in the change that adds it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use invariants::{check_invariant, invariants_of};
use rust_source::{FoundPath, lex, paths_in};

#[path = "layering/invariants.rs"]
mod invariants;
#[path = "layering/rust_source.rs"]
mod rust_source;

/// What one layer may and must not mention.
struct Layer {
    name: &'static str,
    /// Layers of this crate that it may use, beside itself.
    layers: &'static [&'static str],
    crates: Crates,
    /// Paths, or parts of paths, that must not occur: `std::fs`, `*::now`, or a single name anywhere.
    never: &'static [&'static str],
}

/// Which of the dependencies in `Cargo.toml` a layer may use.
enum Crates {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

const WINDOW: &[&str] = &["egui", "eframe", "egui_extras", "rfd"];

/// Values in, values out: no files, threads, sockets or clocks.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::thread",
    "*::now",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
];

const EVERY_LAYER: &[&str] = &[
    "wire",
    "model",
    "catalog",
    "plan",
    "inventory",
    "provision",
    "capture",
    "taught",
    "watch",
    "study",
    "engine",
    "sim",
    "settings",
    "logging",
    "instance",
    "app",
];

const LAYERS: &[Layer] = &[
    Layer {
        name: "wire",
        layers: &[],
        crates: Crates::Only(&["thiserror"]),
        never: IMPURE,
    },
    Layer {
        name: "model",
        layers: &["wire"],
        // jiff only prints and reads times; it is never asked for them.
        crates: Crates::Only(&["jiff", "thiserror"]),
        never: IMPURE,
    },
    Layer {
        name: "catalog",
        layers: &["model"],
        // The patterns of banners are matched by a crate of their own.
        crates: Crates::Only(&["csv", "regex_lite", "thiserror"]),
        never: IMPURE,
    },
    Layer {
        name: "plan",
        layers: &["model", "catalog"],
        crates: Crates::Only(&["thiserror"]),
        never: IMPURE,
    },
    Layer {
        name: "inventory",
        layers: &["model", "plan"],
        // Besides serde the crates of the formats, and those of the values inside them.
        crates: Crates::Only(&[
            "csv",
            "csv_core",
            "encoding_rs",
            "ipnet",
            "jiff",
            "serde",
            "serde_json",
            "thiserror",
        ]),
        never: IMPURE,
    },
    Layer {
        name: "provision",
        layers: &["model", "plan"],
        crates: Crates::Only(&["thiserror"]),
        never: IMPURE,
    },
    Layer {
        name: "capture",
        // Bytes of capture files to datagrams and back. It reads from and writes to what it is given.
        layers: &["wire", "model"],
        crates: Crates::Only(&["etherparse", "pcap_parser", "thiserror"]),
        never: IMPURE,
    },
    Layer {
        name: "taught",
        layers: &["wire", "model"],
        crates: Crates::Only(&["serde", "thiserror", "toml"]),
        never: IMPURE,
    },
    Layer {
        name: "watch",
        // Of the catalog only whose a MAC block is.
        layers: &["wire", "model", "catalog"],
        crates: Crates::Only(&["ipnet", "thiserror"]),
        never: IMPURE,
    },
    Layer {
        name: "study",
        layers: &["wire", "model", "capture"],
        crates: Crates::Only(&["serde", "serde_json", "thiserror", "zip"]),
        never: IMPURE,
    },
    Layer {
        name: "engine",
        // The simulation only to start a demo or a rehearsal.
        layers: &[
            "wire",
            "model",
            "catalog",
            "plan",
            "inventory",
            "provision",
            "capture",
            "taught",
            "watch",
            "study",
            "sim",
            "settings",
        ],
        crates: Crates::AllBut(WINDOW),
        never: &[],
    },
    Layer {
        name: "sim",
        layers: &["wire", "model"],
        crates: Crates::Only(&["socket2", "thiserror", "tokio", "tracing"]),
        never: &[],
    },
    Layer {
        name: "settings",
        layers: &[],
        crates: Crates::AllBut(&[
            "egui",
            "eframe",
            "egui_extras",
            "rfd",
            "tokio",
            "socket2",
            "rusqlite",
        ]),
        never: &[],
    },
    Layer {
        name: "logging",
        layers: &[],
        crates: Crates::AllBut(&[
            "egui",
            "eframe",
            "egui_extras",
            "rfd",
            "tokio",
            "socket2",
            "rusqlite",
        ]),
        never: &[],
    },
    Layer {
        name: "instance",
        layers: &[],
        crates: Crates::Only(&[
            "interprocess",
            "serde",
            "serde_json",
            "tempfile",
            "thiserror",
            "tracing",
        ]),
        never: &[],
    },
    Layer {
        name: "app",
        // Wire's hexdump is shown by the diagnostics panel, logging's ring buffer by the activity view; of
        // inventory only the list of formats is meant, of the engine its handle and its enums, of the catalog the
        // names of MAC blocks: what a unit is, the engine has judged. Decoders are tried out while they are taught; of
        // captures only their file endings are meant.
        layers: &[
            "capture",
            "catalog",
            "study",
            "taught",
            "engine",
            "wire",
            "model",
            "plan",
            "provision",
            "inventory",
            "settings",
            "logging",
            "instance",
        ],
        crates: Crates::AllBut(&["socket2", "rusqlite", "interprocess"]),
        // A frame never waits.
        never: &[
            "std::fs",
            "tokio::fs",
            "block_on",
            "blocking_recv",
            "blocking_send",
            "thread::sleep",
            "time::sleep",
        ],
    },
    Layer {
        name: "main",
        layers: EVERY_LAYER,
        crates: Crates::AllBut(&[]),
        never: &[],
    },
    Layer {
        name: "bin",
        layers: EVERY_LAYER,
        crates: Crates::AllBut(&[]),
        never: &[],
    },
    Layer {
        name: "lib",
        layers: EVERY_LAYER,
        crates: Crates::AllBut(&[]),
        never: &[],
    },
];

const MAX_LINES: usize = 600;
const NUM_INVARIANTS: usize = 13;

// ---- the checks on the real sources ---------------------------------------------------------------------------------

#[test]
fn every_layer_mentions_only_what_it_may() {
    let dependencies = dependencies_of(&read(&root().join("Cargo.toml")));
    assert!(
        dependencies.contains("tokio"),
        "Cargo.toml was not understood: {dependencies:?}"
    );
    let mut violations = Vec::new();
    for file in sources() {
        violations.extend(check_source(
            &file,
            &read(&root().join(&file)),
            &dependencies,
        ));
    }
    assert!(violations.is_empty(), "\n{}", list(&violations));
}

#[test]
fn long_files_say_why() {
    let mut violations = Vec::new();
    for file in sources() {
        violations.extend(check_length(&file, &read(&root().join(&file))));
    }
    assert!(violations.is_empty(), "\n{}", list(&violations));
}

/// The documentation of `src/lib.rs` lists the invariants as `1. What holds. Test: `, followed by `path.rs::name` in
/// backticks, several with commas between them.
#[test]
fn every_invariant_names_a_test_that_exists() {
    let invariants = invariants_of(&read(&root().join("src/lib.rs")));
    assert!(
        invariants.len() >= NUM_INVARIANTS,
        "src/lib.rs lists {} invariants with \"Test: `path::name`\", and there are {NUM_INVARIANTS}",
        invariants.len()
    );
    let read_if_there = |path: &str| std::fs::read_to_string(root().join(path)).ok();
    let violations: Vec<_> = invariants
        .iter()
        .flat_map(|invariant| check_invariant(invariant, read_if_there))
        .collect();
    assert!(violations.is_empty(), "\n{}", list(&violations));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_else(|err| panic!("{} cannot be read: {err}", path.display()))
}

/// Every Rust file under `src`, relative to the crate and with slashes, sorted.
fn sources() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in folder
            .read_dir()
            .expect("src and its folders can be listed")
        {
            let path = entry.expect("src and its folders can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path
                    .strip_prefix(root())
                    .expect("it was found under the root");
                found.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    assert!(
        found.contains(&"src/lib.rs".to_owned()),
        "src/lib.rs was not among {found:?}"
    );
    found
}

fn list(violations: &[Violation]) -> String {
    let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
    lines.join(
        "
",
    )
}

// ---- the rules ------------------------------------------------------------------------------------------------------

#[derive(Debug, PartialEq)]
struct Violation {
    file: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// `src/app/views/discover.rs` is the module `app::views::discover`.
fn module_of(file: &str) -> Vec<String> {
    let inner = file.strip_prefix("src/").unwrap_or(file);
    let mut module: Vec<String> = inner
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

fn check_source(file: &str, source: &str, dependencies: &BTreeSet<String>) -> Vec<Violation> {
    let violation = |line, rule| Violation {
        file: file.to_owned(),
        line,
        rule,
    };
    let module = module_of(file);
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == module[0]) else {
        return vec![violation(
            1,
            format!("{:?} is a layer that the table does not know", module[0]),
        )];
    };
    // The files below are the crate's roots: `self` and `super` do not pass through a module of their name.
    let is_root = matches!(layer.name, "lib" | "main" | "bin");
    let mut violations = Vec::new();
    for path in paths_in(&lex(source), if is_root { &[] } else { &module }) {
        for rule in broken_rules(layer, &path, dependencies) {
            violations.push(violation(path.line, rule));
        }
    }
    violations.dedup();
    violations
}

fn broken_rules(layer: &Layer, path: &FoundPath, dependencies: &BTreeSet<String>) -> Vec<String> {
    let name = layer.name;
    let written = path.segments.join("::");
    let mut rules = Vec::new();
    let first = path.segments[0].as_str();
    if let ("crate" | "rollcall", Some(target)) = (first, path.segments.get(1)) {
        let is_layer = EVERY_LAYER.contains(&target.as_str());
        // A constant at the crate's root belongs to everyone; anything else would be a way around the table.
        let is_constant = target
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if is_layer && target != name && !layer.layers.contains(&target.as_str()) {
            rules.push(format!("{name} must not use {target} ({written})"));
        } else if !is_layer && !is_constant && !matches!(name, "lib" | "main" | "bin") {
            rules.push(format!(
                "{name} reaches past the layers ({written}): name the layer it is in"
            ));
        }
    } else if path.is_rooted && dependencies.contains(first) {
        let allowed = match &layer.crates {
            Crates::Only(crates) => crates.contains(&first),
            Crates::AllBut(crates) => !crates.contains(&first),
        };
        if !allowed {
            rules.push(format!("{name} must not use the crate {first} ({written})"));
        }
    }
    for phrase in layer.never {
        if mentions(&path.segments, phrase) {
            rules.push(format!("{name} must not mention {phrase} ({written})"));
        }
    }
    rules
}

/// Whether the parts of `phrase` stand one after the other in the path; `*` is any one part.
fn mentions(segments: &[String], phrase: &str) -> bool {
    let parts: Vec<&str> = phrase.split("::").collect();
    segments.windows(parts.len()).any(|window| {
        window
            .iter()
            .zip(&parts)
            .all(|(segment, part)| *part == "*" || segment == part)
    })
}

/// The names of `[dependencies]` and `[target.….dependencies]`, as they are written in code.
fn dependencies_of(manifest: &str) -> BTreeSet<String> {
    let mut is_inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            let section = line.trim_matches(['[', ']']);
            is_inside = section == "dependencies"
                || (section.starts_with("target.") && section.ends_with(".dependencies"));
        } else if let Some((name, _)) = line
            .split_once('=')
            .filter(|_| is_inside && !line.starts_with('#'))
        {
            names.insert(name.trim().trim_matches('"').replace('-', "_"));
        }
    }
    names
}

fn check_length(file: &str, source: &str) -> Option<Violation> {
    let num_lines = source.lines().count();
    let says_why = source
        .lines()
        .take(20)
        .any(|line| line.starts_with("//! Long because"));
    (num_lines > MAX_LINES && !says_why).then(|| Violation {
        file: file.to_owned(),
        line: num_lines,
        rule: format!("{num_lines} lines: split it, or begin with \"//! Long because …\""),
    })
}

// ---- the checker checked --------------------------------------------------------------------------------------------

#[test]
fn the_checker_finds_what_is_forbidden_and_nothing_else() {
    let dependencies = dependencies_of(&read(&root().join("Cargo.toml")));
    let mut cases: Vec<(&str, &str, Option<&str>)> = Vec::new();
    for line in include_str!("layering/cases.txt").lines() {
        if let Some(expected) = line.trim().strip_prefix("=> ") {
            cases.last_mut().expect("a case stands above").2 = Some(expected);
        } else if let Some((file, source)) =
            line.split_once(" | ").filter(|_| !line.starts_with('#'))
        {
            cases.push((file, source, None));
        }
    }
    assert!(cases.len() > 50, "cases.txt was not understood");
    for (file, source, expected) in cases {
        let found = list(&check_source(
            file,
            &source.replace('¶', "\n"),
            &dependencies,
        ));
        let is_as_expected = match expected {
            Some(expected) => found.lines().count() == 1 && found.contains(expected),
            None => found.is_empty(),
        };
        assert!(
            is_as_expected,
            "{file} | {source}\nexpected: {expected:?}\nfound: {found}"
        );
    }
}

#[test]
fn the_table_has_no_circle() {
    fn reaches(from: &str, target: &str, steps: usize) -> bool {
        let layer = LAYERS.iter().find(|layer| layer.name == from);
        steps > 0
            && layer.is_some_and(|layer| {
                layer
                    .layers
                    .iter()
                    .any(|next| *next == target || reaches(next, target, steps - 1))
            })
    }
    for layer in LAYERS {
        assert!(
            !reaches(layer.name, layer.name, LAYERS.len()),
            "{} ends up using itself",
            layer.name
        );
        for used in layer.layers {
            assert!(
                EVERY_LAYER.contains(used),
                "{} may use {used:?}, which is no layer",
                layer.name
            );
        }
    }
}

#[test]
fn dependencies_are_read_from_their_own_tables_only() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# a = 1\ntracing-appender = \"0.2\"\n\
        [target.'cfg(windows)'.dependencies]\nwin = { version = \"1\" }\n[dev-dependencies]\ncriterion = \"1\"\n";
    let names: Vec<_> = dependencies_of(manifest).into_iter().collect();
    assert_eq!(names, ["tracing_appender", "win"]);
}

#[test]
fn a_long_file_without_its_reason_is_found() {
    let long = "fn f() {}\n".repeat(MAX_LINES + 1);
    assert!(
        check_length("src/a.rs", &long).is_some(),
        "one line over the limit"
    );
    assert_eq!(
        check_length("src/a.rs", &long[..long.len() - 10]),
        None,
        "at the limit"
    );
    assert_eq!(
        check_length(
            "src/a.rs",
            &format!("//! Fields.\n//! Long because so.\n{long}")
        ),
        None,
        "the reason is given"
    );
}
