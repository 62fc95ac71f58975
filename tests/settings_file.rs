//! The settings file: what was remembered comes back, and whatever became of the file, the rest is kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rollcall::settings::{
    ExportSettings, GridSettings, IdentifySettings, Places, Renderer, Settings, SettingsError,
    ThemeChoice, WindowPlace,
};
use tempfile::TempDir;

/// A home of its own for one test.
fn home() -> (TempDir, Places) {
    let root = tempfile::tempdir().expect("a temporary folder can be made");
    let places = Places::under(root.path());
    fs::create_dir_all(&places.config_dir).expect("a folder can be made in a temporary folder");
    (root, places)
}

fn put(path: &Path, text: impl AsRef<[u8]>) {
    use std::io::Write;
    fs::File::create(path)
        .and_then(|mut file| file.write_all(text.as_ref()))
        .expect("a file can be written in a temporary folder");
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder can be listed")
        .map(|entry| {
            let entry = entry.expect("the folder can be listed");
            entry.file_name().to_string_lossy().into_owned()
        })
        .collect();
    names.sort();
    names
}

fn odd_settings() -> Settings {
    Settings {
        theme: ThemeChoice::Dark,
        zoom: 1.25,
        live_search: false,
        capture: false,
        interfaces: BTreeMap::from([("eth0".to_owned(), true), ("docker0".to_owned(), false)]),
        broadcast_only: vec!["eth0".to_owned()],
        last_site: Some(PathBuf::from("/sites/hall ü.rollcall")),
        recent_sites: vec![PathBuf::from("/sites/a.rollcall"), PathBuf::from("b")],
        grid: GridSettings {
            columns: vec!["name".to_owned(), "mac".to_owned()],
            widths: BTreeMap::from([("name".to_owned(), 240.5)]),
            sort: Some("mac".to_owned()),
            descending: true,
            filter: "name:\"a b\" !c".to_owned(),
        },
        identify: IdentifySettings {
            automatic: false,
            off: vec!["telnet".to_owned()],
            communities: vec!["private".to_owned(), "ü".to_owned()],
        },
        export: ExportSettings {
            folder: Some(PathBuf::from("/exports")),
            format: "json".to_owned(),
            semicolon: true,
            for_spreadsheets: false,
        },
        window: Some(WindowPlace {
            x: Some(-1_920.0),
            y: Some(30.0),
            width: 1_440.0,
            height: 900.0,
            maximized: true,
        }),
        show_panel: false,
        renderer: Some(Renderer::Wgpu),
        welcomed: true,
    }
}

#[test]
fn what_was_saved_is_loaded() {
    let (root, _) = home();
    let path = Places::under(root.path().join("not/yet/there")).settings_file();
    let none = (Settings::default(), Vec::new());
    assert_eq!(Settings::load(&path), none, "without a file all is default");
    for settings in [odd_settings(), Settings::default()] {
        settings
            .save(&path)
            .expect("a temporary folder is writable");
        assert_eq!(Settings::load(&path), (settings, Vec::new()));
    }
    assert_eq!(
        names_in(path.parent().expect("the file is in a folder")),
        ["settings.json"],
        "nothing but the settings is left behind"
    );
}

#[test]
fn one_bad_field_resets_only_itself() {
    let (_root, places) = home();
    let path = places.settings_file();
    let good = serde_json::to_value(odd_settings()).expect("settings are JSON");
    for (pointer, bad) in [
        ("/theme", "\"mauve\""),
        ("/zoom", "\"big\""),
        ("/zoom", "1e200"),
        ("/live_search", "1"),
        ("/capture", "\"on\""),
        ("/interfaces", "[]"),
        ("/broadcast_only", "{}"),
        ("/last_site", "7"),
        ("/recent_sites", "\"a\""),
        ("/grid", "null"),
        ("/grid/columns", "7"),
        ("/grid/widths", "[1]"),
        ("/grid/sort", "false"),
        ("/grid/descending", "\"yes\""),
        ("/grid/filter", "[]"),
        ("/export", "\"csv\""),
        ("/export/folder", "{}"),
        ("/export/format", "\"xlsx\""),
        ("/export/semicolon", "null"),
        ("/export/for_spreadsheets", "\"\""),
        ("/window", "{\"width\": 1000}"),
        ("/show_panel", "{}"),
        ("/renderer", "\"crayons\""),
        ("/welcomed", "1"),
    ] {
        let default = serde_json::to_value(Settings::default()).expect("settings are JSON");
        let mut broken = good.clone();
        let mut expected = good.clone();
        let place = "the pointer names a field";
        *broken.pointer_mut(pointer).expect(place) = serde_json::from_str(bad).expect("JSON");
        *expected.pointer_mut(pointer).expect(place) =
            default.pointer(pointer).expect(place).clone();
        put(&path, broken.to_string());
        let (settings, words) = Settings::load(&path);
        if (pointer, bad) == ("/grid", "null") {
            assert_eq!(words, [""; 0], "no grid at all is the default grid");
        } else {
            assert_eq!(words.len(), 1, "{pointer} = {bad} is said once: {words:?}");
            let name = pointer[1..].replace('/', ".");
            assert!(words[0].starts_with(&name), "{:?} names {name}", words[0]);
        }
        assert_eq!(
            serde_json::to_value(settings).expect("settings are JSON"),
            expected,
            "{pointer} = {bad} resets nothing else"
        );
    }
    assert_eq!(names_in(&places.config_dir), ["settings.json"]);
}

#[test]
fn an_entry_that_cannot_be_used_costs_only_itself() {
    let (_root, places) = home();
    let path = places.settings_file();
    put(
        &path,
        r#"{"interfaces": {"eth0": true, "eth1": "on"}, "recent_sites": ["a", 7, "a", "b"],
            "grid": {"widths": {"name": 1, "mac": 99999, "ip": "wide", "note": 80}, "columns": ["ip", "ip"]},
            "of_a_later_version": 1}"#,
    );
    let (settings, words) = Settings::load(&path);
    assert_eq!(
        settings.interfaces,
        BTreeMap::from([("eth0".to_owned(), true)])
    );
    assert_eq!(
        settings.recent_sites,
        [PathBuf::from("a"), PathBuf::from("b")]
    );
    assert_eq!(
        settings.grid.widths,
        BTreeMap::from([
            ("mac".to_owned(), 2_000.0),
            ("name".to_owned(), 24.0),
            ("note".to_owned(), 80.0),
        ])
    );
    assert_eq!(settings.grid.columns, ["ip"]);
    assert_eq!(words.len(), 7, "each repair is said: {words:#?}");
}

#[test]
fn values_are_brought_into_their_range() {
    let place = |x, y, width, height| WindowPlace {
        x,
        y,
        width,
        height,
        maximized: false,
    };
    let corner = (Some(10.0), Some(20.0));
    for (window, expected) in [
        (
            place(corner.0, corner.1, 1_000.0, 700.0),
            Some(place(corner.0, corner.1, 1_000.0, 700.0)),
        ),
        (
            place(corner.0, corner.1, 100.0, 1.0),
            Some(place(corner.0, corner.1, 960.0, 600.0)),
        ),
        (
            place(Some(-32_000.0), corner.1, 1_000.0, 700.0),
            Some(place(None, None, 1_000.0, 700.0)),
        ),
        (
            place(corner.0, None, 1_000.0, 700.0),
            Some(place(None, None, 1_000.0, 700.0)),
        ),
        (
            place(Some(f32::NAN), corner.1, 1_000.0, 700.0),
            Some(place(None, None, 1_000.0, 700.0)),
        ),
        (place(corner.0, corner.1, 1e9, 700.0), None),
        (place(corner.0, corner.1, 1_000.0, -1.0), None),
        (place(corner.0, corner.1, f32::INFINITY, 700.0), None),
    ] {
        let (_root, places) = home();
        let path = places.settings_file();
        let settings = Settings {
            window: Some(window),
            ..Settings::default()
        };
        settings
            .save(&path)
            .expect("a temporary folder is writable");
        assert_eq!(
            Settings::load(&path),
            (
                Settings {
                    window: expected,
                    ..settings
                },
                Vec::new()
            ),
            "{window:?} is mended before it is saved"
        );
        if window.width.is_finite() && window.x.is_none_or(f32::is_finite) {
            let raw = serde_json::json!({ "window": window });
            put(&path, raw.to_string());
            assert_eq!(
                Settings::load(&path).0.window,
                expected,
                "{window:?} in a file"
            );
        }
    }
    for (zoom, expected) in [(0.1, 0.75), (7.0, 2.0), (1.5, 1.5)] {
        let (_root, places) = home();
        let path = places.settings_file();
        put(&path, format!("{{\"zoom\": {zoom}}}"));
        let (settings, words) = Settings::load(&path);
        assert!(
            (settings.zoom - expected).abs() < f32::EPSILON,
            "zoom {zoom}"
        );
        assert_eq!(
            words.is_empty(),
            settings.zoom.to_string() == zoom.to_string()
        );
    }
    let (_root, places) = home();
    let path = places.settings_file();
    let sites: Vec<String> = (0..50).map(|nth| format!("{nth}.rollcall")).collect();
    put(
        &path,
        serde_json::json!({ "recent_sites": sites }).to_string(),
    );
    let (settings, words) = Settings::load(&path);
    assert_eq!((settings.recent_sites.len(), words.len()), (10, 1));
    assert_eq!(settings.recent_sites[0], PathBuf::from("0.rollcall"));
}

#[test]
fn a_file_that_is_no_settings_is_kept_aside() {
    let (_root, places) = home();
    let path = places.settings_file();
    let deep = "[".repeat(100_000);
    let large = format!("{{\"x\": \"{}\"}}", "x".repeat(2_000_000));
    let bad: [&[u8]; 6] = [
        b"",
        b"{\"zoom\": 1.5",
        b"[1, 2]",
        b"\x89PNG\r\n\x1a\n\0\xff",
        deep.as_bytes(),
        large.as_bytes(),
    ];
    for (idx, text) in bad.into_iter().enumerate() {
        put(&path, text);
        let (settings, words) = Settings::load(&path);
        assert_eq!(settings, Settings::default());
        assert_eq!(words.len(), 1, "it is said: {words:?}");
        assert!(
            words[0].contains("settings.bad-"),
            "with its new name: {words:?}"
        );
        let names = names_in(&places.config_dir);
        assert_eq!(names.len(), idx + 1, "each bad file is kept: {names:?}");
        assert!(!path.exists(), "the bad file is out of the way");
    }
    let mut sizes: Vec<u64> = names_in(&places.config_dir)
        .iter()
        .map(|name| {
            fs::metadata(places.config_dir.join(name))
                .expect("it is there")
                .len()
        })
        .collect();
    sizes.sort_unstable();
    let mut expected: Vec<u64> = bad.iter().map(|text| text.len() as u64).collect();
    expected.sort_unstable();
    assert_eq!(sizes, expected, "bad files are kept as they were");
}

#[test]
fn a_byte_order_mark_is_no_harm() {
    let (_root, places) = home();
    let path = places.settings_file();
    put(&path, "\u{feff}{\"zoom\": 1.5}");
    let (settings, words) = Settings::load(&path);
    assert!((settings.zoom - 1.5).abs() < f32::EPSILON && words.is_empty());
}

#[test]
fn a_folder_in_the_way_is_said_and_left() {
    let (_root, places) = home();
    let path = places.settings_file();
    fs::create_dir(&path).expect("a folder can be made");
    let (settings, words) = Settings::load(&path);
    assert_eq!((settings, words.len()), (Settings::default(), 1));
    assert!(path.is_dir(), "what is no file is not moved away");
    let error = Settings::default()
        .save(&path)
        .expect_err("a folder is no file");
    assert!(matches!(error, SettingsError::Write { .. }), "{error:?}");
    assert_eq!(
        names_in(&places.config_dir),
        ["settings.json"],
        "nothing is left behind"
    );
}

#[cfg(unix)]
#[test]
fn a_linked_settings_file_stays_a_link() {
    let (root, places) = home();
    let path = places.settings_file();
    let elsewhere = root.path().join("dotfiles.json");
    put(&elsewhere, "{}");
    std::os::unix::fs::symlink(&elsewhere, &path).expect("a link can be made");
    odd_settings().save(&path).expect("the target is writable");
    assert!(
        fs::symlink_metadata(&path)
            .expect("it is there")
            .is_symlink()
    );
    assert_eq!(Settings::load(&elsewhere).0, odd_settings());
}

#[test]
fn every_place_is_under_the_given_root() {
    let places = Places::under("root");
    for dir in [
        &places.config_dir,
        &places.data_dir,
        &places.sites_dir,
        &places.log_dir,
    ] {
        assert!(dir.starts_with("root"), "{dir:?} is under the root");
    }
    assert!(places.sites_dir.starts_with(&places.data_dir));
}
