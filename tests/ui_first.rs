//! The first start, the About window, the licenses and the check of the installation, without a display.

use std::sync::Arc;

use egui::os::OperatingSystem;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use rollcall::app::App;
use rollcall::engine::command::Command;
use rollcall::engine::firewall::RuleChange;
use rollcall::engine::handle::EngineEnd;
use rollcall::model::snapshot::{
    Check, DoctorReport, FirewallState, Remedy, RuleState, Snapshot, Verdict,
};
use rollcall::settings::{Renderer, Settings};
use window::{before, empty_snapshot, snapshot};

#[expect(dead_code, reason = "other tests of the window use the rest")]
#[path = "support/window.rs"]
mod window;

struct Test {
    harness: Harness<'static, App>,
    engine: EngineEnd,
    /// What was remembered last.
    remembered: Option<Settings>,
    /// Keeps the dialogs' runtime alive.
    _runtime: tokio::runtime::Runtime,
}

impl Test {
    fn first_start(snapshot: Snapshot, os: OperatingSystem) -> Self {
        Self::new(snapshot, Settings::default(), os, vec2(1_440.0, 900.0))
    }

    fn started_before(snapshot: Snapshot) -> Self {
        let settings = Settings {
            welcomed: true,
            ..Settings::default()
        };
        let size = vec2(1_440.0, 900.0);
        Self::new(snapshot, settings, OperatingSystem::Nix, size)
    }

    fn new(snapshot: Snapshot, settings: Settings, os: OperatingSystem, size: egui::Vec2) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without threads can always be built");
        let ctx = egui::Context::default();
        let (app, engine) =
            window::window_as_left(&ctx, snapshot, settings, runtime.handle().clone(), None);
        let app = app.drawn_by(Renderer::OpenGl, None);
        let mut harness = window::harness(app, size, os);
        harness.run();
        Self {
            harness,
            engine,
            remembered: None,
            _runtime: runtime,
        }
    }

    /// The commands since the last call; what is remembered is kept apart.
    fn commands(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        while let Ok(command) = self.engine.commands.try_recv() {
            match command {
                Command::Remember(settings) => self.remembered = Some(*settings),
                command => commands.push(command),
            }
        }
        commands
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    fn press(&mut self, key: Key) {
        self.harness.key_press_modifiers(Modifiers::NONE, key);
        self.harness.run();
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).count() > 0
    }

    fn is_welcoming(&self) -> bool {
        self.shows("Nothing is changed on any unit")
    }

    fn run_from_palette(&mut self, words: &str) {
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
        self.harness.run();
        self.harness.get_by_label("Find a command").type_text(words);
        self.harness.run();
        self.press(Key::Enter);
    }

    fn publish(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.engine.snapshots.borrow());
        next.revision += 1;
        change(&mut next);
        self.engine.snapshots.send_replace(Arc::new(next));
        self.harness.run();
    }

    fn copied(&self) -> String {
        self.harness
            .output()
            .platform_output
            .commands
            .iter()
            .find_map(|command| match command {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            })
            .expect("something was copied")
    }

    /// Clicks and takes what was copied: it is gone with the next frame.
    fn copy(&mut self, label: &str) -> String {
        self.harness.get_by_label(label).click();
        self.harness.step();
        self.copied()
    }
}

fn check(verdict: Verdict, what: &str, remedies: Vec<Remedy>) -> Check {
    Check {
        verdict,
        interface: None,
        what: what.to_owned(),
        hint: (verdict != Verdict::Good).then(|| "Do this about it".to_owned()),
        remedies,
    }
}

fn with_firewall(firewall: FirewallState) -> Snapshot {
    let mut snapshot = empty_snapshot(1);
    snapshot.doctor = Arc::new(DoctorReport {
        firewall,
        ..DoctorReport::clone(&snapshot.doctor)
    });
    snapshot
}

#[test]
fn the_first_start_is_welcomed_once_and_escape_closes_it() {
    let mut test = Test::first_start(empty_snapshot(1), OperatingSystem::Nix);
    assert!(test.is_welcoming());
    assert!(test.shows("Rollcall listens on enp3s0 and enx00e04c"));
    assert!(test.shows("The system asks nothing"));
    test.press(Key::Escape);
    assert!(!test.is_welcoming());
    assert_eq!(test.commands().len(), 0, "listening never waited for it");
    let remembered = test.remembered.expect("it is remembered at once");
    assert!(remembered.welcomed);
    let size = vec2(1_440.0, 900.0);
    let again = Test::new(empty_snapshot(1), remembered, OperatingSystem::Nix, size);
    assert!(!again.is_welcoming(), "it never comes back");
}

#[test]
fn enter_shows_the_grid() {
    let mut test = Test::first_start(snapshot(5), OperatingSystem::Mac);
    assert!(test.shows("macOS asks once"));
    test.press(Key::Enter);
    assert!(!test.is_welcoming());
    assert_eq!(
        test.commands().len(),
        0,
        "the Enter that closed it does nothing else"
    );
    assert!(test.harness.state().settings().welcomed);
}

#[test]
fn the_demo_is_started_from_the_welcome() {
    let mut test = Test::first_start(snapshot(0), OperatingSystem::Nix);
    // The window behind offers the same; a person sees the one in front.
    let button = test
        .harness
        .query_all_by_label("Try the demo fleet")
        .last()
        .expect("the welcome is in front");
    button.click();
    test.harness.run();
    assert!(matches!(test.commands()[..], [Command::StartDemo]));
    assert!(!test.is_welcoming());
    assert!(test.harness.state().settings().welcomed);
}

#[test]
fn a_demo_is_no_first_start() {
    let mut demo = snapshot(3);
    demo.site.demo = true;
    let test = Test::first_start(demo, OperatingSystem::Windows);
    assert!(!test.is_welcoming());
    assert!(!test.harness.state().settings().welcomed);
}

#[test]
fn windows_is_offered_the_firewall_rule_until_it_is_there() {
    let missing = FirewallState::Rule(RuleState::Missing);
    let mut test = Test::first_start(with_firewall(missing), OperatingSystem::Windows);
    assert!(test.shows("Windows may ask"));
    test.click("Allow through the firewall…");
    assert!(matches!(
        test.commands()[..],
        [Command::FirewallRule(RuleChange::Add)]
    ));
    assert!(test.is_welcoming(), "what comes of it is still to be seen");
    test.publish(|snapshot| {
        snapshot.doctor = Arc::new(DoctorReport {
            firewall: FirewallState::Rule(RuleState::Present),
            ..DoctorReport::clone(&snapshot.doctor)
        });
    });
    assert!(test.shows("its firewall lets units reach Rollcall already"));
    assert!(!test.shows("Allow through the firewall…"));
    test.press(Key::Escape);
    test.run_from_palette("remove the firewall");
    assert!(matches!(
        test.commands()[..],
        [Command::FirewallRule(RuleChange::Remove)]
    ));
}

#[test]
fn linux_gets_the_command_for_the_firewall_that_is_on() {
    let on = FirewallState::On {
        name: "ufw",
        command: "sudo ufw allow 3502",
    };
    let mut test = Test::first_start(with_firewall(on), OperatingSystem::Nix);
    assert!(test.shows("its firewall ufw is on"));
    assert_eq!(test.copy("Copy command"), "sudo ufw allow 3502");
    assert!(!test.shows("Allow through the firewall…"));
}

#[test]
fn in_the_smallest_window_at_200_per_cent_every_button_is_seen_when_it_is_reached() {
    let on = FirewallState::On {
        name: "ufw",
        command: "sudo ufw allow proto udp to any port 3502,3211",
    };
    let snapshot = with_firewall(on);
    let settings = Settings::default();
    let size = vec2(480.0, 300.0);
    let mut test = Test::new(snapshot, settings, OperatingSystem::Nix, size);
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..12 {
        test.harness.key_press_modifiers(Modifiers::NONE, Key::Tab);
        // What is scrolled to moves over some frames.
        test.harness.run_steps(30);
        let names = ["Show the grid", "Try the demo fleet", "Copy command"];
        let is_focused_button = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
            node.is_focused() && node.role() == egui::Role::Button
        };
        for node in test.harness.query_all_by(is_focused_button) {
            let Some(name) = node.accesskit_node().label() else {
                continue;
            };
            if names.contains(&name.as_str()) {
                let rect = node.rect();
                assert!(window.contains_rect(rect), "{name} at {rect:?}");
                reached.insert(name);
            }
        }
    }
    assert_eq!(reached.len(), 3, "reached by Tab: {reached:?}");
}

#[test]
fn about_says_what_this_is_and_opens_the_licenses() {
    let mut test = Test::started_before(snapshot(5));
    test.run_from_palette("about");
    assert!(test.shows(env!("CARGO_PKG_VERSION")));
    assert!(test.shows(std::env::consts::ARCH));
    assert!(test.shows("OpenGL (glow)"));
    assert_eq!(
        test.copy("Copy path of Logs"),
        "/home/tech/.local/state/rollcall"
    );
    let all = test.copy("Copy all");
    for words in ["Version: ", "Drawn with: OpenGL", "/home/tech/sites"] {
        assert!(all.contains(words), "{all}");
    }
    test.click("Third-party licenses");
    assert!(test.shows("Rollcall, MIT license"));
    assert!(
        !test.shows("Typeface: DejaVu"),
        "only what is seen is drawn"
    );
    test.press(Key::End);
    assert!(
        !test.shows("Rollcall, MIT license"),
        "the keyboard scrolls to the end"
    );
    test.press(Key::Home);
    assert!(test.shows("Rollcall, MIT license"));
    assert!(test.copy("Copy all").contains("SIL OPEN FONT LICENSE"));
    test.press(Key::Escape);
    assert!(test.shows("OpenGL (glow)"), "back to where it came from");
    test.press(Key::Escape);
    assert!(!test.shows("OpenGL (glow)"));
}

#[test]
fn the_check_of_the_installation_lists_everything_that_was_checked() {
    let mut test = Test::started_before(snapshot(5));
    test.run_from_palette("check the installation");
    assert!(matches!(test.commands()[..], [Command::RunDoctor]));
    assert!(test.shows("Checking…"), "an older report is no answer");
    test.publish(|snapshot| {
        snapshot.doctor = Arc::new(DoctorReport {
            when: before(0),
            installation: vec![
                check(
                    Verdict::Good,
                    "Sites can be saved in /home/tech/sites",
                    vec![],
                ),
                check(
                    Verdict::Warning,
                    "Logs cannot be written in /var/log",
                    vec![],
                ),
            ],
            ..DoctorReport::clone(&snapshot.doctor)
        });
    });
    assert!(!test.shows("Checking…"));
    assert!(test.shows("2 things to look at"));
    for words in [
        "Sites can be saved in",
        "Logs cannot be written in",
        "enp3s0 has a link",
        "The firewall may drop",
        "Do this about it",
    ] {
        assert!(test.shows(words), "{words}");
    }
    let copied = test.copy("Copy as text");
    for words in [
        "good     Sites can be saved",
        "warning  Logs cannot be",
        "hint: Do this",
        "Networks",
    ] {
        assert!(copied.contains(words), "{copied}");
    }
    test.click("Check again");
    assert!(matches!(test.commands()[..], [Command::RunDoctor]));
    test.press(Key::Escape);
    assert!(!test.shows("Sites can be saved in"));
}

#[test]
fn the_check_is_reached_from_the_welcome_and_leads_back() {
    let mut test = Test::first_start(empty_snapshot(1), OperatingSystem::Nix);
    test.click("Check the installation…");
    assert!(matches!(test.commands()[..], [Command::RunDoctor]));
    assert!(!test.is_welcoming());
    test.press(Key::Escape);
    assert!(test.is_welcoming());
    assert!(!test.harness.state().settings().welcomed);
}

#[test]
fn a_check_of_windows_has_the_buttons_that_mend_it() {
    let mut snapshot = with_firewall(FirewallState::Rule(RuleState::Missing));
    snapshot.doctor = Arc::new(DoctorReport {
        when: before(0),
        installation: vec![check(
            Verdict::Warning,
            "There is no firewall rule",
            vec![
                Remedy::AllowFirewall,
                Remedy::Copy("netsh add rule".to_owned()),
            ],
        )],
        ..DoctorReport::clone(&snapshot.doctor)
    });
    let settings = Settings {
        welcomed: true,
        ..Settings::default()
    };
    // The smallest window.
    let size = vec2(960.0, 600.0);
    let mut test = Test::new(snapshot, settings, OperatingSystem::Windows, size);
    test.run_from_palette("check the installation");
    assert_eq!(test.copy("Copy command"), "netsh add rule");
    test.click("Allow through the firewall…");
    let commands = test.commands();
    assert!(
        matches!(
            commands[..],
            [Command::RunDoctor, Command::FirewallRule(RuleChange::Add)]
        ),
        "{commands:?}"
    );
}

#[cfg(not(windows))]
#[test]
fn the_flag_for_administrators_does_nothing_where_no_rule_is_needed() {
    let program = env!("CARGO_BIN_EXE_rollcall");
    let run = |args: &[&str]| {
        std::process::Command::new(program)
            .args(args)
            // Were the flag not taken, no window would open on the screen of whoever runs the tests.
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .output()
            .expect("the program was built")
    };
    let output = run(&["--firewall-rule", "add"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("only Windows needs a rule"), "{said}");
    let wrong = run(&["--firewall-rule", "all"]);
    assert_eq!(wrong.status.code(), Some(2), "and a wrong word is refused");
    let help = run(&["--help"]);
    let help = String::from_utf8_lossy(&help.stdout);
    assert!(
        help.contains("--demo") && !help.contains("firewall"),
        "{help}"
    );
}
