//! The window's side of identification: asking units what they are, why they are said to be it, their answers and
//! targets, the settings for it, and other things that answered.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use egui::os::OperatingSystem;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use identified::{known_unit, site, unknown_unit};
use rollcall::app::App;
use rollcall::engine::command::{Command, IdentifyRequest, Notice};
use rollcall::engine::handle::EngineEnd;
use rollcall::engine::identify::credentials::V3Auth;
use rollcall::model::appliance::Appliance;
use rollcall::model::identification::Confidence;
use rollcall::model::identity::ApplianceId;
use rollcall::model::probing::{Answer, ClueKind, Outcome, Probe, Probed};
use rollcall::model::snapshot::{CatalogState, IdentifyState, OtherAnswer, Snapshot, V3State};
use rollcall::settings::Settings;
use window::before;

#[path = "support/identified.rs"]
mod identified;
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
    fn new(snapshot: Snapshot) -> Self {
        Self::with(snapshot, Settings::default(), vec2(1_440.0, 900.0))
    }

    fn with(snapshot: Snapshot, settings: Settings, size: egui::Vec2) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without threads can always be built");
        let ctx = egui::Context::default();
        let (app, engine) =
            window::window(&ctx, snapshot, settings, runtime.handle().clone(), None);
        let mut harness = window::harness(app, size, OperatingSystem::Nix);
        harness.run();
        Self {
            harness,
            engine,
            _runtime: runtime,
        }
    }

    /// The window over these units, the first one selected.
    fn over(units: Vec<Appliance>) -> Self {
        let mut test = Self::new(site(units));
        test.press(Modifiers::NONE, Key::ArrowDown);
        test
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run();
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    /// Runs a button by the keyboard, also one that is scrolled out of sight.
    fn enter(&mut self, label: &str) {
        self.harness.get_by_label(label).focus();
        self.harness.run();
        self.press(Modifiers::NONE, Key::Enter);
    }

    /// Hovers a cell of the grid until it speaks.
    fn hover_cell(&mut self, text: &str) {
        let cell = self.harness.get_by_role_and_label(egui::Role::Cell, text);
        let place = cell.rect().center();
        self.harness.hover_at(place);
        self.harness.run_steps(8);
    }

    fn type_into(&mut self, label: &str, text: &str) {
        let field = self.harness.get_by_label(label);
        field.focus();
        field.type_text(text);
        self.harness.run();
    }

    /// Runs a command of the palette by its words.
    fn run_command(&mut self, words: &str) {
        self.press(Modifiers::COMMAND, Key::K);
        self.type_into("Find a command", words);
        self.press(Modifiers::NONE, Key::Enter);
    }

    fn commands(&mut self) -> Vec<Command> {
        window::commands(&mut self.engine)
    }

    /// The settings that were written last, after the second for which they wait.
    fn remembered(&mut self) -> Settings {
        self.harness.run_steps(12);
        let mut last = None;
        while let Ok(command) = self.engine.commands.try_recv() {
            if let Command::Remember(settings) = command {
                last = Some(*settings);
            }
        }
        last.expect("changed settings are written")
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).count() > 0
    }

    fn has(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).count() > 0
    }

    fn is_enabled(&self, label: &str) -> bool {
        let node = self.harness.get_by_label(label);
        !node.accesskit_node().is_disabled()
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
fn the_next_step_of_an_unknown_unit_is_to_identify_it() {
    let mut test = Test::over(vec![unknown_unit()]);
    test.click("Identify");
    let commands = test.commands();
    let [Command::Identify(IdentifyRequest::Units(ids))] = &commands[..] else {
        panic!("one question: {commands:?}");
    };
    assert_eq!(ids[..], [ApplianceId(2)]);
    test.press(Modifiers::NONE, Key::F6);
    assert!(matches!(test.commands()[..], [Command::Identify(_)]));
    test.press(Modifiers::SHIFT, Key::F6);
    test.run_command("Identify all units");
    assert!(matches!(
        test.commands()[..],
        [
            Command::Identify(IdentifyRequest::Unidentified),
            Command::Identify(IdentifyRequest::All)
        ]
    ));
}

#[test]
fn a_known_unit_has_another_next_step() {
    let test = Test::over(vec![known_unit(0)]);
    assert!(!test.has("Identify"));
}

#[test]
fn the_demo_identifies_and_sweeps_without_probes() {
    let mut demo = site(vec![unknown_unit()]);
    demo.site.demo = true;
    let mut test = Test::new(demo);
    test.press(Modifiers::NONE, Key::ArrowDown);
    assert!(test.has("Identify"), "it is what comes next");
    test.press(Modifiers::NONE, Key::F6);
    assert!(matches!(
        test.commands()[..],
        [Command::Identify(IdentifyRequest::Units(_))]
    ));
    test.run_command("sweep a range");
    assert!(test.shows("The demo's addresses are made up: only discovery is asked there"));
}

#[test]
fn what_cannot_be_asked_says_why() {
    let mut nowhere = unknown_unit();
    nowhere.heard = None;
    let mut test = Test::over(vec![nowhere]);
    test.press(Modifiers::NONE, Key::F6);
    assert!(test.shows("Its address is not known"));

    let mut settings = Settings::default();
    settings.identify.off = Probe::ALL.map(|probe| probe.word().to_owned()).to_vec();
    let size = vec2(1_440.0, 900.0);
    let mut test = Test::with(site(vec![unknown_unit()]), settings, size);
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::F6);
    assert!(test.shows("Every probe is switched off in the settings"));

    let mut read_only = site(vec![unknown_unit()]);
    read_only.site.read_only = Some("another window has it open".to_owned());
    let mut test = Test::new(read_only);
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::F6);
    assert_eq!(test.commands().len(), 1, "as a search, it is possible");
}

#[test]
fn the_status_bar_shows_how_far_it_is_and_stops_it() {
    let mut test = Test::over(vec![unknown_unit()]);
    let state = IdentifyState {
        num_units: 250,
        num_done: 12,
        num_identified: 9,
        started: before(3),
        ended: None,
        was_stopped: false,
    };
    test.publish(|snapshot| snapshot.identifying = Some(state.clone()));
    assert!(test.shows("Identifying 12 of 250 · 9 known"));
    let place = test.harness.get_by_label("Stop identifying").rect();
    test.publish(|snapshot| {
        snapshot.identifying = Some(IdentifyState {
            num_done: 249,
            num_identified: 200,
            ..state.clone()
        });
    });
    let later = test.harness.get_by_label("Stop identifying").rect();
    assert_eq!(place, later, "the button keeps its place");
    test.click("Stop identifying");
    assert!(matches!(test.commands()[..], [Command::StopIdentify]));
    test.publish(|snapshot| {
        snapshot.identifying = Some(IdentifyState {
            ended: Some(before(0)),
            ..state
        });
    });
    assert!(!test.shows("Identifying"));
}

#[test]
fn the_status_bar_says_how_long_identifying_takes_yet() {
    let mut test = Test::over(vec![unknown_unit()]);
    let state = IdentifyState {
        num_units: 250,
        num_done: 2,
        num_identified: 1,
        started: before(60),
        ended: None,
        was_stopped: false,
    };
    test.publish(|snapshot| snapshot.identifying = Some(state.clone()));
    assert!(!test.shows(" left"), "two units tell little");
    let place = test.harness.get_by_label("Stop identifying").rect();
    test.publish(|snapshot| {
        snapshot.identifying = Some(IdentifyState {
            num_done: 50,
            num_identified: 40,
            ..state
        });
    });
    assert!(test.shows("Identifying 50 of 250 · 40 known, 4 min left"));
    let later = test.harness.get_by_label("Stop identifying").rect();
    assert_eq!(place, later, "the button keeps its place");
}

#[test]
fn exported_targets_are_counted() {
    let test = &mut Test::over(vec![known_unit(1)]);
    let notices = test.engine.notices.clone();
    for (num_rows, words) in [(1, "Exported 1 target"), (2, "Exported 2 targets")] {
        let path = "/home/tech/Documents/targets.csv".into();
        notices
            .try_send(Notice::TargetsExported { path, num_rows })
            .expect("the window listens");
        test.harness.run();
        assert!(test.has(words), "{words:?} is not said");
    }
}

#[test]
fn the_panel_lies_over_the_grid_where_there_is_no_room_beside_it() {
    let size = vec2(960.0, 600.0);
    let mut test = Test::with(site(vec![known_unit(48)]), Settings::default(), size);
    test.press(Modifiers::NONE, Key::ArrowDown);
    assert!(!test.has("Targets (48)"), "it is folded away at first");
    test.run_command("Show or hide the unit panel");
    test.click("Answers");
    assert!(test.shows("answered in 12 ms"));
    test.click("Targets (48)");
    let seen = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
    let first = "Port 1, ttyS1, rack-01-switch, enabled, 9600 bit/s, not connected";
    assert!(seen.contains_rect(test.harness.get_by_label(first).rect()));
    test.click(first);
    assert!(
        test.has("Targets (48)"),
        "a click goes to the panel, not to the grid"
    );

    // Escape first empties the filter, then closes the panel, then is the grid's.
    test.type_into("Filter the targets", "rack-07");
    test.press(Modifiers::NONE, Key::Escape);
    assert!(test.has(first), "the filter is empty, the panel is there");
    test.press(Modifiers::NONE, Key::Escape);
    assert!(!test.has("Targets (48)"));

    test.press(Modifiers::COMMAND, Key::I);
    assert!(test.has("Targets (48)"), "the unit is still selected");
    test.press(Modifiers::COMMAND, Key::I);
    assert!(!test.has("Targets (48)"), "the same command closes it");
    test.press(Modifiers::COMMAND, Key::I);
    test.click("Close the unit panel");
    assert!(!test.has("Targets (48)"));
    // From another view it leads to the unit.
    test.press(Modifiers::COMMAND, Key::Comma);
    test.press(Modifiers::COMMAND, Key::I);
    assert!(test.has("Targets (48)"));
    assert!(
        test.harness.state().settings().show_panel,
        "what a wider window shows is another choice"
    );
    // In a wider window it stands beside the grid.
    test.harness.set_size(vec2(1_200.0, 600.0));
    test.harness.run();
    assert!(test.has("Targets (48)") && !test.has("Close the unit panel"));
    test.harness.set_size(size);
    test.harness.run();
    assert!(!test.has("Targets (48)"), "folded away again");
}

#[test]
fn the_panel_says_what_it_is_and_why() {
    let test = Test::over(vec![known_unit(0)]);
    for words in [
        "Console server, 48 ports · Vertiv ACS 8000, sold by Dell",
        "Certain",
        "MAC block",
        "The object id is that of ACS 8000",
        "Its MAC block is “Avocent”␇",
        "Its certificate names another company",
        "Legacy TLS only",
        "0520011634",
        "Evidence",
    ] {
        assert!(test.shows(words), "{words:?} is not shown");
    }
}

#[test]
fn answers_are_listed_with_what_came() {
    let mut test = Test::over(vec![known_unit(0)]);
    test.click("Answers");
    for words in [
        "Asked at 10.20.4.12, 12 s ago",
        "answered in 12 ms",
        "silent",
        "closed",
        "could not be asked: no place was free",
        "Not asked: ",
        "Open port: 22, 443",
    ] {
        assert!(test.shows(words), "{words:?} is not shown");
    }
    assert!(!test.shows("1.3.6.1.2.1.1.1.0"), "folded at first");
    test.click("Raw answer of SNMP");
    assert!(test.shows("1.3.6.1.2.1.1.1.0 = Avocent ACS8048"));
    test.click("As bytes, SNMP");
    assert!(test.shows("0000 31 2e 33 2e 36 2e 31 2e"));
    // Hostile text is shown with symbols, and copied so.
    let shown = "Avocent ACS8048␛[2J[U+202E]txt";
    let clue = format!("Description: {shown}");
    test.harness.get_by_label(&clue).click();
    test.harness.step();
    let copied =
        test.harness.output().platform_output.commands.iter().any(
            |command| matches!(command, egui::OutputCommand::CopyText(words) if words == shown),
        );
    assert!(copied, "a click copies what is shown");
    test.harness.run();
    test.click("Ask this unit again");
    assert!(matches!(test.commands()[..], [Command::Identify(_)]));
}

#[test]
fn an_answer_of_an_earlier_round_does_not_look_new() {
    let mut unit = known_unit(0);
    let probed = Arc::make_mut(unit.probed.as_mut().expect("it was asked"));
    let snmp = &mut probed.answers[0];
    assert_eq!(snmp.probe, Probe::Snmp);
    snmp.when = before(3 * 86_400 + 60);
    let mut test = Test::over(vec![unit]);
    test.click("Answers");
    assert!(test.shows("answered 3 days ago, in 12 ms"));
    assert!(!test.shows("answered in 12 ms"));
    assert!(test.shows("answered in 0 ms"), "the ports are new");
}

#[test]
fn a_probe_that_is_off_says_so_in_the_answers() {
    let mut settings = Settings::default();
    settings.identify.off = vec!["telnet".to_owned()];
    let mut test = Test::with(site(vec![known_unit(0)]), settings, vec2(1_440.0, 900.0));
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.click("Answers");
    assert!(test.shows("Off in settings: Telnet"));
}

#[test]
fn a_possible_model_is_marked_in_the_grid() {
    let mut unit = known_unit(0);
    let identified = Arc::make_mut(unit.identified.as_mut().expect("it is identified"));
    identified.confidence = Some(Confidence::Possible);
    let mut settings = Settings::default();
    settings.grid.columns = ["status", "name", "model", "class"]
        .map(str::to_owned)
        .to_vec();
    let mut test = Test::with(site(vec![unit]), settings, vec2(1_440.0, 900.0));
    test.hover_cell("ACS8048 ?");
    assert!(test.shows("Possible: The object id is that of ACS 8000"));
    test.hover_cell("console server ?");
    assert!(test.shows("Possible: The object id is that of ACS 8000"));

    let mut unit = unknown_unit();
    unit.probed = Some(Arc::new(Probed {
        ip: Ipv4Addr::new(10, 20, 4, 12),
        when: before(5),
        answers: vec![Answer::new(Probe::Snmp, Outcome::Silent, before(5))],
        targets: Vec::new(),
    }));
    let mut test = Test::over(vec![unit]);
    test.hover_cell("no. 16");
    assert!(test.shows("Asked, no answer"));
}

#[test]
fn targets_are_filtered_scrolled_and_exported() {
    // The smallest window that has the panel.
    let size = vec2(1_200.0, 600.0);
    let mut test = Test::with(site(vec![known_unit(48)]), Settings::default(), size);
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.click("Targets (48)");
    let first = "Port 1, ttyS1, rack-01-switch, enabled, 9600 bit/s, not connected";
    let last = "Port 48, ttyS48, rack-48-switch, enabled, 9600 bit/s, connected";
    assert!(
        test.has(first) && !test.has(last),
        "only what is seen is drawn"
    );
    test.harness.get_by_label("Filter the targets").focus();
    test.harness.run();
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::End);
    test.harness.run();
    assert!(test.has(last) && !test.has(first), "the keys scroll");
    let seen = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
    assert!(seen.contains_rect(test.harness.get_by_label(last).rect()));
    test.type_into("Filter the targets", "rack-07");
    assert!(test.shows("Port 7, ttyS7") && !test.shows("Port 8,"));

    test.click("Export targets…");
    let path = test.harness.get_by_label("Path").value();
    assert_eq!(
        path.as_deref(),
        Some("/home/tech/Documents/FRA2 hall B targets.csv")
    );
    test.press(Modifiers::NONE, Key::Enter);
    let commands = test.commands();
    let [Command::ExportTargets(request)] = &commands[..] else {
        panic!("one export: {commands:?}");
    };
    assert_eq!(
        request.path,
        Path::new("/home/tech/Documents/FRA2 hall B targets.csv")
    );
    assert!(request.for_spreadsheets && !request.overwrite);
    assert_eq!(request.rows, [(0, ApplianceId(2))]);
    let request = request.clone();
    let notices = test.engine.notices.clone();
    notices
        .try_send(Notice::TargetsWouldReplace(request))
        .expect("the window listens");
    test.harness.run();
    test.click("Replace");
    assert!(matches!(&test.commands()[..], [Command::ExportTargets(again)] if again.overwrite));
}

#[test]
fn no_targets_say_what_to_do() {
    let mut test = Test::over(vec![unknown_unit()]);
    test.click("Targets");
    assert!(test.shows("Identify the unit: console servers tell of their serial ports"));
    test.run_command("Export targets");
    assert!(test.shows("There are no targets to export"));
    assert!(test.commands().is_empty());
}

#[test]
fn settings_of_identification_reach_the_engine_and_are_remembered() {
    let mut test = Test::over(vec![unknown_unit()]);
    test.press(Modifiers::COMMAND, Key::Comma);
    test.click("Identify newly heard units by themselves, in chosen networks only");
    test.click("Telnet");
    test.type_into(
        "Communities of SNMP v1 and v2c, separated by commas, tried in this order",
        ", hall-b",
    );
    test.press(Modifiers::NONE, Key::Enter);
    let sent: Vec<_> = test
        .commands()
        .into_iter()
        .map(|command| match command {
            Command::SetIdentify(settings) => settings,
            other => panic!("only settings: {other:?}"),
        })
        .collect();
    let last = sent.last().expect("the engine was told").clone();
    assert_eq!(sent.len(), 3, "once for each change");
    assert!(!last.automatic);
    assert_eq!(last.off, ["telnet"]);
    assert_eq!(last.communities, ["public", "hall-b"]);
    assert_eq!(test.harness.state().settings().identify, last);
    test.click("Telnet");
    assert_eq!(test.remembered().identify.communities, ["public", "hall-b"]);
}

#[test]
fn escape_gives_up_communities_that_are_being_typed() {
    let label = "Communities of SNMP v1 and v2c, separated by commas, tried in this order";
    let mut test = Test::over(vec![unknown_unit()]);
    test.press(Modifiers::COMMAND, Key::Comma);
    test.type_into(label, ", hall-b");
    let typed = test.harness.get_by_label(label).value();
    assert_eq!(typed.as_deref(), Some("public, hall-b"));
    test.press(Modifiers::NONE, Key::Escape);
    let typed = test.harness.get_by_label(label).value();
    assert_eq!(typed.as_deref(), Some("public"), "as it was before");
    assert!(test.commands().is_empty(), "the engine is not told");
    let identify = &test.harness.state().settings().identify;
    assert_eq!(identify.communities, ["public"]);
}

#[test]
fn the_catalog_tells_what_it_left_out() {
    let mut snapshot = site(vec![unknown_unit()]);
    snapshot.catalog = Arc::new(CatalogState {
        num_products: 412,
        num_own_rows: 3,
        refused: vec!["products.csv, line 7: it has no family".to_owned()],
        own_folder: Some("/home/tech/.config/rollcall/catalog".into()),
    });
    let mut test = Test::new(snapshot);
    test.press(Modifiers::COMMAND, Key::Comma);
    assert!(test.shows("412 products, 3 rows from your own files"));
    assert!(test.shows("products.csv, line 7: it has no family"));
    test.enter("Reload catalog");
    assert!(matches!(test.commands()[..], [Command::ReloadCatalog]));
    // As a screen reader does, in one frame.
    test.harness
        .get_by_label("Open catalog folder")
        .click_accesskit();
    test.harness.step();
    let opened = test
        .harness
        .output()
        .platform_output
        .commands
        .iter()
        .any(|command| {
            matches!(command, egui::OutputCommand::OpenUrl(open)
            if open.url == "file:///home/tech/.config/rollcall/catalog")
        });
    assert!(opened, "the system shows the folder");
}

#[test]
fn the_user_of_snmp_v3_is_checked_and_never_printed() {
    let mut test = Test::over(vec![unknown_unit()]);
    test.press(Modifiers::COMMAND, Key::Comma);
    assert!(test.shows("None is set: SNMP v3 is not asked"));
    assert!(!test.is_enabled("Remove the SNMP v3 user"));
    test.enter("SNMP v3 user…");
    assert!(!test.is_enabled("Set user"));
    test.type_into("User name", "rollcall");
    test.type_into("Passphrase for signing", "short");
    assert!(test.shows("The passphrase for signing has at least 8 characters"));
    test.type_into("Passphrase for signing", "-but-longer-now");
    test.type_into("Passphrase for encryption", "open-sesame");
    let masked = test
        .harness
        .get_by_label("Passphrase for encryption")
        .value();
    assert!(!masked.unwrap_or_default().contains("sesame"));
    assert!(test.shows("Encrypted with AES-128"));
    test.click("SHA-1");
    let app = format!("{:?}", test.harness.state());
    assert!(app.contains("V3User") && !app.contains("sesame"), "{app}");
    test.click("Set user");
    let commands = test.commands();
    let printed = format!("{commands:?}");
    assert!(!printed.contains("sesame") && !printed.contains("longer"));
    let [Command::SetV3User(Some(user))] = &commands[..] else {
        panic!("one user: {commands:?}");
    };
    assert_eq!((&*user.name, user.auth), ("rollcall", V3Auth::Sha1));
    assert_eq!(user.auth_pass.0, "short-but-longer-now");
    assert_eq!(user.priv_pass.0, "open-sesame");

    test.publish(|snapshot| {
        snapshot.snmp_v3 = V3State::Unkept {
            user: "rollcall".to_owned(),
            why: "there is no keyring".to_owned(),
        };
    });
    assert!(test.shows("“rollcall”, only until Rollcall is closed: there is no keyring"));
    test.enter("Remove the SNMP v3 user");
    assert!(matches!(test.commands()[..], [Command::SetV3User(None)]));
}

#[test]
fn a_sweep_looks_for_silent_units_too_unless_told_not_to() {
    let choice = "Also look for units that do not answer discovery (SNMP, web, SSH, ports)";
    for (is_off, expected) in [(false, true), (true, false)] {
        let mut test = Test::over(vec![unknown_unit()]);
        test.press(Modifiers::SHIFT, Key::F5);
        assert!(test.shows("Beyond 4,096 addresses only those that answered are probed"));
        if is_off {
            test.click(choice);
        }
        test.click("Sweep");
        let commands = test.commands();
        assert!(
            matches!(&commands[..], [Command::Sweep(request)] if request.probe == expected),
            "{commands:?}"
        );
    }
}

#[test]
fn other_things_that_answered_are_a_list_of_their_own() {
    let mut made_up = site(vec![unknown_unit()]);
    let other = |last| {
        let mut ports = Answer::new(Probe::Ports, Outcome::Answered, before(60));
        ports.add(ClueKind::OpenPort, "9100");
        Arc::new(OtherAnswer {
            probed: Arc::new(Probed {
                ip: Ipv4Addr::new(10, 20, 4, last),
                when: before(60),
                answers: vec![ports],
                targets: Vec::new(),
            }),
            identified: Arc::default(),
            what: "A printer\u{1b}".to_owned(),
        })
    };
    made_up.others = Arc::new(vec![other(70), other(71)]);
    made_up.strays = Arc::default();
    let mut test = Test::new(made_up);
    assert!(!test.shows("10.20.4.71"), "never among the units");
    test.press(Modifiers::COMMAND, Key::Num2);
    assert!(test.shows("Other things that answered (2)"));
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::ArrowDown);
    assert!(test.shows("10.20.4.71, A printer␛"));
    assert!(test.shows("Asked at 10.20.4.71, 1 min ago") && test.shows("Open port: 9100"));
    test.click("Add as unit…");
    let field = (egui::Role::TextInput, "Address");
    let field = test.harness.get_by_role_and_label(field.0, field.1);
    assert_eq!(field.value().as_deref(), Some("10.20.4.71"));
}

#[test]
fn an_idle_window_with_answers_draws_nothing() {
    for tab in ["Answers", "Targets (48)"] {
        let mut made_up = site(vec![known_unit(48)]);
        made_up.search.live = false;
        made_up.search.next = None;
        made_up.totals.last_heard = Some(before(90));
        let settings = Settings {
            live_search: false,
            ..Settings::default()
        };
        let mut test = Test::with(made_up, settings, vec2(1_440.0, 900.0));
        test.press(Modifiers::NONE, Key::ArrowDown);
        test.click(tab);
        // Settings that differ from what was read are written once; then nothing is left to do.
        test.harness.run_steps(90);
        test.harness.run();
        let outputs = test.harness.output().viewport_output.values();
        let delay = outputs.map(|viewport| viewport.repaint_delay).min();
        let delay = delay.expect("there is one window");
        assert!(delay.as_secs() > 3_600, "{tab}: nobody asks: {delay:?}");
    }
}
