//! A table that forgets what was not touched for longest, in constant time and bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// Two generations: what is touched is in the young one. When that is full, it becomes the old one, and what was left
/// in the old one is forgotten. So it holds between one and two times its room, and never more.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    room: usize,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    /// A table of two generations with `room` each.
    pub(super) fn new(room: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            room: room.max(1),
        }
    }

    /// What is kept under `key`, made when there is nothing. Touches it.
    pub(super) fn touch(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if self.young.len() >= self.room && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        match self.young.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let kept = self.old.remove(entry.key());
                entry.insert(kept.unwrap_or_else(make))
            }
        }
    }

    /// What is kept under `key`, without touching it.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// What is kept under `key`, without touching it.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self.young.get_mut(key) {
            Some(value) => Some(value),
            None => self.old.get_mut(key),
        }
    }

    /// Everything, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.young.values().chain(self.old.values())
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_stays_and_the_rest_goes() {
        let mut table = Recent::new(4);
        for key in 0..100 {
            table.touch(1_000, || 7);
            table.touch(key, || 0);
            assert!(table.len() <= 8, "never more than two generations");
        }
        assert_eq!(table.get(&1_000), Some(&7), "it was touched all the time");
        assert_eq!(table.get(&0), None, "it was not touched again");
        assert_eq!(table.get(&99), Some(&0));
    }
}
