//! The window over a capture that is replayed, by role and label, without a display: the time line, what is not possible
//! meanwhile, ages, and the comparison with the site.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use hands::Hands;
use rollcall::app::{UiCommand, View, WatchCommand};
use rollcall::engine::command::{Command, Notice, ReplayMove};
use rollcall::model::identity::ApplianceId;
use rollcall::model::snapshot::Snapshot;
use rollcall::model::time::Timestamp;
use rollcall::model::watching::{
    Comparison, Difference, DifferenceKind, ReplayReading, ReplayState,
};
use rollcall::settings::{Settings, ThemeChoice};
use window::before;

#[path = "support/hands.rs"]
mod hands;
#[expect(dead_code, reason = "other tests of the window use the rest")]
#[path = "support/window.rs"]
mod window;

/// A capture of 10,000 s until 100 s from now, at its end: a step of the keys is 50 s.
fn replay() -> ReplayState {
    ReplayState {
        path: "/tmp/floor 2.pcapng".into(),
        reading: None,
        num_datagrams: 48_201,
        num_packets: 1_204_011,
        span: Some((before(9_900), before(-100))),
        at: before(-100),
        playing: None,
        speed: 60,
        histogram: Arc::new((0..600).map(|idx| idx % 40).collect()),
        is_there: true,
        trouble: None,
        remarks: Vec::new(),
        compared: Some(Arc::new(comparison())),
    }
}

fn comparison() -> Comparison {
    let line = |kind, id: Option<u64>, name: &str, what: &str| Difference {
        kind,
        id: id.map(ApplianceId),
        mac: None,
        ip: None,
        name: name.to_owned(),
        what: what.to_owned(),
    };
    Comparison {
        site: "FRA2 hall B".to_owned(),
        num_same: 17,
        lines: vec![
            line(DifferenceKind::OnlyInReplay, Some(3), "fresh", ""),
            line(
                DifferenceKind::Differs,
                Some(5),
                "moved",
                "address 10.20.4.15, in the site 10.20.4.99",
            ),
            line(DifferenceKind::OnlyInSite, None, "gone", ""),
        ],
        num_left_out: 0,
    }
}

fn snapshot() -> Snapshot {
    let mut snapshot = window::snapshot(20);
    "floor 2".clone_into(&mut snapshot.site.name);
    snapshot.site.path = None;
    snapshot.site.read_only = Some("it is a replay of a capture".to_owned());
    snapshot.watching.replay = Some(Arc::new(replay()));
    snapshot
}

fn test() -> Hands {
    Hands::new(snapshot(), Settings::default(), vec2(1_440.0, 900.0))
}

/// Changes the replay in the next snapshot.
fn publish(test: &mut Hands, change: impl FnOnce(&mut ReplayState)) {
    test.publish(|snapshot| {
        let mut next = snapshot
            .watching
            .replay
            .as_deref()
            .cloned()
            .unwrap_or_else(replay);
        change(&mut next);
        snapshot.watching.replay = Some(Arc::new(next));
    });
}

/// Where the engine was told to go.
fn target(test: &mut Hands) -> Timestamp {
    match test.command() {
        Command::Replay(ReplayMove::To(when)) => when,
        other => panic!("the replay moves: {other:?}"),
    }
}

#[test]
fn a_capture_is_opened_by_its_path() {
    let mut test = Hands::new(
        window::snapshot(5),
        Settings::default(),
        vec2(1_440.0, 900.0),
    );
    assert!(!test.shows("Time line"));
    test.palette("open capture");
    test.type_into("Path", "floor 2.pcapng");
    test.press(Key::Enter);
    let Command::OpenReplay(path) = test.command() else {
        panic!("a capture is opened");
    };
    assert_eq!(path, PathBuf::from("/home/tech/Documents/floor 2.pcapng"));
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window never reads files".to_owned())
    }
}

#[test]
fn a_capture_is_opened_by_dropping_it() {
    let mut test = Hands::new(
        window::snapshot(5),
        Settings::default(),
        vec2(1_440.0, 900.0),
    );
    for name in ["/tmp/a.pcap", "/tmp/b.PCAPNG", "/tmp/c.csv"] {
        let file: egui::DroppedFileHandle = Arc::new(Dropped(name.into()));
        test.harness.input_mut().dropped_files.push(file);
    }
    test.harness.run();
    let commands = test.commands();
    assert!(
        matches!(
            &commands[..],
            [
                Command::OpenReplay(_),
                Command::OpenReplay(_),
                Command::Import(_)
            ]
        ),
        "{commands:?}"
    );
}

#[test]
fn the_bar_says_where_it_is_and_that_nobody_listens() {
    let test = test();
    assert!(test.shows("Nov 22, 12:14:21 of 09:27:41–12:14:21"));
    assert!(test.shows("48,201 datagrams on the watched ports in 1,204,011 packets"));
    assert!(test.shows("Replay: nothing is listened to"));
    assert!(!test.is_enabled("Search now"));
    assert!(!test.is_enabled("Import…"));
}

#[test]
fn keys_move_along_the_time_line() {
    let mut test = test();
    test.focus("Time line");
    test.press(Key::ArrowLeft);
    assert_eq!(target(&mut test), before(-50));
    // Not there yet: the next step goes on from where it is wanted.
    test.press(Key::ArrowLeft);
    assert_eq!(target(&mut test), before(0));
    publish(&mut test, |replay| replay.at = before(0));
    test.press(Key::ArrowRight);
    assert_eq!(target(&mut test), before(-50));
    test.press(Key::Home);
    assert_eq!(target(&mut test), before(9_900));
    publish(&mut test, |replay| replay.at = before(9_900));
    assert!(test.shows("Nov 22, 09:27:41 of"));
    test.press(Key::ArrowLeft);
    assert_eq!(
        target(&mut test),
        before(9_900),
        "it does not leave the capture"
    );
    test.press(Key::End);
    assert_eq!(target(&mut test), before(-100));
}

#[test]
fn a_click_goes_there() {
    let mut test = test();
    test.harness.get_by_label_contains("Time line").click();
    test.harness.run();
    let (when, middle) = (target(&mut test), before(4_900));
    let off = when.millis_since(middle).max(middle.millis_since(when));
    assert!(off < 20_000, "{when} is not in the middle");
    // The click gave it the keyboard.
    publish(&mut test, |replay| replay.at = when);
    test.press(Key::Home);
    assert_eq!(target(&mut test), before(9_900));
}

#[test]
fn a_drag_tells_the_engine_again_only_when_it_has_followed() {
    let mut test = test();
    let rect = test.harness.get_by_label_contains("Time line").rect();
    let at = |share: f32| egui::pos2(rect.left() + rect.width() * share, rect.center().y);
    test.harness.drag_at(at(0.5));
    test.harness.run();
    for step in 1..=10 {
        test.harness.hover_at(at(0.5 + 0.02 * step as f32));
        test.harness.step();
    }
    let num_sent = test.commands().len();
    assert!(
        num_sent <= 1,
        "{num_sent} while the engine has not answered"
    );
    publish(&mut test, |replay| replay.at = before(4_900));
    test.harness.drop_at(at(0.9));
    test.harness.run();
    let last = test.commands().pop();
    assert!(
        matches!(last, Some(Command::Replay(ReplayMove::To(when))) if when > before(1_000) && when < before(800)),
        "{last:?}"
    );
}

#[test]
fn a_drag_whose_pointer_goes_away_is_over() {
    let mut test = test();
    let rect = test.harness.get_by_label_contains("Time line").rect();
    let at = |share: f32| egui::pos2(rect.left() + rect.width() * share, rect.center().y);
    test.harness.drag_at(at(0.5));
    test.harness.run();
    test.harness.hover_at(at(0.6));
    test.harness.run();
    // The window loses the pointer and the drag with it: nobody lets go of the button here.
    test.harness.event(egui::Event::PointerGone);
    test.harness.run();
    test.harness.ctx.stop_dragging();
    test.harness.run();
    publish(&mut test, |replay| replay.at = before(9_000));
    publish(&mut test, |replay| replay.at = before(8_000));
    let words = test.harness.get_by_label_contains("Time line");
    let words = words.accesskit_node().label().unwrap_or_default();
    assert!(
        words.contains("09:59:21"),
        "the marker stands where the replay is: {words}"
    );
}

#[test]
fn space_plays_and_pauses_and_the_speed_is_chosen() {
    let mut test = test();
    test.focus("Time line");
    test.press(Key::Space);
    let command = test.command();
    assert!(
        matches!(command, Command::Replay(ReplayMove::Play { speed: 60 })),
        "{command:?}"
    );
    publish(&mut test, |replay| replay.playing = Some(60));
    test.press(Key::Space);
    assert!(matches!(test.command(), Command::Replay(ReplayMove::Pause)));
    test.click("Speed: 60×");
    test.click("Play at 600×");
    let command = test.command();
    assert!(
        matches!(command, Command::Replay(ReplayMove::Play { speed: 600 })),
        "{command:?}"
    );
}

#[test]
fn a_typed_time_is_gone_to_or_refused_with_words() {
    let mut test = test();
    test.press_with(Modifiers::COMMAND, Key::G);
    test.type_into("Go to time", "10:30");
    test.press(Key::Enter);
    assert_eq!(target(&mut test).to_string(), "2026-11-22T10:30:00Z");
    test.press_with(Modifiers::COMMAND, Key::G);
    test.type_into("Go to time", "18:00");
    test.press(Key::Enter);
    assert!(test.commands().is_empty());
    assert!(test.shows("18:00 is not in this capture, which is of 09:27:41–12:14:21"));
    test.type_into("Go to time", "x");
    assert!(!test.shows("is not in this capture"), "typing goes on");
    test.press(Key::Enter);
    assert!(test.shows("is no time: type 14:32"));
}

#[test]
fn what_asks_or_changes_is_refused_with_the_reason() {
    const REASON: &str = "A replay asks nobody and changes nothing";
    let refused = [
        UiCommand::SearchNow,
        UiCommand::StopSearch,
        UiCommand::ToggleLiveSearch,
        UiCommand::Sweep,
        UiCommand::AskTcp,
        UiCommand::Identify,
        UiCommand::IdentifyUnidentified,
        UiCommand::IdentifyAll,
        UiCommand::Import,
        UiCommand::SaveSiteAs,
        UiCommand::Undo,
        UiCommand::Redo,
        UiCommand::Rename,
        UiCommand::EditNote,
        UiCommand::Forget,
        UiCommand::AddUnit,
        UiCommand::SetV3User,
        UiCommand::RemoveV3User,
        UiCommand::Watch(WatchCommand::AcceptFinding),
        UiCommand::Watch(WatchCommand::ReopenFinding),
        UiCommand::Watch(WatchCommand::EditManagement),
        UiCommand::Watch(WatchCommand::FillManagement),
        UiCommand::Watch(WatchCommand::ToggleCapture),
        UiCommand::Watch(WatchCommand::StartExpose),
    ];
    let mut test = test();
    // With a unit selected nothing else is in the way.
    test.press(Key::ArrowDown);
    for command in UiCommand::ALL {
        test.press_with(Modifiers::COMMAND, Key::K);
        test.type_into("Find a command", command.text());
        let words = format!("{}: {REASON}", command.text());
        let is_refused = refused.contains(&command);
        assert_eq!(
            test.shows(&words),
            is_refused,
            "{command:?} says why it is not possible"
        );
        if is_refused {
            test.press(Key::Enter);
            assert!(test.commands().is_empty(), "{command:?}");
        }
        test.press(Key::Escape);
    }
    for key in [Key::F5, Key::F6] {
        test.press(key);
    }
    test.press_with(Modifiers::COMMAND, Key::O);
    assert!(test.commands().is_empty());
    assert!(test.shows(REASON));
}

#[test]
fn ages_are_those_of_the_replays_time() {
    let mut test = test();
    // Unit number 1 was last heard 100 s before the end of the capture.
    assert!(test.shows("1 min ago"), "100 s after the clock's time");
    publish(&mut test, |replay| replay.at = before(-3_700));
    assert!(test.shows("1 h ago"));
    assert!(!test.shows("1 min ago"));
    test.publish(|snapshot| snapshot.watching.replay = None);
    assert!(!test.shows("1 h ago"), "the clock counts again");
}

#[test]
fn playing_repaints_with_snapshots_only() {
    let mut test = test();
    publish(&mut test, |replay| replay.playing = Some(3_600));
    test.focus("Time line");
    // Settings that differ from what was read are written once; then nothing is left to do.
    test.harness.run_steps(90);
    test.harness.run();
    let delay = test.repaint_delay();
    assert!(delay > std::time::Duration::from_hours(1), "{delay:?}");
}

#[test]
fn reading_shows_progress_and_can_be_canceled() {
    let mut test = test();
    publish(&mut test, |replay| {
        replay.span = None;
        replay.reading = Some(ReplayReading {
            read_bytes: 256 << 20,
            total_bytes: 1 << 30,
            started: before(4),
        });
    });
    assert!(test.shows("256.0 MiB of 1024.0 MiB, 64.0 MiB a second, 12 s left"));
    test.harness.run_steps(90);
    test.harness.run();
    assert!(test.repaint_delay() > std::time::Duration::from_hours(1));
    test.click("Close replay");
    assert!(matches!(test.command(), Command::CloseReplay));
}

#[test]
fn trouble_and_remarks_are_said() {
    let mut test = test();
    publish(&mut test, |replay| {
        replay.trouble = Some("packet 4,711: it is longer than the file".to_owned());
        replay.remarks = vec!["3 packets were cut short".to_owned()];
    });
    assert!(test.shows("Not read to its end: packet 4,711"));
    assert!(test.shows("3 packets were cut short"));
}

#[test]
fn differences_are_filtered_copied_and_lead_to_the_unit() {
    let mut test = test();
    test.click("Compare with the site…");
    assert!(test.shows("17 units are the same in the replay at "));
    assert!(test.shows(" and in FRA2 hall B"));
    assert!(test.shows("Only in the replay: 1"));
    test.harness.get_by_label("Copy comparison").click();
    test.harness.step();
    let copied = test.copied();
    assert!(
        copied.contains("Differs\t\t\tmoved\taddress 10.20.4.15"),
        "{copied}"
    );
    test.harness.run();
    test.click("Differs: 1");
    assert!(!test.shows("fresh"));
    test.press(Key::ArrowDown);
    test.press(Key::Enter);
    assert!(!test.shows("Only in the site: 1"), "the window is closed");
    assert_eq!(test.harness.state().view(), View::Discover);
    let selected = test
        .harness
        .query_all_by_role(egui::Role::Row)
        .filter(|row| row.accesskit_node().is_selected() == Some(true))
        .count();
    assert_eq!(selected, 1, "its unit is selected");
}

#[test]
fn a_replay_is_not_remembered_as_the_last_site() {
    let mut test = test();
    let before = test.harness.state().settings().last_site.clone();
    test.notice(Notice::SiteOpened(None));
    assert_eq!(test.harness.state().settings().last_site, before);
    assert!(test.harness.state().settings().recent_sites.is_empty());
}

#[test]
fn the_bar_stands_over_every_view_in_small_windows_and_both_themes() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let settings = Settings {
            theme,
            ..Settings::default()
        };
        let mut test = Hands::new(snapshot(), settings, vec2(960.0, 600.0));
        for key in [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Comma] {
            test.press_with(Modifiers::COMMAND, key);
            let rect = test.harness.get_by_label_contains("Time line").rect();
            assert!(
                rect.width() > 900.0 && rect.top() < 160.0,
                "{key:?}: {rect:?}"
            );
            for label in [
                "Close replay",
                "Compare with the site…",
                "Speed: 60×",
                "Go to time",
            ] {
                let rect = test.harness.get_by_label(label).rect();
                assert!(rect.right() < 960.0, "{label}: {rect:?}");
            }
        }
        test.palette("compare with");
        let rect = test.harness.get_by_label("Close").rect();
        assert!(rect.bottom() < 600.0, "{rect:?}");
    }
}
