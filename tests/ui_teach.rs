//! Teaching a decoder and studying a unit in the window, by role and label, without a display.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use hands::Hands;
use rollcall::app::View;
use rollcall::engine::command::{Command, Notice};
use rollcall::model::identity::Mac;
use rollcall::model::sighting::{Channel, RawDatagram, Stray, StrayReason, TaughtClaims};
use rollcall::model::snapshot::Snapshot;
use rollcall::model::traffic::Direction;
use rollcall::model::watching::DecodersState;
use rollcall::settings::{Settings, ThemeChoice};
use rollcall::study::{StudiedDatagram, StudiedUnit, Study};
use rollcall::taught::{Fact, Place};
use window::before;

#[path = "support/hands.rs"]
mod hands;
#[expect(dead_code, reason = "other tests of the window use the rest")]
#[path = "support/window.rs"]
mod window;

fn test() -> Hands {
    Hands::new(
        window::snapshot(5),
        Settings::default(),
        vec2(1_440.0, 900.0),
    )
}

/// The page, begun by keyboard with the newest of the three datagrams.
fn teaching(snapshot: Snapshot, size: egui::Vec2, theme: ThemeChoice) -> Hands {
    let settings = Settings {
        theme,
        ..Settings::default()
    };
    let mut test = Hands::new(snapshot, settings, size);
    test.press_with(Modifiers::COMMAND, Key::Num2);
    test.press(Key::ArrowDown);
    test.press_with(Modifiers::COMMAND, Key::T);
    assert!(test.shows("Teach Rollcall to read this"));
    test
}

fn wide() -> Hands {
    teaching(window::snapshot(5), vec2(1_440.0, 900.0), ThemeChoice::Dark)
}

/// Marks the word "hello" and says what it is, by keyboard.
fn mark_hello(test: &mut Hands, fact: &str) {
    test.focus("Bytes of the datagram");
    test.press(Key::Home);
    for _ in 0..6 {
        test.press(Key::ArrowRight);
    }
    for _ in 0..4 {
        test.press_with(Modifiers::SHIFT, Key::ArrowRight);
    }
    assert!(test.shows("marked 6 to 10: 68 65 6c 6c 6f"));
    test.focus(&format!("Marked bytes: {fact}"));
    test.press(Key::Enter);
}

#[test]
fn a_decoder_is_taught_by_keyboard() {
    let mut test = wide();
    assert!(test.shows("Name: it has no name"));
    test.press_with(Modifiers::COMMAND, Key::S);
    assert!(test.commands().is_empty());
    assert!(test.shows("Something is not right yet"));
    // The name has the keyboard when the page opens.
    test.type_into("Name: what sends such datagrams", "Printer");
    mark_hello(&mut test, "Name");
    // All three datagrams are alike.
    assert!(test.shows("3 of the newest 3 datagrams that are not AIDP match"));
    assert!(
        test.shows("✓ yes: IP 10.20.4.77, Name hello"),
        "the result is seen at once"
    );
    test.press_with(Modifiers::COMMAND, Key::S);
    let Command::SaveDecoder(draft) = test.command() else {
        panic!("a decoder is saved");
    };
    assert_eq!(draft.name, "Printer");
    assert_eq!(draft.ports, [3502]);
    let name = draft.field(Fact::Name).expect("it was marked");
    assert!(
        matches!(name.place, Place::Offset { offset: 6, .. }),
        "{name:?}"
    );
    assert_eq!(draft.problems(), []);
    test.notice(Notice::DecoderSaved {
        path: "/home/tech/decoders/Printer.toml".into(),
    });
    assert!(test.shows("Saved the decoder"));
    assert!(
        test.shows("Datagrams that made no unit"),
        "back in the list"
    );
}

#[test]
fn the_result_follows_what_is_typed() {
    let mut test = wide();
    test.type_into("Ports", ", 9");
    assert!(test.shows("3 of the newest 3"));
    test.click("Remove match 1");
    test.click("Add match");
    assert!(test.shows("Match 1: it has no bytes"));
    test.type_into("Match 1 in hex", "zz");
    assert!(test.shows("“zz” are no bytes in hex"));
    assert!(!test.is_enabled("Save decoder"));
    test.harness.get_by_label("Match 1 in hex").focus();
    test.press_with(Modifiers::COMMAND, Key::A);
    test.type_into("Match 1 in hex", "ff ff");
    assert!(test.shows("0 of the newest 3"));
    assert!(test.shows("✕ no: At byte 0 it has 02 53"), "and why not");
}

#[test]
fn one_number_is_one_number() {
    let mut test = wide();
    test.harness.get_by_label("Least bytes").focus();
    test.press_with(Modifiers::COMMAND, Key::A);
    test.type_into("Least bytes", "5, 7");
    assert!(test.shows("Least length: “5, 7” is more than one number"));
    assert!(!test.is_enabled("Save decoder"));
}

#[test]
fn no_more_matches_than_a_decoder_may_have_and_the_reason() {
    // High enough for all of them.
    let size = vec2(1_440.0, 2_400.0);
    let mut test = teaching(window::snapshot(5), size, ThemeChoice::Dark);
    for _ in 1..16 {
        test.click("Add match");
    }
    assert!(test.shows("Match 16 in hex"));
    let reason = "A decoder has at most 16 matches";
    let hovered = |test: &mut Hands, label: &str| {
        assert!(!test.is_enabled(label));
        let rect = test.harness.get_by_label(label).rect();
        test.harness.hover_at(rect.center());
        test.harness.run_steps(60);
        test.harness.run();
        let is_shown = test.shows(reason);
        test.harness.hover_at(egui::pos2(0.0, 0.0));
        test.harness.run();
        is_shown
    };
    assert!(hovered(&mut test, "Add match"));
    test.focus("Bytes of the datagram");
    test.press(Key::Home);
    assert!(hovered(&mut test, "Marked bytes: Always like this"));
}

#[test]
fn only_the_decoder_that_was_saved_is_closed() {
    let mut test = wide();
    test.type_into("Name: what sends such datagrams", "Printer");
    mark_hello(&mut test, "Name");
    test.press_with(Modifiers::COMMAND, Key::S);
    assert!(matches!(test.command(), Command::SaveDecoder(_)));
    // Before the answer comes it is given up, and another one is begun.
    test.click("Discard decoder");
    test.press_with(Modifiers::COMMAND, Key::T);
    test.type_into("Name: what sends such datagrams", "Scanner");
    test.notice(Notice::DecoderSaved {
        path: "/home/tech/decoders/Printer.toml".into(),
    });
    assert!(test.shows("Saved the decoder"));
    assert!(test.shows("Teach Rollcall to read this"), "nobody saved it");
}

#[test]
fn another_site_has_no_study_and_no_decoder_of_this_one() {
    let mut test = wide();
    test.type_into("Name: what sends such datagrams", "Printer");
    test.notice(Notice::SiteOpened(None));
    assert!(!test.shows("Teach Rollcall to read this"));

    let mut test = test_with_study();
    test.notice(Notice::SiteOpened(None));
    assert_eq!(test.harness.state().view(), View::Discover);
    assert!(!test.shows("Study of fra2-b-r01-con1"));
    // One that was asked for before comes too late.
    test.press(Key::ArrowDown);
    test.palette("study this unit");
    assert!(matches!(test.command(), Command::Study(_)));
    test.notice(Notice::SiteOpened(None));
    test.notice(Notice::Studied(study()));
    assert_eq!(test.harness.state().view(), View::Discover);

    let mut test = test_with_study();
    test.click("Save study…");
    test.notice(Notice::SiteOpened(None));
    assert!(!test.shows("Mask addresses, MACs and names"));
}

#[test]
fn the_same_site_under_another_name_keeps_what_is_shown() {
    let mut test = test_with_study();
    test.palette("save site as");
    test.harness.run();
    test.press(Key::Enter);
    let Command::SaveSiteAs { path, .. } = test.command() else {
        panic!("the site is saved");
    };
    test.notice(Notice::SiteOpened(Some(path)));
    assert!(test.shows("Study of fra2-b-r01-con1"));
}

#[test]
fn a_page_of_many_messages_draws_the_rows_that_are_seen() {
    let mut many = Study::clone(&study());
    let example = many.datagrams[0].clone();
    many.datagrams.clear();
    for message_type in 0x20..0x60 {
        let mut datagram = example.clone();
        let fields: [(u8, &[u8]); 1] = [(9, &[7; 250])];
        datagram.bytes = rollcall::wire::encode_raw(1, message_type, &fields).into();
        many.datagrams.push(datagram);
    }
    let mut test = test();
    test.press(Key::ArrowDown);
    test.palette("study this unit");
    test.commands();
    test.notice(Notice::Studied(Arc::new(many)));
    let rows = |test: &Hands| {
        test.harness
            .query_all_by_label_contains("07 07 07 07")
            .count()
    };
    let mut num_seen = rows(&test);
    for _ in 0..40 {
        test.press(Key::PageDown);
        num_seen = num_seen.max(rows(&test));
        assert!(rows(&test) < 60, "{} rows are widgets", rows(&test));
    }
    // Of 64 message types only the first few show their 17 rows.
    assert!(num_seen > 10, "{num_seen}");
}

#[test]
fn records_become_fields() {
    let mut test = wide();
    test.click("Has records of type, length and value");
    test.type_into("Record of type", "83");
    test.click("Record: Serial");
    assert!(test.shows("record of type 83"));
    test.click("Remove Serial");
    assert!(!test.shows("record of type 83"));
}

#[test]
fn a_mark_is_made_by_dragging() {
    let mut test = wide();
    let rect = test
        .harness
        .get_by_label_contains("Bytes of the datagram")
        .rect();
    // Sixteen bytes in a row: 5 columns of text before them, 3 for each, one for each behind.
    let cell = rect.width() / 69.0;
    let at = |byte: usize| {
        let column = 5.5 + 3.0 * byte as f32;
        egui::pos2(rect.left() + cell * column, rect.top() + 8.0)
    };
    test.harness.drag_at(at(1));
    test.harness.run();
    test.harness.hover_at(at(3));
    test.harness.run();
    test.harness.drop_at(at(4));
    test.harness.run();
    assert!(test.shows("marked 1 to 4: 53 53 44 50"));
    test.click("Marked bytes: Always like this");
    assert!(test.shows("Match 2 in hex"));
}

#[test]
fn it_is_copied_as_toml_or_given_up() {
    let mut test = wide();
    test.type_into("Name: what sends such datagrams", "Printer");
    mark_hello(&mut test, "Model");
    test.harness.get_by_label("Copy decoder as TOML").click();
    test.harness.step();
    let copied = test.copied();
    assert!(
        copied.contains("[[decoder]]") && copied.contains("fact = \"model\""),
        "{copied}"
    );
    test.harness.run();
    // Elsewhere and back: nothing is lost.
    test.press_with(Modifiers::COMMAND, Key::Num1);
    test.press_with(Modifiers::COMMAND, Key::Num2);
    assert!(test.shows("Model is read as text"));
    test.click("Discard decoder");
    assert!(test.shows("Datagrams that made no unit"));
}

#[test]
fn what_is_aidp_is_not_taught() {
    let mut snapshot = window::snapshot(5);
    let mut stray = window::stray(7);
    stray.reason = StrayReason::OtherType(9);
    snapshot.strays = Arc::new(vec![Arc::new(stray)]);
    let mut test = Hands::new(snapshot, Settings::default(), vec2(1_440.0, 900.0));
    test.press_with(Modifiers::COMMAND, Key::Num2);
    test.press(Key::ArrowDown);
    assert!(test.shows("Hints, not facts"));
    assert!(!test.shows("Teach Rollcall"));
    test.press_with(Modifiers::COMMAND, Key::T);
    assert!(test.shows("Choose a datagram in Diagnostics first that is not AIDP"));
}

#[test]
fn no_more_than_the_newest_200_are_tried() {
    let mut snapshot = window::snapshot(5);
    let stray = |seq: u64| {
        let mut bytes = b"\x02SSDP".to_vec();
        bytes.extend(seq.to_be_bytes());
        Arc::new(Stray {
            raw: RawDatagram::keep(&bytes),
            ..window::stray(seq)
        })
    };
    snapshot.strays = Arc::new((0..500).map(stray).collect());
    let test = teaching(snapshot, vec2(1_440.0, 900.0), ThemeChoice::Dark);
    assert!(test.shows("200 of the newest 200 datagrams"));
}

#[test]
fn the_page_fits_a_small_window_in_both_themes() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let mut test = teaching(window::snapshot(5), vec2(960.0, 600.0), theme);
        mark_hello(&mut test, "Name");
        for label in ["Save decoder", "Discard decoder", "Marked bytes: Name"] {
            let rect = test.harness.get_by_label(label).rect();
            assert!(rect.right() < 960.0, "{label}: {rect:?}");
        }
        // Nothing is left to do in a page that stands still.
        test.publish(|snapshot| {
            snapshot.search.live = false;
            snapshot.totals.last_heard = None;
        });
        test.focus("Bytes of the datagram");
        test.harness.run_steps(90);
        test.harness.run();
        let delay = test.repaint_delay();
        assert!(delay.as_secs() > 3_600, "{delay:?}");
    }
}

#[test]
fn settings_list_the_decoders() {
    let mut test = test();
    test.publish(|snapshot| {
        snapshot.watching.decoders = Arc::new(DecodersState {
            names: vec!["Printer".to_owned(), "Old PDU".to_owned()],
            refused: vec!["bad.toml:3:1: \"colour\" is not known".to_owned()],
            folder: Some("/home/tech/.config/rollcall/decoders".into()),
        });
    });
    test.press_with(Modifiers::COMMAND, Key::Comma);
    assert!(test.shows("2. Old PDU"));
    assert!(test.shows("Refused: bad.toml:3:1"));
    test.focus("Read decoders again");
    test.press(Key::Enter);
    assert!(matches!(test.command(), Command::ReloadDecoders));
}

#[test]
fn the_unit_panel_names_the_decoder() {
    let mut snapshot = window::snapshot(0);
    let mut unit = window::unit(0);
    let heard = unit.heard.as_mut().expect("it was heard");
    heard.taught = Some(Arc::new(vec![Arc::new(TaughtClaims {
        decoder: "Old PDU".to_owned(),
        ..TaughtClaims::default()
    })]));
    snapshot.units = rollcall::model::snapshot::Units::from_vec(vec![Arc::new(unit)]);
    let mut test = Hands::new(snapshot, Settings::default(), vec2(1_440.0, 900.0));
    test.press(Key::ArrowDown);
    assert!(test.shows("Taught by"));
    assert!(test.shows("Old PDU"));
}

fn study() -> Arc<Study> {
    let ip = Ipv4Addr::new(10, 20, 4, 11);
    let mac = [0, 0xe0, 0x86, 1, 2, 3];
    // The made-up reply says that it is longer than it is.
    let mut reply = window::reply_bytes(mac, ip);
    reply[11] = u8::try_from(reply.len() - 12).expect("it is short");
    let datagram = |secs: i64, bytes: Vec<u8>| StudiedDatagram {
        when: before(secs),
        direction: Direction::Heard,
        interface: "enp3s0".into(),
        channel: Channel::Udp3502,
        from: SocketAddr::from((ip, 3502)),
        to: None,
        bytes: bytes.into(),
        is_unasked: true,
    };
    Arc::new(Study {
        unit: StudiedUnit {
            name: "fra2-b-r01-con1".to_owned(),
            mac: Some(Mac::new(mac)),
            ip: Some(ip),
            product: "ACS8032".to_owned(),
            ..StudiedUnit::default()
        },
        when: before(0),
        datagrams: vec![
            datagram(60, reply.clone()),
            datagram(30, reply),
            datagram(20, b"hello".to_vec()),
        ],
    })
}

/// The page of a study, asked for and answered.
fn test_with_study() -> Hands {
    let mut test = test();
    test.press(Key::ArrowDown);
    test.palette("study this unit");
    assert!(matches!(test.command(), Command::Study(_)));
    test.notice(Notice::Studied(study()));
    assert_eq!(test.harness.state().view(), View::Study);
    test
}

#[test]
fn a_unit_is_studied_and_the_study_saved() {
    let mut test = test();
    test.palette("study this unit");
    assert!(test.commands().is_empty(), "no unit is selected");
    test.press(Key::Escape);
    test.press(Key::Escape);
    test.press(Key::ArrowDown);
    test.palette("study this unit");
    assert!(matches!(test.command(), Command::Study(_)));
    test.notice(Notice::Studied(study()));
    assert_eq!(test.harness.state().view(), View::Study);
    assert!(test.shows("Study of fra2-b-r01-con1"));
    assert!(test.shows("✓ Confirmed"));
    assert!(test.shows("○ Open"));
    assert!(test.shows("A1"));
    let all = test
        .harness
        .query_all_by_label_contains("To settle it")
        .count();
    assert!(all > 3, "{all}");
    test.harness
        .get_all_by_label_contains("Confirmed: ")
        .next()
        .expect("a chip counts them")
        .click();
    test.harness.run();
    assert!(!test.shows("To settle it"));
    assert!(test.shows("Discover reply, heard: 2 times"));
    assert!(test.shows("1 datagram could not be decoded"));
    test.click("Save study…");
    assert!(test.shows("Mask addresses, MACs and names"));
    test.press(Key::Enter);
    let Command::SaveStudy(request) = test.command() else {
        panic!("the study is saved");
    };
    assert!(request.mask && !request.overwrite, "{request:?}");
    assert_eq!(
        request.path,
        PathBuf::from("/home/tech/Documents/Study of a unit 2026-11-22.zip")
    );
    test.notice(Notice::StudyWouldReplace(request));
    assert!(test.shows("Replace file?"));
    test.press(Key::Enter);
    let Command::SaveStudy(request) = test.command() else {
        panic!("it may be replaced");
    };
    assert!(request.mask && request.overwrite);
    test.click("Close study");
    assert_eq!(test.harness.state().view(), View::Discover);
}

#[test]
fn a_study_is_saved_unmasked_on_request_only() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let settings = Settings {
            theme,
            ..Settings::default()
        };
        let mut test = Hands::new(window::snapshot(5), settings, vec2(960.0, 600.0));
        test.press(Key::ArrowDown);
        test.palette("study this unit");
        assert!(matches!(test.command(), Command::Study(_)));
        test.notice(Notice::Studied(study()));
        test.press(Key::PageDown);
        test.click("Save study…");
        test.click("Mask addresses, MACs and names");
        test.click("Save");
        let Command::SaveStudy(request) = test.command() else {
            panic!("the study is saved");
        };
        assert!(!request.mask);
        let is_chosen = |test: &Hands| test.harness.state().view() == View::Study;
        assert!(is_chosen(&test));
        let node = test.harness.get_by_label("Close study");
        assert!(!node.accesskit_node().is_disabled());
    }
}
