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
    /// Work with the keyring, in the order in which it was asked for.
    working: Option<JoinHandle<()>>,
}

/// What came of work with the keyring.
#[derive(Debug)]
pub(super) enum V3Done {
    Loaded(Result<Option<V3User>, VaultError>),
    Stored(Arc<V3User>, Result<(), VaultError>),
    Removed(Result<(), VaultError>),
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
            working: None,
        }
    }

    /// There is none any more.
    fn forget(&mut self) {
        self.user = None;
        self.state = V3State::None;
        self.is_given = false;
    }
}

impl Actor {
    /// Another site is open: its user is looked for, when it has one.
    pub(super) fn load_v3_user(&mut self) {
        if self.identifying.v3.is_given {
            return;
        }
        self.identifying.v3.forget();
        self.identifying.v3.storing = None;
        if self.session.has_v3 {
            self.with_vault(|vault, key| V3Done::Loaded(vault.load(key)));
        }
    }

    /// A person gives a user, or takes it away.
    pub(super) fn set_v3_user(&mut self, user: Option<Box<V3User>>) {
        let v3 = &mut self.identifying.v3;
        let Some(user) = user else {
            v3.forget();
            // One that is still on its way into the keyring must not stay there either.
            if v3.storing.take().is_some() || self.session.has_v3 {
                self.session.set_has_v3(false);
                self.with_vault(|vault, key| V3Done::Removed(vault.remove(key)));
            }
            return;
        };
        if let Err(error) = user.check() {
            let title = "This user of SNMP v3 cannot be used";
            self.say
                .said(Saying::trouble(title).because(sentence(&error)));
            return;
        }
        let user = Arc::new(*user);
        v3.is_given = false;
        v3.user = Some(Arc::clone(&user));
        v3.state = V3State::Unkept {
            user: user.name.clone(),
            why: "it is not in the keyring of this system".to_owned(),
        };
        v3.storing = Some(Arc::clone(&user));
        self.with_vault(move |vault, key| {
            let result = vault.store(key, &user);
            V3Done::Stored(user, result)
        });
    }

    /// Works with the keyring beside the actor: the system may ask a person for as long as it takes. Nothing happens for
    /// a site without a file, which nobody opens again.
    fn with_vault(&mut self, work: impl FnOnce(&dyn Vault, &str) -> V3Done + Send + 'static) {
        let (Some(vault), Some(key)) =
            (self.config.identify.vault.clone(), self.session.vault_key())
        else {
            self.identifying.v3.storing = None;
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
        let v3 = &mut self.identifying.v3;
        let is_current = |v3: &V3, user: &Arc<V3User>| {
            v3.user
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(current, user))
        };
        if let V3Done::Stored(user, _) = &done {
            v3.storing.take_if(|storing| Arc::ptr_eq(storing, user));
        }
        match done {
            V3Done::Loaded(Ok(Some(user))) => {
                // One that was typed in the meantime is newer.
                if v3.user.is_none() {
                    v3.state = V3State::Kept {
                        user: user.name.clone(),
                    };
                    v3.user = Some(Arc::new(user));
                }
            }
            V3Done::Loaded(Ok(None)) => self.say.said(
                Saying::note("The keyring of this system has no SNMP v3 user for this site")
                    .because("It was given on another computer, or taken out of the keyring")
                    .hint("Give it again in the settings"),
            ),
            V3Done::Loaded(Err(error)) => self.say.said(
                Saying::trouble("The SNMP v3 user of this site cannot be read")
                    .because(sentence(&error))
                    .hint("Give it again in the settings, or unlock the keyring and open the site again"),
            ),
            V3Done::Stored(user, Ok(())) => {
                // Without a user, it is about to be taken out again.
                if v3.user.is_some() {
                    self.session.set_has_v3(true);
                }
                if is_current(v3, &user) {
                    v3.state = V3State::Kept {
                        user: user.name.clone(),
                    };
                }
            }
            V3Done::Stored(user, Err(error)) if is_current(v3, &user) => {
                let why = sentence(&error);
                v3.state = V3State::Unkept {
                    user: user.name.clone(),
                    why: why.clone(),
                };
                self.say.said(
                    Saying::note("The SNMP v3 user is kept only until Rollcall is closed")
                        .because(why),
                );
            }
            // Of an older user nothing is said: a newer one is on its way.
            V3Done::Stored(_, Err(_)) | V3Done::Removed(Ok(())) => {}
            V3Done::Removed(Err(error)) => self.say.said(
                Saying::trouble("The SNMP v3 user could not be taken out of the keyring")
                    .because(sentence(&error)),
            ),
        }
    }
}
