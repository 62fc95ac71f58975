//! Which objects of a unit say what it is, family by family (facts §2.3, §2.4). Values only.

use super::values::{Oid, Value};
use crate::model::probing::ClueKind;

/// sysDescr, sysObjectID, sysName and sysLocation: the first question to every unit.
pub(super) const SYSTEM: [(&[u32], ClueKind); 4] = [
    (&[1, 3, 6, 1, 2, 1, 1, 1, 0], ClueKind::Description),
    (&[1, 3, 6, 1, 2, 1, 1, 2, 0], ClueKind::ObjectId),
    (&[1, 3, 6, 1, 2, 1, 1, 5, 0], ClueKind::SystemName),
    (&[1, 3, 6, 1, 2, 1, 1, 6, 0], ClueKind::Location),
];

/// ifPhysAddress.
pub(super) const INTERFACE_MACS: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1, 6];

/// Makers whose units may say more than their sysObjectID promises (facts §2.2).
const MAKERS: [u32; 10] = [476, 544, 2925, 4302, 5476, 6302, 10418, 13400, 21239, 49150];

/// Words of those makers and their products in a sysDescr (facts §2.5).
const MAKER_WORDS: [&str; 7] = [
    "avocent",
    "cyclades",
    "alterpath",
    "vertiv",
    "liebert",
    "acs ",
    "dsr",
];

/// A family of units. All arcs are those below 1.3.6.1.4.1.
#[derive(Debug)]
pub(super) struct Family {
    /// Where its sysObjectIDs are.
    product: &'static [u32],
    /// Where the objects below are.
    appliance: &'static [u32],
    /// Which object, each with `.0` after it, is what.
    objects: &'static [(u32, ClueKind)],
    /// The entry of its table of serial ports.
    serial_ports: Option<&'static [u32]>,
    /// The entry of its table of images: 2 description, 3 version.
    images: Option<&'static [u32]>,
}

/// Of the ACS and the PM. The PM's firmware answers some gets at index 0 of tables that begin at 1 (facts §2.4); these
/// here are no tables, and tables are only walked.
const CURRENT: &[(u32, ClueKind)] = &[
    (1, ClueKind::SystemName),
    (2, ClueKind::Model),
    (3, ClueKind::PartNumber),
    (4, ClueKind::Serial),
    (5, ClueKind::ElectronicId),
    (6, ClueKind::BootCode),
    (7, ClueKind::Firmware),
];

/// Every family whose objects are known. Not among them, because nothing public tells their objects: `AutoView` (3.1),
/// `MergePoint` Unity (18.1) and its Dell twins (18.21). Their sysDescr says model and firmware.
static FAMILIES: [Family; 7] = [
    // ACS 800 and 8000.
    Family {
        product: &[10418, 26],
        appliance: &[10418, 26, 2, 1],
        objects: CURRENT,
        serial_ports: Some(&[10418, 26, 2, 3, 2, 1]),
        images: None,
    },
    // ACS 6000. Its table of serial ports is the one of the ACS 8000 under its own arc, as its MIB says; no walk of a
    // real unit was at hand.
    Family {
        product: &[10418, 16],
        appliance: &[10418, 16, 2, 1],
        objects: CURRENT,
        serial_ports: Some(&[10418, 16, 2, 3, 2, 1]),
        images: None,
    },
    // PM PDU.
    Family {
        product: &[10418, 17],
        appliance: &[10418, 17, 2, 1],
        objects: CURRENT,
        serial_ports: None,
        images: None,
    },
    // DSR. Its model is in the sysObjectID, its firmware in a table.
    Family {
        product: &[10418, 7],
        appliance: &[10418, 7, 2, 1],
        objects: &[
            (4, ClueKind::PartNumber),
            (5, ClueKind::Serial),
            (6, ClueKind::ElectronicId),
            (12, ClueKind::Bootp),
            (34, ClueKind::Dhcp),
        ],
        serial_ports: None,
        images: Some(&[10418, 7, 2, 1, 26, 1]),
    },
    // ACS 5000. Before its release of 2011 it has no serial number (.9), only the device id (.8).
    Family {
        product: &[2925, 8],
        appliance: &[2925, 8, 1],
        objects: &[
            (1, ClueKind::Model),
            (2, ClueKind::Firmware),
            (9, ClueKind::Serial),
            (8, ClueKind::ElectronicId),
        ],
        serial_ports: None,
        images: None,
    },
    // ACS classic. The device id is all it has of a serial.
    Family {
        product: &[2925, 4],
        appliance: &[2925, 4, 1],
        objects: &[
            (1, ClueKind::Model),
            (2, ClueKind::Firmware),
            (8, ClueKind::Serial),
        ],
        serial_ports: None,
        images: None,
    },
    // Liebert cards.
    Family {
        product: &[476, 1, 42],
        appliance: &[476, 1, 42, 2, 1],
        objects: &[
            (1, ClueKind::Maker),
            (2, ClueKind::Model),
            (3, ClueKind::Firmware),
            (4, ClueKind::Serial),
            (5, ClueKind::PartNumber),
        ],
        serial_ports: None,
        images: None,
    },
];

impl Family {
    /// The family of a sysObjectID.
    pub(super) fn of(object_id: &Oid) -> Option<&'static Self> {
        FAMILIES
            .iter()
            .find(|family| object_id.is_in(&Oid::enterprise(family.product)))
    }

    /// Every family.
    pub(super) fn all() -> &'static [Self] {
        &FAMILIES
    }

    /// Its objects, each with what it says.
    pub(super) fn objects(&self) -> impl Iterator<Item = (Oid, ClueKind)> {
        let appliance = Oid::enterprise(self.appliance);
        self.objects
            .iter()
            .map(move |(object, kind)| (appliance.below(&[*object, 0]), *kind))
    }

    /// The object by which a unit of this family is known when its sysObjectID says nothing.
    pub(super) fn mark(&self) -> Oid {
        let marks = [ClueKind::Model, ClueKind::PartNumber];
        let (object, _) = marks
            .into_iter()
            .find_map(|mark| self.objects.iter().find(|(_, kind)| *kind == mark))
            .unwrap_or(&self.objects[0]);
        Oid::enterprise(self.appliance).below(&[*object, 0])
    }

    /// The entry of its table of serial ports.
    pub(super) fn serial_ports(&self) -> Option<Oid> {
        self.serial_ports.map(Oid::enterprise)
    }

    /// The entry of its table of images.
    pub(super) fn images(&self) -> Option<Oid> {
        self.images.map(Oid::enterprise)
    }
}

/// Whether a unit of no known family is worth the question which family's objects it has.
pub(super) fn is_worth_asking(object_id: Option<&Oid>, description: Option<&str>) -> bool {
    let is_of_maker = object_id.is_some_and(|oid| {
        MAKERS
            .iter()
            .any(|maker| oid.is_in(&Oid::enterprise(&[*maker])))
    });
    let has_word = description.is_some_and(|text| {
        let text = text.to_lowercase();
        MAKER_WORDS.iter().any(|word| text.contains(word))
    });
    is_of_maker || has_word
}

/// What an object says, in words. `None` for a number without a meaning.
pub(super) fn clue_text(kind: ClueKind, value: &Value) -> Option<String> {
    match kind {
        ClueKind::Dhcp | ClueKind::Bootp => match value.number()? {
            1 => Some("off".to_owned()),
            2 => Some("on".to_owned()),
            _ => None,
        },
        _ => value.text(),
    }
}

/// The columns of the table of serial ports that are asked for.
pub(super) mod port_column {
    /// What the unit calls the port.
    pub(crate) const TTY: u32 = 2;
    /// Whether somebody is on it.
    pub(crate) const STATUS: u32 = 3;
    /// The name given to it.
    pub(crate) const NAME: u32 = 4;
    /// Bits a second, a plain number.
    pub(crate) const SPEED: u32 = 7;
    /// The signal of the machine behind it.
    pub(crate) const DCD: u32 = 13;
    /// All of them.
    pub(crate) const ALL: [u32; 5] = [TTY, STATUS, NAME, SPEED, DCD];
}

/// A port's status in words.
pub(super) fn status_word(value: &Value) -> Option<String> {
    let word = match value.number() {
        Some(1) => "disabled",
        Some(2) => "idle",
        Some(3) => "in use",
        _ => return value.text(),
    };
    Some(word.to_owned())
}

/// Whether a signal is up.
pub(super) fn is_up(value: &Value) -> Option<bool> {
    match value.number()? {
        1 => Some(true),
        2 => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sys_object_id_leads_to_the_objects_of_its_family() {
        let family = |arcs: &[u32]| Family::of(&Oid::enterprise(arcs));
        let acs = family(&[10418, 26, 1, 1]).expect("an ACS 8048");
        let objects: Vec<(Oid, ClueKind)> = acs.objects().collect();
        assert_eq!(
            objects[3],
            (Oid::enterprise(&[10418, 26, 2, 1, 4, 0]), ClueKind::Serial)
        );
        assert!(acs.serial_ports().is_some());
        assert!(family(&[10418, 7, 1, 22]).is_some_and(|dsr| dsr.images().is_some()));
        assert!(family(&[10418, 18, 1, 10]).is_none(), "nothing is known");
        assert!(family(&[10418, 260]).is_none(), "a neighboring arc");
        assert!(family(&[8072, 3, 2, 10]).is_none());
    }

    #[test]
    fn every_family_has_an_object_of_its_own_to_be_known_by() {
        let mut marks: Vec<Oid> = Family::all().iter().map(Family::mark).collect();
        marks.sort();
        marks.dedup();
        assert_eq!(marks.len(), Family::all().len());
    }

    #[test]
    fn only_those_of_the_makers_are_asked_on() {
        let plain = Oid::enterprise(&[8072, 3, 2, 10]);
        assert!(is_worth_asking(Some(&plain), Some("Cyclades ACS 48")));
        assert!(!is_worth_asking(Some(&plain), Some("Linux printer")));
        assert!(is_worth_asking(Some(&Oid::enterprise(&[10418, 99])), None));
        assert!(!is_worth_asking(None, None));
    }

    #[test]
    fn numbers_become_words_where_they_have_one() {
        assert_eq!(
            clue_text(ClueKind::Dhcp, &Value::Integer(2)).as_deref(),
            Some("on")
        );
        assert_eq!(clue_text(ClueKind::Bootp, &Value::Integer(9)), None);
        assert_eq!(status_word(&Value::Integer(3)).as_deref(), Some("in use"));
        assert_eq!(status_word(&Value::Integer(8)).as_deref(), Some("8"));
        assert_eq!(is_up(&Value::Integer(2)), Some(false));
        assert_eq!(is_up(&Value::Missing), None);
    }
}
