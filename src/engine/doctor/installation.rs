//! The installation: what this program is, whether it can write where it keeps its things, and what the system has
//! for it. [`look`] asks the system; [`checks`] says it in sentences.

use std::path::{Path, PathBuf};

use super::Os;
use super::firewall::rule_check;
use crate::model::snapshot::{Check, RuleState, Verdict};
use crate::settings::Places;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The program's file, or why it is not known.
    pub program: Result<PathBuf, String>,
    /// Whether the program runs from a place that is cleared: out of an archive, or out of the downloads on macOS.
    pub is_program_passing: bool,
    /// Where things are kept, and why nothing can be written there.
    pub folders: Vec<Folder>,
    /// Linux: who shows file dialogs, and whether the program is in the menu.
    pub desktop: Option<Desktop>,
}

/// A folder that has to be writable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// What is kept there.
    pub holds: Held,
    /// Where it is.
    pub path: PathBuf,
    /// Why nothing can be written there.
    pub error: Option<String>,
}

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The settings file.
    Settings,
    /// Sites that a person did not put elsewhere.
    Sites,
    /// The log files.
    Logs,
}

/// What the desktop of a Linux has for the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Desktop {
    /// Who shows file dialogs; `None` when nobody does.
    pub dialogs: Option<Dialogs>,
    /// Whether a `.desktop` file names the program.
    pub is_in_menu: bool,
}

/// Who shows file dialogs on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialogs {
    /// The desktop portal.
    Portal,
    /// The program zenity.
    Zenity,
}

/// Looks. Makes the folders when they are not there yet, and a file for a moment in each of them.
pub fn look(places: &Places) -> Installation {
    let program = std::env::current_exe().map_err(|error| error.to_string());
    let is_program_passing = program.as_deref().is_ok_and(is_passing);
    let folders = [
        (Held::Settings, &places.config_dir),
        (Held::Sites, &places.sites_dir),
        (Held::Logs, &places.log_dir),
    ]
    .into_iter()
    .map(|(holds, path)| Folder {
        holds,
        path: path.clone(),
        error: try_to_write(path).err().map(|error| error.to_string()),
    })
    .collect();
    Installation {
        program,
        is_program_passing,
        folders,
        #[cfg(target_os = "linux")]
        desktop: Some(desktop()),
        #[cfg(not(target_os = "linux"))]
        desktop: None,
    }
}

fn is_passing(program: &Path) -> bool {
    // What Windows opens from within a zip lies in a temporary folder; what macOS has not let out of quarantine runs
    // from a copy that is gone after the next start.
    lies_in(program, &std::env::temp_dir())
        || program
            .components()
            .any(|part| part.as_os_str() == "AppTranslocation")
}

/// One folder has several names: a short one with `~1` on Windows, `/var` for `/private/var` on macOS. Where the system
/// does not tell the one that counts, they are compared as they are.
fn lies_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => file.starts_with(folder),
    }
}

fn try_to_write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    tempfile::Builder::new()
        .prefix(".rollcall-")
        .tempfile_in(folder)?
        .close()
}

#[cfg(target_os = "linux")]
fn desktop() -> Desktop {
    let folders = |name: &str, default: &str| -> Vec<PathBuf> {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        std::env::split_paths(&value.unwrap_or_else(|| default.into())).collect()
    };
    let mut shared = folders("XDG_DATA_DIRS", "/usr/local/share:/usr/share");
    shared.extend(directories::BaseDirs::new().map(|dirs| dirs.data_dir().to_owned()));
    let has_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
        || std::env::var_os("XDG_RUNTIME_DIR")
            .is_some_and(|folder| Path::new(&folder).join("bus").exists());
    Desktop {
        dialogs: dialogs(has_bus, &shared, &folders("PATH", "/usr/bin:/bin")),
        is_in_menu: is_in_menu(&shared),
    }
}

/// A portal needs the session's bus, the service that the bus starts, and a desktop's half that shows the dialogs.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "Linux only"))]
fn dialogs(has_bus: bool, shared: &[PathBuf], programs: &[PathBuf]) -> Option<Dialogs> {
    const SERVICE: &str = "dbus-1/services/org.freedesktop.portal.Desktop.service";
    let has_service = shared.iter().any(|folder| folder.join(SERVICE).exists());
    let has_half = shared.iter().any(|folder| {
        has_file(&folder.join("xdg-desktop-portal/portals"), |name| {
            name.ends_with(".portal")
        })
    });
    if has_bus && has_service && has_half {
        return Some(Dialogs::Portal);
    }
    programs
        .iter()
        .any(|folder| folder.join("zenity").is_file())
        .then_some(Dialogs::Zenity)
}

#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "Linux only"))]
fn is_in_menu(shared: &[PathBuf]) -> bool {
    shared.iter().any(|folder| {
        has_file(&folder.join("applications"), |name| {
            name.to_ascii_lowercase().ends_with("rollcall.desktop")
        })
    })
}

fn has_file(folder: &Path, is_meant: impl Fn(&str) -> bool) -> bool {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| is_meant(&entry.file_name().to_string_lossy()))
}

/// Says it, what is well too. `rule` is how the rules of Windows stand; `None` elsewhere.
pub fn checks(found: &Installation, os: Os, rule: Option<RuleState>) -> Vec<Check> {
    let mut checks = vec![check(
        Verdict::Good,
        format!(
            "Rollcall {} for {}, {}",
            env!("CARGO_PKG_VERSION"),
            os.name(),
            std::env::consts::ARCH
        ),
        None,
    )];
    checks.push(program_check(found, os));
    if let Some(rule) = rule {
        checks.push(rule_check(rule, found.program.as_deref().ok()));
    }
    checks.extend(found.folders.iter().map(folder_check));
    if let Some(desktop) = found.desktop {
        checks.extend(desktop_checks(desktop));
    }
    checks
}

fn check(verdict: Verdict, what: String, hint: Option<&str>) -> Check {
    Check {
        verdict,
        interface: None,
        what,
        hint: hint.map(str::to_owned),
        remedies: Vec::new(),
    }
}

fn program_check(found: &Installation, os: Os) -> Check {
    let path = match &found.program {
        Ok(path) => path.display(),
        Err(error) => {
            return check(
                Verdict::Note,
                format!("Where the program lies is not known: {error}"),
                None,
            );
        }
    };
    if !found.is_program_passing {
        return check(Verdict::Good, format!("The program is {path}"), None);
    }
    let hint = match os {
        Os::Windows => "Unpack the zip into a folder of its own and start Rollcall from there",
        Os::MacOs => "Move Rollcall to the Applications folder and start it from there",
        Os::Linux | Os::Other => "Unpack Rollcall into a folder of its own and start it from there",
    };
    check(
        Verdict::Note,
        format!("The program runs from a temporary folder: {path}"),
        Some(hint),
    )
}

fn folder_check(folder: &Folder) -> Check {
    let path = folder.path.display();
    let (things, verb, hint) = match folder.holds {
        Held::Settings => (
            "Settings",
            "saved",
            "Without it every start is like the first: see who owns the folder and whether the disk is full",
        ),
        Held::Sites => (
            "Sites",
            "saved",
            "Use \"Save site as…\" to keep what is heard on another disk",
        ),
        Held::Logs => (
            "Logs",
            "written",
            "Everything else works; see who owns the folder and whether the disk is full",
        ),
    };
    match &folder.error {
        None => check(
            Verdict::Good,
            format!("{things} can be {verb} in {path}"),
            None,
        ),
        Some(error) => check(
            Verdict::Warning,
            format!("{things} cannot be {verb} in {path}: {error}"),
            Some(hint),
        ),
    }
}

fn desktop_checks(desktop: Desktop) -> [Check; 2] {
    let dialogs = match desktop.dialogs {
        Some(Dialogs::Portal) => check(
            Verdict::Good,
            "File dialogs are shown by the desktop portal".to_owned(),
            None,
        ),
        Some(Dialogs::Zenity) => check(
            Verdict::Good,
            "File dialogs are shown by zenity".to_owned(),
            None,
        ),
        None => check(
            Verdict::Note,
            "No file dialogs: there is neither a desktop portal nor zenity".to_owned(),
            Some("Paths can be typed instead; the package zenity brings the dialogs"),
        ),
    };
    let menu = if desktop.is_in_menu {
        check(
            Verdict::Good,
            "Rollcall is in the applications menu".to_owned(),
            None,
        )
    } else {
        check(
            Verdict::Note,
            "Rollcall is not in the applications menu".to_owned(),
            Some("The package puts it there, and so does the installer script of the archive"),
        )
    };
    [dialogs, menu]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(checks: &[Check], words: &str) -> Check {
        checks
            .iter()
            .find(|check| check.what.contains(words))
            .cloned()
            .unwrap_or_else(|| panic!("nothing says {words:?} in {checks:#?}"))
    }

    fn put(path: &Path) {
        let folder = path.parent().expect("the file is in a folder");
        std::fs::create_dir_all(folder).expect("a temporary folder is writable");
        std::fs::File::create(path).expect("a temporary folder is writable");
    }

    #[test]
    fn looking_leaves_nothing_in_the_folders() {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let places = Places::under(root.path());
        let found = look(&places);
        assert!(found.folders.iter().all(|folder| folder.error.is_none()));
        assert_eq!(found.desktop.is_some(), cfg!(target_os = "linux"));
        for folder in [&places.config_dir, &places.sites_dir, &places.log_dir] {
            let mut entries = std::fs::read_dir(folder).expect("it was made");
            assert!(entries.next().is_none(), "{} is empty", folder.display());
        }
    }

    #[test]
    fn a_program_lies_in_a_folder_whatever_name_either_is_called_by() {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = root.path().join("temporary");
        let file = folder.join("zip").join("rollcall");
        put(&file);
        assert!(lies_in(&file, &folder));
        assert!(!lies_in(&file, &root.path().join("temporary~1")));
        let roundabout = folder.join("zip").join("..").join("zip");
        assert!(lies_in(&file, &roundabout));
        #[cfg(unix)]
        {
            let other_name = root.path().join("other");
            std::os::unix::fs::symlink(&folder, &other_name).expect("a link can be made");
            assert!(lies_in(&file, &other_name));
            assert!(lies_in(&other_name.join("zip").join("rollcall"), &folder));
        }
        // What is not there is compared as it is written.
        assert!(lies_in(&folder.join("gone"), &folder));
        assert!(!lies_in(&root.path().join("gone"), &folder));
        assert!(
            is_passing(&file),
            "the folder of this test is a temporary one"
        );
        assert!(!is_passing(Path::new("/opt/rollcall/rollcall")));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_a_warning_that_names_it() {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let places = Places::under(root.path());
        // A file where the folder should be stops an administrator too.
        put(&places.log_dir);
        let checks = checks(&look(&places), Os::current(), None);
        let logs = find(&checks, "Logs cannot be written in");
        assert_eq!(logs.verdict, Verdict::Warning);
        assert!(logs.what.contains(&places.log_dir.display().to_string()));
        assert_eq!(
            find(&checks, "Settings can be saved").verdict,
            Verdict::Good
        );
        assert_eq!(find(&checks, "Sites can be saved").verdict, Verdict::Good);
    }

    #[test]
    fn what_is_well_is_said_too_and_what_is_missing_says_what_to_do() {
        let found = |is_program_passing, desktop| Installation {
            program: Ok("/opt/rollcall/rollcall".into()),
            is_program_passing,
            folders: Vec::new(),
            desktop,
        };
        let well = Desktop {
            dialogs: Some(Dialogs::Portal),
            is_in_menu: true,
        };
        let good = checks(&found(false, Some(well)), Os::Linux, None);
        assert!(good.iter().all(|check| check.verdict == Verdict::Good));
        assert_eq!(good.len(), 4, "version, program, dialogs, menu");
        let bare = Desktop {
            dialogs: None,
            is_in_menu: false,
        };
        let missing = checks(&found(true, Some(bare)), Os::Linux, None);
        for words in [
            "temporary folder",
            "No file dialogs",
            "not in the applications menu",
        ] {
            let check = find(&missing, words);
            assert_eq!(check.verdict, Verdict::Note);
            assert!(check.hint.is_some(), "{words} says what to do");
        }
        let windows = checks(&found(false, None), Os::Windows, Some(RuleState::Missing));
        assert!(!find(&windows, "firewall rule").remedies.is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_shows_dialogs_is_seen_by_what_is_installed() {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let shared = [root.path().join("share")];
        let programs = [root.path().join("bin")];
        assert_eq!(dialogs(true, &shared, &programs), None);
        put(&programs[0].join("zenity"));
        assert_eq!(dialogs(true, &shared, &programs), Some(Dialogs::Zenity));
        put(&shared[0].join("dbus-1/services/org.freedesktop.portal.Desktop.service"));
        assert_eq!(
            dialogs(true, &shared, &programs),
            Some(Dialogs::Zenity),
            "a portal without a desktop's half shows nothing"
        );
        put(&shared[0].join("xdg-desktop-portal/portals/gtk.portal"));
        assert_eq!(dialogs(true, &shared, &programs), Some(Dialogs::Portal));
        assert_eq!(dialogs(false, &shared, &programs), Some(Dialogs::Zenity));
        assert!(!is_in_menu(&shared));
        put(&shared[0].join("applications/rollcall.desktop"));
        assert!(is_in_menu(&shared));
    }
}
