//! Which units a fleet has: names, models, addresses and behaviors, the same ones for the same seed.

use std::net::Ipv4Addr;

use super::dice::Dice;
use super::unit::{Behavior, SimUnit, factory_name};
use crate::model::identity::Mac;
use crate::model::network::Network;

/// How many units the demo has: one of every behavior, in the proportions of a real rollout.
pub const DEMO_UNITS: usize = 24;

/// The seed of the demo, so that everybody sees the same fleet.
const DEMO_SEED: u64 = 3502;

/// Over how long the demo's answers come in: long enough to be seen coming.
const DEMO_SPREAD_MILLIS: u64 = 600;

/// As many units as get an address in the /24 of [`SMALL_NETWORK`].
const SMALL_FLEET_UNITS: usize = 200;

/// Where a small fleet lives; the gateway is the first address.
const SMALL_NETWORK: Network = Network {
    ip: Ipv4Addr::new(10, 20, 4, 0),
    prefix_len: 24,
};

/// Where a large fleet lives: room for a million units.
const LARGE_NETWORK: Network = Network {
    ip: Ipv4Addr::new(10, 16, 0, 0),
    prefix_len: 12,
};

/// Addresses below this one are left to gateways and the like.
const FIRST_HOST: u32 = 11;

/// The addresses of units that were set up for another network begin here, in subnets of /24.
const FOREIGN: Ipv4Addr = Ipv4Addr::new(192, 168, 160, 0);

/// When the first of the units that boot now is up, and over how long the others follow.
const BOOT_MILLIS: u64 = 2_000;
const BOOT_SPREAD_MILLIS: u64 = 2_001;

/// What is particular about the units of a rollout, for every 24 of them.
const ROLLOUT: [Behavior; DEMO_UNITS] = {
    let mut block = [Behavior::Configured; DEMO_UNITS];
    block[0] = Behavior::WithoutIp;
    block[1] = Behavior::WithoutIp;
    block[2] = Behavior::DuplicateIp;
    block[3] = Behavior::DuplicateIp;
    block[4] = Behavior::ForeignSubnet;
    block[5] = Behavior::LateReply;
    block[6] = Behavior::DoubledReply;
    block[7] = Behavior::BroadcastReply;
    block[8] = Behavior::TrailingBytes;
    block[9] = Behavior::SilentLater;
    block[10] = Behavior::BootsNow;
    block
};

/// What a fleet is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FleetStyle {
    /// The mixture that a rollout brings: most units configured, some with each trouble.
    Rollout,
    /// Every unit the same way.
    Every(Behavior),
}

/// A fleet to be started. The same plan gives the same units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetPlan {
    /// How many units.
    pub units: usize,
    /// What names, MACs and the order of behaviors come from.
    pub seed: u64,
    /// What they are like.
    pub style: FleetStyle,
    /// Over how long the answers to one question are spread. 0: as fast as they can be sent.
    pub spread_millis: u64,
}

impl FleetPlan {
    /// The subnet that most units of a small fleet claim to be in: its address, and the prefix length.
    pub const fn small_network() -> (Ipv4Addr, u8) {
        (SMALL_NETWORK.ip, SMALL_NETWORK.prefix_len)
    }

    /// The fleet that the demo shows.
    pub const fn demo() -> Self {
        Self {
            units: DEMO_UNITS,
            seed: DEMO_SEED,
            style: FleetStyle::Rollout,
            spread_millis: DEMO_SPREAD_MILLIS,
        }
    }

    /// The units of this plan.
    pub fn build(&self) -> Vec<SimUnit> {
        let mut dice = Dice::new(self.seed);
        let macs = Macs::new(&mut dice);
        let behaviors = self.behaviors(&mut dice);
        let first_rack = 1 + dice.below(20);
        let home = if self.units <= SMALL_FLEET_UNITS {
            SMALL_NETWORK
        } else {
            LARGE_NETWORK
        };
        let mut num_foreign = 0;
        let mut shared_ip = None;
        let mut units: Vec<SimUnit> = behaviors
            .into_iter()
            .enumerate()
            .map(|(idx, behavior)| {
                let product =
                    &PRODUCTS[dice.below(PRODUCTS_OF_A_KIND) as usize][idx % RACK_UNITS as usize];
                let mac = macs.nth(product.oui, idx);
                let mut unit = SimUnit {
                    name: Some(rollout_name(first_rack, idx as u64, product.kind)),
                    model: product.model,
                    model_number: product.number,
                    mac,
                    network: Some(nth_host(home, idx as u32)),
                    gateway: Some(Ipv4Addr::from_bits(home.ip.to_bits() + 1)),
                    behavior,
                    boot_millis: 0,
                };
                match behavior {
                    Behavior::WithoutIp => {
                        unit.name = Some(factory_name(product.model, mac));
                        unit.network = None;
                        unit.gateway = None;
                    }
                    Behavior::ForeignSubnet => {
                        unit.name = Some(factory_name(product.model, mac));
                        unit.network = Some(nth_foreign(num_foreign));
                        unit.gateway = None;
                        num_foreign += 1;
                    }
                    // The second of a pair takes the address of the first.
                    Behavior::DuplicateIp => match shared_ip.take() {
                        Some(network) => unit.network = Some(network),
                        None => shared_ip = unit.network,
                    },
                    Behavior::BootsNow => {
                        unit.boot_millis = BOOT_MILLIS + dice.below(BOOT_SPREAD_MILLIS);
                    }
                    Behavior::Configured
                    | Behavior::LateReply
                    | Behavior::DoubledReply
                    | Behavior::BroadcastReply
                    | Behavior::TrailingBytes
                    | Behavior::SilentLater => {}
                }
                unit
            })
            .collect();
        if self.style == FleetStyle::Rollout {
            // One configured unit of every 24 was never given a name.
            for block in units.chunks_exact_mut(DEMO_UNITS) {
                if let Some(unit) = block
                    .iter_mut()
                    .find(|unit| unit.behavior == Behavior::Configured)
                {
                    unit.name = None;
                }
            }
        }
        units
    }

    fn behaviors(&self, dice: &mut Dice) -> Vec<Behavior> {
        let mut behaviors = match self.style {
            FleetStyle::Every(behavior) => vec![behavior; self.units],
            FleetStyle::Rollout => {
                let mut behaviors = Vec::with_capacity(self.units + DEMO_UNITS);
                while behaviors.len() < self.units {
                    let mut block = ROLLOUT;
                    dice.shuffle(&mut block);
                    behaviors.extend(block);
                }
                behaviors.truncate(self.units);
                behaviors
            }
        };
        // A unit alone cannot share its address.
        let shares = |behavior: &Behavior| *behavior == Behavior::DuplicateIp;
        if behaviors.iter().filter(|one| shares(one)).count() % 2 == 1
            && let Some(alone) = behaviors.iter().rposition(shares)
        {
            behaviors[alone] = Behavior::Configured;
        }
        behaviors
    }
}

/// A product that a unit plays.
#[derive(Debug)]
struct Product {
    model: &'static str,
    /// Assumed to be the last arc of the unit's sysObjectID (aidp.md, field 1).
    number: u16,
    /// What the rollout calls it.
    kind: &'static str,
    oui: [u8; 3],
}

const AVOCENT: [u8; 3] = [0x00, 0xe0, 0x86];
const CYCLADES: [u8; 3] = [0x00, 0x60, 0x2e];

/// How many units stand in a rack: one of each kind.
const RACK_UNITS: u64 = 3;

/// How many products there are of each kind.
const PRODUCTS_OF_A_KIND: u64 = 4;

/// Rows to choose from, each with a console server, a KVM switch and a rack PDU.
const PRODUCTS: [[Product; RACK_UNITS as usize]; PRODUCTS_OF_A_KIND as usize] = [
    [
        product("ACS6048", 3, "con", CYCLADES),
        product("MPU2032DAC", 10, "kvm", AVOCENT),
        product("PM3024", 7, "pdu", CYCLADES),
    ],
    [
        product("ACS8032", 2, "con", AVOCENT),
        product("MPU2032DAC", 10, "kvm", AVOCENT),
        product("PM2024", 4, "pdu", CYCLADES),
    ],
    [
        product("ACS8048", 1, "con", AVOCENT),
        product("AV3200", 26, "kvm", AVOCENT),
        product("PM3024", 7, "pdu", CYCLADES),
    ],
    [
        product("ACS6032", 2, "con", CYCLADES),
        product("DSR2035", 22, "kvm", AVOCENT),
        product("PM2024", 4, "pdu", CYCLADES),
    ],
];

const fn product(model: &'static str, number: u16, kind: &'static str, oui: [u8; 3]) -> Product {
    Product {
        model,
        number,
        kind,
        oui,
    }
}

/// "fra2-b-r07-kvm1": site, room, rack, and what it is in the rack.
fn rollout_name(first_rack: u64, idx: u64, kind: &str) -> String {
    const RACKS_IN_A_ROOM: u64 = 40;
    const ROOMS_IN_A_SITE: u64 = 26;
    let rack = first_rack + idx / RACK_UNITS;
    // Room b comes first, so that a small fleet does not look as if it began with everything.
    let room = 1 + rack / RACKS_IN_A_ROOM;
    format!(
        "fra{}-{}-r{:02}-{kind}1",
        2 + room / ROOMS_IN_A_SITE,
        char::from(b'a' + (room % ROOMS_IN_A_SITE) as u8),
        1 + rack % RACKS_IN_A_ROOM,
    )
}

fn nth_host(home: Network, idx: u32) -> Network {
    Network {
        ip: Ipv4Addr::from_bits(home.ip.to_bits() + FIRST_HOST + idx),
        ..home
    }
}

fn nth_foreign(idx: u32) -> Network {
    const HOSTS: u32 = 200;
    Network {
        // The first is 192.168.160.10, a factory address that is seen in the field.
        ip: Ipv4Addr::from_bits(FOREIGN.to_bits() + (idx / HOSTS) * 256 + 10 + idx % HOSTS),
        prefix_len: 24,
    }
}

/// MACs that never repeat within a fleet: an odd step visits every value of the lower three bytes.
#[derive(Debug)]
struct Macs {
    first: u32,
    step: u32,
}

impl Macs {
    fn new(dice: &mut Dice) -> Self {
        Self {
            first: dice.next() as u32,
            step: dice.next() as u32 | 1,
        }
    }

    fn nth(&self, oui: [u8; 3], idx: usize) -> Mac {
        let lower = self.first.wrapping_add(self.step.wrapping_mul(idx as u32));
        let mut octets = [0; 6];
        octets[..3].copy_from_slice(&oui);
        octets[3..].copy_from_slice(&lower.to_be_bytes()[1..]);
        Mac::new(octets)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn rollout(units: usize, seed: u64) -> Vec<SimUnit> {
        FleetPlan {
            units,
            seed,
            ..FleetPlan::demo()
        }
        .build()
    }

    fn num_of(units: &[SimUnit], behavior: Behavior) -> usize {
        units
            .iter()
            .filter(|unit| unit.behavior == behavior)
            .count()
    }

    #[test]
    fn the_demo_has_every_behavior_in_its_proportion() {
        let units = FleetPlan::demo().build();
        assert_eq!(units.len(), 24);
        for behavior in Behavior::ALL {
            let expected = match behavior {
                Behavior::Configured => 13,
                Behavior::WithoutIp | Behavior::DuplicateIp => 2,
                _ => 1,
            };
            assert_eq!(num_of(&units, behavior), expected, "{behavior:?}");
        }
        assert_eq!(
            units.iter().filter(|unit| unit.name.is_none()).count(),
            1,
            "one unit has no name"
        );
        let boots: Vec<u64> = units
            .iter()
            .filter(|unit| unit.boot_millis > 0)
            .map(|unit| unit.boot_millis)
            .collect();
        assert!(
            matches!(boots[..], [2_000..=4_000]),
            "one unit boots while people watch, after {boots:?} ms"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_fleet_and_another_seed_another_one() {
        assert_eq!(rollout(24, 7), rollout(24, 7));
        assert_ne!(rollout(24, 7), rollout(24, 8));
    }

    #[test]
    fn units_differ_in_mac_name_and_ip_except_where_they_are_meant_to_clash() {
        for num_units in [1, 24, 200, 201, 10_000] {
            let units = rollout(num_units, 1);
            assert_eq!(units.len(), num_units);
            let macs: BTreeSet<Mac> = units.iter().map(|unit| unit.mac).collect();
            assert_eq!(macs.len(), num_units, "every MAC is one unit's own");
            let names: Vec<&str> = units
                .iter()
                .filter_map(|unit| unit.name.as_deref())
                .collect();
            let distinct: BTreeSet<&str> = names
                .iter()
                .copied()
                .filter(|name| name.starts_with("fra"))
                .collect();
            let num_rollout = names.iter().filter(|name| name.starts_with("fra")).count();
            assert_eq!(distinct.len(), num_rollout, "no two rollout names clash");
            let mut claims: BTreeMap<Ipv4Addr, usize> = BTreeMap::new();
            for network in units.iter().filter_map(|unit| unit.network) {
                *claims.entry(network.ip).or_default() += 1;
            }
            let num_shared = claims.values().filter(|count| **count == 2).count();
            assert_eq!(num_shared * 2, num_of(&units, Behavior::DuplicateIp));
            assert!(
                claims.values().all(|count| *count <= 2),
                "an address is shared by a pair at most"
            );
        }
    }

    #[test]
    fn addresses_are_of_the_networks_that_are_meant() {
        let units = FleetPlan::demo().build();
        for unit in &units {
            match (unit.behavior, unit.network) {
                (Behavior::WithoutIp, network) => assert_eq!(network, None),
                (Behavior::ForeignSubnet, Some(network)) => {
                    assert_eq!(network.to_string(), "192.168.160.10/24");
                }
                (_, Some(network)) => assert!(SMALL_NETWORK.contains(network.ip), "{network}"),
                (behavior, None) => panic!("a unit that is {behavior:?} has an address"),
            }
        }
    }

    #[test]
    fn a_fleet_of_one_kind_is_of_that_kind() {
        let every = |behavior, units| {
            FleetPlan {
                units,
                style: FleetStyle::Every(behavior),
                ..FleetPlan::demo()
            }
            .build()
        };
        let late = every(Behavior::LateReply, 5);
        assert_eq!(num_of(&late, Behavior::LateReply), 5);
        let odd = every(Behavior::DuplicateIp, 5);
        assert_eq!(num_of(&odd, Behavior::DuplicateIp), 4);
        assert_eq!(
            num_of(&odd, Behavior::Configured),
            1,
            "the last one has nobody to share with"
        );
    }
}
