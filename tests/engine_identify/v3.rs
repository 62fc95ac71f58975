//! The user of SNMP v3: in the vault, never in the site file and never in a log.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rollcall::engine::command::{Command, Notice};
use rollcall::engine::identify::credentials::{
    MemoryVault, Secret, V3Auth, V3User, Vault, VaultError,
};
use rollcall::engine::{EngineConfig, SiteChoice};
use rollcall::model::snapshot::{Snapshot, V3State};
use tokio::sync::watch;

use crate::hall::said;
use crate::running::{self, start_with};

const NAME: &str = "uncommon-name";
const AUTH: &str = "correct horse battery";
const PRIV: &str = "staple of the plant";

fn user() -> V3User {
    V3User {
        name: NAME.to_owned(),
        auth: V3Auth::Sha256,
        auth_pass: Secret(AUTH.to_owned()),
        priv_pass: Secret(PRIV.to_owned()),
    }
}

fn give(user: V3User) -> Command {
    Command::SetV3User(Some(Box::new(user)))
}

/// A vault that says whom it was asked for, and does nothing before it is told to, nor when it fails.
#[derive(Debug)]
struct WatchedVault {
    inner: MemoryVault,
    failure: Mutex<Option<VaultError>>,
    is_open: watch::Sender<bool>,
    calls: Mutex<Vec<String>>,
}

impl WatchedVault {
    fn new(is_open: bool, failure: Option<VaultError>) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryVault::default(),
            failure: Mutex::new(failure),
            is_open: watch::Sender::new(is_open),
            calls: Mutex::default(),
        })
    }

    fn calls(&self) -> MutexGuard<'_, Vec<String>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine calls it from threads that may block.
    fn called(&self, call: String) -> Result<(), VaultError> {
        let mut is_open = self.is_open.subscribe();
        let wait = is_open.wait_for(|is_open| *is_open);
        let waited = tokio::runtime::Handle::current().block_on(wait).is_ok();
        assert!(waited, "the vault is there");
        self.calls().push(call);
        self.failure().clone().map_or(Ok(()), Err)
    }

    fn failure(&self) -> MutexGuard<'_, Option<VaultError>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for WatchedVault {
    fn load(&self, site_key: &str) -> Result<Option<V3User>, VaultError> {
        self.called("load".to_owned())?;
        self.inner.load(site_key)
    }

    fn store(&self, site_key: &str, user: &V3User) -> Result<(), VaultError> {
        self.called(format!("store {}", user.name))?;
        self.inner.store(site_key, user)
    }

    fn remove(&self, site_key: &str) -> Result<(), VaultError> {
        self.called("remove".to_owned())?;
        self.inner.remove(site_key)
    }
}

fn config(site: SiteChoice, folder: &Path, vault: Arc<dyn Vault>) -> EngineConfig {
    let mut config = running::config(site, folder, false);
    config.identify.vault = Some(vault);
    config
}

fn is_kept(snapshot: &Snapshot) -> bool {
    matches!(&snapshot.snmp_v3, V3State::Kept { user } if user == NAME)
}

fn is_at(path: &Path) -> impl Fn(&Snapshot) -> bool {
    move |snapshot| snapshot.site.path.as_deref() == Some(path)
}

fn is_none(snapshot: &Snapshot) -> bool {
    snapshot.snmp_v3 == V3State::None
}

/// The site is marked, and no user can be had.
fn lacks(wanted: &str) -> impl Fn(&Snapshot) -> bool {
    move |snapshot| match &snapshot.snmp_v3 {
        V3State::Unkept { user, why } => user.is_empty() && why.contains(wanted),
        V3State::None | V3State::Kept { .. } => false,
    }
}

fn locked() -> VaultError {
    VaultError::Locked {
        why: "nobody typed its password".to_owned(),
    }
}

/// Everything that lies in a folder, byte for byte.
fn bytes_in(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let bytes = std::fs::read(&path).expect("it can be read");
            (path, bytes)
        })
        .collect()
}

fn assert_nowhere(folder: &Path, words: &[&str]) {
    let files = bytes_in(folder);
    assert!(!files.is_empty());
    for (path, bytes) in files {
        for word in words {
            let is_there = bytes
                .windows(word.len())
                .any(|window| window == word.as_bytes());
            assert!(!is_there, "{word:?} is in {}", path.display());
        }
    }
}

#[tokio::test]
async fn a_user_is_kept_in_the_vault_for_its_site_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = folder.path().join("first.rollcall");
    let second = folder.path().join("second.rollcall");
    let vault = WatchedVault::new(true, None);
    let start = |site: &Path| {
        let site = SiteChoice::File(site.to_owned());
        start_with(config(site, folder.path(), Arc::clone(&vault) as _))
    };
    let running = start(&first);
    let snapshot = running.until("the site", is_at(&first)).await;
    assert_eq!(snapshot.snmp_v3, V3State::None);
    assert!(vault.calls().is_empty(), "no keyring is opened for nothing");
    running.send(give(user()));
    running.until("kept", is_kept).await;
    assert_nowhere(folder.path(), &[AUTH, PRIV, NAME]);

    running.send(Command::NewSite(second.clone()));
    let snapshot = running.until("the other site", is_at(&second)).await;
    assert_eq!(snapshot.snmp_v3, V3State::None, "of another site");
    running.send(Command::OpenSite(first.clone()));
    running.until("kept again", is_kept).await;
    running.close().await;

    let running = start(&first);
    running.until("kept after all", is_kept).await;
    assert_eq!(*vault.calls(), [&format!("store {NAME}"), "load", "load"]);
    running.send(Command::SetV3User(None));
    running.until("none", is_none).await;
    running.close().await;
    let running = start(&first);
    let snapshot = running.until("the site", is_at(&first)).await;
    assert_eq!(snapshot.snmp_v3, V3State::None);
    running.close().await;
    assert_eq!(vault.calls().last().map(String::as_str), Some("remove"));
    assert_nowhere(folder.path(), &[AUTH, PRIV, NAME]);
}

#[tokio::test]
async fn a_user_that_is_taken_away_at_once_does_not_stay_in_the_vault() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("hall.rollcall");
    let vault = WatchedVault::new(false, None);
    let choice = SiteChoice::File(site.clone());
    let running = start_with(config(choice, folder.path(), Arc::clone(&vault) as _));
    running.until("the site", is_at(&site)).await;
    // The keyring asks for its password, and meanwhile a person thinks better of it, twice.
    let other = V3User {
        name: "another".to_owned(),
        ..user()
    };
    running.send(give(other));
    running.send(Command::SetV3User(None));
    running.send(give(user()));
    let is_waiting = |snapshot: &Snapshot| matches!(&snapshot.snmp_v3, V3State::Unkept { user, .. } if user == NAME);
    running.until("not yet kept", is_waiting).await;
    vault.is_open.send_replace(true);
    running.until("kept", is_kept).await;
    assert_eq!(
        *vault.calls(),
        ["store another", "remove", &format!("store {NAME}")],
        "in the order in which it was asked for"
    );
    running.close().await;
}

#[tokio::test]
async fn a_vault_that_fails_is_said_and_the_user_still_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("hall.rollcall");
    let vault = WatchedVault::new(true, Some(locked()));
    let choice = || SiteChoice::File(site.clone());
    let mut running = start_with(config(choice(), folder.path(), Arc::clone(&vault) as _));
    running.send(give(user()));
    let notice = running
        .notice("the trouble", said("kept only until Rollcall is closed"))
        .await;
    let Notice::Said(saying) = notice else {
        unreachable!()
    };
    let text = saying.text.expect("it says why");
    assert!(
        text.contains("The keyring is locked (nobody typed"),
        "{text}"
    );
    let is_unkept = |snapshot: &Snapshot| match &snapshot.snmp_v3 {
        V3State::Unkept { user, why } => user == NAME && *why == text,
        V3State::None | V3State::Kept { .. } => false,
    };
    running.until("not kept", is_unkept).await;

    let short = V3User {
        auth_pass: Secret("short".to_owned()),
        ..user()
    };
    running.send(give(short));
    let refused = running.notice("a refusal", said("cannot be used")).await;
    assert!(!format!("{refused:?}").contains("\"short\""));
    assert!(is_unkept(&running.handle.snapshot()), "the old one stays");
    running.send(Command::SetV3User(None));
    running.until("none", is_none).await;
    running.close().await;
    let wanted = [&format!("store {NAME}"), "remove"];
    assert_eq!(*vault.calls(), wanted, "whatever may be there");
}

#[tokio::test]
async fn a_user_for_one_run_is_in_no_vault() {
    let folder = tempfile::tempdir().expect("a folder");
    let vault = WatchedVault::new(true, None);
    let choice = SiteChoice::File(folder.path().join("hall.rollcall"));
    let mut config = config(choice, folder.path(), Arc::clone(&vault) as _);
    config.identify.v3 = Some(Arc::new(user()));
    let printed = format!("{config:?} {:?}", give(user()));
    assert!(printed.contains(NAME), "a name is no secret here");
    for secret in [AUTH, PRIV] {
        assert!(!printed.contains(secret), "{secret:?} is printed");
    }
    let running = start_with(config);
    let is_given = |snapshot: &Snapshot| {
        let state = &snapshot.snmp_v3;
        matches!(state, V3State::Unkept { why, .. } if why.contains("for this run only"))
    };
    running.until("given", is_given).await;
    let other = folder.path().join("other.rollcall");
    running.send(Command::NewSite(other.clone()));
    let snapshot = running.until("the other site", is_at(&other)).await;
    assert!(is_given(&snapshot), "it is not of one site");
    running.close().await;
    assert!(vault.calls().is_empty());
    assert_nowhere(folder.path(), &[AUTH, PRIV, NAME]);
}

#[tokio::test]
async fn a_user_on_its_way_into_the_vault_is_found_again_after_a_switch() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = folder.path().join("first.rollcall");
    let second = folder.path().join("second.rollcall");
    let vault = WatchedVault::new(false, None);
    let choice = SiteChoice::File(first.clone());
    let running = start_with(config(choice, folder.path(), Arc::clone(&vault) as _));
    running.until("the site", is_at(&first)).await;
    running.send(give(user()));
    running.send(Command::NewSite(second.clone()));
    let snapshot = running.until("the other site", is_at(&second)).await;
    assert_eq!(snapshot.snmp_v3, V3State::None);
    running.send(Command::OpenSite(first.clone()));
    running.until("the site again", is_at(&first)).await;
    vault.is_open.send_replace(true);
    running.until("kept", is_kept).await;
    assert_eq!(*vault.calls(), [&format!("store {NAME}"), "load"]);
    running.close().await;
}

#[tokio::test]
async fn a_user_that_the_vault_refused_is_not_looked_for_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("hall.rollcall");
    let start = |vault: &Arc<WatchedVault>| {
        let choice = SiteChoice::File(site.clone());
        start_with(config(choice, folder.path(), Arc::clone(vault) as _))
    };
    let mut running = start(&WatchedVault::new(true, Some(locked())));
    running.send(give(user()));
    running
        .notice("the trouble", said("kept only until Rollcall is closed"))
        .await;
    running.close().await;
    let vault = WatchedVault::new(true, None);
    let running = start(&vault);
    let snapshot = running.until("the site", is_at(&site)).await;
    assert_eq!(snapshot.snmp_v3, V3State::None);
    running.close().await;
    assert!(vault.calls().is_empty(), "the site is not marked");
}

#[tokio::test]
async fn a_mark_without_a_user_can_be_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("hall.rollcall");
    let start = |vault: &Arc<WatchedVault>| {
        let choice = SiteChoice::File(site.clone());
        start_with(config(choice, folder.path(), Arc::clone(vault) as _))
    };
    // Another computer's keyring has nothing for the site; a locked one says nothing of it.
    for (failure, why) in [(None, "has none for this site"), (Some(locked()), "locked")] {
        let running = start(&WatchedVault::new(true, None));
        running.send(give(user()));
        running.until("kept", is_kept).await;
        running.close().await;

        let running = start(&WatchedVault::new(true, failure));
        running.until("no user", lacks(why)).await;
        running.send(Command::SetV3User(None));
        running.until("none", is_none).await;
        running.close().await;

        let vault = WatchedVault::new(true, None);
        let running = start(&vault);
        let snapshot = running.until("the site", is_at(&site)).await;
        assert_eq!(snapshot.snmp_v3, V3State::None);
        running.close().await;
        assert!(vault.calls().is_empty(), "{why}: the site is not marked");
    }
}

#[tokio::test]
async fn a_user_that_cannot_be_taken_out_of_the_vault_is_not_forgotten_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let vault = WatchedVault::new(true, None);
    let choice = SiteChoice::File(folder.path().join("hall.rollcall"));
    let mut running = start_with(config(choice, folder.path(), Arc::clone(&vault) as _));
    running.send(give(user()));
    running.until("kept", is_kept).await;
    *vault.failure() = Some(locked());
    running.send(Command::SetV3User(None));
    running
        .notice("the trouble", said("could not be taken out of the keyring"))
        .await;
    running
        .until("still there", lacks("could not be taken out"))
        .await;
    *vault.failure() = None;
    running.send(Command::SetV3User(None));
    running.until("none", is_none).await;
    running.close().await;
    assert_eq!(
        *vault.calls(),
        [&format!("store {NAME}"), "remove", "remove"]
    );
}

#[tokio::test]
async fn a_copy_of_a_site_has_a_user_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = folder.path().join("first.rollcall");
    let copy = folder.path().join("copy.rollcall");
    let vault = WatchedVault::new(true, None);
    let choice = SiteChoice::File(first.clone());
    let running = start_with(config(choice, folder.path(), Arc::clone(&vault) as _));
    running.send(give(user()));
    running.until("kept", is_kept).await;
    running.send(Command::SaveSiteAs {
        path: copy.clone(),
        overwrite: false,
    });
    let at_copy = is_at(&copy);
    running
        .until("kept in the copy", |snapshot| {
            at_copy(snapshot) && is_kept(snapshot)
        })
        .await;
    let store = format!("store {NAME}");
    assert_eq!(
        *vault.calls(),
        [store.as_str(), &store],
        "under two numbers"
    );
    running.send(Command::SetV3User(None));
    running.until("none", is_none).await;
    running.send(Command::OpenSite(first.clone()));
    let at_first = is_at(&first);
    running
        .until("kept in the first", |snapshot| {
            at_first(snapshot) && is_kept(snapshot)
        })
        .await;
    running.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_put_into_the_vault_that_the_site_cannot_tell_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("hall.rollcall");
    let copy = folder.path().join("copy.rollcall");
    let vault = WatchedVault::new(true, None);
    let choice = SiteChoice::File(site.clone());
    let mut running = start_with(config(choice, folder.path(), Arc::clone(&vault) as _));
    running.until("the site", is_at(&site)).await;
    std::fs::remove_file(&site).expect("a person can do that");
    running.send(give(user()));
    running
        .notice("the trouble", said("kept only until Rollcall is closed"))
        .await;
    assert!(vault.calls().is_empty());
    // Under another name it can.
    running.send(Command::SaveSiteAs {
        path: copy.clone(),
        overwrite: false,
    });
    running.until("kept", is_kept).await;
    running.close().await;
    let choice = SiteChoice::File(copy);
    let running = start_with(config(choice, folder.path(), Arc::clone(&vault) as _));
    running.until("kept after all", is_kept).await;
    running.close().await;
}
