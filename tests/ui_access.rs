//! The window by keyboard alone, and with little room: what must be reachable without a pointer and at every zoom.

use egui::os::OperatingSystem;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use rollcall::app::App;
use rollcall::engine::command::Command;
use rollcall::engine::handle::EngineEnd;
use rollcall::model::edit::Edit;
use rollcall::model::snapshot::Snapshot;
use rollcall::settings::Settings;
use window::snapshot;

#[expect(dead_code, reason = "other tests of the window use the rest")]
#[path = "support/window.rs"]
mod window;

struct Test {
    harness: Harness<'static, App>,
    engine: EngineEnd,
    /// Keeps the dialogs' runtime alive.
    _runtime: tokio::runtime::Runtime,
}

impl Test {
    fn new(snapshot: Snapshot, width: f32) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without threads can always be built");
        let ctx = egui::Context::default();
        let settings = Settings::default();
        let (app, engine) =
            window::window(&ctx, snapshot, settings, runtime.handle().clone(), None);
        let mut harness = window::harness(app, vec2(width, 900.0), OperatingSystem::Nix);
        harness.run();
        Self {
            harness,
            engine,
            _runtime: runtime,
        }
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run();
    }

    fn commands(&mut self) -> Vec<Command> {
        window::commands(&mut self.engine)
    }

    /// Where the focus is.
    fn rect_of_focus(&self) -> egui::Rect {
        self.harness
            .query_all_by(|node| node.is_focused() && node.role() != egui::Role::Window)
            .next()
            .map_or(egui::Rect::NOTHING, |node| node.rect())
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).count() > 0
    }
}

#[test]
fn every_stop_of_tab_has_a_name_and_is_seen() {
    for key in [Key::Num1, Key::Num2, Key::Num3, Key::Comma] {
        // Narrower than the grid is wide, so that some headers are out of sight at first.
        let mut test = Test::new(snapshot(20), 1_200.0);
        test.press(Modifiers::COMMAND, key);
        test.press(Modifiers::NONE, Key::ArrowDown);
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, vec2(1_200.0, 900.0));
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..50 {
            test.press(Modifiers::NONE, Key::Tab);
            let focused = test
                .harness
                .query_all_by(|node| node.is_focused() && node.role() != egui::Role::Window)
                .next();
            let focused = focused.expect("the focus is on something that is read out");
            let name = focused.accesskit_node().label().unwrap_or_default();
            let rect = test.rect_of_focus();
            assert!(!name.is_empty(), "{key:?}: no name at {rect:?}");
            assert!(
                window.contains_rect(rect),
                "{key:?}: {name:?} has the focus out of sight, at {rect:?}"
            );
            names.insert(name);
        }
        assert!(names.len() > 8, "{key:?}: Tab goes through {names:?} only");
    }
}

#[test]
fn the_menu_of_a_row_is_opened_and_walked_by_keys() {
    let mut test = Test::new(snapshot(20), 1_440.0);
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::SHIFT, Key::F10);
    assert!(test.shows("Copy SSH command"), "the menu is open");
    // Copy rows, Copy MAC, Open web page, Copy SSH command, Ask over TCP.
    for _ in 0..4 {
        test.press(Modifiers::NONE, Key::ArrowDown);
    }
    test.press(Modifiers::NONE, Key::Enter);
    assert!(matches!(test.commands()[..], [Command::AskTcp(_)]));
    assert!(!test.shows("Copy SSH command"), "the menu is closed");
    test.press(Modifiers::NONE, Key::Menu);
    assert!(test.shows("Copy SSH command"), "the menu key does the same");
    test.press(Modifiers::NONE, Key::Escape);
    assert!(!test.shows("Copy SSH command"));
}

#[test]
fn a_header_is_sorted_moved_and_widened_by_keys() {
    let mut test = Test::new(snapshot(20), 1_440.0);
    test.harness
        .get_by_role_and_label(egui::Role::ColumnHeader, "Model")
        .focus();
    test.harness.run();
    test.press(Modifiers::COMMAND, Key::ArrowLeft);
    let columns = &test.harness.state().settings().grid.columns;
    assert_eq!(columns[..3], ["status", "model", "name"]);
    test.press(Modifiers::COMMAND, Key::ArrowRight);
    test.press(Modifiers::SHIFT, Key::ArrowRight);
    let grid = &test.harness.state().settings().grid;
    assert_eq!(grid.columns[..3], ["status", "name", "model"]);
    assert_eq!(grid.widths.get("model"), Some(&122.0));
    test.press(Modifiers::NONE, Key::Enter);
    let grid = &test.harness.state().settings().grid;
    assert_eq!(grid.sort.as_deref(), Some("model"));
}

#[test]
fn networks_are_reachable_in_a_window_zoomed_to_200_per_cent() {
    let mut snapshot = snapshot(5);
    "A site with a name that is far too long for this bar".clone_into(&mut snapshot.site.name);
    let test = Test::new(snapshot, 680.0);
    let more = test.harness.get_by_label_contains("more networks").rect();
    let import = test.harness.get_by_label("Import…").rect();
    assert!(
        more.right() <= import.left(),
        "{more:?} is under {import:?}: some networks cannot be reached"
    );
}

#[test]
fn the_smallest_window_zoomed_to_200_per_cent_can_be_used() {
    let mut test = Test::new(snapshot(5), 480.0);
    test.harness.set_size(vec2(480.0, 300.0));
    test.harness.run();
    test.harness.get_by_label_contains("networks");
    test.harness.get_by_label("Site: FRA2 hall B").click();
    test.harness.run();
    test.harness.get_by_label("Export…").click();
    test.harness.run();
    test.harness.get_by_label("Export inventory");
    test.press(Modifiers::NONE, Key::Escape);
    test.press(Modifiers::COMMAND, Key::K);
    test.harness
        .get_by_label("Find a command")
        .type_text("add unit");
    test.harness.run();
    test.press(Modifiers::NONE, Key::Enter);
    // A form that is higher than the window scrolls to what has the focus.
    for _ in 0..5 {
        test.press(Modifiers::NONE, Key::Tab);
    }
    let note = test.rect_of_focus();
    assert!(note.bottom() < 300.0, "the last field is at {note:?}");
}

#[test]
fn the_demo_is_marked_where_its_network_has_room() {
    let mut snapshot = snapshot(5);
    snapshot.site.demo = true;
    let loopback = window::interface(
        "loopback",
        Some(([127, 0, 0, 1], 8)),
        rollcall::model::network::Listening::On,
    );
    snapshot.interfaces = std::sync::Arc::new(vec![loopback]);
    let test = Test::new(snapshot, 960.0);
    assert!(test.shows("Demo fleet"));
    assert!(test.shows("End demo"));
    assert!(test.shows("Network loopback, 127.0.0.1/8"));
}

#[test]
fn nothing_beside_the_search_button_moves_while_it_searches() {
    let mut test = Test::new(snapshot(5), 1_440.0);
    let before = test.harness.get_by_label("Import…").rect();
    let mut next = Snapshot::clone(&test.engine.snapshots.borrow());
    next.revision += 1;
    next.search.pass = Some(1);
    test.engine
        .snapshots
        .send_replace(std::sync::Arc::new(next));
    test.harness.run();
    assert!(test.shows("Stop"));
    assert_eq!(test.harness.get_by_label("Import…").rect(), before);
}

#[test]
fn evidence_that_is_alike_is_one_line() {
    let mut snapshot = snapshot(1);
    let mut unit = snapshot
        .units
        .iter()
        .next()
        .expect("one unit")
        .1
        .as_ref()
        .clone();
    let last = unit.evidence.back().expect("it was heard").clone();
    unit.evidence.extend(std::iter::repeat_n(last, 9));
    snapshot.units = rollcall::model::snapshot::Units::from_vec(vec![std::sync::Arc::new(unit)]);
    let mut test = Test::new(snapshot, 1_440.0);
    test.press(Modifiers::NONE, Key::ArrowDown);
    assert!(test.shows(" ×12"), "what is alike is counted");
    assert_eq!(
        test.harness
            .query_all_by_label_contains("Announcement, UDP")
            .count(),
        1
    );
}

#[test]
fn a_new_unit_says_what_comes_next() {
    let mut snapshot = snapshot(4);
    // Number 3 is new and has no name.
    let unit = snapshot.units.iter().nth(3).expect("four units").1.clone();
    snapshot.units = rollcall::model::snapshot::Units::from_vec(vec![unit]);
    let mut test = Test::new(snapshot, 1_440.0);
    test.press(Modifiers::NONE, Key::ArrowDown);
    assert!(test.shows("Give it a name, or import an inventory file"));
    test.harness.get_by_label("Rename…").click();
    test.harness.run();
    test.harness
        .get_by_label("Name of the unit")
        .type_text("fra2-b-r02");
    test.harness.run();
    test.press(Modifiers::NONE, Key::Enter);
    assert!(
        matches!(&test.commands()[..], [Command::Edit(Edit::Name { name, .. })] if name == "fra2-b-r02")
    );
}
