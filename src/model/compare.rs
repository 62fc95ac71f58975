//! The units of a replay held against those of a site: which are the same, what differs in words, and which are in one of
//! them only. What one side does not know is no difference.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::appliance::{Appliance, Best};
use super::fact::Fact;
use super::identity::{Mac, is_ip_key};
use super::snapshot::Units;
use super::watching::{Comparison, Difference, DifferenceKind};
use crate::wire::Claimed;

/// How many differences are listed; how many more there are is said.
pub const DIFFERENCES_KEPT: usize = 10_000;

/// Holds the units of a replay against those of the site called `site_name`.
///
/// Units are the same by serial, else by MAC, else by address; a key counts only where it is one unit's alone on its
/// side. Units that both have a serial, or both a MAC, are never the same by address. The network does not matter: what
/// was "eth0" in the capture is often another one here.
pub fn compare(replay: &Units, site: &Units, site_name: &str) -> Comparison {
    let pairs = Pairs::of(replay, site);
    let mut lines: Vec<Difference> = Vec::new();
    let mut num_same = 0;
    for (unit, other) in pairs.left.iter().zip(&pairs.matched) {
        match other.map(|idx| pairs.right[idx]) {
            None => lines.push(line(
                DifferenceKind::OnlyInReplay,
                unit,
                None,
                String::new(),
            )),
            Some(other) => {
                let what = differences(unit, other);
                if what.is_empty() {
                    num_same += 1;
                } else {
                    lines.push(line(DifferenceKind::Differs, unit, Some(other), what));
                }
            }
        }
    }
    lines.extend(
        pairs
            .right
            .iter()
            .zip(&pairs.is_taken)
            .filter(|(_, is_taken)| !**is_taken)
            .map(|(unit, _)| Difference {
                // The id is the site's: in the replay the same number is another unit.
                id: None,
                ..line(DifferenceKind::OnlyInSite, unit, None, String::new())
            }),
    );
    lines.sort_by(by_what_is_looked_for);
    let num_left_out = lines.len().saturating_sub(DIFFERENCES_KEPT);
    lines.truncate(DIFFERENCES_KEPT);
    Comparison {
        site: site_name.to_owned(),
        num_same,
        lines,
        num_left_out,
    }
}

/// By kind, then by address, MAC and name: the same whatever the order in which the units were heard.
fn by_what_is_looked_for(a: &Difference, b: &Difference) -> Ordering {
    (a.kind, a.ip, a.mac)
        .cmp(&(b.kind, b.ip, b.mac))
        .then_with(|| a.name.cmp(&b.name))
        .then_with(|| a.what.cmp(&b.what))
        .then_with(|| a.id.cmp(&b.id))
}

/// Which unit of the replay is which of the site.
struct Pairs<'a> {
    left: Vec<&'a Arc<Appliance>>,
    right: Vec<&'a Arc<Appliance>>,
    /// For each of `left` its index in `right`.
    matched: Vec<Option<usize>>,
    /// For each of `right` whether it has its partner.
    is_taken: Vec<bool>,
}

impl<'a> Pairs<'a> {
    fn of(replay: &'a Units, site: &'a Units) -> Self {
        let left: Vec<_> = replay.iter().map(|(_, unit)| unit).collect();
        let right: Vec<_> = site.iter().map(|(_, unit)| unit).collect();
        let mut pairs = Self {
            matched: vec![None; left.len()],
            is_taken: vec![false; right.len()],
            left,
            right,
        };
        pairs.pair_by(serial_of, |_, _| true);
        pairs.pair_by(mac_of, |_, _| true);
        pairs.pair_by(ip_of, may_be_same_by_ip);
        pairs
    }

    /// Pairs what is still alone and has a key that nothing else on its side has.
    fn pair_by<K: Eq + Hash>(
        &mut self,
        key: impl Fn(&Appliance) -> Option<K>,
        may_be_same: impl Fn(&Appliance, &Appliance) -> bool,
    ) {
        let left = unique(&self.left, &key);
        let right = unique(&self.right, &key);
        for (idx, unit) in self.left.iter().enumerate() {
            let Some(own) = key(unit) else { continue };
            if self.matched[idx].is_none()
                && left.get(&own) == Some(&Some(idx))
                && let Some(&Some(other)) = right.get(&own)
                && !self.is_taken[other]
                && may_be_same(unit, self.right[other])
            {
                self.matched[idx] = Some(other);
                self.is_taken[other] = true;
            }
        }
    }
}

/// For each key the index of its unit; `None` where several have it.
fn unique<K: Eq + Hash>(
    units: &[&Arc<Appliance>],
    key: impl Fn(&Appliance) -> Option<K>,
) -> HashMap<K, Option<usize>> {
    let mut found = HashMap::with_capacity(units.len());
    for (idx, unit) in units.iter().enumerate() {
        if let Some(key) = key(unit) {
            found
                .entry(key)
                .and_modify(|first| *first = None)
                .or_insert(Some(idx));
        }
    }
    found
}

fn serial_of(unit: &Appliance) -> Option<String> {
    unit.serial_key()
}

fn mac_of(unit: &Appliance) -> Option<Mac> {
    unit.mac().map(|best| best.value).filter(|mac| mac.is_key())
}

fn ip_of(unit: &Appliance) -> Option<Ipv4Addr> {
    unit.ip_value().filter(|ip| is_ip_key(*ip))
}

/// Two units whose serials or MACs are known were told apart by them.
fn may_be_same_by_ip(unit: &Appliance, other: &Appliance) -> bool {
    let both_have_mac = mac_of(unit).is_some() && mac_of(other).is_some();
    let both_have_serial = serial_of(unit).is_some() && serial_of(other).is_some();
    !both_have_mac && !both_have_serial
}

fn line(
    kind: DifferenceKind,
    unit: &Appliance,
    other: Option<&Arc<Appliance>>,
    what: String,
) -> Difference {
    let or_other = |unit_has: bool| match other {
        Some(other) if !unit_has => other,
        _ => unit,
    };
    Difference {
        kind,
        id: Some(unit.id),
        mac: or_other(unit.mac().is_some()).mac().map(|best| best.value),
        ip: or_other(unit.ip_value().is_some())
            .ip_value()
            .map(IpAddr::V4),
        name: or_other(unit.name().is_some())
            .name()
            .map(|best| best.value.to_owned())
            .unwrap_or_default(),
        what,
    }
}

/// What differs, in words; empty when nothing does.
fn differences(unit: &Appliance, other: &Appliance) -> String {
    let mut words = Words::default();
    words.stated("address", stated(unit.ip()), stated(other.ip()));
    let name = text(unit.name());
    if !name.is_some_and(|name| has_name(other, name)) {
        words.known("name", quoted(name), quoted(text(other.name())));
    }
    words.known("model", text(unit.model()), text(other.model()));
    words.known("prefix", value(unit.prefix()), value(other.prefix()));
    words.stated("gateway", stated(unit.gateway()), stated(other.gateway()));
    words.known("firmware", text(unit.firmware()), text(other.firmware()));
    words.known("MAC", mac_of(unit), mac_of(other));
    words.known("serial", serial_of(unit), serial_of(other));
    words.said
}

fn value<T>(best: Option<Best<T>>) -> Option<T> {
    best.map(|best| best.value)
}

fn text(best: Option<Best<&str>>) -> Option<&str> {
    value(best).map(str::trim).filter(|text| !text.is_empty())
}

fn quoted(text: Option<&str>) -> Option<String> {
    text.map(|text| format!("{text:?}"))
}

/// An address as a message would state it: not at all, as none, or as what it is.
fn stated(best: Option<Best<Option<Ipv4Addr>>>) -> Claimed {
    match value(best) {
        None => Claimed::Absent,
        Some(None) => Claimed::None,
        Some(Some(ip)) => Claimed::Ip(ip),
    }
}

/// Whether the unit has this name from anybody: a name that a person gave it in the site hides the one that was heard.
fn has_name(unit: &Appliance, name: &str) -> bool {
    let heard = unit.heard.as_ref().map(|heard| &heard.name);
    let imported = unit.imported.as_deref().map(|facts| facts.name.as_str());
    text(unit.name()) == Some(name)
        || heard
            .and_then(Fact::value)
            .map(|heard| heard.as_str().trim())
            == Some(name)
        || imported.map(str::trim) == Some(name)
}

#[derive(Default)]
struct Words {
    said: String,
}

impl Words {
    /// Says it where both are known and not the same.
    fn known<T: PartialEq + ToString>(&mut self, what: &str, here: Option<T>, there: Option<T>) {
        if let (Some(here), Some(there)) = (here, there)
            && here != there
        {
            self.say(&format!(
                "{what} {}, in the site {}",
                here.to_string(),
                there.to_string()
            ));
        }
    }

    /// The same of what may be stated to be none.
    fn stated(&mut self, what: &str, here: Claimed, there: Claimed) {
        match (here, there) {
            (Claimed::Ip(here), Claimed::Ip(there)) => self.known(what, Some(here), Some(there)),
            (Claimed::None, Claimed::Ip(there)) => {
                self.say(&format!("no {what}, in the site {there}"));
            }
            (Claimed::Ip(here), Claimed::None) => {
                self.say(&format!("{what} {here}, in the site none"));
            }
            _ => {}
        }
    }

    fn say(&mut self, words: &str) {
        if !self.said.is_empty() {
            self.said.push_str("; ");
        }
        self.said.push_str(words);
    }
}

#[cfg(test)]
mod tests;
