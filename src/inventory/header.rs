//! Which column of a file is which: case, spaces, hyphens and underscores do not matter, and other tools' words
//! for the same thing are known. What matches nothing, or something that is taken already, is kept as it is.

use super::guard::DEFUSED_HEADER;
use crate::model::column::Column;

/// The header of the column with a unit's other addresses.
pub(super) const OTHER_IPS_HEADER: &str = "other_ips";

/// What a column of a file becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// One of ours. The status is read and dropped: it is always worked out anew.
    Known(Column),
    /// The other addresses.
    OtherIps,
    /// Says whether the row was defused.
    Defused,
    /// Not ours: kept, by its index among such columns.
    Extra(u32),
}

/// A header row that was understood.
#[derive(Debug)]
pub(super) struct Header {
    /// What each column becomes.
    pub(super) targets: Vec<Target>,
    /// The headers of the columns that are not ours, in their order.
    pub(super) extra_columns: Vec<String>,
    /// Headers that were taken for another name: (theirs, ours).
    pub(super) renamed: Vec<(String, &'static str)>,
}

/// Other tools' words, the better ones first. Letters and digits only, lower case.
const SYNONYMS: [(Column, &[&str]); 15] = [
    (
        Column::Serial,
        &["serialnumber", "serialno", "serialnum", "serialnr", "sn"],
    ),
    (
        Column::Mac,
        &[
            "macaddress",
            "macaddr",
            "hwaddr",
            "hwaddress",
            "hardwareaddress",
            "ethernet",
            "ethernetaddress",
            "physicaladdress",
        ],
    ),
    (
        Column::Name,
        &[
            "hostname",
            "host",
            "devicename",
            "unitname",
            "appliancename",
            "systemname",
            "sysname",
        ],
    ),
    (
        Column::Model,
        &["devicetype", "modelname", "producttype", "product", "type"],
    ),
    (Column::Class, &["deviceclass"]),
    (
        Column::Ip,
        &[
            "ipaddress",
            "ipaddr",
            "ipv4",
            "ipv4address",
            "managementip",
            "mgmtip",
            "primaryip",
            "primaryip4",
        ],
    ),
    (
        Column::Prefix,
        &["prefixlength", "prefixlen", "subnetmask", "netmask", "mask"],
    ),
    (Column::Gateway, &["defaultgateway", "gatewayip", "gw"]),
    (
        Column::PartNumber,
        &["partno", "partnum", "partnr", "pn", "sku"],
    ),
    (
        Column::Firmware,
        &["firmwareversion", "fwversion", "fw", "softwareversion"],
    ),
    (Column::PlannedName, &["plannedhostname"]),
    (
        Column::PlannedPlace,
        &["plannedlocation", "plannedrack", "plannedposition"],
    ),
    (Column::FirstHeard, &["firstseen"]),
    (Column::LastHeard, &["lastseen"]),
    (
        Column::Note,
        &["notes", "comments", "comment", "description", "remarks"],
    ),
];

/// A header without anything that people write differently.
fn plain(header: &str) -> String {
    header
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a header would be read as the column of other addresses.
pub(super) fn is_other_ips(header: &str) -> bool {
    plain(header) == plain(OTHER_IPS_HEADER)
}

/// Whether a header would be read as the column that says that a row was defused.
pub(super) fn is_defused(header: &str) -> bool {
    plain(header) == DEFUSED_HEADER
}

impl Header {
    /// Understands a header row.
    pub(super) fn read<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let headers: Vec<&str> = cells.collect();
        let plain_headers: Vec<String> = headers.iter().map(|header| plain(header)).collect();
        let mut targets: Vec<Option<Target>> = vec![None; headers.len()];
        for (target, header) in targets.iter_mut().zip(&plain_headers) {
            if header == DEFUSED_HEADER {
                *target = Some(Target::Defused);
            }
        }
        let mut take = |wanted: Target, fits: &dyn Fn(usize) -> bool| -> Option<usize> {
            let idx = (0..headers.len()).find(|idx| targets[*idx].is_none() && fits(*idx))?;
            targets[idx] = Some(wanted);
            Some(idx)
        };

        let other_ips = plain(OTHER_IPS_HEADER);
        take(Target::OtherIps, &|idx| plain_headers[idx] == other_ips);
        let mut renamed = Vec::new();
        for column in Column::ALL {
            if column == Column::Status && !is_ours(&headers) {
                continue;
            }
            let (key, title) = (plain(column.key()), plain(column.title()));
            let synonyms = SYNONYMS
                .iter()
                .find(|(of, _)| *of == column)
                .map_or(&[][..], |(_, words)| words);
            let wanted = Target::Known(column);
            let idx = take(wanted, &|idx| headers[idx] == column.key())
                .or_else(|| take(wanted, &|idx| plain_headers[idx] == key))
                .or_else(|| take(wanted, &|idx| plain_headers[idx] == title))
                .or_else(|| {
                    synonyms
                        .iter()
                        .find_map(|word| take(wanted, &|idx| plain_headers[idx] == *word))
                });
            if let Some(idx) = idx
                && plain_headers[idx] != key
            {
                renamed.push((headers[idx].to_owned(), column.key()));
            }
        }

        let mut extra_columns = Vec::new();
        let targets = targets
            .into_iter()
            .zip(&headers)
            .map(|(target, header)| {
                target.unwrap_or_else(|| {
                    extra_columns.push((*header).to_owned());
                    Target::Extra(extra_columns.len() as u32 - 1)
                })
            })
            .collect();
        Self {
            targets,
            extra_columns,
            renamed,
        }
    }

    /// Whether one of the columns tells units apart.
    pub(super) fn has_key(&self) -> bool {
        self.has(Target::Known(Column::Serial)) || self.has(Target::Known(Column::Mac))
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, target: Target) -> bool {
        self.targets.contains(&target)
    }

    /// How many columns are ours.
    pub(super) fn num_known(&self) -> usize {
        self.targets.len() - self.extra_columns.len()
    }
}

/// Whether a file with a `status` column comes from Rollcall. Another tool's status is not ours to drop: without
/// one of our own columns beside it, it is kept like any column that is not known.
fn is_ours(headers: &[&str]) -> bool {
    [
        Column::HeardOn,
        Column::HeardBy,
        Column::FirstHeard,
        Column::LastHeard,
    ]
    .iter()
    .any(|column| {
        headers
            .iter()
            .any(|header| plain(header) == plain(column.key()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Header {
        Header::read(line.split(','))
    }

    #[test]
    fn other_tools_words_are_known() {
        for (header, column) in [
            ("S/N", Column::Serial),
            ("Serial Number", Column::Serial),
            ("SERIAL-NUMBER", Column::Serial),
            ("HWaddr", Column::Mac),
            ("MAC Address", Column::Mac),
            ("IP address", Column::Ip),
            ("Address", Column::Ip),
            ("Host name", Column::Name),
            ("Device Type", Column::Model),
            ("P/N", Column::PartNumber),
            ("part-number", Column::PartNumber),
            ("Subnet mask", Column::Prefix),
            ("Description", Column::Note),
        ] {
            assert_eq!(
                read(header).targets,
                [Target::Known(column)],
                "{header:?} is {column:?}"
            );
        }
        for header in ["rack", "Location", "site", "role", "", "version"] {
            assert_eq!(
                read(header).targets,
                [Target::Extra(0)],
                "{header:?} is not ours"
            );
        }
    }

    #[test]
    fn the_better_name_wins_and_the_other_is_kept() {
        let header = read("Hostname,Name,mac,note,NOTE,note");
        assert_eq!(
            header.targets,
            [
                Target::Extra(0),
                Target::Known(Column::Name),
                Target::Known(Column::Mac),
                Target::Known(Column::Note),
                Target::Extra(1),
                Target::Extra(2),
            ]
        );
        assert_eq!(header.extra_columns, ["Hostname", "NOTE", "note"]);
    }

    #[test]
    fn another_tools_status_is_kept() {
        assert_eq!(read("serial,status").extra_columns, ["status"]);
        let own = read("status,serial,last_heard,status");
        assert!(own.has(Target::Known(Column::Status)));
        assert_eq!(own.extra_columns, ["status"]);
    }
}
