//! Inventory files: golden files, the round trip, files of other tools, and hostile ones.
//! One long file, since all of it checks the same two functions with the same few helpers.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;
use rollcall::inventory::{
    Delimiter, FileMeta, Format, MAX_REPORTED, MAX_ROWS, ReadError, ReadInventory, WriteError,
    WriteStyle, read_inventory, write_inventory,
};
use rollcall::model::appliance::{Appliance, FileFacts, Heard, Typed};
use rollcall::model::edit::RefusedRow;
use rollcall::model::fact::Fact;
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::sighting::Source;
use rollcall::model::status::StatusContext;
use rollcall::model::time::Timestamp;

const STYLES: [WriteStyle; 5] = [
    style(Format::Csv, Delimiter::Comma, false),
    style(Format::Csv, Delimiter::Semicolon, false),
    style(Format::Csv, Delimiter::Comma, true),
    style(Format::Csv, Delimiter::Semicolon, true),
    style(Format::Json, Delimiter::Comma, false),
];

const fn style(format: Format, delimiter: Delimiter, for_spreadsheets: bool) -> WriteStyle {
    WriteStyle {
        format,
        delimiter,
        for_spreadsheets,
    }
}

fn meta() -> FileMeta {
    FileMeta {
        site: "Hall 4 \"north\"".to_owned(),
        written: Timestamp::from_millis(1_795_349_561_000),
        program: "rollcall 0.1.0".to_owned(),
    }
}

fn goes_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn unit_of(facts: FileFacts) -> Appliance {
    Appliance {
        id: ApplianceId(1),
        revision: 1,
        heard: None,
        probed: None,
        identified: None,
        imported: Some(Arc::new(facts)),
        typed: Typed::default(),
        evidence: VecDeque::new(),
    }
}

fn export(units: &[Appliance], extra_columns: &[String], style: WriteStyle) -> Vec<u8> {
    let mut out = Vec::new();
    let num_rows = write_inventory(
        &mut out,
        units.iter(),
        &StatusContext::default(),
        extra_columns,
        style,
        &meta(),
        &mut goes_on,
    )
    .expect("memory does not fail");
    assert_eq!(num_rows, units.len() as u64, "every unit is written");
    out
}

fn import(bytes: &[u8]) -> Result<ReadInventory, ReadError> {
    read_inventory(&mut &*bytes, Some(bytes.len() as u64), None, &mut goes_on)
}

fn good(bytes: &[u8]) -> ReadInventory {
    import(bytes).unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(bytes)))
}

fn units_of(read: &ReadInventory) -> Vec<Appliance> {
    read.rows
        .iter()
        .map(|row| unit_of(FileFacts::clone(&row.facts)))
        .collect()
}

/// Lines, columns and reasons, for assertions.
fn said(rows: &[RefusedRow]) -> Vec<(u64, &str, &str)> {
    rows.iter()
        .map(|row| (row.line, row.column, row.why.as_str()))
        .collect()
}

// ---------------------------------------------------------------------------------------------- golden files

fn golden_units() -> (Vec<Appliance>, Vec<String>) {
    let plain = FileFacts {
        name: "acs-r1".to_owned(),
        model: "ACS8048".to_owned(),
        class: "console server".to_owned(),
        ip: Some(Ipv4Addr::new(10, 20, 0, 5)),
        prefix: Some(24),
        gateway: Some(Ipv4Addr::new(10, 20, 0, 1)),
        mac: Some(Mac::new([0, 0xe0, 0x86, 0x12, 0x34, 0x56])),
        serial: "0520011634".to_owned(),
        part_number: "520-1055-501".to_owned(),
        firmware: "2.30.1".to_owned(),
        heard_on: "eth0".to_owned(),
        heard_by: "reply".to_owned(),
        first_heard: Timestamp::parse("2026-11-22T12:00:00Z"),
        last_heard: Timestamp::parse("2026-11-22T12:12:40Z"),
        note: "top; of rack".to_owned(),
        other_ips: vec![
            Ipv4Addr::new(192, 168, 160, 10),
            Ipv4Addr::new(10, 20, 0, 9),
        ],
        extra: vec![(0, "A-17".to_owned()), (1, "=1+1".to_owned())],
        ..FileFacts::default()
    };
    let hostile = FileFacts {
        name: "=cmd|' /C calc'!A0".to_owned(),
        model: "say \"hi\", twice".to_owned(),
        ip: Some(Ipv4Addr::UNSPECIFIED),
        mac: Some(Mac::new([0, 0xe0, 0x86, 0, 0, 1])),
        serial: "00e086000001".to_owned(),
        part_number: "-1".to_owned(),
        planned_name: "'quoted".to_owned(),
        planned_place: "Köln, Halle 4".to_owned(),
        note: "two\r\nlines\0and\ta tab".to_owned(),
        ..FileFacts::default()
    };
    let bare = FileFacts {
        serial: "0000012345".to_owned(),
        ..FileFacts::default()
    };
    let columns = vec!["Asset tag".to_owned(), "=HYPERLINK(\"x\")".to_owned()];
    let units = [plain, hostile, bare].map(unit_of).to_vec();
    (units, columns)
}

fn check_golden(style: WriteStyle, expected: &[u8]) {
    let (units, columns) = golden_units();
    let written = export(&units, &columns, style);
    assert_eq!(
        String::from_utf8_lossy(&written),
        String::from_utf8_lossy(expected),
        "{style:?} is a contract with other teams' tools"
    );
    let read = good(expected);
    assert!(read.refused.is_empty(), "{:?}", read.refused);
    assert_eq!(
        export(&units_of(&read), &read.extra_columns, style),
        expected
    );
}

#[test]
fn the_files_are_written_as_promised() {
    check_golden(STYLES[0], include_bytes!("data/inventory/exact-comma.csv"));
    check_golden(
        STYLES[3],
        include_bytes!("data/inventory/spreadsheets-semicolon.csv"),
    );
    check_golden(STYLES[4], include_bytes!("data/inventory/version-1.json"));
}

#[test]
fn json_keeps_none_and_unknown_apart() {
    let when = Timestamp::from_millis(0);
    let known = |value| Fact::Known {
        value,
        source: Source::Reply,
        when,
    };
    let mut unit = unit_of(FileFacts::default());
    unit.heard = Some(Heard {
        name: known_text("x", when),
        mac: Fact::Unavailable,
        ip: known(None),
        mask: known(None),
        gateway: Fact::NotAsked,
        model_number: None,
        modes: None,
        taught: None,
        earlier_ips: Vec::new(),
        flapped: None,
        presence: Vec::new(),
        first: when,
        last: when,
        last_source: Source::Reply,
        provisional: false,
    });
    let json = String::from_utf8(export(&[unit], &[], STYLES[4])).expect("JSON is UTF-8");
    assert!(
        json.contains(r#""ip":"none""#),
        "it says that it has none: {json}"
    );
    assert!(json.contains(r#""gateway":null"#), "nobody asked: {json}");
    let again = good(json.as_bytes());
    let json_again = export(&units_of(&again), &[], STYLES[4]);
    assert!(
        String::from_utf8_lossy(&json_again).contains(r#""ip":"none""#),
        "none survives an import"
    );
}

fn known_text(text: &str, when: Timestamp) -> Fact<String> {
    Fact::Known {
        value: text.to_owned(),
        source: Source::Reply,
        when,
    }
}

// ---------------------------------------------------------------------------------------------- the round trip

/// Texts that break careless writers and readers, 256 characters at most.
fn text() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec![
        "",
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "'",
        "''",
        "'=1",
        "\tx",
        "\r",
        "\n=1",
        "\r\n",
        "a\r\nb",
        "\"",
        "\"\"",
        "a\"b",
        ",",
        ";",
        "a;b,c|d\te",
        "\0",
        "a\0b",
        "\u{202e}evil",
        "\u{feff}bom",
        "0012345",
        "000",
        "00e086123456",
        "1e5",
        "  spaces  ",
        " ",
        "yes",
        "none",
        "null",
        "n/a",
        "Köln",
        "\u{1b}[2J",
        "{\"a\":1}",
        "sep=;",
        "\u{10ffff}",
        "\\",
        "\u{85}\u{2028}",
    ])
    .prop_map(str::to_owned);
    prop_oneof![
        3 => hostile,
        3 => prop::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter),
        1 => any::<char>().prop_map(|c| std::iter::repeat_n(c, 256).collect()),
        1 => "[=+@',;\"\r\n -]{0,8}",
    ]
}

fn ip() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from_bits)
}

fn instant() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of(0..253_000_000_000_i64)
        .prop_map(|secs| secs.map(|secs| Timestamp::from_millis(secs * 1000)))
}

prop_compose! {
    fn facts(num_extra: u32)(
        texts in prop::collection::vec(text(), 11),
        ip_known in prop::option::of(prop_oneof![ip(), Just(Ipv4Addr::UNSPECIFIED)]),
        prefix in prop::option::of(0..=32_u8),
        gateway in prop::option::of(ip()),
        mac in any::<[u8; 6]>(),
        first_heard in instant(),
        last_heard in instant(),
        other_ips in prop::collection::vec(ip(), 0..3),
        extra in prop::collection::vec(text(), num_extra as usize),
    ) -> FileFacts {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().expect("there are eleven");
        FileFacts {
            name: next(),
            model: next(),
            class: next(),
            ip: ip_known,
            prefix,
            gateway,
            mac: Some(Mac::new(mac)),
            serial: next(),
            part_number: next(),
            firmware: next(),
            planned_name: next(),
            planned_place: next(),
            heard_on: next(),
            heard_by: next(),
            first_heard,
            last_heard,
            note: next(),
            other_ips,
            extra: (0..num_extra).zip(extra).filter(|(_, text)| !text.is_empty()).collect(),
        }
    }
}

fn header() -> impl Strategy<Value = String> {
    let ours = prop::sample::select(vec![
        "note",
        "other_ips",
        "status",
        "S/N",
        "Hostname",
        "=1+1",
        "'name",
        "rack",
        "mac",
    ])
    .prop_map(str::to_owned);
    // A column without a name is only kept when a row has something in it, and `defused` is never kept.
    prop_oneof![ours, text()].prop_filter("has a name that is kept", |name| {
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        !name.is_empty() && !plain.eq_ignore_ascii_case("defused")
    })
}

fn site() -> impl Strategy<Value = (Vec<FileFacts>, Vec<String>)> {
    prop::collection::vec(header(), 0..5).prop_flat_map(|columns| {
        let num_extra = columns.len() as u32;
        (prop::collection::vec(facts(num_extra), 0..5), Just(columns))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn export_import_export_gives_the_same_bytes((facts, columns) in site()) {
        let units: Vec<Appliance> = facts.into_iter().map(unit_of).collect();
        for style in STYLES {
            let first = export(&units, &columns, style);
            let read = good(&first);
            prop_assert!(read.refused.is_empty(), "{:?}", read.refused);
            prop_assert!(read.remarks.is_empty(), "{:?}", read.remarks);
            prop_assert_eq!(&read.extra_columns, &columns);
            let again = export(&units_of(&read), &read.extra_columns, style);
            prop_assert_eq!(
                String::from_utf8_lossy(&first),
                String::from_utf8_lossy(&again),
                "in {:?}", style
            );
            prop_assert_eq!(first, again);
        }
    }

    #[test]
    fn nothing_a_spreadsheet_would_run_is_written_for_spreadsheets((facts, columns) in site()) {
        let units: Vec<Appliance> = facts.into_iter().map(unit_of).collect();
        let bytes = export(&units, &columns, STYLES[2]);
        let mut csv = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[3..]);
        for record in csv.byte_records() {
            for cell in &record.expect("it is well-formed") {
                prop_assert!(
                    !matches!(cell.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n')),
                    "{:?} would run", String::from_utf8_lossy(cell)
                );
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), tail in any::<bool>()) {
        let mut file = b"mac,name,\"x\n".to_vec();
        if tail {
            file.clear();
        }
        file.extend(&bytes);
        for format in [None, Some(Format::Csv), Some(Format::Json)] {
            // Only that it comes back is asked here.
            let _ = read_inventory(&mut &file[..], None, format, &mut goes_on);
        }
    }

    #[test]
    fn a_damaged_export_never_panics(cut in 0..900_usize, flip in any::<u8>(), json in any::<bool>()) {
        let (units, columns) = golden_units();
        let mut bytes = export(&units, &columns, if json { STYLES[4] } else { STYLES[2] });
        let at = cut % bytes.len();
        bytes[at] ^= flip;
        let _ = import(&bytes);
        bytes.truncate(at);
        let _ = import(&bytes);
    }
}

// ---------------------------------------------------------------------------------------------- other tools' files

#[test]
fn a_netbox_export_is_understood() {
    let read = good(include_bytes!("data/inventory/netbox.csv"));
    assert!(read.refused.is_empty(), "{:?}", read.refused);
    assert_eq!(
        read.extra_columns,
        [
            "role",
            "manufacturer",
            "asset_tag",
            "status",
            "site",
            "rack"
        ],
        "what is not ours is kept, another tool's status too"
    );
    let first = &read.rows[0].facts;
    assert_eq!(
        (&*first.name, &*first.model, &*first.serial, &*first.note),
        ("con-1", "ACS8048", "0520011634", "top of rack, left")
    );
    assert_eq!(first.extra[3], (3, "active".to_owned()));
    assert!(
        read.reading
            .iter()
            .any(|line| line == "\"device_type\" was taken for model"),
        "{:?}",
        read.reading
    );
}

#[test]
fn encodings_and_delimiters_are_recognized() {
    let text = "Serial Number;Hostname;IP Address;Mask\r\n0012;Köln €1;10.0.0.7;255.255.255.0\r\n";
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        format!("{mark}{text}")
            .encode_utf16()
            .flat_map(to_bytes)
            .collect()
    };
    let windows_1252 = text
        .chars()
        .map(|c| match c {
            '€' => 0x80,
            c => c as u8,
        })
        .collect();
    let files: [(&str, Vec<u8>); 11] = [
        ("UTF-8", text.as_bytes().to_vec()),
        (
            "UTF-8 with a byte order mark",
            format!("\u{feff}{text}").into_bytes(),
        ),
        ("UTF-16LE", utf_16(u16::to_le_bytes, true)),
        ("UTF-16BE", utf_16(u16::to_be_bytes, true)),
        ("UTF-16LE", utf_16(u16::to_le_bytes, false)),
        ("UTF-16BE", utf_16(u16::to_be_bytes, false)),
        ("Windows-1252", windows_1252),
        ("commas", text.replace(';', ",").into_bytes()),
        ("tabs", text.replace(';', "\t").into_bytes()),
        ("vertical bars", text.replace(';', "|").into_bytes()),
        (
            "as the first line says",
            format!("sep=;\r\n{text}").into_bytes(),
        ),
    ];
    for (words, file) in files {
        let read = good(&file);
        let facts = &read.rows[0].facts;
        assert_eq!(
            (&*facts.serial, &*facts.name, facts.ip, facts.prefix),
            (
                "0012",
                "Köln €1",
                Some(Ipv4Addr::new(10, 0, 0, 7)),
                Some(24)
            ),
            "{words}"
        );
        let line = if words.starts_with("as the") { 3 } else { 2 };
        assert_eq!(read.rows[0].line, line, "{words}");
        assert!(
            read.reading.iter().any(|said| said.ends_with(words)),
            "{words} in {:?}",
            read.reading
        );
    }
}

#[test]
fn every_bad_row_is_named_and_the_good_ones_are_taken() {
    let read = good(include_bytes!("data/inventory/bad-rows.csv"));
    let refused: Vec<(u64, &str, &str)> = read
        .refused
        .iter()
        .map(|row| (row.line, row.column, row.value.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            (3, "mac", "0E+86"),
            (4, "mac", "00:e0:86:12:34"),
            (5, "ip", "10.0.0.256"),
            (5, "prefix", "33"),
            (6, "gateway", "fe80::1"),
            (8, "prefix", "16"),
            (10, "row", "surplus"),
            (13, "row", ""),
        ],
        "{:#?}",
        read.refused
    );
    assert!(
        read.refused[0].why.contains("spreadsheet"),
        "{:?}",
        read.refused[0]
    );
    assert!(
        read.refused[4].why.contains("IPv6"),
        "{:?}",
        read.refused[4]
    );
    assert_eq!(said(&read.remarks).len(), 2, "{:#?}", read.remarks);
    assert_eq!(
        read.remarks
            .iter()
            .map(|row| (row.line, row.column))
            .collect::<Vec<_>>(),
        [(7, "last_heard"), (9, "serial")]
    );
    let lines: Vec<u64> = read.rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [2, 7, 9, 11, 16], "good rows are taken");
    assert_eq!(read.num_rows, 12);
    assert_eq!(read.rows[3].facts.note, "two\nlines");
}

#[test]
fn the_guard_is_only_taken_off_where_the_file_says_so() {
    let read = good(
        b"name,mac,'=x,Defused\r\n\
          '=1,00:e0:86:00:00:01,'-2,yes\r\n\
          '=1,00:e0:86:00:00:02,'-2,\r\n\
          'tis,00:e0:86:00:00:03,,YES\r\n",
    );
    assert_eq!(read.extra_columns, ["=x"], "`defused` is never kept");
    let texts: Vec<(&str, &str)> = read
        .rows
        .iter()
        .map(|row| {
            let extra = row.facts.extra.first().map_or("", |(_, text)| text);
            (row.facts.name.as_str(), extra)
        })
        .collect();
    assert_eq!(texts, [("=1", "-2"), ("'=1", "'-2"), ("'tis", "")]);
}

#[test]
fn long_names_are_cut_and_long_serials_refused() {
    let long = "n".repeat(300);
    let file = format!("serial,name\n1A,{long}\n{long},x\n");
    let read = good(file.as_bytes());
    assert_eq!(read.rows[0].facts.name.chars().count(), 256);
    assert_eq!((read.remarks[0].line, read.remarks[0].column), (2, "name"));
    assert_eq!(
        (read.refused[0].line, read.refused[0].column),
        (3, "serial")
    );
}

// ---------------------------------------------------------------------------------------------- files that are none

#[test]
fn what_is_no_inventory_is_refused_with_a_clear_sentence() {
    let files: [(&[u8], &str); 14] = [
        (b"", "the file is empty"),
        (b"\r\n\r\n", "the file is empty"),
        (
            include_bytes!("data/inventory/picture.csv"),
            "this is a PNG picture, not an inventory file",
        ),
        (b"PK\x03\x04\x14\0\x06\0", "save the sheet as CSV first"),
        (
            b"%PDF-1.7\n",
            "this is a PDF document, not an inventory file",
        ),
        (b"SQLite format 3\0", "a site file is opened, not imported"),
        (b"MZ\x90\0\x03\0\0\0\x04\0", "this is a binary file"),
        (
            b"name,color\nx,red\n",
            "needs a column named serial or mac in its first line; line 1 has \"name\", \"color\"",
        ),
        (
            b"[{\"mac\":\"00:e0:86:00:00:01\"}]",
            "it begins with a list",
        ),
        (b"{\"units\":[]}", "the key \"format\" is missing"),
        (
            b"{\"format\":\"other\",\"version\":1,\"units\":[]}",
            "its format is \"other\"",
        ),
        (
            b"{\"format\":\"rollcall-inventory\",\"version\":2,\"units\":[]}",
            "newer Rollcall (format version 2)",
        ),
        (
            b"{\"format\":\"rollcall-inventory\",\"version\":\"1\",\"units\":[]}",
            "its version is \"1\"",
        ),
        (b"{\n\"format\" \"x\"}", "line 2, column 10 is not JSON"),
    ];
    for (file, words) in files {
        let error = import(file).expect_err(words).to_string();
        assert!(error.contains(words), "{error:?} does not say {words:?}");
    }
    let too_large = read_inventory(&mut io::empty(), Some(2 << 30), None, &mut goes_on);
    assert!(matches!(too_large, Err(ReadError::TooLarge)));
}

#[test]
fn a_bad_unit_of_json_costs_one_unit() {
    let file = br#"{"format":"rollcall-inventory","version":1,"units":[
{"mac":"00:e0:86:00:00:01","rack":"A1","unknown":["t1",null,"defused?"]},
{"mac":"nonsense","ip":"10.0.0.300"},
7,
{"serial":["x"]},
{"serial":1234,"ip":"none","prefix":"255.255.255.0","rack":"A2"},
{"status":"heard"}
],"columns_unknown":["tag","Defused","more"]}"#;
    let read = good(file);
    assert_eq!(
        read.refused
            .iter()
            .map(|row| (row.line, row.column))
            .collect::<Vec<_>>(),
        [(3, "mac"), (3, "ip"), (4, "row"), (5, "serial"), (7, "row")],
        "{:#?}",
        read.refused
    );
    assert_eq!(read.extra_columns, ["tag", "more", "rack"]);
    let extra = |idx: usize| read.rows[idx].facts.extra.clone();
    let mut first = extra(0);
    first.sort();
    let cell = |idx, text: &str| (idx, text.to_owned());
    assert_eq!(first, [cell(0, "t1"), cell(1, "defused?"), cell(2, "A1")]);
    assert_eq!(extra(1), [cell(2, "A2")]);
    assert_eq!(read.rows[1].facts.ip, Some(Ipv4Addr::UNSPECIFIED));
    assert_eq!(
        (read.rows[1].line, read.rows[1].facts.prefix),
        (6, Some(24))
    );
}

#[test]
fn a_truncated_json_gives_what_came_before() {
    let (units, columns) = golden_units();
    let bytes = export(&units, &columns, STYLES[4]);
    let read = good(&bytes[..bytes.len() - 30]);
    assert_eq!(read.rows.len(), 2);
    assert_eq!(read.refused.len(), 1);
    assert_eq!(read.refused[0].line, 4);
    assert!(read.refused[0].why.contains("nothing after it was read"));
}

// ---------------------------------------------------------------------------------------------- bounds

/// A file that is made as it is read: `head`, then `line` for `times` times.
fn endless(head: &'static str, line: &'static str, times: u64) -> impl Read {
    let body = io::BufReader::new(Repeat {
        line: line.as_bytes(),
        at: 0,
        left: times,
    });
    head.as_bytes().chain(body)
}

struct Repeat {
    line: &'static [u8],
    at: usize,
    left: u64,
}

impl Read for Repeat {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let num = (&self.line[self.at..]).read(out)?;
        self.at += num;
        if self.at == self.line.len() {
            self.at = 0;
            self.left -= 1;
        }
        Ok(num)
    }
}

#[test]
fn more_rows_than_are_taken_are_one_line_of_the_report() {
    let mut file = endless("serial\n", "S1\n", MAX_ROWS + 500);
    let read = read_inventory(&mut file, None, None, &mut goes_on).expect("it is a file");
    assert_eq!(read.rows.len() as u64, MAX_ROWS);
    assert_eq!(read.num_rows, MAX_ROWS + 500);
    assert_eq!(read.refused.len(), 1);
    assert_eq!(read.refused[0].line, MAX_ROWS + 2);
    assert!(
        read.refused[0].why.starts_with("500 rows"),
        "{:?}",
        read.refused
    );
}

#[test]
fn the_report_is_bounded() {
    let mut file = endless("mac\n", "0E+86\n", MAX_REPORTED as u64 + 5);
    let read = read_inventory(&mut file, None, None, &mut goes_on).expect("it is a file");
    assert_eq!(read.refused.len(), MAX_REPORTED + 1);
    assert!(read.refused[MAX_REPORTED].why.starts_with("5 more"));
}

#[test]
fn a_quotation_mark_that_is_never_closed_takes_no_memory() {
    let mut file = endless(
        "serial,note\nS1,ok\nS2,\"",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
        300_000,
    );
    let read = read_inventory(&mut file, None, None, &mut goes_on).expect("it is a file");
    assert_eq!(read.rows.len(), 1);
    assert_eq!((read.refused.len(), read.refused[0].line), (1, 3));
    assert!(
        read.refused[0].why.contains("quotation mark"),
        "{:?}",
        read.refused
    );

    let short = good(b"serial,note\nS1,\"open\nS2,ok\nS3,ok\n");
    assert!(
        short.rows.is_empty(),
        "rows swallowed by a cell are not taken for a note"
    );
    assert_eq!(short.refused[0].line, 2);
}

#[test]
fn one_endless_unit_of_json_takes_no_memory() {
    let head = r#"{"format":"rollcall-inventory","version":1,"units":[
{"serial":"S1"},
{"serial":""#;
    let mut file = endless(head, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 400_000);
    let read = read_inventory(&mut file, None, None, &mut goes_on).expect("it has begun well");
    assert_eq!(read.rows.len(), 1);
    assert!(
        read.refused[0].why.contains("nothing after it was read"),
        "{:?}",
        read.refused
    );
    let deep = "[".repeat(100_000);
    let error = import(deep.as_bytes()).expect_err("nothing but brackets");
    assert!(matches!(error, ReadError::NotAnInventory { .. }), "{error}");
    let nested = format!("{{\"format\":\"rollcall-inventory\",\"version\":1,\"units\":[{deep}");
    assert_eq!(
        good(nested.as_bytes()).refused.len(),
        1,
        "too deep, but no panic"
    );
}

#[test]
fn cells_and_columns_are_bounded() {
    let cell = "x".repeat(40_000);
    let read = good(format!("serial,note,tag\nS1,{cell},\nS2,,{cell}\nS3,,\n").as_bytes());
    assert_eq!(
        said(&read.refused)
            .iter()
            .map(|(line, column, _)| (*line, *column))
            .collect::<Vec<_>>(),
        [(2, "note"), (3, "unknown column")]
    );
    let wide = format!("serial{}\n", ",".repeat(600));
    let error = import(wide.as_bytes()).expect_err("too wide");
    assert!(matches!(error, ReadError::TooManyColumns { .. }), "{error}");
    // Cells that a spreadsheet touched once have no name and nothing in them.
    let read = good(b"serial,,,tag,\nS1,,,t,\n");
    assert_eq!(read.extra_columns, ["tag"]);
    assert_eq!(read.rows[0].facts.extra, [(0, "t".to_owned())]);
}

#[test]
fn an_import_and_an_export_can_be_canceled() {
    for (head, line) in [
        ("serial\n", "S1\n"),
        (
            "{\"format\":\"rollcall-inventory\",\"version\":1,\"units\":[{\"serial\":\"S\"}\n",
            ",{\"serial\":\"S\"}\n",
        ),
    ] {
        let mut told = 0;
        let mut stop = |num_rows| {
            told = num_rows;
            if num_rows < 2000 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let read = read_inventory(&mut endless(head, line, 10_000), None, None, &mut stop);
        assert!(matches!(read, Err(ReadError::Canceled)), "{read:?}");
        assert!((2000..4000).contains(&told), "{told} rows were told");
    }
    let unit = unit_of(FileFacts::default());
    for style in STYLES {
        let written = write_inventory(
            &mut io::sink(),
            std::iter::repeat_n(&unit, 10_000),
            &StatusContext::default(),
            &[],
            style,
            &meta(),
            &mut |num_rows| {
                if num_rows < 2000 {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        assert!(matches!(written, Err(WriteError::Canceled)), "{written:?}");
    }
}

#[test]
fn a_full_disk_is_reported() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for style in STYLES {
        let written = write_inventory(
            &mut Full,
            std::iter::empty(),
            &StatusContext::default(),
            &[],
            style,
            &meta(),
            &mut goes_on,
        );
        let Err(WriteError::Io(error)) = written else {
            panic!("{written:?} with a full disk");
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
