//! What all packages hold besides the programs: the version, this version's changes, and the licenses of others.
//! The packages themselves are made and looked into by the scripts in `dist`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines below the first heading that starts with `heading`, up to the next one of the same level.
fn section<'a>(text: &'a str, heading: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .skip_while(move |line| !line.starts_with(heading))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
}

/// Every `(name, version)` in `Cargo.lock`.
fn locked() -> BTreeSet<(String, String)> {
    let lock = read("Cargo.lock");
    let quoted = |line: &str, key: &str| {
        line.strip_prefix(key)
            .and_then(|rest| rest.strip_prefix(" = \""))
            .and_then(|rest| rest.strip_suffix('"'))
            .map(str::to_owned)
    };
    let mut packages = BTreeSet::new();
    let mut name = None;
    for line in lock.lines() {
        if let Some(found) = quoted(line, "name") {
            name = Some(found);
        } else if let Some(version) = quoted(line, "version")
            && let Some(name) = name.take()
        {
            packages.insert((name, version));
        }
    }
    packages
}

/// Every `(name, version)` in the list of crates at the head of the licenses: `name version (license)`.
fn licensed() -> BTreeSet<(String, String)> {
    read("assets/licenses/third-party.txt")
        .lines()
        .skip_while(|line| !line.starts_with("Crates,"))
        .skip(1)
        .take_while(|line| !line.starts_with("Besides:"))
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.split(' ');
            let (Some(name), Some(version), Some(license)) =
                (words.next(), words.next(), words.next())
            else {
                panic!("{line:?} is not `name version (license)`");
            };
            assert!(
                license.len() > 2 && license.starts_with('('),
                "{line:?} states no license"
            );
            (name.to_owned(), version.to_owned())
        })
        .collect()
}

/// The names below `[dependencies]` and `[target.….dependencies]`: what is linked, on one system or another.
fn chosen() -> BTreeSet<String> {
    let mut linked = false;
    let mut names = BTreeSet::new();
    for line in read("Cargo.toml").lines() {
        if line.starts_with('[') {
            linked = line == "[dependencies]"
                || (line.starts_with("[target.") && line.ends_with(".dependencies]"));
        } else if linked && let Some((name, _)) = line.split_once(" = ") {
            names.insert(name.to_owned());
        }
    }
    names
}

#[test]
fn the_changelog_has_this_version() {
    let changelog = read("CHANGELOG.md");
    let heading = format!("## [{VERSION}]");
    let changes: Vec<_> = section(&changelog, &heading)
        .filter(|line| line.starts_with("- "))
        .collect();
    assert!(
        !changes.is_empty(),
        "CHANGELOG.md has no changes below `## [{VERSION}]`, so the packages would come without notes"
    );
}

#[test]
fn every_chosen_dependency_is_among_the_licenses() {
    let licensed = licensed();
    let chosen = chosen();
    assert!(chosen.contains("eframe") && chosen.contains("runas"));
    for name in &chosen {
        assert!(
            licensed.iter().any(|(crate_name, _)| crate_name == name),
            "{name} is linked but its license is not shown; run dist/licenses.sh"
        );
    }
}

#[test]
fn the_licenses_are_of_the_versions_that_are_linked() {
    let locked = locked();
    for (name, version) in licensed() {
        assert!(
            locked.contains(&(name.clone(), version.clone())),
            "the licenses name {name} {version}, which is not in Cargo.lock; run dist/licenses.sh"
        );
    }
}

#[test]
fn the_typefaces_licenses_are_shown() {
    let shown = read("assets/licenses/third-party.txt");
    for name in ["Inter", "JetBrainsMono", "DejaVu"] {
        let license = read(&format!("assets/fonts/LICENSE-{name}.txt"));
        let copyright = license.lines().next().expect("it is not empty").trim_end();
        assert!(shown.contains(copyright), "{copyright:?} is not shown");
    }
}
