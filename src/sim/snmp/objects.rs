//! What a simulated unit tells by SNMP: the objects of its family, with made-up values that are the same ones for the
//! same unit.
//!
//! Serial numbers, part numbers and firmware are of no real unit. The object ids are those that real units of the family
//! have, and the last arc of sysObjectID is the unit's model number.

use std::collections::BTreeMap;

use super::{Oid, Value};
use crate::sim::dice::Dice;
use crate::sim::unit::SimUnit;

const SYSTEM: &[u32] = &[1, 3, 6, 1, 2, 1, 1];
const INTERFACES: &[u32] = &[1, 3, 6, 1, 2, 1, 2];
const AVOCENT: &[u32] = &[1, 3, 6, 1, 4, 1, 10_418];

/// The sysObjectID of the agent software that older firmware of the ACS 6000 is said to have instead of its own.
const AGENT_SOFTWARE: &[u32] = &[1, 3, 6, 1, 4, 1, 8_072, 3, 2, 10];

/// A family of units: how it differs from the others in what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Acs8000,
    Acs6000,
    Pm,
    Dsr,
    MergePoint,
}

impl Family {
    /// The family of a model. `None` for the `AutoView`, whose units have SNMP switched off.
    fn of(model: &str) -> Option<Self> {
        let families = [
            ("ACS8", Self::Acs8000),
            ("ACS6", Self::Acs6000),
            ("PM", Self::Pm),
            ("DSR", Self::Dsr),
            ("MPU", Self::MergePoint),
        ];
        families
            .into_iter()
            .find(|(prefix, _)| model.starts_with(prefix))
            .map(|(_, family)| family)
    }

    /// Below [`AVOCENT`]: where its products are.
    const fn products(self) -> &'static [u32] {
        match self {
            Self::Acs8000 => &[26, 1],
            Self::Acs6000 => &[16, 1],
            Self::Pm => &[17, 1],
            Self::Dsr => &[7, 1],
            Self::MergePoint => &[18, 1],
        }
    }

    /// Below [`AVOCENT`]: where its own objects are, when it has any.
    const fn appliance(self) -> Option<&'static [u32]> {
        match self {
            Self::Acs8000 => Some(&[26, 2, 1]),
            Self::Acs6000 => Some(&[16, 2, 1]),
            Self::Pm => Some(&[17, 2, 1]),
            Self::Dsr => Some(&[7, 2, 1]),
            Self::MergePoint => None,
        }
    }

    /// Below [`AVOCENT`]: the entry of its table of serial ports.
    const fn serial_ports(self) -> Option<&'static [u32]> {
        match self {
            Self::Acs8000 => Some(&[26, 2, 3, 2, 1]),
            Self::Acs6000 => Some(&[16, 2, 3, 2, 1]),
            Self::Pm | Self::Dsr | Self::MergePoint => None,
        }
    }

    /// Firmware and boot code, the oldest first.
    const fn releases(self) -> [(&'static str, &'static str); 3] {
        match self {
            Self::Acs8000 => [
                ("2.22.4", "1.4.1"),
                ("2.24.2", "1.5.3"),
                ("2.26.1", "1.5.3"),
            ],
            Self::Acs6000 => [
                ("2.5.0.11", "1.7.0"),
                ("3.1.0.8", "1.9.0"),
                ("3.3.0.16", "1.9.0"),
            ],
            Self::Pm => [
                ("1.10.0.8", "1.1.2"),
                ("2.0.1.9", "1.2.0"),
                ("2.0.3.2", "1.2.0"),
            ],
            Self::Dsr => [
                ("03.04.00.07", "01.03.00.05"),
                ("03.06.02.11", "01.04.00.02"),
                ("03.08.00.04", "01.04.00.02"),
            ],
            Self::MergePoint => [
                ("2.10.0.25829", ""),
                ("2.12.1.26440", ""),
                ("2.14.0.27102", ""),
            ],
        }
    }
}

/// What is particular about one unit.
struct Telling<'unit> {
    unit: &'unit SimUnit,
    family: Family,
    name: String,
    firmware: &'static str,
    boot: &'static str,
    is_oldest: bool,
    serial: String,
    electronic_id: String,
    dice: Dice,
    objects: BTreeMap<Oid, Value>,
}

/// The objects of a unit. `None` when SNMP is switched off on it.
pub(super) fn objects_of(unit: &SimUnit) -> Option<BTreeMap<Oid, Value>> {
    let family = Family::of(unit.model)?;
    // The MAC comes from the seed of the plan and is the unit's own.
    let mac = unit.mac.octets();
    let mut dice = Dice::new(
        mac.iter()
            .fold(0, |bits, octet| bits << 8 | u64::from(*octet)),
    );
    let release = dice.below(3) as usize;
    let (firmware, boot) = family.releases()[release];
    let mut telling = Telling {
        unit,
        family,
        name: unit.told_name(),
        firmware,
        boot,
        is_oldest: release == 0,
        // With its leading zero, which spreadsheets like to lose.
        serial: format!("05{:08}", dice.below(100_000_000)),
        electronic_id: format!("EID-{:04X}-{:02X}", dice.below(0x1_0000), dice.below(0x100)),
        dice,
        objects: BTreeMap::new(),
    };
    telling.system();
    telling.interfaces();
    telling.appliance();
    telling.serial_ports();
    Some(telling.objects)
}

impl Telling<'_> {
    fn put(&mut self, name: &[&[u32]], value: Value) {
        self.objects.insert(name.concat(), value);
    }

    fn put_text(&mut self, name: &[&[u32]], text: &str) {
        self.put(name, Value::text(text));
    }

    fn system(&mut self) {
        let model = self.unit.model;
        let number = model.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
        let description = match self.family {
            Family::Acs8000 => format!("Avocent ACS {number}"),
            Family::Acs6000 => format!("Cyclades ACS {number}"),
            Family::Pm => format!("Avocent {model}"),
            Family::Dsr => format!("{model} {}", self.firmware),
            // Its quotes are part of it.
            Family::MergePoint => format!("\"{model} {}\"", self.firmware),
        };
        let object_id = if self.family == Family::Acs6000 && self.is_oldest {
            AGENT_SOFTWARE.to_vec()
        } else {
            let last = u32::from(self.unit.model_number);
            [AVOCENT, self.family.products(), &[last]].concat()
        };
        let (name, location) = (self.name.clone(), location(self.unit.name.as_deref()));
        self.put_text(&[SYSTEM, &[1, 0]], &description);
        self.put(&[SYSTEM, &[2, 0]], Value::Id(object_id));
        self.put_text(&[SYSTEM, &[5, 0]], &name);
        self.put_text(&[SYSTEM, &[6, 0]], &location);
    }

    /// The interfaces, all with the MAC of the unit.
    fn interfaces(&mut self) {
        const DESCRIPTION: u32 = 2;
        const MAC: u32 = 6;
        let names: &[&str] = match self.family {
            Family::MergePoint => &["lo", "eth0", "eth1", "bond0"],
            Family::Dsr => &["LAN"],
            Family::Acs8000 | Family::Acs6000 | Family::Pm => &["eth0"],
        };
        let mac = self.unit.mac.octets().to_vec();
        self.put(&[INTERFACES, &[1, 0]], Value::count(names.len() as u32));
        for (number, name) in (1..).zip(names) {
            let mac = if *name == "lo" {
                Vec::new()
            } else {
                mac.clone()
            };
            let entry = [INTERFACES, &[2, 1]].concat();
            self.put(&[&entry, &[1, number]], Value::count(number));
            self.put_text(&[&entry, &[DESCRIPTION, number]], name);
            self.put(&[&entry, &[MAC, number]], Value::Bytes(mac));
        }
    }

    fn appliance(&mut self) {
        let Some(appliance) = self.family.appliance() else {
            return;
        };
        let root = [AVOCENT, appliance].concat();
        let part_number = format!(
            "520-{}-501",
            100 * self.family.products()[0] + u32::from(self.unit.model_number)
        );
        if self.family == Family::Dsr {
            const OFF: i32 = 1;
            const ON: i32 = 2;
            let has_ip = self.unit.network.is_some();
            let images = [
                ("Boot", self.boot.to_owned()),
                ("Application", self.firmware.to_owned()),
            ];
            self.put_text(&[&root, &[4, 0]], &part_number);
            self.put_text(&[&root, &[5, 0]], &self.serial.clone());
            self.put_text(&[&root, &[6, 0]], &self.electronic_id.clone());
            self.put(&[&root, &[12, 0]], Value::Integer(OFF));
            let dhcp = if has_ip { OFF } else { ON };
            self.put(&[&root, &[34, 0]], Value::Integer(dhcp));
            for (number, (description, version)) in (1..).zip(&images) {
                let entry = [&root[..], &[26, 1]].concat();
                self.put(&[&entry, &[1, number]], Value::count(number));
                self.put_text(&[&entry, &[2, number]], description);
                self.put_text(&[&entry, &[3, number]], version);
            }
            return;
        }
        let told = [
            self.name.clone(),
            self.unit.model.to_owned(),
            part_number,
            self.serial.clone(),
            self.electronic_id.clone(),
            self.boot.to_owned(),
            self.firmware.to_owned(),
        ];
        for (number, text) in (1..).zip(&told) {
            self.put_text(&[&root, &[number, 0]], text);
        }
    }

    /// One row a port. What hangs on a unit in a rack has a name; the rest is as it left the factory.
    fn serial_ports(&mut self) {
        const DISABLED: i32 = 1;
        const IDLE: i32 = 2;
        const IN_USE: i32 = 3;
        const UP: i32 = 1;
        const DOWN: i32 = 2;
        let Some(table) = self.family.serial_ports() else {
            return;
        };
        let num_ports: u32 = match self.unit.model_number {
            1 if self.family == Family::Acs6000 => 16,
            3 if self.family == Family::Acs6000 => 48,
            1 => 48,
            3 => 16,
            _ => 32,
        };
        let entry = [AVOCENT, table].concat();
        let rack = rack_of(self.unit.name.as_deref()).map(str::to_owned);
        let [.., a, b, c] = self.unit.mac.octets();
        // The last ports are left free.
        let num_cabled = num_ports - num_ports / 6 - self.dice.below(4) as u32;
        for port in 1..=num_ports {
            let is_free = port > num_cabled || self.dice.below(9) == 0;
            let cabled = rack.as_deref().filter(|_| !is_free);
            let (name, speed) = match cabled {
                Some(rack) => {
                    let (kind, speed) = TARGETS[self.dice.below(TARGETS.len() as u64) as usize];
                    (format!("{kind}-{rack}-u{port:02}"), speed)
                }
                None => (format!("{a:02x}-{b:02x}-{c:02x}-p-{port}"), 9_600),
            };
            let status = if port > num_cabled + 2 {
                DISABLED
            } else if cabled.is_some() && self.dice.below(8) == 0 {
                IN_USE
            } else {
                IDLE
            };
            // One in fifteen is cabled to a machine that is switched off.
            let is_up = cabled.is_some() && self.dice.below(15) > 0;
            self.put(&[&entry, &[1, port]], Value::count(port));
            self.put_text(&[&entry, &[2, port]], &format!("ttyS{port}"));
            self.put(&[&entry, &[3, port]], Value::Integer(status));
            self.put_text(&[&entry, &[4, port]], &name);
            self.put(&[&entry, &[7, port]], Value::Integer(speed));
            let signal = if is_up { UP } else { DOWN };
            self.put(&[&entry, &[13, port]], Value::Integer(signal));
        }
    }
}

/// What hangs on serial ports, and at which speed it talks.
const TARGETS: [(&str, i32); 6] = [
    ("sw", 9_600),
    ("sw", 9_600),
    ("rtr", 9_600),
    ("fw", 115_200),
    ("srv", 115_200),
    ("stor", 38_400),
];

/// "r07" of "fra2-b-r07-con1".
fn rack_of(name: Option<&str>) -> Option<&str> {
    name?.split('-').find(|part| {
        part.strip_prefix('r')
            .is_some_and(|digits| digits.len() >= 2 && digits.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Where a unit says that it stands: "fra2, room b, rack r07". Empty for one that was not given a name either.
fn location(name: Option<&str>) -> String {
    let parts = name.and_then(|name| {
        let rack = rack_of(Some(name))?;
        let mut parts = name.split('-');
        Some((parts.next()?, parts.next()?, rack))
    });
    parts.map_or_else(String::new, |(site, room, rack)| {
        format!("{site}, room {room}, rack {rack}")
    })
}
