//! The user of SNMP v3 of the open site: in memory while the site is open, in the keyring of the operating system
//! otherwise. The site file only knows that there is one, so that no keyring is opened for sites without.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{Actor, Beside};
use crate::engine::command::{Saying, sentence};
use crate::engine::identify::credentials::{V3User, Vault, VaultError};
use crate::model::snapshot::V3State;

/// The user, and how it is kept.
#[derive(Debug)]
pub(super) struct V3 {
    pub(super) user: Option<Arc<V3User>>,
    pub(super) state: V3State,
    /// Given at the start: sites do not change it.
    is_given: bool,
    /// The user that is on its way into the keyring.
    storing: Option<Arc<V3User>>,
    mark: Mark,
    /// What is in the keyring is being taken out.
    is_removing: bool,
    /// Work with the keyring, in the order in which it was asked for.
    working: Option<JoinHandle<()>>,
}

/// What the site's mark stands for, when it has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mark {
    /// A user in the keyring, as far as is known.
    #[default]
    User,
    /// A user that is on its way there, and no other.
    Early,
    /// Nothing that this keyring could give.
    Empty,
}

/// What came of work with the keyring.
#[derive(Debug)]
pub(super) enum V3Done {
    Loaded(Result<Option<V3User>, VaultError>),
    Stored(Arc<V3User>, Result<(), VaultError>),
    Removed {
        /// The mark goes with it, whether or not the keyring could be asked.
        is_for_good: bool,
        result: Result<(), VaultError>,
    },
}

impl V3 {
    pub(super) fn new(given: Option<Arc<V3User>>) -> Self {
        let state = given
            .as_ref()
            .map_or(V3State::None, |user| V3State::Unkept {
                user: user.name.clone(),
                why: "it was given for this run only".to_owned(),
            });
        Self {
            is_given: given.is_some(),
            user: given,
            state,
            storing: None,
            mark: Mark::default(),
            is_removing: false,
            working: None,
        }
    }

    /// There is none any more.
    fn forget(&mut self) {
        self.user = None;
        self.state = V3State::None;
        self.is_given = false;
    }

    /// None can be had, though the site is marked; a person can remove the mark.
    fn lack(&mut self, why: String) {
        if self.user.is_none() {
            self.state = V3State::Unkept {
                user: String::new(),
                why,
            };
        }
    }

    fn use_unkept(&mut self, user: &Arc<V3User>, why: String) {
        self.user = Some(Arc::clone(user));
        self.state = V3State::Unkept {
            user: user.name.clone(),
            why,
        };
    }
}

impl Actor {
    /// Another site is open: its user is looked for, when it has one.
    pub(super) fn load_v3_user(&mut self) {
        if self.identifying.v3.is_given {
            return;
        }
        let v3 = &mut self.identifying.v3;
        v3.forget();
        v3.storing = None;
        v3.is_removing = false;
        v3.mark = Mark::default();
        if self.session.has_v3 {
            self.with_vault(|vault, key| V3Done::Loaded(vault.load(key)));
        }
    }

    /// A person gives a user, or takes it away.
    pub(super) async fn set_v3_user(&mut self, user: Option<Box<V3User>>) {
        let Some(user) = user else {
            self.remove_v3_user();
            return;
        };
        if let Err(error) = user.check() {
            let title = "This user of SNMP v3 cannot be used";
            self.say
                .said(Saying::trouble(title).because(sentence(&error)));
            return;
        }
        self.identifying.v3.is_given = false;
        self.store_v3_user(Arc::new(*user)).await;
    }

    /// The open site goes on in another file, which the keyring knows nothing of: it gets the same user.
    pub(super) async fn take_v3_user_along(&mut self, had_v3: bool) {
        let v3 = &mut self.identifying.v3;
        v3.storing = None;
        v3.is_removing = false;
        v3.mark = Mark::default();
        if v3.is_given {
            return;
        }
        if let Some(user) = v3.user.clone() {
            self.store_v3_user(user).await;
            return;
        }
        v3.forget();
        if had_v3 {
            self.say.said(
                Saying::note("The SNMP v3 user stays with the site that was open before")
                    .hint("Give it again in the settings to keep it for this site too"),
            );
        }
    }

    /// Uses a user, and puts it into the keyring once the site file says that it is there.
    async fn store_v3_user(&mut self, user: Arc<V3User>) {
        let why = "it is not in the keyring of this system".to_owned();
        self.identifying.v3.use_unkept(&user, why);
        if !self.has_vault() {
            return;
        }
        let was_marked = self.session.has_v3;
        if let Err(why) = self.session.mark_v3().await {
            self.say_unkept(&user, why);
            return;
        }
        let v3 = &mut self.identifying.v3;
        if !was_marked {
            v3.mark = Mark::Early;
        }
        v3.is_removing = false;
        v3.storing = Some(Arc::clone(&user));
        self.with_vault(move |vault, key| {
            let result = vault.store(key, &user);
            V3Done::Stored(user, result)
        });
    }

    /// Whatever is in the keyring for the site is taken out; the site is marked until that is over, so that nothing is
    /// forgotten when Rollcall is closed meanwhile.
    fn remove_v3_user(&mut self) {
        let has_vault = self.has_vault();
        let v3 = &mut self.identifying.v3;
        v3.forget();
        // One that is still on its way into the keyring is taken out after it.
        v3.storing = None;
        if !has_vault {
            self.session.set_has_v3(false);
            return;
        }
        v3.is_removing = true;
        v3.lack("it is being taken out of the keyring".to_owned());
        let is_for_good = v3.mark == Mark::Empty || !self.session.has_v3;
        self.with_vault(move |vault, key| V3Done::Removed {
            is_for_good,
            result: vault.remove(key),
        });
    }

    fn has_vault(&self) -> bool {
        self.config.identify.vault.is_some() && self.session.vault_key().is_some()
    }

    fn say_unkept(&mut self, user: &Arc<V3User>, why: String) {
        self.identifying.v3.use_unkept(user, why.clone());
        let title = "The SNMP v3 user is kept only until Rollcall is closed";
        self.say.said(Saying::note(title).because(why));
    }

    /// Works with the keyring beside the actor: the system may ask a person for as long as it takes. Nothing happens for
    /// a site without a file, which nobody opens again.
    fn with_vault(&mut self, work: impl FnOnce(&dyn Vault, &str) -> V3Done + Send + 'static) {
        let (Some(vault), Some(key)) =
            (self.config.identify.vault.clone(), self.session.vault_key())
        else {
            return;
        };
        let to_beside = self.to_beside.clone();
        let before = self.identifying.v3.working.take();
        self.identifying.v3.working = Some(tokio::spawn(async move {
            if let Some(before) = before {
                // An older user must not end up over a newer one; work that panicked is over as well.
                let _ = before.await;
            }
            let worked = tokio::task::spawn_blocking(move || {
                let done = work(&*vault, &key);
                // The actor has ended when it does not take it.
                let _ = to_beside.blocking_send(Beside::V3(key, done));
            });
            // A panic is in the log.
            let _ = worked.await;
        }));
    }

    /// Takes in what came of the keyring, unless another site is open by now.
    pub(super) fn take_v3(&mut self, key: &str, done: V3Done) {
        if self.session.vault_key().as_deref() != Some(key) {
            return;
        }
        match done {
            V3Done::Loaded(loaded) => self.take_loaded_v3(loaded),
            V3Done::Stored(user, result) => self.take_stored_v3(&user, result),
            V3Done::Removed {
                is_for_good,
                result,
            } => self.take_removed_v3(is_for_good, result),
        }
    }

    fn take_loaded_v3(&mut self, loaded: Result<Option<V3User>, VaultError>) {
        let v3 = &mut self.identifying.v3;
        if v3.user.is_some() || v3.is_removing {
            // What a person did in the meantime is newer.
            return;
        }
        match loaded {
            Ok(Some(user)) => {
                v3.state = V3State::Kept {
                    user: user.name.clone(),
                };
                v3.user = Some(Arc::new(user));
            }
            Ok(None) => {
                v3.mark = Mark::Empty;
                v3.lack("the keyring of this system has none for this site".to_owned());
                self.say.said(
                    Saying::note("The keyring of this system has no SNMP v3 user for this site")
                        .because("It was given on another computer, or taken out of the keyring")
                        .hint("Give it again in the settings, or remove it there"),
                );
            }
            Err(error) => {
                let why = sentence(&error);
                v3.mark = Mark::Empty;
                v3.lack(why.clone());
                self.say.said(
                    Saying::trouble("The SNMP v3 user of this site cannot be read")
                        .because(why)
                        .hint(
                            "Give it again in the settings, or unlock the keyring and open the site again",
                        ),
                );
            }
        }
    }

    fn take_stored_v3(&mut self, user: &Arc<V3User>, result: Result<(), VaultError>) {
        let v3 = &mut self.identifying.v3;
        v3.storing.take_if(|storing| Arc::ptr_eq(storing, user));
        let current = v3.user.as_ref();
        let is_current = current.is_some_and(|current| Arc::ptr_eq(current, user));
        match result {
            Ok(()) => {
                v3.mark = Mark::default();
                if is_current {
                    v3.state = V3State::Kept {
                        user: user.name.clone(),
                    };
                }
            }
            Err(error) => {
                // A keyring that is only slow may have it later.
                let is_slow = matches!(error, VaultError::Slow { .. });
                if v3.mark == Mark::Early && v3.storing.is_none() && !is_slow {
                    v3.mark = Mark::default();
                    self.session.set_has_v3(false);
                }
                // Of an older user nothing is said: a newer one is on its way.
                if is_current {
                    self.say_unkept(user, sentence(&error));
                }
            }
        }
    }

    fn take_removed_v3(&mut self, is_for_good: bool, result: Result<(), VaultError>) {
        let v3 = &mut self.identifying.v3;
        let is_removed = result.is_ok();
        v3.is_removing = false;
        if v3.storing.is_some() {
            // The mark is that of a newer user.
            if is_removed {
                v3.mark = Mark::Early;
            }
        } else if is_removed || is_for_good {
            v3.mark = Mark::default();
            if v3.user.is_none() {
                v3.forget();
            }
            self.session.set_has_v3(false);
        } else {
            // The next time, the mark goes in any case.
            v3.mark = Mark::Empty;
            v3.lack("it could not be taken out of the keyring".to_owned());
        }
        if let Err(error) = result {
            self.say.said(
                Saying::trouble("The SNMP v3 user could not be taken out of the keyring")
                    .because(sentence(&error)),
            );
        }
    }
}
