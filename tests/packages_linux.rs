//! What the Linux packages say of the program, compared with the program. Only files are read; `dist/linux/check.sh` asks
//! the desktop's own tools, and `dist/linux/prove.sh` installs the packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use rollcall::APP_ID;
use rollcall::engine::store::Store;

const MIME_TYPE: &str = "application/x-rollcall-site";

fn in_checkout(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    let path = in_checkout(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{} is read: {error}", path.display()))
}

/// The texts between a start and the next end.
fn all_between<'t>(text: &'t str, start: &str, end: &str) -> Vec<&'t str> {
    text.split(start)
        .skip(1)
        .filter_map(|rest| rest.split(end).next())
        .collect()
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let [found] = all_between(text, start, end)[..] else {
        panic!("there is exactly one {start:?}");
    };
    found
}

/// The value of a key in a desktop entry.
fn entry<'t>(text: &'t str, key: &str) -> &'t str {
    between(text, &format!("\n{key}="), "\n")
}

#[test]
fn a_desktop_finds_the_window_by_its_entry() {
    let name = format!("dist/linux/{APP_ID}.desktop");
    let text = read(&name);
    let why =
        "the window says APP_ID to the desktop, which looks for the file and icon of that name";
    assert_eq!(entry(&text, "StartupWMClass"), APP_ID, "{why}");
    assert_eq!(entry(&text, "Icon"), APP_ID, "{why}");
    assert_eq!(
        entry(&text, "Exec"),
        format!("{} %f", env!("CARGO_PKG_NAME")),
        "a double click on a site passes its path"
    );
    assert_eq!(entry(&text, "MimeType"), format!("{MIME_TYPE};"));
    assert_eq!(
        entry(&text, "Terminal"),
        "false",
        "no terminal is opened behind the window"
    );
}

#[test]
fn software_centers_are_told_the_same() {
    let text = read("dist/linux/app.rollcall.Rollcall.metainfo.xml");
    assert_eq!(
        between(&text, "<launchable type=\"desktop-id\">", "<"),
        format!("{APP_ID}.desktop")
    );
    assert_eq!(between(&text, "<icon type=\"stock\">", "<"), APP_ID);
    assert_eq!(between(&text, "<mediatype>", "<"), MIME_TYPE);
    assert_eq!(
        all_between(&text, "<binary>", "<"),
        ["rollcall", "rollcall-cli"]
    );
    assert_eq!(
        between(&text, "<project_license>", "<"),
        between(&read("Cargo.toml"), "\nlicense = \"", "\"")
    );
    assert!(
        text.contains("@RELEASES@") && !text.contains(env!("CARGO_PKG_VERSION")),
        "the version has one place, Cargo.toml; the packaging script puts it in"
    );
}

#[test]
fn the_file_type_is_that_of_a_site() {
    let text = read("dist/linux/rollcall-mime.xml");
    assert_eq!(between(&text, "<mime-type type=\"", "\""), MIME_TYPE);
    assert_eq!(between(&text, "<glob pattern=\"", "\""), "*.rollcall");
    assert_eq!(between(&text, "<icon name=\"", "\""), APP_ID);

    let folder = tempfile::tempdir().expect("a folder is made");
    let path = folder.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a site is made");
    let (tell, told) = sync_channel(1);
    store.close(move |result| tell.send(result).expect("it is waited for"));
    told.recv().expect("it answers").expect("it is closed");
    let site = fs::read(&path).expect("the site is read");

    let name = between(&text, "type=\"string\" offset=\"0\" value=\"", "\"").replace("\\0", "\0");
    assert!(
        site.starts_with(name.as_bytes()),
        "a site is an SQLite database"
    );
    let whose = between(&text, "type=\"big32\" offset=\"68\" value=\"0x", "\"");
    let whose = u32::from_str_radix(whose, 16).expect("it is a number");
    assert_eq!(
        site.get(68..72),
        Some(&whose.to_be_bytes()[..]),
        "the number that the site says it is by"
    );
}

#[test]
fn both_packages_hold_the_same() {
    let manifest = read("Cargo.toml");
    let deb = between(&manifest, "\n[package.metadata.deb]\n", "\n[");
    let rpm = between(&manifest, "\n[package.metadata.generate-rpm]\n", "\n[");
    let in_deb: Vec<&str> = all_between(deb, "[\"target/release/", "\"")
        .into_iter()
        .filter(|source| !source.starts_with("linux-deb/"))
        .collect();
    let in_rpm = all_between(rpm, "source = \"target/release/", "\"");
    assert_eq!(in_deb, in_rpm);
    for program in ["rollcall", "rollcall-cli"] {
        assert!(in_deb.contains(&program), "{program} is in the packages");
    }
}

#[test]
fn the_packages_ask_for_what_the_window_opens() {
    let manifest = read("Cargo.toml");
    let depends = between(&manifest, "\ndepends = \"", "\"");
    let requires = between(
        &manifest,
        "\n[package.metadata.generate-rpm.requires]\n",
        "\n[",
    );
    let installer = read("dist/linux/install.sh");
    // File, and Debian's package of it.
    for (file, package) in [
        ("libEGL.so.1", "libegl1"),
        ("libGL.so.1", "libgl1"),
        ("libX11-xcb.so.1", "libx11-xcb1"),
        ("libX11.so.6", "libx11-6"),
        ("libXcursor.so.1", "libxcursor1"),
        ("libXi.so.6", "libxi6"),
        ("libwayland-client.so.0", "libwayland-client0"),
        ("libwayland-egl.so.1", "libwayland-egl1"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
        ("libxkbcommon.so.0", "libxkbcommon0"),
    ] {
        assert!(
            depends.split(", ").any(|named| named == package),
            "the .deb depends on {package}: without {file} there is no window"
        );
        assert!(
            requires.contains(&format!("\"{file}()(64bit)\"")),
            "the .rpm requires {file}"
        );
        assert!(
            installer.contains(file),
            "the installer of the portable archive looks for {file}"
        );
    }
}
