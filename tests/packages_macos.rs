//! The bundle for macOS: its property list against the code, and the layout that `dist/macos/package.sh` makes.
//! Linking, signing and the disk image need a Mac and stand on the release checklist.

use std::path::Path;

use plist::{Dictionary, Value};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read_plist(path: &Path) -> Dictionary {
    Value::from_file(path)
        .unwrap_or_else(|error| panic!("{} is no property list: {error}", path.display()))
        .into_dictionary()
        .expect("the outermost value is a dictionary")
}

fn template() -> Dictionary {
    read_plist(&Path::new(ROOT).join("dist/macos/Info.plist"))
}

fn text<'a>(plist: &'a Dictionary, key: &str) -> &'a str {
    plist
        .get(key)
        .and_then(Value::as_string)
        .unwrap_or_else(|| panic!("{key} is missing or not a text"))
}

/// The only element of an array of dictionaries.
fn only<'a>(plist: &'a Dictionary, key: &str) -> &'a Dictionary {
    match plist.get(key).and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Dictionary(element)]) => element,
        other => panic!("{key} is not one dictionary in an array: {other:?}"),
    }
}

fn texts(plist: &Dictionary, key: &str) -> Vec<String> {
    plist
        .get(key)
        .and_then(Value::as_array)
        .unwrap_or_else(|| panic!("{key} is missing or not an array"))
        .iter()
        .map(|value| value.as_string().expect("it is a text").to_owned())
        .collect()
}

#[test]
fn the_bundle_is_the_programs() {
    let plist = template();
    assert_eq!(text(&plist, "CFBundleIdentifier"), rollcall::BUNDLE_ID);
    assert_eq!(text(&plist, "CFBundleExecutable"), rollcall::APP_ID);
    assert_eq!(text(&plist, "CFBundlePackageType"), "APPL");
    for key in ["CFBundleShortVersionString", "CFBundleVersion"] {
        assert_eq!(
            text(&plist, key),
            "@VERSION@",
            "{key}: the version has its one place in Cargo.toml"
        );
    }
    for key in [
        "NSHighResolutionCapable",
        "NSSupportsAutomaticGraphicsSwitching",
    ] {
        assert_eq!(
            plist.get(key).and_then(Value::as_boolean),
            Some(true),
            "{key}"
        );
    }
    assert_eq!(text(&plist, "LSMinimumSystemVersion"), "11.0");
    assert_eq!(
        text(&plist, "LSApplicationCategoryType"),
        "public.app-category.utilities"
    );
}

#[test]
fn the_permission_is_asked_for_in_our_words() {
    let plist = template();
    let why = text(&plist, "NSLocalNetworkUsageDescription");
    assert!(
        why.starts_with("Rollcall ") && why.ends_with('.') && why.contains("networks"),
        "without a reason of ours the system shows its own sentence: {why:?}"
    );
}

#[test]
fn a_site_is_a_file_type_of_ours() {
    let plist = template();
    let exported = only(&plist, "UTExportedTypeDeclarations");
    let site = text(exported, "UTTypeIdentifier");
    let tags = exported
        .get("UTTypeTagSpecification")
        .and_then(Value::as_dictionary)
        .expect("the type has tags");
    assert_eq!(texts(tags, "public.filename-extension"), ["rollcall"]);
    assert_eq!(
        texts(tags, "public.mime-type"),
        ["application/x-rollcall-site"]
    );
    let document = only(&plist, "CFBundleDocumentTypes");
    assert_eq!(texts(document, "LSItemContentTypes"), [site]);
    assert_eq!(text(document, "LSHandlerRank"), "Owner");
    assert_eq!(
        text(document, "CFBundleTypeName"),
        text(exported, "UTTypeDescription")
    );
}

#[test]
fn the_icon_is_there() {
    let icon = text(&template(), "CFBundleIconFile").to_owned();
    let bytes =
        std::fs::read(Path::new(ROOT).join("assets").join(&icon)).expect("the icon is in assets");
    assert!(bytes.starts_with(b"icns"), "{icon} is not an icon of macOS");
    let stated = bytes[4..8]
        .try_into()
        .map(u32::from_be_bytes)
        .expect("4 bytes");
    assert_eq!(
        usize::try_from(stated),
        Ok(bytes.len()),
        "{icon} is cut short"
    );
}

#[test]
fn the_hardened_runtime_has_no_exceptions() {
    let entitlements = read_plist(&Path::new(ROOT).join("dist/macos/entitlements.plist"));
    assert!(entitlements.is_empty(), "{entitlements:?}");
}

/// Every path below `dir`, relative, in order; folders end in a slash.
#[cfg(unix)]
fn tree(dir: &Path, below: &str, found: &mut Vec<(String, std::path::PathBuf)>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir)
        .expect("the folder is readable")
        .map(|entry| entry.expect("the entry is readable").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("our names are UTF-8");
        if path.is_dir() {
            let below = format!("{below}{name}/");
            found.push((below.clone(), path.clone()));
            tree(&path, &below, found);
        } else {
            found.push((format!("{below}{name}"), path));
        }
    }
}

#[cfg(unix)]
#[test]
fn the_script_lays_out_a_bundle() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let programs = [dir.path().join("program"), dir.path().join("cli")];
    for program in &programs {
        std::fs::copy(env!("CARGO_BIN_EXE_rollcall-cli"), program).expect("the program is copied");
    }
    let output = Command::new(Path::new(ROOT).join("dist/macos/package.sh"))
        .arg("--layout")
        .arg(dir.path().join("laid out"))
        .args(&programs)
        .env("ROLLCALL_OUT", dir.path().join("out"))
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .output()
        .expect("bash is there");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let mut found = Vec::new();
    tree(&dir.path().join("laid out"), "", &mut found);
    let shape: Vec<(&str, u32)> = found
        .iter()
        .map(|(name, path)| {
            let metadata = path.metadata().expect("it is there");
            (name.as_str(), metadata.permissions().mode() & 0o7777)
        })
        .collect();
    assert_eq!(
        shape,
        [
            ("Rollcall.app/", 0o755),
            ("Rollcall.app/Contents/", 0o755),
            ("Rollcall.app/Contents/Info.plist", 0o644),
            ("Rollcall.app/Contents/MacOS/", 0o755),
            ("Rollcall.app/Contents/MacOS/rollcall", 0o755),
            ("Rollcall.app/Contents/MacOS/rollcall-cli", 0o755),
            ("Rollcall.app/Contents/PkgInfo", 0o644),
            ("Rollcall.app/Contents/Resources/", 0o755),
            ("Rollcall.app/Contents/Resources/CHANGES.md", 0o644),
            ("Rollcall.app/Contents/Resources/LICENSE-APACHE", 0o644),
            ("Rollcall.app/Contents/Resources/LICENSE-MIT", 0o644),
            ("Rollcall.app/Contents/Resources/icon.icns", 0o644),
            ("Rollcall.app/Contents/Resources/third-party.txt", 0o644),
        ]
    );
    for (name, path) in &found {
        let modified = path
            .metadata()
            .and_then(|metadata| metadata.modified())
            .expect("it has a time");
        let since = modified
            .duration_since(std::time::UNIX_EPOCH)
            .expect("it is after 1970");
        assert_eq!(
            since.as_secs(),
            1_700_000_000,
            "{name}: archives could not be repeated"
        );
    }

    let contents = dir.path().join("laid out/Rollcall.app/Contents");
    let plist = read_plist(&contents.join("Info.plist"));
    for key in ["CFBundleShortVersionString", "CFBundleVersion"] {
        assert_eq!(text(&plist, key), env!("CARGO_PKG_VERSION"), "{key}");
    }
    let executable = contents
        .join("MacOS")
        .join(text(&plist, "CFBundleExecutable"));
    assert!(
        executable.is_file(),
        "{executable:?} is what the system starts"
    );
    let icon = contents
        .join("Resources")
        .join(text(&plist, "CFBundleIconFile"));
    assert!(icon.is_file(), "{icon:?} is what the Finder shows");
    let changes =
        std::fs::read_to_string(contents.join("Resources/CHANGES.md")).expect("it is text");
    assert!(
        changes.contains("\n- "),
        "this version's changes are missing: {changes:?}"
    );
}
