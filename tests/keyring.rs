//! The keyring of the system, for real: with GNOME Keyring in a session of its own, and without any. A process connects
//! to its keyring once, so each test starts itself again in the surroundings that it needs.
#![cfg(target_os = "linux")]

use std::env;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use rollcall::engine::identify::credentials::{Keyring, Secret, V3Auth, V3User, Vault, VaultError};
use tempfile::TempDir;

/// Set where a test runs in its surroundings.
const INSIDE: &str = "ROLLCALL_TEST_INSIDE";

/// Where nothing answers.
const SHORT: Duration = Duration::from_millis(500);

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

fn user(auth: V3Auth) -> V3User {
    V3User {
        name: "rollout".to_owned(),
        auth,
        auth_pass: Secret("authentic \"words\"".to_owned()),
        priv_pass: Secret("private wörds".to_owned()),
    }
}

fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// This very test, to be run by `command`.
fn myself(mut command: Command, test: &str) {
    let output = command
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("the program starts: apt-get install -y dbus gnome-keyring");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{test} failed inside: {words}");
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(summary.contains("1 passed"), "it did not run: {summary}");
}

fn this_program() -> Command {
    Command::new(env::current_exe().expect("a program knows itself"))
}

/// How long a call took, and what it said.
#[expect(clippy::disallowed_methods, reason = "a test looks at a clock")]
fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let result = call();
    (result, begin.elapsed())
}

#[test]
fn without_a_keyring_there_is_an_error_and_no_waiting() {
    if !is_inside() {
        let folder = TempDir::new().expect("a folder");
        let mut command = this_program();
        let nowhere = format!("unix:path={}", folder.path().join("nobody").display());
        command.env("DBUS_SESSION_BUS_ADDRESS", nowhere);
        myself(
            command,
            "without_a_keyring_there_is_an_error_and_no_waiting",
        );
        return;
    }
    let keyring = Keyring::with_patience(LONG);
    for _ in 0..2 {
        let (loaded, took) = timed(|| keyring.load("site 1"));
        assert!(
            matches!(loaded, Err(VaultError::Absent { .. })),
            "{loaded:?}"
        );
        let words = loaded.expect_err("there is none").to_string();
        assert!(words.contains("start one"), "it says what to do: {words}");
        assert!(took < LONG / 2, "it took {took:?}");
    }
    assert!(keyring.store("site 1", &user(V3Auth::Sha1)).is_err());
    assert!(keyring.remove("site 1").is_err());
}

#[test]
fn a_keyring_that_says_nothing_is_not_waited_for_for_ever() {
    if !is_inside() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("mute");
        // It takes connections and never answers.
        let _mute = UnixListener::bind(&path).expect("a socket");
        let mut command = this_program();
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", path.display()),
        );
        myself(
            command,
            "a_keyring_that_says_nothing_is_not_waited_for_for_ever",
        );
        return;
    }
    let keyring = Keyring::with_patience(SHORT);
    for number in 0..8 {
        let (loaded, took) = timed(|| keyring.load("site 1"));
        assert!(matches!(loaded, Err(VaultError::Slow { .. })), "{loaded:?}");
        assert!(took < SHORT + LONG / 2, "it took {took:?}");
        // Four calls hang with a thread each; no more are made.
        assert!(number < 4 || took < SHORT, "call {number} took {took:?}");
    }
}

#[test]
#[ignore = "it needs a keyring: apt-get install -y dbus gnome-keyring"]
fn gnome_keyring_keeps_one_user_for_each_site() {
    if !is_inside() {
        let folder = TempDir::new().expect("a folder");
        let mut command = Command::new("dbus-run-session");
        command
            .args(["--", "sh", "-c"])
            .arg(
                "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$0\" \"$@\"",
            )
            .arg(env::current_exe().expect("a program knows itself"))
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
        myself(command, "gnome_keyring_keeps_one_user_for_each_site");
        return;
    }
    let keyring = Keyring::with_patience(LONG);
    assert_eq!(keyring.load("site 1"), Ok(None));
    assert_eq!(keyring.remove("site 1"), Ok(()), "nothing to remove");
    for auth in [V3Auth::Sha1, V3Auth::Sha256] {
        assert_eq!(keyring.store("site 1", &user(auth)), Ok(()));
        assert_eq!(keyring.load("site 1"), Ok(Some(user(auth))));
    }
    assert_eq!(keyring.load("site 2"), Ok(None), "each site has its own");
    // Another call from within a runtime: the crate below would panic on its threads.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let _inside = runtime.as_ref().expect("a runtime").enter();
    assert_eq!(keyring.load("site 1"), Ok(Some(user(V3Auth::Sha256))));
    assert_eq!(keyring.remove("site 1"), Ok(()));
    assert_eq!(keyring.load("site 1"), Ok(None));
}
