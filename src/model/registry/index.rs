//! Keys that lead to one unit, also where several have the same: the first keeps it, the next takes over when it goes.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::identity::ApplianceId;

/// From a key to the unit that has it.
#[derive(Debug)]
pub(super) struct Index<K> {
    first: HashMap<K, ApplianceId>,
    /// Units that have a key which another had before, in the order in which they came. Hardly ever any.
    waiting: HashMap<K, Vec<ApplianceId>>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self {
            first: HashMap::new(),
            waiting: HashMap::new(),
        }
    }
}

impl<K: Hash + Eq + Clone> Index<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<&ApplianceId>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.first.get(key)
    }

    #[cfg(test)]
    pub(super) const fn first(&self) -> &HashMap<K, ApplianceId> {
        &self.first
    }

    /// A unit has a key.
    pub(super) fn enter(&mut self, key: K, id: ApplianceId) {
        match self.first.get(&key) {
            None => {
                self.first.insert(key, id);
            }
            Some(first) if *first == id => {}
            Some(_) => {
                let waiting = self.waiting.entry(key).or_default();
                if !waiting.contains(&id) {
                    waiting.push(id);
                }
            }
        }
    }

    /// A unit no longer has a key.
    pub(super) fn leave(&mut self, key: &K, id: ApplianceId) {
        let is_first = self.first.get(key) == Some(&id);
        if !is_first && self.waiting.is_empty() {
            return;
        }
        let mut next = None;
        if let Some(waiting) = self.waiting.get_mut(key) {
            waiting.retain(|other| *other != id);
            if is_first && !waiting.is_empty() {
                next = Some(waiting.remove(0));
            }
            if waiting.is_empty() {
                self.waiting.remove(key);
            }
        }
        match next {
            Some(next) => {
                self.first.insert(key.clone(), next);
            }
            None if is_first => {
                self.first.remove(key);
            }
            None => {}
        }
    }
}
