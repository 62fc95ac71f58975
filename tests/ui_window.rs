//! Long because one harness serves every test of the window.
//!
//! The window by role and label, without a display: what it shows of a snapshot and which commands it gives.

use std::path::Path;
use std::sync::Arc;

use egui::os::OperatingSystem;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use rollcall::app::{App, View};
use rollcall::engine::command::{Command, ImportReport, Level, Notice, Saying};
use rollcall::engine::handle::EngineEnd;
use rollcall::instance::{self, Doorbell, Found, Meeting, Request};
use rollcall::inventory::Format;
use rollcall::model::edit::{Edit, RefusedRow};
use rollcall::model::network::Listening;
use rollcall::model::snapshot::{JobState, Snapshot};
use rollcall::settings::{Settings, ThemeChoice};
use window::{empty_snapshot, snapshot};

#[path = "support/window.rs"]
mod window;

/// The window over a made-up engine.
struct Test {
    harness: Harness<'static, App>,
    engine: EngineEnd,
    /// Keeps the dialogs' runtime alive.
    _runtime: tokio::runtime::Runtime,
}

impl Test {
    fn new(snapshot: Snapshot) -> Self {
        Self::with(snapshot, Settings::default(), 1_440.0)
    }

    fn with(snapshot: Snapshot, settings: Settings, width: f32) -> Self {
        Self::with_doorbell(snapshot, settings, width, None)
    }

    fn with_doorbell(
        snapshot: Snapshot,
        settings: Settings,
        width: f32,
        doorbell: Option<Doorbell>,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without threads can always be built");
        let ctx = egui::Context::default();
        let (app, engine) =
            window::window(&ctx, snapshot, settings, runtime.handle().clone(), doorbell);
        let mut harness = window::harness(app, vec2(width, 900.0), OperatingSystem::Nix);
        harness.run();
        Self {
            harness,
            engine,
            _runtime: runtime,
        }
    }

    /// The commands since the last call, without what is only remembered.
    fn commands(&mut self) -> Vec<Command> {
        window::commands(&mut self.engine)
    }

    /// What the last frame asked of the system's window.
    fn viewport_commands(&self) -> Vec<egui::ViewportCommand> {
        self.harness
            .output()
            .viewport_output
            .values()
            .flat_map(|viewport| viewport.commands.clone())
            .collect()
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    fn click_header(&mut self, label: &str) {
        self.harness
            .get_by_role_and_label(egui::Role::ColumnHeader, label)
            .click();
        self.harness.run();
    }

    fn press(&mut self, key: Key) {
        self.press_with(Modifiers::NONE, key);
    }

    fn press_with(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run();
    }

    fn type_into(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).type_text(text);
        self.harness.run();
    }

    /// How long the window would leave the next frame.
    fn repaint_delay(&self) -> std::time::Duration {
        self.harness
            .output()
            .viewport_output
            .values()
            .map(|viewport| viewport.repaint_delay)
            .min()
            .expect("there is one window")
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).count() > 0
    }

    /// The place of a row that is seen.
    fn row(&self, row_idx: usize) -> egui::Rect {
        let mut rects: Vec<egui::Rect> = self
            .harness
            .query_all_by_role(egui::Role::Row)
            .map(|node| node.rect())
            .collect();
        rects.sort_by(|a, b| a.top().total_cmp(&b.top()));
        rects[row_idx]
    }

    fn click_row(&mut self, row_idx: usize, modifiers: Modifiers) {
        let pos = self.row(row_idx).center();
        self.harness.hover_at(pos);
        self.harness.run();
        for pressed in [true, false] {
            let button = egui::Event::PointerButton {
                pos,
                button: egui::PointerButton::Primary,
                pressed,
                modifiers,
            };
            self.harness.event_modifiers(button, modifiers);
        }
        self.harness.run();
    }

    fn drag(&mut self, from: egui::Pos2, to: egui::Pos2) {
        self.harness.hover_at(from);
        self.harness.run();
        self.harness.drag_at(from);
        self.harness.run();
        for share in [0.3, 0.6, 1.0] {
            self.harness.hover_at(from + (to - from) * share);
            self.harness.run();
        }
        self.harness.drop_at(to);
        self.harness.run();
    }

    /// The names of the rows that are seen, from the top.
    fn row_names(&self) -> Vec<String> {
        let mut rows: Vec<(f32, String)> = self
            .harness
            .query_all_by_role(egui::Role::Row)
            .filter_map(|node| {
                let name = node.accesskit_node().label()?;
                Some((node.rect().top(), name))
            })
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.into_iter().map(|(_, name)| name).collect()
    }

    fn publish(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.engine.snapshots.borrow());
        next.revision += 1;
        next.units_revision += 1;
        change(&mut next);
        self.engine.snapshots.send_replace(Arc::new(next));
        self.harness.run();
    }
}

#[test]
fn nothing_heard_yet_says_what_is_listened_to() {
    let mut test = Test::new(empty_snapshot(4));
    assert!(test.shows("No unit heard yet"));
    assert!(test.shows("Listening for 4 s"));
    assert!(
        !test.shows("What was checked"),
        "the doctor speaks up after 10 s only"
    );
    test.click("Try the demo fleet");
    assert!(matches!(test.commands()[..], [Command::StartDemo]));
}

#[test]
fn after_ten_seconds_of_silence_the_doctor_speaks() {
    let test = Test::new(empty_snapshot(12));
    assert!(test.shows("The firewall may drop what comes in"));
    assert!(test.shows("Allow UDP 3502 and 3211"));
}

#[test]
fn a_counter_filters_and_a_second_click_shows_everything() {
    let mut test = Test::new(snapshot(40));
    assert!(test.row_names().len() > 10);
    let label = "No address: 4";
    test.click(label);
    let names = test.row_names();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("No address")));
    test.click(label);
    assert!(test.row_names().len() > 10);
}

#[test]
fn the_filter_box_filters_and_escape_clears_it() {
    let mut test = Test::new(snapshot(40));
    test.press_with(Modifiers::COMMAND, Key::F);
    test.type_into("Filter the units", "r02-con1");
    let names = test.row_names();
    assert!(
        !names.is_empty() && names.iter().all(|name| name.contains("r02-con1")),
        "{names:?}"
    );
    test.press(Key::Escape);
    assert!(test.row_names().len() > 10);
}

#[test]
fn a_filter_without_a_match_says_so() {
    let mut test = Test::new(snapshot(12));
    test.press_with(Modifiers::COMMAND, Key::F);
    test.type_into("Filter the units", "no such unit");
    assert!(test.shows("No unit matches"));
    test.harness
        .get_all_by_label("Clear filter")
        .last()
        .expect("there is a button")
        .click();
    test.harness.run();
    assert_eq!(test.row_names().len(), 12);
}

#[test]
fn a_header_sorts_in_three_states() {
    let mut test = Test::new(snapshot(20));
    let unsorted = test.row_names();
    test.click_header("Address");
    let upwards = test.row_names();
    test.click_header("Address, sorted upwards");
    let downwards = test.row_names();
    assert_ne!(upwards, downwards);
    test.click_header("Address, sorted downwards");
    assert_eq!(test.row_names(), unsorted);
}

#[test]
fn a_header_is_dragged_to_anothers_place_and_an_edge_widens() {
    let mut test = Test::new(snapshot(20));
    let place = |test: &Test, label: &str| {
        let role = egui::Role::ColumnHeader;
        test.harness.get_by_role_and_label(role, label).rect()
    };
    let (model, mac) = (place(&test, "Model"), place(&test, "MAC"));
    test.drag(model.center(), mac.center());
    let shown = test.harness.state().settings().grid.columns.clone();
    assert_eq!(shown[..5], ["status", "name", "ip", "mac", "model"]);
    let before = place(&test, "Name");
    let edge = egui::pos2(before.right(), before.center().y);
    test.drag(edge, edge + vec2(60.0, 0.0));
    let after = place(&test, "Name");
    assert!(
        (after.width() - before.width() - 60.0).abs() < 2.0,
        "{before:?} became {after:?}"
    );
    let remembered = test
        .harness
        .state()
        .settings()
        .grid
        .widths
        .get("name")
        .copied();
    assert!(remembered.is_some_and(|width| (width - after.width()).abs() < 2.0));
}

#[test]
fn the_keyboard_selects_units() {
    let mut test = Test::new(snapshot(20));
    test.press(Key::ArrowDown);
    test.press(Key::ArrowDown);
    assert!(test.shows("Evidence"), "the right panel shows the unit");
    test.press_with(Modifiers::SHIFT, Key::ArrowDown);
    assert!(test.shows("2 units selected"));
    test.press_with(Modifiers::COMMAND, Key::A);
    assert!(test.shows("20 units selected"));
    test.press(Key::Home);
    assert!(!test.shows("units selected"));
}

#[test]
fn clicks_with_keys_held_select_more() {
    let mut test = Test::new(snapshot(20));
    test.click_row(1, Modifiers::NONE);
    assert!(test.shows("Evidence"));
    test.click_row(4, Modifiers::SHIFT);
    assert!(test.shows("4 units selected"));
    test.click_row(9, Modifiers::COMMAND);
    assert!(test.shows("5 units selected"));
    test.click_row(2, Modifiers::NONE);
    assert!(!test.shows("units selected"));
}

#[test]
fn the_menu_of_a_row_acts_on_that_row() {
    let mut test = Test::new(snapshot(20));
    let row = test.row(3);
    test.harness.hover_at(row.center());
    test.harness.run();
    for pressed in [true, false] {
        test.harness.event(egui::Event::PointerButton {
            pos: row.center(),
            button: egui::PointerButton::Secondary,
            pressed,
            modifiers: Modifiers::NONE,
        });
    }
    test.harness.run();
    assert!(test.shows("Copy SSH command"), "the menu is open");
    test.click("Forget…");
    test.click("Forget");
    let commands = test.commands();
    assert!(
        matches!(&commands[..], [Command::Edit(Edit::Forget { ids })] if ids.len() == 1 && ids[0].0 == 4),
        "{commands:?}"
    );
}

#[test]
fn rows_under_the_pointer_keep_their_places() {
    let mut test = Test::new(snapshot(60));
    test.click_header("Serial");
    test.harness.hover_at(test.row(12).center());
    test.harness.run();
    test.press(Key::PageDown);
    test.press(Key::PageDown);
    let before = test.row_names();
    test.publish(|snapshot| {
        let units = snapshot.units.iter().map(|(_, unit)| {
            let mut unit = rollcall::model::appliance::Appliance::clone(unit);
            if unit.id.0 % 2 == 0
                && let Some(facts) = &mut unit.imported
            {
                Arc::make_mut(facts).serial = format!("00{}", unit.id);
                unit.revision += 1_000;
            }
            Arc::new(unit)
        });
        snapshot.units = rollcall::model::snapshot::Units::from_vec(units.collect());
    });
    assert_eq!(test.row_names(), before, "nothing moves under the pointer");
    assert!(test.shows("to sort"), "and a chip says that some wait");
    test.harness.hover_at(egui::pos2(60.0, 400.0));
    test.harness.run();
    assert_ne!(
        test.row_names(),
        before,
        "off the grid they go to their places"
    );
}

#[test]
fn the_selection_follows_the_unit_when_rows_move() {
    let mut test = Test::new(snapshot(20));
    test.press(Key::ArrowDown);
    test.press(Key::F2);
    test.type_into("Name of the unit", "x");
    test.press(Key::Escape);
    test.click_header("Address");
    test.click_header("Address, sorted upwards");
    test.press(Key::F2);
    test.type_into("Name of the unit", "core");
    test.press(Key::Enter);
    let commands = test.commands();
    let [Command::Edit(Edit::Name { ids, .. })] = &commands[..] else {
        panic!("one rename: {commands:?}");
    };
    assert_eq!(ids[0].0, 1, "the first unit is still the selected one");
}

#[test]
fn f2_names_a_unit() {
    let mut test = Test::new(snapshot(20));
    test.press(Key::ArrowDown);
    test.press(Key::F2);
    test.press_with(Modifiers::COMMAND, Key::A);
    test.type_into("Name of the unit", "core-switch");
    test.press(Key::Enter);
    let commands = test.commands();
    let [Command::Edit(Edit::Name { ids, name })] = &commands[..] else {
        panic!("one rename: {commands:?}");
    };
    assert_eq!((ids.len(), name.as_str()), (1, "core-switch"));
}

#[test]
fn escape_leaves_a_name_as_it_was() {
    let mut test = Test::new(snapshot(20));
    test.press(Key::ArrowDown);
    test.press(Key::F2);
    test.type_into("Name of the unit", "oops");
    test.press(Key::Escape);
    assert!(test.commands().is_empty());
}

#[test]
fn delete_asks_and_then_forgets_what_is_selected() {
    let mut test = Test::new(snapshot(20));
    test.press(Key::ArrowDown);
    test.press_with(Modifiers::SHIFT, Key::ArrowDown);
    test.press(Key::Delete);
    assert!(test.commands().is_empty(), "nothing happens before the yes");
    assert!(test.shows("2 units will be taken out"));
    test.click("Forget");
    let commands = test.commands();
    let [Command::Edit(Edit::Forget { ids })] = &commands[..] else {
        panic!("one forget: {commands:?}");
    };
    assert_eq!(ids.len(), 2);
}

#[test]
fn export_writes_what_the_grid_shows() {
    let mut test = Test::new(snapshot(40));
    test.click("No address: 4");
    test.press_with(Modifiers::COMMAND, Key::E);
    assert!(test.shows("Shown in the grid (4)"));
    let field = test.harness.get_by_label("File");
    assert!(field.is_focused(), "the path can be typed at once");
    // As paths, whose folders Windows parts otherwise.
    let suggested = Path::new("/home/tech/Documents/FRA2 hall B 2026-11-22.csv");
    assert_eq!(field.value().as_deref().map(Path::new), Some(suggested));
    test.press(Key::Enter);
    let commands = test.commands();
    let [Command::Export(request)] = &commands[..] else {
        panic!("one export: {commands:?}");
    };
    assert_eq!(request.rows.len(), 4);
    assert_eq!(request.style.format, Format::Csv);
    assert!(request.style.for_spreadsheets && !request.overwrite);
    assert_eq!(request.path, suggested);
}

#[test]
fn a_file_in_the_way_is_replaced_only_after_a_yes() {
    let mut test = Test::new(snapshot(5));
    test.press_with(Modifiers::COMMAND, Key::E);
    test.press(Key::Enter);
    let Some(Command::Export(request)) = test.commands().pop() else {
        panic!("an export is asked for");
    };
    let notices = test.engine.notices.clone();
    notices
        .try_send(Notice::ExportWouldReplace(request))
        .expect("the window listens");
    test.harness.run();
    assert!(test.shows("Replace file?"));
    test.click("Replace");
    let commands = test.commands();
    assert!(
        matches!(&commands[..], [Command::Export(request)] if request.overwrite && request.rows.len() == 5),
        "{commands:?}"
    );
}

#[test]
fn the_palette_finds_and_runs_a_command() {
    let mut test = Test::new(snapshot(5));
    test.press_with(Modifiers::COMMAND, Key::K);
    test.type_into("Find a command", "search now");
    test.press(Key::Enter);
    assert!(matches!(test.commands()[..], [Command::SearchNow]));
    test.press_with(Modifiers::COMMAND, Key::K);
    test.type_into("Find a command", "stop the sweep");
    test.press(Key::Enter);
    assert!(
        test.commands().is_empty(),
        "what is not possible is not done"
    );
    assert!(test.shows("Stop the sweep"), "and stays in the list");
}

#[test]
fn f5_searches_also_while_a_filter_is_typed() {
    let mut test = Test::new(snapshot(5));
    test.press_with(Modifiers::COMMAND, Key::F);
    test.press(Key::F5);
    assert!(matches!(test.commands()[..], [Command::SearchNow]));
    test.press(Key::Delete);
    assert!(
        !test.shows("Forget units?"),
        "other keys belong to the text"
    );
}

#[test]
fn enter_belongs_to_the_focused_button() {
    let mut test = Test::new(snapshot(5));
    test.press(Key::ArrowDown);
    test.harness.get_by_label("Columns").focus();
    test.harness.run();
    test.press(Key::Enter);
    assert!(test.shows("Reset columns"), "the chooser opens");
    let opened = test
        .harness
        .output()
        .platform_output
        .commands
        .iter()
        .any(|command| matches!(command, egui::OutputCommand::OpenUrl(_)));
    assert!(!opened, "no web page is opened");
}

#[test]
fn many_selected_units_are_summed_up() {
    let mut test = Test::new(snapshot(60));
    test.press_with(Modifiers::COMMAND, Key::A);
    assert!(test.shows("60 units selected"));
    assert!(test.shows("By status") && test.shows("By network"));
    test.click("Export selected…");
    assert!(test.shows("Selected (60)"));
}

#[test]
fn a_running_burst_can_be_stopped() {
    let mut test = Test::new(snapshot(5));
    test.publish(|snapshot| snapshot.search.pass = Some(2));
    assert!(test.shows("Searching, pass 2 of 3"));
    test.click("Stop");
    assert!(matches!(test.commands()[..], [Command::StopSearch]));
}

#[test]
fn diagnostics_show_bytes_and_hints() {
    let mut test = Test::new(snapshot(5));
    test.click("3 not understood, kept");
    assert_eq!(test.harness.state().view(), View::Diagnostics);
    let row = test
        .harness
        .get_all_by_role(egui::Role::Row)
        .next()
        .expect("there are rows");
    row.click();
    test.harness.run();
    assert!(test.shows("0000 02 53 53 44 50"), "the bytes");
    assert!(test.shows("Hints, not facts"));
    assert!(test.shows("SSDP hello from a printer"));
    assert!(test.shows("the sender's address"));
}

#[test]
fn the_keyboard_goes_through_the_strays() {
    let mut test = Test::new(snapshot(5));
    test.press_with(Modifiers::COMMAND, Key::Num2);
    test.press(Key::ArrowDown);
    assert!(test.shows("Hints, not facts"));
    test.press(Key::ArrowDown);
    test.press(Key::ArrowDown);
    test.press(Key::ArrowDown);
    let chosen: Vec<bool> = test
        .harness
        .query_all_by_role(egui::Role::Row)
        .map(|row| row.accesskit_node().is_selected() == Some(true))
        .collect();
    assert_eq!(chosen, [false, false, true], "the keys stop at the end");
}

/// A file as the system hands it over.
#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window never reads files".to_owned())
    }
}

#[test]
fn dropped_files_are_imported_and_dropped_sites_opened() {
    let mut test = Test::new(snapshot(5));
    for name in ["/tmp/units.csv", "/tmp/hall.rollcall"] {
        let file: egui::DroppedFileHandle = Arc::new(Dropped(name.into()));
        test.harness.input_mut().dropped_files.push(file);
    }
    test.harness.run();
    let commands = test.commands();
    assert!(
        matches!(&commands[..], [Command::Import(file), Command::OpenSite(site)]
            if file.ends_with("units.csv") && site.ends_with("hall.rollcall")),
        "{commands:?}"
    );
}

#[test]
fn networks_without_room_are_behind_one_chip() {
    let mut test = Test::with(snapshot(5), Settings::default(), 960.0);
    test.click("2 more networks");
    test.click("Listen on wlp2s0");
    let commands = test.commands();
    assert!(
        matches!(&commands[..], [Command::Choose { interface, .. }] if &**interface == "wlp2s0"),
        "{commands:?}"
    );
    test.click("More of enx00e04c");
    assert!(test.shows("Counted since the site was opened"));
}

#[test]
fn zoom_has_keys_and_limits() {
    let mut test = Test::new(snapshot(5));
    for _ in 0..20 {
        test.press_with(Modifiers::COMMAND, Key::Plus);
    }
    assert!((test.harness.state().settings().zoom - 2.0).abs() < 0.001);
    test.press_with(Modifiers::COMMAND, Key::Num0);
    assert!((test.harness.state().settings().zoom - 1.0).abs() < 0.001);
}

#[test]
fn settings_change_the_theme_and_are_remembered() {
    let mut test = Test::new(snapshot(5));
    test.click("Settings");
    test.click("Light");
    assert_eq!(test.harness.state().settings().theme, ThemeChoice::Light);
    // More than the second after which settings are written.
    for _ in 0..12 {
        test.harness.step();
    }
    let mut remembered = None;
    while let Ok(command) = test.engine.commands.try_recv() {
        if let Command::Remember(settings) = command {
            remembered = Some(settings.theme);
        }
    }
    assert_eq!(remembered, Some(ThemeChoice::Light));
}

#[test]
fn an_import_report_lists_what_was_refused() {
    let mut test = Test::new(snapshot(5));
    let report = ImportReport {
        path: "/tmp/units.csv".into(),
        added: 3,
        changed: 1,
        num_rows: 5,
        refused: vec![RefusedRow {
            line: 4,
            column: "mac",
            value: "00:e0".to_owned(),
            why: "this is no MAC".to_owned(),
        }],
        ..ImportReport::default()
    };
    let notices = test.engine.notices.clone();
    notices
        .try_send(Notice::Imported(Arc::new(report)))
        .expect("the window listens");
    test.harness.run();
    assert!(test.shows("5 rows read: 3 added, 1 changed, 1 refused"));
    assert!(test.shows("this is no MAC"));
}

#[test]
fn import_is_asked_for_by_a_typed_path() {
    let mut test = Test::new(snapshot(5));
    test.press_with(Modifiers::COMMAND, Key::O);
    test.type_into("Path", "units.csv");
    test.press(Key::Enter);
    let commands = test.commands();
    let [Command::Import(path)] = &commands[..] else {
        panic!("one import: {commands:?}");
    };
    assert_eq!(path, Path::new("/home/tech/Documents/units.csv"));
}

#[test]
fn a_name_alone_goes_to_the_folder_that_is_suggested() {
    let mut test = Test::new(snapshot(5));
    test.press_with(Modifiers::COMMAND, Key::O);
    test.press_with(Modifiers::COMMAND, Key::A);
    test.type_into("Path", "units.csv");
    test.press(Key::Enter);
    let commands = test.commands();
    let [Command::Import(path)] = &commands[..] else {
        panic!("one import: {commands:?}");
    };
    assert_eq!(path, Path::new("/home/tech/Documents/units.csv"));
}

#[test]
fn trouble_is_shown_until_it_is_dismissed() {
    let mut test = Test::new(snapshot(5));
    let said = Saying {
        level: Level::Trouble,
        title: "The disk is full".to_owned(),
        text: Some("Changes are kept in memory".to_owned()),
        hint: Some("free some space".to_owned()),
    };
    let notices = test.engine.notices.clone();
    notices
        .try_send(Notice::Said(said))
        .expect("the window listens");
    test.harness.run();
    assert!(test.shows("The disk is full") && test.shows("hint: free some space"));
    test.click("Dismiss");
    assert!(!test.shows("The disk is full"));
    test.click("Activity, 1");
    assert!(test.shows("The disk is full"), "it stays in the history");
}

#[test]
fn long_work_shows_progress_and_can_be_canceled() {
    let mut test = Test::new(snapshot(5));
    test.publish(|snapshot| {
        snapshot.job = Some(JobState {
            what: "Exporting units.csv".to_owned(),
            done: 20_000,
            total: Some(100_000),
            started: window::before(4),
        });
    });
    assert!(test.shows("20,000 of 100,000, 5,000 rows/s, 16 s left"));
    test.click("Cancel");
    assert!(matches!(test.commands()[..], [Command::CancelJob]));
}

#[test]
fn closing_a_site_that_cannot_be_saved_tells_so_first() {
    let mut test = Test::new(snapshot(5));
    test.publish(|snapshot| snapshot.site.save_error = Some("The disk is full".to_owned()));
    let mut close = || {
        test.harness
            .input_mut()
            .viewports
            .entry(egui::ViewportId::ROOT)
            .or_default()
            .events
            .push(egui::ViewportEvent::Close);
        test.harness.step();
        let outputs = test.harness.output().viewport_output.values();
        outputs
            .flat_map(|output| output.commands.clone())
            .any(|command| command == egui::ViewportCommand::CancelClose)
    };
    assert!(close(), "the first time, the person is told");
    assert!(!close(), "asked again, it closes");
    assert!(test.shows("The site is not saved") && test.shows("The disk is full"));
}

#[test]
fn closing_waits_for_a_file_that_is_being_written() {
    let mut test = Test::new(snapshot(5));
    test.publish(|snapshot| {
        snapshot.job = Some(JobState {
            what: "Exporting units.csv".to_owned(),
            done: 1,
            total: Some(100_000),
            started: window::before(1),
        });
    });
    test.harness
        .input_mut()
        .viewports
        .entry(egui::ViewportId::ROOT)
        .or_default()
        .events
        .push(egui::ViewportEvent::Close);
    test.harness.step();
    let commands = |test: &Test| -> Vec<egui::ViewportCommand> {
        let outputs = test.harness.output().viewport_output.values();
        outputs.flat_map(|output| output.commands.clone()).collect()
    };
    assert!(commands(&test).contains(&egui::ViewportCommand::CancelClose));
    test.harness.run();
    assert!(test.shows("A file is being written; Rollcall closes after it"));
    let mut next = Snapshot::clone(&test.engine.snapshots.borrow());
    next.job = None;
    next.revision += 1;
    test.engine.snapshots.send_replace(Arc::new(next));
    test.harness.step();
    assert!(commands(&test).contains(&egui::ViewportCommand::Close));
}

#[test]
fn a_network_is_switched_off_at_its_chip() {
    let mut test = Test::new(snapshot(5));
    test.click("Network enp3s0, 10.20.4.250/24");
    test.click("Listen on enp3s0");
    let commands = test.commands();
    assert!(
        matches!(&commands[..], [Command::Choose { interface, .. }] if &**interface == "enp3s0"),
        "{commands:?}"
    );
    test.publish(|snapshot| {
        Arc::make_mut(&mut snapshot.interfaces)[0].listening =
            Listening::Off("Switched off".into());
    });
    assert!(
        test.shows("Listen on enp3s0") && !test.shows("Listen on enx00e04c"),
        "a second click means the same network, also when its chip went to another place"
    );
}

#[test]
fn a_hostile_name_is_shown_and_cannot_act() {
    use rollcall::model::snapshot::Units;
    let mut unit = window::unit(1);
    unit.typed.name = Some("a\u{202e}b\u{7}c".to_owned());
    let mut made_up = snapshot(1);
    made_up.units = Units::from_vec(vec![Arc::new(unit)]);
    let test = Test::new(made_up);
    assert!(test.shows("a[U+202E]b␇c"));
}

#[test]
fn the_narrowest_window_settles_without_the_right_panel() {
    let mut test = Test::with(snapshot(20), Settings::default(), 960.0);
    test.press(Key::ArrowDown);
    assert!(!test.shows("Evidence"));
    assert!(test.shows("Search now"));
}

#[test]
fn the_window_settles_and_asks_for_no_more_than_a_frame_a_second() {
    let mut test = Test::new(snapshot(60));
    test.harness.run();
    let delay = test.repaint_delay();
    assert!(
        delay.as_millis() >= 500,
        "live search counts down once a second: {delay:?}"
    );
}

#[test]
fn a_quiet_search_counts_down_in_steps() {
    let mut made_up = snapshot(60);
    made_up.totals.last_heard = Some(window::before(90));
    made_up.search.next = Some(window::before(-12));
    let mut test = Test::new(made_up);
    test.harness.run();
    assert!(
        test.shows("Live search on, next in 15 s"),
        "12 s, rounded up"
    );
    let delay = test.repaint_delay();
    assert!(
        delay.as_millis() >= 1_900,
        "the next step is 2 s away: {delay:?}"
    );
}

#[test]
fn an_idle_window_draws_nothing() {
    let mut made_up = snapshot(60);
    made_up.search.live = false;
    made_up.search.next = None;
    made_up.totals.last_heard = Some(window::before(90));
    let settings = Settings {
        live_search: false,
        ..Settings::default()
    };
    let mut test = Test::with(made_up, settings, 1_440.0);
    // Settings that differ from what was read are written once; then nothing is left to do.
    test.harness.run_steps(90);
    test.harness.run();
    let delay = test.repaint_delay();
    assert!(
        delay.as_secs() > 3_600,
        "nobody asks for a frame: {delay:?}"
    );
}

#[test]
fn a_large_site_is_sorted_off_the_frame() {
    let mut test = Test::new(snapshot(5_000));
    for _ in 0..2_000 {
        if !test.row_names().is_empty() {
            break;
        }
        std::thread::yield_now();
        test.harness.step();
    }
    assert!(test.row_names().len() > 10, "the worker's answer is shown");
    assert!(test.shows("All: 5000"));
}

#[test]
fn a_second_start_brings_the_window_forward_and_opens_its_site() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let meeting = Meeting::within(folder.path(), ":0");
    let Found::First(doorbell) = instance::find(&meeting, &Request::default()) else {
        panic!("the first start is the first");
    };
    let mut test = Test::with_doorbell(snapshot(3), Settings::default(), 1_440.0, Some(doorbell));

    // Another program: it waits until the window has looked.
    let mut start = |open: Option<&str>| {
        let open = open.map(|name| folder.path().join(name));
        let meeting = meeting.clone();
        let second = std::thread::spawn(move || instance::find(&meeting, &Request { open }));
        let mut asked = Vec::new();
        while !second.is_finished() {
            test.harness.step();
            asked.extend(test.viewport_commands());
        }
        let found = second.join().expect("it did not panic");
        assert!(matches!(found, Found::HandedOver), "{found:?}");
        (asked, test.commands())
    };

    let (asked, commands) = start(None);
    for command in [
        egui::ViewportCommand::Focus,
        egui::ViewportCommand::Minimized(false),
    ] {
        assert!(asked.contains(&command), "{command:?} not in {asked:?}");
    }
    assert!(commands.is_empty(), "no site was asked for: {commands:?}");

    let (_, commands) = start(Some("hall 2.rollcall"));
    assert!(
        matches!(commands.as_slice(), [Command::OpenSite(path)] if path.ends_with("hall 2.rollcall")),
        "{commands:?}"
    );
}
