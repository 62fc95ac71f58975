//! Taking the rows of an inventory file: which unit each of them means, and which are refused.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Registry;
use super::edits::unheard;
use super::history::{Before, Step};
use crate::model::appliance::{Appliance, FileFacts, Typed};
use crate::model::edit::{EditOutcome, ImportRow, RefusedRow};
use crate::model::identity::{ApplianceId, Mac, is_ip_key, serial_key};

impl Registry {
    /// Takes the rows of a file as one step of undo. A row that cannot be placed is refused; the others are taken.
    pub(super) fn import(
        &mut self,
        file_name: &str,
        columns: &[String],
        rows: Vec<ImportRow>,
    ) -> EditOutcome {
        let mut step = Step::new(format!("the import of {file_name}"), &self.extra_columns);
        let column_idxs = self.take_columns(columns);
        let mut outcome = EditOutcome::default();
        let mut taken: HashMap<ApplianceId, u64> = HashMap::new();
        let mut loose = self.loose_units();
        for row in rows {
            match self.unit_meant(&row, &loose, &mut outcome.remarks) {
                Err(refused) => outcome.refused.push(refused),
                Ok(Some(id)) => {
                    if let Some(line) = taken.get(&id) {
                        let why = format!("line {line} means the same unit");
                        outcome
                            .refused
                            .push(refusal(&row, key_column(&row.facts), why));
                        continue;
                    }
                    taken.insert(id, row.line);
                    if self.update(id, &row.facts, &column_idxs, &mut step) {
                        outcome.changed += 1;
                    }
                }
                Ok(None) if self.places.len() >= self.limits.units => {
                    self.refused_by_limit += 1;
                    let why = format!("a site holds at most {} units", self.limits.units);
                    outcome
                        .refused
                        .push(refusal(&row, key_column(&row.facts), why));
                }
                Ok(None) => {
                    let id = self.new_id();
                    step.remember(id, Before::Absent);
                    let facts = renumbered(&row.facts, &column_idxs);
                    if let Some(name) = loose_name(&facts) {
                        loose.entry(name).or_insert(id);
                    }
                    self.place(unheard(id, Typed::default(), Some(Arc::new(facts))));
                    taken.insert(id, row.line);
                    outcome.added += 1;
                }
            }
        }
        self.history.push(step, self.limits.undo_steps);
        let mut updated: Vec<ApplianceId> = taken.into_keys().collect();
        updated.sort_unstable();
        for id in updated {
            self.reunite(id);
        }
        outcome
    }

    /// Adds unknown columns to the site's; returns for each column of the file where it stands in the site.
    /// The nth column of a name is the nth of that name in the site.
    fn take_columns(&mut self, columns: &[String]) -> Vec<u32> {
        let mut site: Vec<String> = self.extra_columns.to_vec();
        let mut used = vec![false; site.len()];
        let mut idxs = Vec::with_capacity(columns.len());
        for column in columns {
            let free = (0..site.len()).find(|idx| !used[*idx] && site[*idx] == *column);
            let idx = free.unwrap_or_else(|| {
                site.push(column.clone());
                used.push(false);
                site.len() - 1
            });
            used[idx] = true;
            idxs.push(idx as u32);
        }
        if site.len() != self.extra_columns.len() {
            self.extra_columns = Arc::new(site);
            self.extra_columns_dirty = true;
            self.revision += 1;
        }
        idxs
    }

    /// Units that were never heard and have neither serial nor MAC nor address, by name: what a row with nothing but
    /// a name can mean.
    fn loose_units(&self) -> HashMap<String, ApplianceId> {
        let units = self.places.units();
        let mut by_name = HashMap::new();
        for (_, unit) in units.iter().filter(|(_, unit)| unit.heard.is_none()) {
            if let Some(name) = unit.imported.as_deref().and_then(loose_name) {
                by_name.entry(name).or_insert(unit.id);
            }
        }
        by_name
    }

    /// The unit that a row means: by serial, by MAC, and until one is known by address or name.
    fn unit_meant(
        &self,
        row: &ImportRow,
        loose: &HashMap<String, ApplianceId>,
        remarks: &mut Vec<RefusedRow>,
    ) -> Result<Option<ApplianceId>, RefusedRow> {
        let facts = &row.facts;
        let mac = facts.mac.filter(|mac| mac.is_key());
        let by_mac = mac.and_then(|mac| self.by_mac.get(&mac).copied());
        let by_serial =
            serial_key(&facts.serial).and_then(|serial| self.by_serial.get(&serial).copied());
        if let Some(refused) = self.contradiction(facts, by_serial, by_mac) {
            return Err(RefusedRow {
                line: row.line,
                ..refused
            });
        }
        match (by_serial, by_mac) {
            (Some(id), _) => Ok(Some(id)),
            (None, Some(id)) => {
                self.remark_serial(id, row, remarks);
                Ok(Some(id))
            }
            (None, None) => Ok(self.unit_without_keys(row, loose, remarks)),
        }
    }

    /// Why nobody can tell which unit is meant: the serial points at one and the MAC at another.
    pub(super) fn contradiction(
        &self,
        facts: &FileFacts,
        by_serial: Option<ApplianceId>,
        by_mac: Option<ApplianceId>,
    ) -> Option<RefusedRow> {
        let mac = facts.mac.filter(|mac| mac.is_key());
        let (column, why) = match (by_serial?, by_mac) {
            (a, Some(b)) if a != b => {
                let (a, b) = (self.called(a), self.called(b));
                let why = format!("its serial is that of {a} and its MAC that of {b}");
                ("serial", why)
            }
            (_, Some(_)) => return None,
            (id, None) => {
                let known = self.places.get(id)?.mac()?;
                if mac? == known.value || !known.source.is_heard() {
                    return None;
                }
                let called = self.called(id);
                let why = format!(
                    "{called} has this serial and was heard with the MAC {}",
                    known.value
                );
                ("mac", why)
            }
        };
        Some(refused(0, facts, column, why))
    }

    /// Says what is odd about the serial of a row whose MAC is known.
    fn remark_serial(&self, id: ApplianceId, row: &ImportRow, remarks: &mut Vec<RefusedRow>) {
        let Some(unit) = self.places.get(id) else {
            return;
        };
        let Some(known) = unit
            .untaught_serial()
            .filter(|known| !row.facts.serial.is_empty() && known.value != row.facts.serial)
        else {
            return;
        };
        let why = if lost_zeros(&row.facts.serial, known.value) {
            format!(
                "it lost its leading zeros in a spreadsheet: {:?} stays",
                known.value
            )
        } else {
            format!("this unit had the serial {:?} before", known.value)
        };
        remarks.push(refusal(row, "serial", why));
    }

    /// A row whose serial and MAC are unknown or missing: a serial that lost its zeros, an address, a name.
    fn unit_without_keys(
        &self,
        row: &ImportRow,
        loose: &HashMap<String, ApplianceId>,
        remarks: &mut Vec<RefusedRow>,
    ) -> Option<ApplianceId> {
        let facts = &row.facts;
        if let Some(id) = self.zero_twin(facts) {
            let serial = self
                .places
                .get(id)
                .and_then(|unit| unit.untaught_serial().map(|best| best.value.to_owned()));
            let why = format!(
                "it lost its leading zeros in a spreadsheet: {:?} stays",
                serial.unwrap_or_default()
            );
            remarks.push(refusal(row, "serial", why));
            return Some(id);
        }
        if serial_key(&facts.serial).is_some() || facts.mac.is_some_and(Mac::is_key) {
            return None;
        }
        match facts.ip.filter(|ip| is_ip_key(*ip)) {
            Some(ip) => self
                .by_spot
                .get(&(Arc::from(""), ip))
                .copied()
                .or_else(|| self.only_unit_at(ip)),
            None => loose.get(&loose_name(facts)?).copied(),
        }
    }

    /// The unit whose serial has the same digits with zeros in front, and the same name.
    fn zero_twin(&self, facts: &FileFacts) -> Option<ApplianceId> {
        let digits = facts.serial.trim();
        if digits.is_empty()
            || facts.name.is_empty()
            || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        // Serials of these families have 10 digits; 20 zeros are more than any spreadsheet ever ate.
        (1..=20).find_map(|zeros| {
            let longer = format!("{}{digits}", "0".repeat(zeros));
            let id = *self.by_serial.get(&longer)?;
            let unit = self.places.get(id)?;
            let is_named_so = unit.name().is_some_and(|name| name.value == facts.name);
            is_named_so.then_some(id)
        })
    }

    /// The one unit without a MAC of its own in the file's words that is heard at an address.
    fn only_unit_at(&self, ip: Ipv4Addr) -> Option<ApplianceId> {
        match self.claims.get(&ip).map(Vec::as_slice) {
            Some([id]) => Some(*id),
            _ => None,
        }
    }

    /// Writes a row into a unit that is known. Returns whether it changed anything.
    fn update(
        &mut self,
        id: ApplianceId,
        row: &FileFacts,
        column_idxs: &[u32],
        step: &mut Step,
    ) -> bool {
        let Some(unit) = self.places.get(id) else {
            return false;
        };
        let facts = renumbered(row, column_idxs);
        let merged = match unit.imported.as_deref() {
            Some(before) => merged(before, facts),
            None => facts,
        };
        if unit.imported.as_deref() == Some(&merged) {
            return false;
        }
        step.remember(id, Before::of_annotations(unit));
        self.rewrite(id, |unit| unit.imported = Some(Arc::new(merged)));
        true
    }

    /// A unit in words, for a refusal.
    fn called(&self, id: ApplianceId) -> String {
        let Some(unit) = self.places.get(id) else {
            return id.to_string();
        };
        called(unit)
    }
}

fn called(unit: &Appliance) -> String {
    let name = unit.name().map(|best| best.value.to_owned());
    let mac = unit.mac().map(|best| best.value.to_string());
    let serial = unit.serial().map(|best| format!("serial {}", best.value));
    let parts: Vec<String> = [name, mac, serial].into_iter().flatten().collect();
    if parts.is_empty() {
        unit.id.to_string()
    } else {
        format!("{:?}", parts.join(", "))
    }
}

/// Whether `short` is `long` without the zeros in front.
fn lost_zeros(short: &str, long: &str) -> bool {
    let (short, long) = (short.trim(), long.trim());
    let is_number = !short.is_empty() && short.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        && short.len() < long.len()
        && long.trim_start_matches('0') == short.trim_start_matches('0')
}

/// The name of facts that have nothing else to be known by.
fn loose_name(facts: &FileFacts) -> Option<String> {
    let has_key = serial_key(&facts.serial).is_some()
        || facts.mac.is_some_and(Mac::is_key)
        || facts.ip.is_some_and(is_ip_key);
    (!has_key && !facts.name.is_empty()).then(|| facts.name.clone())
}

/// The facts with their unknown columns numbered as the site numbers them.
fn renumbered(facts: &FileFacts, column_idxs: &[u32]) -> FileFacts {
    let mut facts = facts.clone();
    for (idx, _) in &mut facts.extra {
        *idx = column_idxs.get(*idx as usize).copied().unwrap_or(*idx);
    }
    facts.extra.sort_by_key(|(idx, _)| *idx);
    facts
}

/// What an earlier file and a newer one say together: an empty cell takes nothing away.
fn merged(before: &FileFacts, mut facts: FileFacts) -> FileFacts {
    let keep = |new: &mut String, old: &String| {
        if new.is_empty() {
            new.clone_from(old);
        }
    };
    keep(&mut facts.name, &before.name);
    keep(&mut facts.model, &before.model);
    keep(&mut facts.class, &before.class);
    keep(&mut facts.serial, &before.serial);
    if lost_zeros(&facts.serial, &before.serial) {
        facts.serial.clone_from(&before.serial);
    }
    keep(&mut facts.part_number, &before.part_number);
    keep(&mut facts.firmware, &before.firmware);
    keep(&mut facts.planned_name, &before.planned_name);
    keep(&mut facts.planned_place, &before.planned_place);
    keep(&mut facts.heard_on, &before.heard_on);
    keep(&mut facts.heard_by, &before.heard_by);
    keep(&mut facts.note, &before.note);
    facts.ip = facts.ip.or(before.ip);
    facts.prefix = facts.prefix.or(before.prefix);
    facts.gateway = facts.gateway.or(before.gateway);
    facts.mac = facts.mac.or(before.mac);
    facts.first_heard = facts.first_heard.or(before.first_heard);
    facts.last_heard = facts.last_heard.or(before.last_heard);
    if facts.other_ips.is_empty() {
        facts.other_ips.clone_from(&before.other_ips);
    }
    for (idx, value) in &before.extra {
        if !facts.extra.iter().any(|(known, _)| known == idx) {
            facts.extra.push((*idx, value.clone()));
        }
    }
    facts.extra.sort_by_key(|(idx, _)| *idx);
    facts
}

/// The column by which a row is known.
fn key_column(facts: &FileFacts) -> &'static str {
    if !facts.serial.is_empty() {
        "serial"
    } else if facts.mac.is_some() {
        "mac"
    } else if facts.ip.is_some() {
        "ip"
    } else {
        "name"
    }
}

fn refusal(row: &ImportRow, column: &'static str, why: String) -> RefusedRow {
    refused(row.line, &row.facts, column, why)
}

fn refused(line: u64, facts: &FileFacts, column: &'static str, why: String) -> RefusedRow {
    let value = match column {
        "serial" => facts.serial.clone(),
        "mac" => facts.mac.map(|mac| mac.to_string()).unwrap_or_default(),
        "ip" => facts.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        _ => facts.name.clone(),
    };
    RefusedRow {
        line,
        column,
        value,
        why,
    }
}
