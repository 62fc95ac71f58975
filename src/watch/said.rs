//! What units said of themselves before: whether they go back and forth, and who else claims their address.

use std::borrow::Borrow;
use std::net::Ipv4Addr;

use crate::model::identity::{Mac, is_ip_key};
use crate::model::sighting::Claims;
use crate::model::status::FLAP_WINDOW_MILLIS;

/// A unit that claimed an address so recently is still there: three asks of a live search.
pub const STILL_HEARD_MILLIS: u64 = 45_000;

/// So often a second one unit answers in an ordinary hall, at the most: two broadcasts on two ports, four times over.
/// It counts once towards a flood.
pub const ANSWERS_A_SECOND: u8 = 16;

/// How many characters of a name are held against each other.
const NAME_CHARS: usize = 64;

/// How many units that claim one address are told apart.
const CLAIMANTS_KEPT: usize = 4;

/// A value of one unit, and those it had before.
#[derive(Debug)]
pub(super) struct Told<T> {
    now: Option<(T, u64)>,
    /// Earlier values, the newest first: who said them, and when they were said no longer.
    earlier: [Option<(T, u64, u64)>; 2],
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self {
            now: None,
            earlier: [None, None],
        }
    }
}

/// A value that came back, after another one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CameBack {
    /// The one in between, in words.
    pub(super) between: String,
    /// The sender that said it.
    pub(super) sender: u64,
}

impl<T: std::fmt::Debug> Told<T> {
    pub(super) fn now(&self) -> Option<&T> {
        self.now.as_ref().map(|(value, _)| value)
    }

    /// The unit says `value`. When it said that before, and another one since, within five minutes, that is a
    /// contradiction; a single change is not.
    fn say<Q: PartialEq + ?Sized>(
        &mut self,
        value: &Q,
        own: impl FnOnce() -> T,
        sender: u64,
        millis: u64,
    ) -> Option<CameBack>
    where
        T: Borrow<Q>,
    {
        if let Some((now, said_by)) = &mut self.now
            && (*now).borrow() == value
        {
            *said_by = sender;
            return None;
        }
        let (between, said_by) = self.now.replace((own(), sender))?;
        let known = self.earlier.iter().position(|earlier| {
            earlier
                .as_ref()
                .is_some_and(|(earlier, _, _)| earlier.borrow() == value)
        });
        let came_back = known
            .and_then(|idx| self.earlier[idx].take())
            .filter(|(_, _, left)| millis.saturating_sub(*left) < FLAP_WINDOW_MILLIS)
            .map(|_| CameBack {
                between: format!("{between:?}"),
                sender: said_by,
            });
        // The place that it left, or else the oldest, goes to the one in between.
        let [first, second] = &mut self.earlier;
        if known != Some(0) {
            *second = first.take();
        }
        *first = Some((between, said_by, millis));
        came_back
    }
}

/// What speaks against a unit being one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// What goes back and forth: "address", "name".
    pub(super) of: &'static str,
    /// What it says now, in words.
    pub(super) now: String,
    pub(super) came_back: CameBack,
}

/// What one MAC said.
#[derive(Debug, Default)]
pub(super) struct UnitSaid {
    second: u64,
    num_in_second: u8,
    pub(super) ip: Told<Ipv4Addr>,
    mask: Told<Ipv4Addr>,
    gateway: Told<Ipv4Addr>,
    name: Told<Box<str>>,
    model: Told<u16>,
    /// Since when it has its address.
    pub(super) ip_since: u64,
    /// Announcements with this address that are well apart, and the last of them.
    pub(super) num_announced: u8,
    pub(super) announced: u64,
    /// Whom its MAC block belongs to, where that is nobody who makes units.
    pub(super) other_maker: Option<&'static str>,
}

impl UnitSaid {
    /// One that has said nothing yet.
    pub(super) fn new(other_maker: Option<&'static str>) -> Self {
        Self {
            other_maker,
            ..Self::default()
        }
    }

    /// How much one more datagram of it counts towards a flood.
    pub(super) fn weight(&mut self, millis: u64) -> u32 {
        let second = millis / 1_000;
        if second != self.second || self.num_in_second == 0 {
            self.second = second;
            self.num_in_second = 1;
            return 1;
        }
        if self.num_in_second < ANSWERS_A_SECOND {
            self.num_in_second += 1;
            return 0;
        }
        1
    }

    /// Takes in what it claims. "None" and what it does not say count for nothing: a unit that starts again says it has
    /// no address, and has it back a moment later.
    pub(super) fn take(&mut self, claims: &Claims, sender: u64, millis: u64) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if let Some(ip) = claims.ip.ip().filter(|ip| is_ip_key(*ip)) {
            if self.ip.now() != Some(&ip) {
                self.ip_since = millis;
                self.num_announced = 0;
            }
            let came_back = self.ip.say(&ip, || ip, sender, millis);
            doubts.extend(doubt("address", &ip, came_back));
        }
        for (of, claimed, told) in [
            ("mask", claims.mask, &mut self.mask),
            ("gateway", claims.gateway, &mut self.gateway),
        ] {
            if let Some(ip) = claimed.ip() {
                doubts.extend(doubt(of, &ip, told.say(&ip, || ip, sender, millis)));
            }
        }
        if let Some(name) = &claims.host_name {
            let end = name
                .char_indices()
                .nth(NAME_CHARS)
                .map_or(name.len(), |(end, _)| end);
            let name = &name[..end];
            let came_back = self.name.say(name, || Box::from(name), sender, millis);
            doubts.extend(doubt("name", &format_args!("{name:?}"), came_back));
        }
        if let Some(model) = claims.model_number {
            // A unit does not become another product: here a single change is enough.
            let before = self.model.now.as_ref().map(|(model, said_by)| CameBack {
                between: model.to_string(),
                sender: *said_by,
            });
            let is_new = self.model.now() != Some(&model);
            self.model.say(&model, || model, sender, millis);
            doubts.extend(doubt("model number", &model, before.filter(|_| is_new)));
        }
        doubts
    }
}

fn doubt(
    of: &'static str,
    now: &dyn std::fmt::Display,
    came_back: Option<CameBack>,
) -> Option<Doubt> {
    came_back.map(|came_back| Doubt {
        of,
        now: now.to_string(),
        came_back,
    })
}

/// A unit that claims an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claimant {
    pub(super) mac: Mac,
    pub(super) sender: u64,
    last: u64,
}

/// The units that claim one address on one interface.
#[derive(Debug, Default)]
pub(super) struct Claimants {
    kept: [Option<Claimant>; CLAIMANTS_KEPT],
}

impl Claimants {
    /// A unit claims it. Others that claim it too, by what they said at the time: each heard a moment ago, or between
    /// two claims of this one.
    pub(super) fn claim(&mut self, mac: Mac, sender: u64, millis: u64) -> [Option<Claimant>; 4] {
        let before = self
            .kept
            .iter()
            .flatten()
            .find(|claimant| claimant.mac == mac)
            .map(|claimant| claimant.last);
        let is_rival = |other: &Claimant| {
            let since = millis.saturating_sub(other.last);
            let is_between = before.is_some_and(|before| {
                before <= other.last && millis.saturating_sub(before) < FLAP_WINDOW_MILLIS
            });
            other.mac != mac && (since < STILL_HEARD_MILLIS || is_between)
        };
        let rivals = self.kept.map(|other| other.filter(is_rival));
        let claimant = Claimant {
            mac,
            sender,
            last: millis,
        };
        let own = self
            .kept
            .iter()
            .position(|kept| kept.is_some_and(|kept| kept.mac == mac));
        let place = own.or_else(|| {
            let by_age = |kept: &Option<Claimant>| kept.map(|kept| kept.last);
            (0..CLAIMANTS_KEPT).min_by_key(|idx| by_age(&self.kept[*idx]))
        });
        if let Some(idx) = place {
            self.kept[idx] = Some(claimant);
        }
        rivals
    }

    /// The units that claimed it within five minutes.
    pub(super) fn recent(&self, millis: u64) -> impl Iterator<Item = Mac> {
        self.kept
            .iter()
            .flatten()
            .filter(move |kept| millis.saturating_sub(kept.last) < FLAP_WINDOW_MILLIS)
            .map(|kept| kept.mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[(u64, u16)]) -> Option<String> {
        let mut told = Told::default();
        let mut last = None;
        for (millis, value) in values {
            last = told.say(value, || *value, 1, *millis);
        }
        last.map(|came_back| came_back.between)
    }

    #[test]
    fn only_what_comes_back_soon_is_a_doubt() {
        assert_eq!(told(&[(0, 1), (10, 2)]), None, "a single change");
        assert_eq!(told(&[(0, 1), (10, 2), (20, 1)]), Some("2".to_owned()));
        assert_eq!(
            told(&[(0, 1), (10, 2), (20, 3)]),
            None,
            "always another one"
        );
        assert_eq!(
            told(&[(0, 1), (10, 2), (20, 3), (30, 1)]),
            Some("3".to_owned())
        );
        assert_eq!(
            told(&[(0, 1), (10, 2), (10 + FLAP_WINDOW_MILLIS, 1)]),
            None,
            "after five minutes"
        );
    }

    #[test]
    fn a_unit_counts_once_a_second_until_it_says_more_than_any() {
        let mut unit = UnitSaid::default();
        let sum: u32 = (0..16).map(|idx| unit.weight(5_000 + idx)).sum();
        assert_eq!(sum, 1);
        let sum: u32 = (0..100).map(|idx| unit.weight(5_100 + idx)).sum();
        assert_eq!(sum, 100);
        assert_eq!(unit.weight(6_000), 1);
    }
}
