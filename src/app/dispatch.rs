//! Carries out [`UiCommand`]s. The only place where one becomes an engine command or a change of what is shown.

mod learn;
mod replay;
mod watch;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use egui::{Context, OpenUrl};

pub(super) use self::learn::{as_hex, number};
pub(super) use self::replay::{difference_cells, kind_words, typed_time};
use super::command::CommandState;
use super::grid::{cells, columns};
use super::view_state::{
    AddForm, ExportForm, InstallationForm, Modal, NameEdit, PageForm, PaletteForm, PathUse, Scope,
    SweepForm, View,
};
use super::{App, UiCommand, format, window};
use crate::engine::command::{Command, IdentifyRequest, Saying};
use crate::engine::firewall::RuleChange;
use crate::inventory::{Delimiter, Format};
use crate::model::appliance::Appliance;
use crate::model::column::Column;
use crate::model::edit::Edit;
use crate::model::query::Counter;
use crate::settings::{GridSettings, ThemeChoice};

/// So many selected units are looked through for an address.
const SELECTED_LOOKED_AT: usize = 1_000;

/// How much one step of zoom is.
const ZOOM_STEP: f32 = 0.1;

impl App {
    /// What decides whether commands are possible just now.
    pub(super) fn command_state(&self) -> CommandState<'_> {
        let single = self.selected_unit();
        CommandState {
            snapshot: &self.snapshot,
            num_selected: self.selection.len(),
            has_ip: single.is_some_and(|unit| unit.ip_value().is_some()),
            has_any_ip: self.has_any_ip(),
            has_probes: self.has_probes(),
            has_mac: single.is_some_and(|unit| unit.mac().is_some()),
            filtered: self.is_filtered(),
            view: self.view,
            watch: &self.watch,
            finding: self.chosen_finding().map(|finding| &**finding),
            has_stray: self.stray_to_teach().is_some(),
            teach: self.teach.as_deref(),
            has_study: self.study.is_some(),
            os: self.os,
        }
    }

    /// Whether any selected unit has an address. Of very many the first decide: this is asked several times a frame.
    fn has_any_ip(&self) -> bool {
        self.selection.len() > SELECTED_LOOKED_AT
            || self
                .selection
                .rows()
                .filter_map(|(slot, _)| self.snapshot.units.at(slot))
                .any(|unit| unit.ip_value().is_some())
    }

    /// Whether the grid, or the list of the Watch view that is shown, shows less than everything.
    pub(super) fn is_filtered(&self) -> bool {
        if self.view == View::Watch {
            return self.watch_is_filtered();
        }
        self.grid_is_filtered()
    }

    /// Whether the grid shows less than everything.
    fn grid_is_filtered(&self) -> bool {
        !self.query.text.trim().is_empty() || self.query.counter != Counter::All
    }

    /// The one selected unit.
    pub(super) fn selected_unit(&self) -> Option<&Appliance> {
        let (slot, id) = self.selection.single()?;
        self.snapshot
            .units
            .at(slot)
            .filter(|unit| unit.id == id)
            .map(|unit| &**unit)
    }

    /// Carries a command out, or says why not.
    pub(super) fn dispatch(
        &mut self,
        ctx: &Context,
        frame: Option<&eframe::Frame>,
        command: UiCommand,
    ) {
        if let Some(why) = command.why_not(&self.command_state()) {
            let mut said = Saying::note(format!("{} is not possible", plain(command.text())));
            said.text = Some(why.to_owned());
            self.say(said);
            return;
        }
        match command {
            UiCommand::SearchNow => self.send(Command::SearchNow),
            UiCommand::StopSearch => {
                self.settings.live_search = false;
                self.send(Command::StopSearch);
            }
            UiCommand::ToggleLiveSearch => {
                let on = !self.snapshot.search.live;
                self.settings.live_search = on;
                self.send(Command::SetLiveSearch(on));
            }
            UiCommand::Sweep => {
                let ranges = self.suggested_ranges();
                self.modal = Some(Modal::Sweep(SweepForm {
                    ranges,
                    probe: true,
                    focused: false,
                }));
            }
            UiCommand::StopSweep => self.send(Command::StopSweep),
            UiCommand::AskTcp => {
                let ips = self
                    .selection
                    .rows()
                    .filter_map(|(slot, _)| self.snapshot.units.at(slot)?.ip_value())
                    .collect();
                self.send(Command::AskTcp(ips));
            }
            UiCommand::Identify => {
                let ids = self.selection.ids();
                self.send(Command::Identify(IdentifyRequest::Units(ids)));
            }
            UiCommand::IdentifyUnidentified => {
                self.send(Command::Identify(IdentifyRequest::Unidentified));
            }
            UiCommand::IdentifyAll => self.send(Command::Identify(IdentifyRequest::All)),
            UiCommand::StopIdentify => self.send(Command::StopIdentify),
            UiCommand::Import => {
                let folder = self.suggested_path(PathUse::Import);
                self.type_path(PathUse::Import, folder);
            }
            UiCommand::Export => self.open_export(None),
            UiCommand::ExportSelected => self.open_export(Some(Scope::Selected)),
            UiCommand::ExportTargets => self.begin_targets(ctx, frame),
            UiCommand::CancelJob => self.send(Command::CancelJob),
            UiCommand::NewSite => self.ask_path(ctx, frame, PathUse::NewSite),
            UiCommand::OpenSite => self.ask_path(ctx, frame, PathUse::OpenSite),
            UiCommand::SaveSiteAs => self.ask_path(ctx, frame, PathUse::SaveSiteAs),
            UiCommand::StartDemo => self.send(Command::StartDemo),
            UiCommand::EndDemo => self.send(Command::EndDemo),
            UiCommand::Undo => self.send(Command::Undo),
            UiCommand::Redo => self.send(Command::Redo),
            UiCommand::Rename => self.begin_rename(),
            UiCommand::EditNote => self.begin_note(),
            UiCommand::Forget => self.modal = Some(Modal::Forget(self.selection.ids())),
            UiCommand::AddUnit => self.modal = Some(Modal::AddUnit(Box::<AddForm>::default())),
            UiCommand::SelectAll => self.selection.select_all(self.rows.shown()),
            UiCommand::CopyRows => ctx.copy_text(self.rows_as_text()),
            UiCommand::CopyMac => {
                if let Some(mac) = self.selected_unit().and_then(Appliance::mac) {
                    ctx.copy_text(mac.value.to_string());
                }
            }
            UiCommand::OpenWebPage => {
                if let Some(ip) = self.selected_unit().and_then(Appliance::ip_value) {
                    ctx.open_url(OpenUrl::new_tab(format!("https://{ip}")));
                }
            }
            UiCommand::CopySsh => {
                if let Some(ip) = self.selected_unit().and_then(Appliance::ip_value) {
                    ctx.copy_text(format!("ssh admin@{ip}"));
                }
            }
            UiCommand::FocusFilter => self.focus_filter = true,
            UiCommand::ClearFilter if self.view == View::Watch => self.clear_watch_filter(),
            UiCommand::ClearFilter => {
                self.query.text.clear();
                self.query.counter = Counter::All;
            }
            UiCommand::Columns => self.grid.opens_chooser = true,
            UiCommand::ResetColumns => {
                let filter = self.settings.grid.filter.clone();
                self.settings.grid = GridSettings {
                    filter,
                    ..GridSettings::default()
                };
                self.query.sort = None;
            }
            UiCommand::TogglePanel if self.panel_fits => {
                self.settings.show_panel = !self.settings.show_panel;
            }
            UiCommand::TogglePanel => {
                self.panel.is_over = !self.panel.is_over || self.view != View::Discover;
                self.view = View::Discover;
            }
            UiCommand::ShowDiscover => self.view = View::Discover,
            UiCommand::ShowDiagnostics => self.view = View::Diagnostics,
            UiCommand::ShowActivity => self.view = View::Activity,
            UiCommand::ShowSettings => self.view = View::Settings,
            UiCommand::Palette => self.modal = Some(Modal::Palette(PaletteForm::default())),
            UiCommand::RunDoctor => self.send(Command::RunDoctor),
            UiCommand::CheckInstallation => {
                self.send(Command::RunDoctor);
                let form = InstallationForm {
                    asked: self.clock_now,
                    page: PageForm::over(self.modal.take()),
                };
                self.modal = Some(Modal::Installation(form));
            }
            UiCommand::AllowFirewall => self.send(Command::FirewallRule(RuleChange::Add)),
            UiCommand::RemoveFirewallRule => self.send(Command::FirewallRule(RuleChange::Remove)),
            UiCommand::SetV3User => self.open_v3_form(),
            UiCommand::RemoveV3User => self.send(Command::SetV3User(None)),
            UiCommand::ReloadCatalog => self.send(Command::ReloadCatalog),
            UiCommand::OpenCatalogFolder => {
                let folder = self.snapshot.catalog.own_folder.clone();
                self.open_folder(ctx, folder.as_deref(), "There is no catalog folder");
            }
            UiCommand::ZoomIn => self.zoom_to(ctx, ctx.zoom_factor() + ZOOM_STEP),
            UiCommand::ZoomOut => self.zoom_to(ctx, ctx.zoom_factor() - ZOOM_STEP),
            UiCommand::ZoomReset => self.zoom_to(ctx, 1.0),
            UiCommand::ThemeSystem => self.choose_theme(ctx, ThemeChoice::System),
            UiCommand::ThemeLight => self.choose_theme(ctx, ThemeChoice::Light),
            UiCommand::ThemeDark => self.choose_theme(ctx, ThemeChoice::Dark),
            UiCommand::OpenLogFolder => {
                let folder = self.places.logs.clone();
                self.open_folder(ctx, folder.as_deref(), "There is no log folder");
            }
            UiCommand::ResetWindow => {
                window::reset(ctx);
                self.zoom_to(ctx, 1.0);
            }
            UiCommand::About => self.modal = Some(Modal::About(PageForm::default())),
            UiCommand::Licenses => {
                self.modal = Some(Modal::Licenses(PageForm::over(self.modal.take())));
            }
            UiCommand::Watch(command) => self.dispatch_watch(ctx, command),
            UiCommand::Replay(command) => self.dispatch_replay(ctx, frame, command),
            UiCommand::Learn(command) => self.dispatch_learn(ctx, command),
            UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
        }
    }

    /// Zooms, in whole per cent and within what the window can show.
    pub(super) fn zoom_to(&mut self, ctx: &Context, zoom: f32) {
        let zoom = ((zoom * 100.0).round() / 100.0).clamp(window::MIN_ZOOM, window::MAX_ZOOM);
        ctx.set_zoom_factor(zoom);
        self.settings.zoom = zoom;
    }

    pub(super) fn ask_path(
        &mut self,
        ctx: &Context,
        frame: Option<&eframe::Frame>,
        purpose: PathUse,
    ) {
        let suggestion = self.suggested_path(purpose);
        self.open_dialog(ctx, frame, purpose, &suggestion);
    }

    /// Begins to name the selected unit, where the person can see it.
    fn begin_rename(&mut self) {
        let Some(unit) = self.selected_unit() else {
            return;
        };
        let text = unit
            .name()
            .map_or(String::new(), |best| best.value.to_owned());
        self.name_edit = Some(NameEdit {
            id: unit.id,
            text,
            focused: false,
        });
        self.view = View::Discover;
        let mut shown = columns::shown(&self.settings.grid);
        if !shown.contains(&Column::Name) {
            shown.insert(1, Column::Name);
            columns::keep(&mut self.settings.grid, &shown);
        }
    }

    fn begin_note(&mut self) {
        let Some(unit) = self.selected_unit() else {
            return;
        };
        self.modal = Some(Modal::Note {
            id: unit.id,
            text: unit.note().unwrap_or_default().to_owned(),
            focused: false,
        });
    }

    /// Names the unit whose name was being typed.
    pub(super) fn commit_name(&mut self) {
        let Some(edit) = self.name_edit.take() else {
            return;
        };
        let before = self
            .snapshot
            .units
            .find(edit.id)
            .and_then(|(_, unit)| unit.name().map(|best| best.value.to_owned()));
        let name = edit.text.trim().to_owned();
        if name != before.unwrap_or_default() {
            self.send(Command::Edit(Edit::Name {
                ids: vec![edit.id],
                name,
            }));
        }
    }

    /// Opens the export window with what was chosen last.
    fn open_export(&mut self, scope: Option<Scope>) {
        let remembered = &self.settings.export;
        let format = if remembered.format == Format::Json.extension() {
            Format::Json
        } else {
            Format::Csv
        };
        let scope = scope.unwrap_or(if self.grid_is_filtered() {
            Scope::Filtered
        } else {
            Scope::All
        });
        let delimiter = if remembered.semicolon {
            Delimiter::Semicolon
        } else {
            Delimiter::Comma
        };
        let form = ExportForm {
            format,
            delimiter,
            for_spreadsheets: remembered.for_spreadsheets,
            scope,
            path: self.suggested_path(PathUse::Export),
            replaceable: None,
            focused: false,
        };
        self.modal = Some(Modal::Export(form));
    }

    /// Where a file of this kind would go.
    pub(super) fn suggested_path(&self, purpose: PathUse) -> String {
        let site_folder = || {
            self.snapshot
                .site
                .path
                .as_ref()
                .and_then(|path| path.parent().map(std::path::Path::to_owned))
                .or_else(|| self.places.sites.clone())
        };
        let documents = || {
            self.settings
                .export
                .folder
                .clone()
                .or_else(|| self.places.documents.clone())
        };
        let with_separator = |folder: Option<PathBuf>| {
            // An empty last part leaves the separator at the end, ready for a name.
            folder.map_or(PathBuf::new(), |folder| folder.join(""))
        };
        let date = format::date(self.clock_now, &self.zone);
        let path = match purpose {
            PathUse::Export => {
                let ending = if self.settings.export.format == Format::Json.extension() {
                    Format::Json
                } else {
                    Format::Csv
                }
                .extension();
                let name = file_name(&self.snapshot.site.name);
                documents()
                    .unwrap_or_default()
                    .join(format!("{name} {date}.{ending}"))
            }
            PathUse::Capture => {
                let name = file_name(&self.snapshot.site.name);
                documents()
                    .unwrap_or_default()
                    .join(format!("{name} {date}.pcapng"))
            }
            // Whatever the unit is called, the name of a masked file must not tell.
            PathUse::Study => documents()
                .unwrap_or_default()
                .join(format!("Study of a unit {date}.zip")),
            PathUse::Targets => {
                let name = file_name(&self.snapshot.site.name);
                documents()
                    .unwrap_or_default()
                    .join(format!("{name} targets.csv"))
            }
            PathUse::Import | PathUse::Replay => with_separator(documents()),
            PathUse::OpenSite => with_separator(site_folder()),
            PathUse::NewSite => site_folder()
                .unwrap_or_default()
                .join(format!("Site {date}.rollcall")),
            PathUse::SaveSiteAs => {
                let name = file_name(&self.snapshot.site.name);
                site_folder()
                    .unwrap_or_default()
                    .join(format!("{name}.rollcall"))
            }
        };
        path.to_string_lossy().into_owned()
    }

    /// A typed path, from where such a file would go: the folder that a double click started the program in is
    /// nowhere a person would look.
    pub(super) fn full_path(&self, purpose: PathUse, typed: &str) -> PathBuf {
        let typed = Path::new(typed);
        if typed.is_absolute() {
            return typed.to_owned();
        }
        let suggested = PathBuf::from(self.suggested_path(purpose));
        let folder = match purpose {
            // These are suggested as a folder, ready for a name.
            PathUse::Import | PathUse::OpenSite | PathUse::Replay => Some(&*suggested),
            PathUse::Export
            | PathUse::Targets
            | PathUse::Capture
            | PathUse::Study
            | PathUse::NewSite
            | PathUse::SaveSiteAs => suggested.parent(),
        };
        folder.map_or_else(|| typed.to_owned(), |folder| folder.join(typed))
    }

    /// The subnets that are listened on, as ranges to sweep.
    pub(super) fn suggested_ranges(&self) -> String {
        let networks: Vec<String> = self
            .snapshot
            .interfaces
            .iter()
            .filter(|interface| interface.listening == crate::model::network::Listening::On)
            .flat_map(|interface| &interface.networks)
            .filter(|network| (20..=30).contains(&network.prefix_len))
            .map(|network| {
                let mask = network.mask().to_bits();
                let base = std::net::Ipv4Addr::from_bits(network.ip.to_bits() & mask);
                format!("{base}/{}", network.prefix_len)
            })
            .collect();
        networks.join(", ")
    }

    /// The selected rows as text, cells apart by tabs, with a header.
    fn rows_as_text(&self) -> String {
        let shown = columns::shown(&self.settings.grid);
        let titles: Vec<&str> = shown.iter().map(|column| column.title()).collect();
        let mut text = titles.join("\t");
        text.push('\n');
        for (slot, id) in self.rows.shown() {
            if self.selection.contains(*id)
                && let Some(unit) = self.snapshot.units.at(*slot)
            {
                self.write_row(unit, &shown, &mut text);
                text.push('\n');
            }
        }
        text
    }

    /// One row as text, cells apart by tabs. Tabs and line ends inside a cell would break the table.
    pub(super) fn write_row(&self, unit: &Appliance, shown: &[Column], text: &mut String) {
        for (idx, column) in shown.iter().enumerate() {
            if idx > 0 {
                text.push('\t');
            }
            text.push_str(&self.cell_as_text(unit, *column));
        }
    }

    /// One cell as it is copied.
    pub(super) fn cell_as_text(&self, unit: &Appliance, column: Column) -> String {
        let cell = match column {
            Column::Status => cells::status_word(self.snapshot.context.status(unit)).to_owned(),
            column => column.text(unit, &self.snapshot.context),
        };
        cell.replace(['\t', '\r', '\n'], " ")
    }

    /// Has the system show a folder.
    pub(super) fn open_folder(&mut self, ctx: &Context, folder: Option<&Path>, missing: &str) {
        if let Some(url) = folder.and_then(file_url) {
            ctx.open_url(OpenUrl::new_tab(url));
        } else {
            self.say(Saying::trouble(missing));
        }
    }
}

/// A command's words without the dots that say that more is asked.
fn plain(text: &str) -> &str {
    text.trim_end_matches('…')
}

/// A site's name as part of a file name: what some system does not allow becomes a dash.
fn file_name(name: &str) -> String {
    let cleaned: String = name
        .chars()
        .map(|c| {
            if c.is_control() || "/\\:*?\"<>|".contains(c) {
                '-'
            } else {
                c
            }
        })
        .collect();
    let trimmed = cleaned.trim().trim_matches('.');
    if trimmed.is_empty() {
        "Site".to_owned()
    } else {
        trimmed.to_owned()
    }
}

/// A folder as a `file://` address, with everything but plain characters escaped.
fn file_url(path: &Path) -> Option<String> {
    let text = path.to_str()?.replace('\\', "/");
    let mut url = String::from("file://");
    if !text.starts_with('/') {
        url.push('/');
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            write!(url, "%{byte:02X}").ok();
        }
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sites_name_becomes_a_file_name_on_every_system() {
        assert_eq!(file_name("FRA2 hall B"), "FRA2 hall B");
        assert_eq!(file_name("a/b:c\u{0}"), "a-b-c-");
        assert_eq!(file_name(" .. "), "Site");
    }

    #[test]
    fn a_folder_becomes_a_file_address() {
        let url = |path: &str| file_url(std::path::Path::new(path));
        assert_eq!(
            url("/home/a b/logs").as_deref(),
            Some("file:///home/a%20b/logs")
        );
        assert_eq!(url("C:\\Users\\x").as_deref(), Some("file:///C:/Users/x"));
    }
}
