//! What is needed to be let in: the user of SNMP v3, kept in the operating system's keyring and nowhere else.
//! A vault may ask a person for its password, so its functions block: not on a thread that serves sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use keyring::{Entry, Error as KeyringError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::APP_ID;

/// RFC 3414 §11.2 asks for at least so many characters.
pub const MIN_PASSPHRASE_CHARS: usize = 8;

/// More than any unit takes, and little enough for every keyring.
pub const MAX_PASSPHRASE_CHARS: usize = 128;

/// The longest user name (RFC 3414 §5).
pub const MAX_USER_BYTES: usize = 32;

/// How long a keyring may take: a person may have to type its password.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many calls may wait for a keyring that does not answer. Each has a thread.
const MAX_WAITING: usize = 4;

/// A passphrase. Never printed, and blanked when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

/// Blanks bytes that held a secret.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Without somebody who looks, the compiler may leave the blanking out.
    black_box(bytes);
}

/// How messages of SNMP v3 are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum V3Auth {
    /// HMAC-SHA-96 (RFC 3414).
    Sha1,
    /// HMAC-SHA-2 with 256 bits (RFC 7860).
    #[default]
    Sha256,
}

/// A user of SNMP v3 at the level authPriv; the cipher is AES-128 (RFC 3826).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V3User {
    /// The name.
    pub name: String,
    /// How messages are signed.
    pub auth: V3Auth,
    /// For signing, at least 8 characters.
    pub auth_pass: Secret,
    /// For the cipher, at least 8 characters.
    pub priv_pass: Secret,
}

/// Why a user of SNMP v3 cannot be used. The text names what is wrong and what to do.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum V3UserError {
    /// No name.
    #[error("the user name is empty: enter the name that the unit knows")]
    NoName,
    /// A name that no unit takes.
    #[error("the user name has {num} bytes: at most {MAX_USER_BYTES} are allowed")]
    LongName {
        /// Its length.
        num: usize,
    },
    /// Units refuse short passphrases.
    #[error(
        "the {which} passphrase has {num} characters: at least {MIN_PASSPHRASE_CHARS} are needed"
    )]
    ShortPassphrase {
        /// Which of the two.
        which: PassphraseKind,
        /// Its length.
        num: usize,
    },
    /// Longer than can be kept.
    #[error(
        "the {which} passphrase has {num} characters: at most {MAX_PASSPHRASE_CHARS} are allowed"
    )]
    LongPassphrase {
        /// Which of the two.
        which: PassphraseKind,
        /// Its length.
        num: usize,
    },
}

/// Which passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassphraseKind {
    /// [`V3User::auth_pass`].
    Authentication,
    /// [`V3User::priv_pass`].
    Privacy,
}

impl fmt::Display for PassphraseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authentication => "authentication",
            Self::Privacy => "privacy",
        })
    }
}

impl V3User {
    /// Whether units can take this user.
    pub fn check(&self) -> Result<(), V3UserError> {
        if self.name.is_empty() {
            return Err(V3UserError::NoName);
        }
        if self.name.len() > MAX_USER_BYTES {
            let num = self.name.len();
            return Err(V3UserError::LongName { num });
        }
        for (which, passphrase) in [
            (PassphraseKind::Authentication, &self.auth_pass),
            (PassphraseKind::Privacy, &self.priv_pass),
        ] {
            let num = passphrase.0.chars().count();
            if num < MIN_PASSPHRASE_CHARS {
                return Err(V3UserError::ShortPassphrase { which, num });
            }
            if num > MAX_PASSPHRASE_CHARS {
                return Err(V3UserError::LongPassphrase { which, num });
            }
        }
        Ok(())
    }
}

/// Where users of SNMP v3 are kept, one for each site. Every function may block for as long as a person needs to type a
/// password.
pub trait Vault: Send + Sync + fmt::Debug {
    /// The user of a site; `None` when none was stored.
    fn load(&self, site_key: &str) -> Result<Option<V3User>, VaultError>;

    /// Stores the user of a site in place of an older one.
    fn store(&self, site_key: &str, user: &V3User) -> Result<(), VaultError>;

    /// Forgets the user of a site. Nothing happens when there is none.
    fn remove(&self, site_key: &str) -> Result<(), VaultError>;
}

/// Why a vault could not do it. The text says what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum VaultError {
    /// No keyring.
    #[error(
        "this system has no keyring that can be used ({why}): start one, such as GNOME Keyring or KWallet, and then \
         Rollcall again"
    )]
    Absent {
        /// What the system says.
        why: String,
    },
    /// A keyring that is locked.
    #[error("the keyring is locked ({why}): unlock it and try again")]
    Locked {
        /// What the system says.
        why: String,
    },
    /// A keyring that waits for something.
    #[error(
        "the keyring has not answered for {secs} s: look for its window, which may ask for a password, and try again"
    )]
    Slow {
        /// How long it was waited for.
        secs: u64,
    },
    /// Something that is no user.
    #[error("what the keyring holds for this site is not a user of SNMP v3: enter it again")]
    Unreadable,
    /// A user that no unit takes.
    #[error(transparent)]
    User(#[from] V3UserError),
    /// Anything else.
    #[error("the keyring refuses: {why}")]
    Other {
        /// What the system says.
        why: String,
    },
}

/// The operating system's keyring: the Secret Service, the Windows Credential Manager, the macOS keychain. One entry for
/// each site.
#[derive(Clone, Debug)]
pub struct Keyring {
    patience: Duration,
    waiting: Arc<AtomicUsize>,
}

impl Default for Keyring {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Keyring {
    /// A keyring that may take so long for each call.
    pub fn with_patience(patience: Duration) -> Self {
        Self {
            patience,
            waiting: Arc::default(),
        }
    }

    /// Runs one call on a thread of its own: the system's libraries have no time limits, and some of them must not be
    /// called from an asynchronous runtime.
    fn call<T: Send + 'static>(
        &self,
        site_key: &str,
        work: impl FnOnce(&Entry) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let slow = VaultError::Slow {
            secs: self.patience.as_secs(),
        };
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(slow);
        }
        // One answer, for which there is room also when nobody waits for it any more.
        let (answer, answered) = sync_channel(1);
        let place = Waiting(Arc::clone(&self.waiting));
        let site_key = site_key.to_owned();
        thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                let result = Entry::new(&service(), &site_key)
                    .and_then(|entry| work(&entry))
                    .map_err(VaultError::from);
                drop(place);
                answer.send(result).ok();
            })
            .map_err(|error| VaultError::Other {
                why: error.to_string(),
            })?;
        match answered.recv_timeout(self.patience) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(slow),
            // It panicked.
            Err(RecvTimeoutError::Disconnected) => Err(VaultError::Other {
                why: "its library failed".to_owned(),
            }),
        }
    }
}

/// A call that waits; none any more when dropped.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a person sees in the list of the keyring.
fn service() -> String {
    format!("{APP_ID} SNMP v3")
}

impl Vault for Keyring {
    fn load(&self, site_key: &str) -> Result<Option<V3User>, VaultError> {
        let secret = self.call(site_key, |entry| match entry.get_secret() {
            Ok(secret) => Ok(Some(secret)),
            Err(KeyringError::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })?;
        secret.map(read_user).transpose()
    }

    fn store(&self, site_key: &str, user: &V3User) -> Result<(), VaultError> {
        let mut secret = write_user(user)?;
        self.call(site_key, move |entry| {
            let result = entry.set_secret(&secret);
            wipe(&mut secret);
            result
        })
    }

    fn remove(&self, site_key: &str) -> Result<(), VaultError> {
        self.call(site_key, |entry| match entry.delete_credential() {
            Err(KeyringError::NoEntry) => Ok(()),
            result => result,
        })
    }
}

impl From<KeyringError> for VaultError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::NoDefaultStore => Self::Absent {
                why: match Entry::store_status() {
                    Err(error) => error.to_string(),
                    Ok(()) => "it was not there".to_owned(),
                },
            },
            KeyringError::NoStorageAccess(why) => Self::Locked {
                why: why.to_string(),
            },
            // Its `Display` says nothing of the bytes inside, as its `Debug` would.
            other => Self::Other {
                why: other.to_string(),
            },
        }
    }
}

/// A vault that is gone with the program, for tests.
#[derive(Debug, Default)]
pub struct MemoryVault(Mutex<BTreeMap<String, V3User>>);

impl Vault for MemoryVault {
    fn load(&self, site_key: &str) -> Result<Option<V3User>, VaultError> {
        let users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(users.get(site_key).cloned())
    }

    fn store(&self, site_key: &str, user: &V3User) -> Result<(), VaultError> {
        user.check()?;
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.insert(site_key.to_owned(), user.clone());
        Ok(())
    }

    fn remove(&self, site_key: &str) -> Result<(), VaultError> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.remove(site_key);
        Ok(())
    }
}

/// How a user is written in the keyring.
#[derive(Serialize)]
struct Written<'user> {
    name: &'user str,
    auth: WrittenAuth,
    auth_pass: &'user str,
    priv_pass: &'user str,
}

/// How a user is read from the keyring.
#[derive(Deserialize)]
struct Read {
    name: String,
    auth: WrittenAuth,
    auth_pass: String,
    priv_pass: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenAuth {
    Sha1,
    Sha256,
}

fn write_user(user: &V3User) -> Result<Vec<u8>, VaultError> {
    user.check()?;
    let written = Written {
        name: &user.name,
        auth: match user.auth {
            V3Auth::Sha1 => WrittenAuth::Sha1,
            V3Auth::Sha256 => WrittenAuth::Sha256,
        },
        auth_pass: &user.auth_pass.0,
        priv_pass: &user.priv_pass.0,
    };
    // Room for everything, so that growing leaves no copies behind.
    let mut secret = Vec::with_capacity(4096);
    serde_json::to_writer(&mut secret, &written).map_err(|error| VaultError::Other {
        why: error.to_string(),
    })?;
    Ok(secret)
}

fn read_user(mut secret: Vec<u8>) -> Result<V3User, VaultError> {
    let read: Result<Read, _> = serde_json::from_slice(&secret);
    wipe(&mut secret);
    // The parser's words may quote what it read.
    let Ok(read) = read else {
        return Err(VaultError::Unreadable);
    };
    let user = V3User {
        name: read.name,
        auth: match read.auth {
            WrittenAuth::Sha1 => V3Auth::Sha1,
            WrittenAuth::Sha256 => V3Auth::Sha256,
        },
        auth_pass: Secret(read.auth_pass),
        priv_pass: Secret(read.priv_pass),
    };
    match user.check() {
        Ok(()) => Ok(user),
        // Nothing that Rollcall has stored.
        Err(_) => Err(VaultError::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> V3User {
        V3User {
            name: "rollout".to_owned(),
            auth: V3Auth::Sha1,
            auth_pass: Secret("correct \"horse\"".to_owned()),
            priv_pass: Secret("battery staple ü".to_owned()),
        }
    }

    #[test]
    fn a_user_comes_back_as_it_was_stored() {
        let secret = write_user(&user()).expect("a good user");
        assert_eq!(read_user(secret), Ok(user()));
    }

    #[test]
    fn what_is_no_user_is_refused_without_quoting_it() {
        for secret in ["", "{}", "hunter22", r#"{"name":"x","auth":"md5"}"#] {
            let refused = read_user(secret.as_bytes().to_vec());
            assert_eq!(refused, Err(VaultError::Unreadable), "{secret:?}");
        }
        let short = r#"{"name":"x","auth":"sha1","auth_pass":"short","priv_pass":"long enough"}"#;
        assert_eq!(
            read_user(short.as_bytes().to_vec()),
            Err(VaultError::Unreadable)
        );
    }

    #[test]
    fn a_user_is_checked_in_words() {
        let check = |change: fn(&mut V3User)| {
            let mut user = user();
            change(&mut user);
            user.check().map_err(|error| error.to_string())
        };
        assert_eq!(check(|_| {}), Ok(()));
        let refused = |change| check(change).expect_err("not a good user");
        assert!(refused(|user| user.name.clear()).contains("user name is empty"));
        assert!(refused(|user| user.name = "ü".repeat(17)).contains("34 bytes"));
        assert_eq!(
            refused(|user| user.auth_pass = Secret("7 chars".to_owned())),
            "the authentication passphrase has 7 characters: at least 8 are needed"
        );
        assert_eq!(
            refused(|user| user.priv_pass = Secret("x".repeat(129))),
            "the privacy passphrase has 129 characters: at most 128 are allowed"
        );
    }

    #[test]
    fn a_passphrase_is_never_printed() {
        let printed = format!("{:?}", user());
        assert!(!printed.contains("horse") && !printed.contains("staple"));
        let error = VaultError::from(KeyringError::BadEncoding(b"correct horse".to_vec()));
        assert!(!format!("{error} {error:?}").contains("horse"));
    }

    #[test]
    fn the_memory_vault_keeps_one_user_for_each_site() {
        let vault = MemoryVault::default();
        assert_eq!(vault.load("site 1"), Ok(None));
        assert_eq!(vault.remove("site 1"), Ok(()));
        assert_eq!(vault.store("site 1", &user()), Ok(()));
        assert_eq!(vault.load("site 1"), Ok(Some(user())));
        assert_eq!(vault.load("site 2"), Ok(None));
        assert_eq!(vault.remove("site 1"), Ok(()));
        assert_eq!(vault.load("site 1"), Ok(None));
        let mut bad = user();
        bad.name.clear();
        assert_eq!(
            vault.store("site 1", &bad),
            Err(VaultError::User(V3UserError::NoName))
        );
    }
}
