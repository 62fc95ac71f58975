//! Carries out the commands of the Watch view.

use std::fmt::Write;
use std::sync::Arc;

use egui::Context;

use super::super::command::{capture_filter, missing_networks};
use super::super::grid::Pick;
use super::super::view_state::{
    AcceptForm, CaptureForm, CaptureScope, FindingStage, Frozen, ManagementForm, Modal, PathUse,
    View, WatchTab,
};
use super::super::{App, UiCommand, WatchCommand, format};
use crate::engine::command::{Command, ExposeRequest, FindingVerdict};
use crate::model::appliance::Appliance;
use crate::model::exposure::report_text;
use crate::model::finding::{Finding, FindingState, ManagementNetwork};
use crate::model::identity::ApplianceId;
use crate::model::query::Counter;
use crate::model::sighting::RawDatagram;
use crate::model::snapshot::Slot;
use crate::model::traffic::SeenDatagram;
use crate::wire::{RowWidth, hex_rows};

impl App {
    /// The finding that is chosen in the Watch view.
    pub(in crate::app) fn chosen_finding(&self) -> Option<&Arc<Finding>> {
        let key = self.watch.finding.as_ref()?;
        let mut findings = self.snapshot.watching.findings.iter();
        findings.find(|finding| finding.key == *key)
    }

    /// What a command of the grid means in the Watch view: its keys act on what is shown.
    pub(in crate::app) const fn in_watch(&self, command: UiCommand) -> UiCommand {
        if !matches!((self.view, command), (View::Watch, UiCommand::CopyRows)) {
            return command;
        }
        match self.watch.tab {
            WatchTab::Findings => UiCommand::Watch(WatchCommand::CopyFinding),
            WatchTab::Traffic => UiCommand::Watch(WatchCommand::CopyDatagram),
            WatchTab::Exposure => UiCommand::Watch(WatchCommand::CopyExposeReport),
            WatchTab::Listeners => command,
        }
    }

    /// Whether the list of the Watch view shows less than everything.
    pub(super) fn watch_is_filtered(&self) -> bool {
        match self.watch.tab {
            WatchTab::Findings => {
                self.watch.stage != FindingStage::All || !self.watch.finding_text.trim().is_empty()
            }
            WatchTab::Traffic => !self.watch.traffic_text.trim().is_empty(),
            WatchTab::Listeners | WatchTab::Exposure => false,
        }
    }

    /// Shows everything in the list of the Watch view again.
    pub(super) fn clear_watch_filter(&mut self) {
        match self.watch.tab {
            WatchTab::Findings => {
                self.watch.stage = FindingStage::All;
                self.watch.finding_text.clear();
            }
            WatchTab::Traffic => self.watch.traffic_text.clear(),
            WatchTab::Listeners | WatchTab::Exposure => {}
        }
    }

    /// Carries out a command of the Watch view that is possible.
    pub(super) fn dispatch_watch(&mut self, ctx: &Context, command: WatchCommand) {
        match command {
            WatchCommand::ShowFindings => self.show_watch(WatchTab::Findings),
            WatchCommand::ShowTraffic => self.show_watch(WatchTab::Traffic),
            WatchCommand::ShowListeners => self.show_watch(WatchTab::Listeners),
            WatchCommand::ShowExposure => self.show_watch(WatchTab::Exposure),
            WatchCommand::AcceptFinding => {
                if let Some(finding) = self.chosen_finding() {
                    self.modal = Some(Modal::AcceptFinding(AcceptForm {
                        key: finding.key.clone(),
                        what: finding.what.clone(),
                        note: String::new(),
                        focused: false,
                    }));
                }
            }
            WatchCommand::ReopenFinding => {
                if let Some(finding) = self.chosen_finding() {
                    self.send(Command::JudgeFinding {
                        key: finding.key.clone(),
                        verdict: FindingVerdict::Reopen,
                    });
                }
            }
            WatchCommand::CopyFinding => {
                if let Some(finding) = self.chosen_finding() {
                    ctx.copy_text(self.finding_text(finding));
                }
            }
            WatchCommand::ShowFindingUnit => self.show_finding_unit(),
            WatchCommand::SaveFindingCapture => self.open_finding_capture(),
            WatchCommand::EditManagement => {
                self.modal = Some(Modal::Management(ManagementForm {
                    networks: self.snapshot.watching.management.to_vec(),
                    ..ManagementForm::default()
                }));
            }
            WatchCommand::FillManagement => self.fill_management(),
            WatchCommand::ToggleCapture => {
                let on = !self.snapshot.watching.capture.is_on;
                self.settings.capture = on;
                self.send(Command::SetCapture(on));
            }
            WatchCommand::SaveCapture => {
                let filter = self.watch.traffic_text.trim().to_owned();
                let shows_traffic = self.view == View::Watch && self.watch.tab == WatchTab::Traffic;
                let scope = if shows_traffic && !filter.is_empty() {
                    CaptureScope::Filtered
                } else {
                    CaptureScope::All
                };
                let unit = self.selected_unit().map(named);
                self.open_capture(scope, filter, unit);
            }
            WatchCommand::SaveUnitCapture => {
                let unit = self.selected_unit().map(named);
                self.open_capture(CaptureScope::Unit, String::new(), unit);
            }
            WatchCommand::TogglePause => {
                self.watch.frozen = match self.watch.frozen.take() {
                    Some(_) => None,
                    None => Some(Frozen {
                        recent: Arc::clone(&self.snapshot.watching.recent),
                    }),
                };
                self.show_watch(WatchTab::Traffic);
            }
            WatchCommand::CopyDatagram => {
                if let Some(datagram) = &self.watch.datagram {
                    ctx.copy_text(datagram_text(datagram));
                }
            }
            WatchCommand::StartExpose => {
                let ranges = self.watch.ranges.as_deref().unwrap_or_default().trim();
                self.send(Command::Expose(ExposeRequest {
                    ranges: ranges.to_owned(),
                    confirmed: false,
                }));
                self.show_watch(WatchTab::Exposure);
            }
            WatchCommand::StopExpose => self.send(Command::StopExpose),
            WatchCommand::CopyExposeReport => {
                if let Some(check) = &self.snapshot.watching.expose {
                    let report = report_text(check);
                    let lines: Vec<String> = report.lines().map(str::to_owned).collect();
                    ctx.copy_text(as_text(&lines));
                }
            }
        }
    }

    pub(in crate::app) fn show_watch(&mut self, tab: WatchTab) {
        if self.watch.tab != tab {
            self.watch.scroll_to = None;
        }
        self.view = View::Watch;
        self.watch.tab = tab;
    }

    /// Selects the unit of the chosen finding in Discover, where it can be seen.
    fn show_finding_unit(&mut self) {
        let Some((slot, id)) = self.watch.finding_unit else {
            return;
        };
        self.select_row((slot, id));
    }

    /// Selects a unit in Discover, where it can be seen.
    pub(in crate::app) fn select_row(&mut self, (slot, id): (Slot, ApplianceId)) {
        self.selection.clear();
        let place = self.rows.shown().iter().position(|row| *row == (slot, id));
        if let Some(row_idx) = place {
            self.selection.pick(self.rows.shown(), row_idx, Pick::Only);
            self.grid.scroll_to = Some(row_idx);
        } else {
            // The filter hides it.
            self.selection.pick(&[(slot, id)], 0, Pick::Only);
            if let Some(mac) = self.selected_unit().and_then(Appliance::mac) {
                self.query.text = format!("mac:{}", mac.value);
                self.query.counter = Counter::All;
            }
        }
        self.view = View::Discover;
    }

    fn open_finding_capture(&mut self) {
        let Some(finding) = self.chosen_finding() else {
            return;
        };
        let filter = capture_filter(finding);
        let unit = self
            .watch
            .finding_unit
            .and_then(|(slot, _)| self.snapshot.units.at(slot))
            .map(|unit| named(unit));
        let scope = if unit.is_some() {
            CaptureScope::Unit
        } else {
            CaptureScope::Filtered
        };
        self.open_capture(scope, filter, unit);
    }

    fn open_capture(
        &mut self,
        scope: CaptureScope,
        filter: String,
        unit: Option<(ApplianceId, String)>,
    ) {
        let path = self.suggested_path(PathUse::Capture);
        self.modal = Some(Modal::SaveCapture(CaptureForm {
            scope,
            filter,
            unit,
            path,
            replaceable: None,
            focused: false,
        }));
    }

    fn fill_management(&mut self) {
        let mut networks = self.snapshot.watching.management.to_vec();
        let missing = missing_networks(&self.snapshot)
            .into_iter()
            .map(|cidr| ManagementNetwork {
                cidr,
                vlan: String::new(),
            });
        networks.extend(missing);
        networks.truncate(crate::model::finding::MANAGEMENT_KEPT);
        self.send(Command::SetManagement(networks));
    }

    /// Looks for the unit of the chosen finding, when units or the finding changed since the last time.
    pub(in crate::app) fn find_finding_unit(&mut self) {
        let Some(finding) = self.chosen_finding().cloned() else {
            self.watch.finding_unit = None;
            self.watch.finding_unit_of = None;
            return;
        };
        let revision = self.snapshot.units_revision;
        let is_known = self
            .watch
            .finding_unit_of
            .as_ref()
            .is_some_and(|(known, key)| *known == revision && *key == finding.key);
        if is_known {
            return;
        }
        let has_mac = |unit: &Appliance| {
            finding.mac.is_some() && unit.mac().map(|mac| mac.value) == finding.mac
        };
        let before = self.watch.finding_unit;
        let units = &self.snapshot.units;
        let is_there = |(slot, id): (Slot, ApplianceId)| {
            let unit = units.at(slot);
            unit.is_some_and(|unit| unit.id == id && has_mac(unit))
        };
        // Most often it is where it was: there may be very many units.
        self.watch.finding_unit = before.filter(|row| is_there(*row)).or_else(|| {
            finding.mac?;
            let mut all = units.iter();
            all.find(|(_, unit)| has_mac(unit))
                .map(|(slot, unit)| (slot, unit.id))
        });
        self.watch.finding_unit_of = Some((revision, finding.key.clone()));
    }

    /// A finding as text.
    fn finding_text(&self, finding: &Finding) -> String {
        let kind = finding.key.kind;
        let exact = |when| format::exact(when, &self.zone);
        let mut lines = vec![
            format!("{} ({})", kind.title(), kind.severity().word()),
            finding.what.clone(),
        ];
        if let Some(interface) = &finding.interface {
            lines.push(format!("Network: {interface}"));
        }
        let sender = finding.sender.map(|ip| format!("Sender: {ip}"));
        let mac = finding.mac.map(|mac| format!("MAC: {mac}"));
        let ip = finding.ip.map(|ip| format!("Address: {ip}"));
        lines.extend([sender, mac, ip].into_iter().flatten());
        lines.push(format!(
            "First seen {}, last seen {}, {}",
            exact(finding.first),
            exact(finding.last),
            format::counted(finding.count, "datagram", "datagrams")
        ));
        lines.push(match &finding.state {
            FindingState::Open => "Open".to_owned(),
            FindingState::Accepted { note, when } => {
                format!("Accepted {}: {note}", exact(*when))
            }
            FindingState::Gone { when } => format!("Gone since {}", exact(*when)),
        });
        lines.push(format!("Why it matters: {}", kind.why()));
        lines.push(format!("What to do: {}", kind.what_to_do()));
        lines.extend(finding.details.iter().cloned());
        for sample in &finding.samples {
            lines.push(format!(
                "{} from {} by {}, {}",
                exact(sample.when),
                sample.from,
                sample.channel.word(),
                format::bytes(u64::from(sample.raw.full_len))
            ));
            push_bytes(&mut lines, &sample.raw);
        }
        as_text(&lines)
    }
}

/// A unit's id with what it is called.
fn named(unit: &Appliance) -> (ApplianceId, String) {
    let name = unit.name().map(|name| name.value.to_owned());
    let mac = || unit.mac().map(|mac| mac.value.to_string());
    let ip = || unit.ip_value().map(|ip| ip.to_string());
    let name = name.or_else(mac).or_else(ip);
    (unit.id, name.unwrap_or_else(|| "this unit".to_owned()))
}

fn datagram_text(datagram: &SeenDatagram) -> String {
    let to = datagram
        .to
        .map_or_else(String::new, |to| format!(" to {to}"));
    let mut lines = vec![format!(
        "{} {} on {} by {}: from {}{to}, {}, {}",
        datagram.when,
        datagram.direction.word(),
        datagram.interface,
        datagram.channel.word(),
        datagram.from,
        datagram.kind.word(),
        format::bytes(u64::from(datagram.raw.full_len))
    )];
    push_bytes(&mut lines, &datagram.raw);
    as_text(&lines)
}

fn push_bytes(lines: &mut Vec<String>, raw: &RawDatagram) {
    lines.extend(hex_rows(&raw.bytes, RowWidth::Sixteen).map(|row| row.to_string()));
}

/// Lines as text in which nothing that was heard can act.
fn as_text(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        // Writing to a `String` cannot fail.
        writeln!(text, "{}", format::show_text(line)).ok();
    }
    text
}
