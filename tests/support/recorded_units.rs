//! What must come of the recordings in `tests/data/snmp`, whoever serves them.

use rollcall::engine::identify::snmp::Snmp;
use rollcall::model::probing::{ClueKind, Outcome};

/// What one recording says.
pub(crate) struct RecordedUnit {
    /// The file's name without its end.
    pub(crate) name: &'static str,
    /// Clues that must be there, besides the version.
    pub(crate) clues: &'static [(ClueKind, &'static str)],
    /// How many targets.
    pub(crate) num_targets: usize,
}

use ClueKind::{
    BootCode, Bootp, Description, Dhcp, ElectronicId, Firmware, InterfaceMac, Location, Model,
    ObjectId, PartNumber, Serial, SystemName,
};

/// Every recording.
pub(crate) const UNITS: [RecordedUnit; 6] = [
    RecordedUnit {
        name: "acs8048",
        clues: &[
            (Description, "Avocent ACS 8048"),
            (ObjectId, "1.3.6.1.4.1.10418.26.1.1"),
            (SystemName, "acs-r12-1"),
            (Location, "Hall 2, row 12, rack 1"),
            (Model, "ACS8048MDAC-400 Advanced Console System"),
            (PartNumber, "520-1024-501"),
            (Serial, "0520098231"),
            (ElectronicId, "EID-08C4-31"),
            (BootCode, "1.5.3"),
            (Firmware, "2.24.2"),
            (InterfaceMac, "00:e0:86:a1:b2:01"),
            (InterfaceMac, "00:e0:86:a1:b2:02"),
        ],
        num_targets: 48,
    },
    RecordedUnit {
        name: "acs6032",
        clues: &[
            (Description, "Avocent ACS 6032"),
            (ObjectId, "1.3.6.1.4.1.10418.16.1.2"),
            (SystemName, "acs6k-lab"),
            (Location, "Lab"),
            (Model, "ACS6032"),
            (PartNumber, "520-565-502"),
            (Serial, "0530011907"),
            (ElectronicId, "EID-06A0-77"),
            (BootCode, "1.9.0"),
            (Firmware, "3.3.0.16"),
            (InterfaceMac, "00:e0:86:0a:0b:0c"),
            (InterfaceMac, "00:e0:86:0a:0b:0d"),
        ],
        num_targets: 32,
    },
    RecordedUnit {
        name: "dsr2035",
        clues: &[
            (Description, "DSR2035 03.06.02.11"),
            (ObjectId, "1.3.6.1.4.1.10418.7.1.22"),
            (SystemName, "DSR2035-kvm"),
            (Location, "Rack 7"),
            (PartNumber, "520-500-503"),
            (Serial, "0990143377"),
            (ElectronicId, "EID-2035-9"),
            (Bootp, "off"),
            (Dhcp, "on"),
            (Firmware, "03.06.02.11"),
            (BootCode, "01.04.00.02"),
            (InterfaceMac, "00:e0:86:77:11:22"),
        ],
        num_targets: 0,
    },
    RecordedUnit {
        name: "pm3024",
        clues: &[
            (Description, "Avocent PM3024"),
            (ObjectId, "1.3.6.1.4.1.10418.17.1.7"),
            (SystemName, "pdu-r12-a"),
            (Location, "Rack 12, left"),
            (Model, "PM3024"),
            (PartNumber, "520-723-501"),
            (Serial, "0610022418"),
            (ElectronicId, "EID-3024-5"),
            (BootCode, "1.2.0"),
            (Firmware, "2.0.1.9"),
            (InterfaceMac, "00:e0:86:33:44:55"),
        ],
        num_targets: 0,
    },
    RecordedUnit {
        name: "mpu2032dac",
        clues: &[
            (Description, "\"MPU2032DAC 2.12.1.26440\""),
            (ObjectId, "1.3.6.1.4.1.10418.18.1.10"),
            (SystemName, "mpu-r3"),
            (Location, "Rack 3"),
            (InterfaceMac, "00:e0:86:c0:ff:e1"),
        ],
        num_targets: 0,
    },
    RecordedUnit {
        name: "dell2162ds",
        clues: &[
            (Description, "2162DS 2.1.3.24011"),
            (ObjectId, "1.3.6.1.4.1.10418.18.21.24"),
            (SystemName, "kvm-dell"),
            (Location, "Rack 9"),
            (InterfaceMac, "d0:67:e5:aa:bb:01"),
        ],
        num_targets: 0,
    },
];

impl RecordedUnit {
    /// The unit of this name.
    pub(crate) fn named(name: &str) -> &'static Self {
        UNITS
            .iter()
            .find(|unit| unit.name == name)
            .expect("a recording of this name")
    }

    /// Compares everything: what came, and that nothing else came.
    pub(crate) fn check(&self, snmp: &Snmp, version: &str) {
        let name = self.name;
        assert_eq!(snmp.answer.outcome, Outcome::Answered, "{name} {version}");
        let mut expected = vec![(ClueKind::SnmpVersion, version)];
        expected.extend(self.clues);
        let mut found: Vec<(ClueKind, &str)> = snmp
            .answer
            .clues
            .iter()
            .map(|clue| (clue.kind, clue.text.as_str()))
            // Which community it was is the test's choice, not the unit's.
            .filter(|(kind, _)| *kind != ClueKind::DefaultCommunity)
            .collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "the clues of {name} over {version}");
        assert_eq!(snmp.targets.len(), self.num_targets, "{name} {version}");
        let raw = String::from_utf8_lossy(&snmp.answer.raw.bytes);
        let first = format!("1.3.6.1.2.1.1.1.0 = string: {}\n", self.clues[0].1);
        assert!(
            raw.starts_with(&first),
            "the raw answer begins with {raw:?}"
        );
    }
}

/// The ports of the ACS 8048, as its recording has them.
pub(crate) fn check_ports_of_acs8048(snmp: &Snmp) {
    assert_eq!(snmp.targets.len(), 48);
    for (target, port) in snmp.targets.iter().zip(1..=48) {
        let name = if port <= 30 && port % 5 != 0 {
            format!("sw-r12-u{port:02}")
        } else {
            format!("00-00-0c-p-{port}")
        };
        let status = match port {
            2 | 7 => "in use",
            41.. => "disabled",
            _ => "idle",
        };
        let speed = if port % 8 == 0 { "115200" } else { "9600" };
        assert_eq!(target.port, port);
        assert_eq!(target.tty, format!("ttyS{port}"));
        assert_eq!(target.name, name);
        assert_eq!(target.status, status, "port {port}");
        assert_eq!(target.speed, speed, "port {port}");
        assert_eq!(target.is_connected, Some(port <= 30), "port {port}");
    }
}
