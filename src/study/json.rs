//! A study as JSON. Keys are in snake case and always there, null where nothing is known. Datagrams are counted from 1, as
//! the packets of the capture are.

use serde::Serialize;

use super::messages::{FieldSeen, MessageSeen, Summary, UndecodedSeen};
use super::text::{direction_word, hex};
use super::{Judgment, StudiedDatagram, Study, judge};
use crate::model::shown::escape_in_json;
use crate::wire::{Guess, annotate, decode};

#[derive(Serialize)]
struct StudyFile<'a> {
    format: &'static str,
    format_version: u32,
    program: &'static str,
    masked: bool,
    gathered: String,
    gathered_millis: i64,
    unit: UnitJson<'a>,
    statements: Vec<StatementJson<'a>>,
    messages: Vec<MessageJson<'a>>,
    num_messages_left_out: usize,
    undecoded: Vec<UndecodedJson<'a>>,
    num_undecoded: usize,
    datagrams: Vec<DatagramJson<'a>>,
}

#[derive(Serialize)]
struct UnitJson<'a> {
    name: Option<&'a str>,
    mac: Option<String>,
    ip: Option<String>,
    product: Option<&'a str>,
    sys_object_id: Option<&'a str>,
    serial: Option<&'a str>,
}

#[derive(Serialize)]
struct StatementJson<'a> {
    number: &'static str,
    id: &'static str,
    standing: &'static str,
    text: &'static str,
    section: &'static str,
    settled_by: &'static str,
    verdict: &'static str,
    because: &'a str,
    datagrams: Vec<usize>,
}

#[derive(Serialize)]
struct MessageJson<'a> {
    kind: &'static str,
    message_type: u8,
    direction: &'static str,
    num: usize,
    num_unasked: usize,
    first: String,
    first_millis: i64,
    last: String,
    last_millis: i64,
    min_length: usize,
    max_length: usize,
    remarks: Vec<RemarkJson>,
    fields: Vec<FieldJson<'a>>,
    example: ExampleJson,
}

#[derive(Serialize)]
struct RemarkJson {
    remark: &'static str,
    num: usize,
}

#[derive(Serialize)]
struct FieldJson<'a> {
    number: u8,
    meaning: Option<&'static str>,
    num: usize,
    lengths: &'a [usize],
    varies: bool,
    num_values: usize,
    values: Vec<ValueJson>,
}

#[derive(Serialize)]
struct ValueJson {
    hex: String,
    num: usize,
}

#[derive(Serialize)]
struct ExampleJson {
    datagram: usize,
    annotated: Vec<SpanJson>,
}

#[derive(Serialize)]
struct SpanJson {
    offset: usize,
    length: usize,
    label: String,
}

#[derive(Serialize)]
struct UndecodedJson<'a> {
    datagram: usize,
    reason: &'static str,
    because: String,
    hint: Option<&'static str>,
    guesses: Vec<GuessJson<'a>>,
}

#[derive(Serialize)]
struct GuessJson<'a> {
    offset: usize,
    length: usize,
    what: &'static str,
    text: Option<&'a str>,
}

#[derive(Serialize)]
struct DatagramJson<'a> {
    number: usize,
    when: String,
    when_millis: i64,
    direction: &'static str,
    interface: &'a str,
    channel: &'static str,
    from: String,
    to: Option<String>,
    unasked: bool,
    kind: Option<&'static str>,
    message_type: Option<u8>,
    sequence: Option<u16>,
    remarks: Vec<&'static str>,
    rejected: Option<&'static str>,
    length: usize,
    hex: String,
}

impl Study {
    /// The study for programs.
    pub fn to_json(&self) -> String {
        self.json(false).unwrap_or_default()
    }

    /// The same, with whether it was masked.
    pub(super) fn json(&self, is_masked: bool) -> Result<String, serde_json::Error> {
        let judgments = judge(self);
        let summary = self.summary();
        let json = serde_json::to_string_pretty(&self.file(&judgments, &summary, is_masked))?;
        Ok(format!("{}\n", escape_in_json(&json)))
    }

    fn file<'a>(
        &'a self,
        judgments: &'a [Judgment],
        summary: &'a Summary,
        is_masked: bool,
    ) -> StudyFile<'a> {
        let unit = &self.unit;
        StudyFile {
            format: "rollcall-study",
            format_version: 1,
            program: concat!("Rollcall ", env!("CARGO_PKG_VERSION")),
            masked: is_masked,
            gathered: self.when.to_string(),
            gathered_millis: self.when.as_millis(),
            unit: UnitJson {
                name: Some(unit.name.as_str()).filter(|name| !name.is_empty()),
                mac: unit.mac.map(|mac| mac.to_string()),
                ip: unit.ip.map(|ip| ip.to_string()),
                product: Some(unit.product.as_str()).filter(|product| !product.is_empty()),
                sys_object_id: unit.sys_object_id.as_deref(),
                serial: unit.serial.as_deref(),
            },
            statements: judgments.iter().map(statement).collect(),
            messages: summary
                .messages
                .iter()
                .map(|seen| self.message(seen))
                .collect(),
            num_messages_left_out: summary.num_messages_left_out,
            undecoded: summary.undecoded.iter().map(undecoded).collect(),
            num_undecoded: summary.num_undecoded,
            datagrams: self
                .datagrams
                .iter()
                .enumerate()
                .map(|(idx, seen)| datagram(idx, seen))
                .collect(),
        }
    }

    fn message<'a>(&self, seen: &'a MessageSeen) -> MessageJson<'a> {
        let annotated = match self.datagrams.get(seen.example) {
            Some(example) => annotate(&example.bytes),
            None => Vec::new(),
        };
        MessageJson {
            kind: seen.kind.label(),
            message_type: seen.kind.code(),
            direction: direction_word(seen.direction),
            num: seen.num,
            num_unasked: seen.num_unasked,
            first: seen.first.to_string(),
            first_millis: seen.first.as_millis(),
            last: seen.last.to_string(),
            last_millis: seen.last.as_millis(),
            min_length: seen.min_len,
            max_length: seen.max_len,
            remarks: seen
                .remarks
                .iter()
                .map(|(remark, num)| RemarkJson {
                    remark: remark.as_str(),
                    num: *num,
                })
                .collect(),
            fields: seen.fields.iter().map(field).collect(),
            example: ExampleJson {
                datagram: seen.example + 1,
                annotated: annotated
                    .into_iter()
                    .map(|span| SpanJson {
                        offset: span.range.start,
                        length: span.range.len(),
                        label: span.label,
                    })
                    .collect(),
            },
        }
    }
}

fn statement(judgment: &Judgment) -> StatementJson<'_> {
    let statement = judgment.statement;
    StatementJson {
        number: statement.number,
        id: statement.id,
        standing: statement.standing.word(),
        text: statement.text,
        section: statement.section,
        settled_by: statement.settled_by,
        verdict: judgment.verdict.word(),
        because: &judgment.because,
        datagrams: judgment.datagrams.iter().map(|idx| idx + 1).collect(),
    }
}

fn field(seen: &FieldSeen) -> FieldJson<'_> {
    FieldJson {
        number: seen.number,
        meaning: seen.meaning,
        num: seen.num,
        lengths: &seen.lengths,
        varies: seen.varies(),
        num_values: seen.num_values,
        values: seen
            .values
            .iter()
            .map(|(value, num)| ValueJson {
                hex: hex(value),
                num: *num,
            })
            .collect(),
    }
}

fn undecoded(seen: &UndecodedSeen) -> UndecodedJson<'_> {
    UndecodedJson {
        datagram: seen.idx + 1,
        reason: seen.rejection.reason(),
        because: seen.rejection.to_string(),
        hint: seen.rejection.hint(),
        guesses: seen
            .guesses
            .iter()
            .map(|hint| {
                let (what, text) = match &hint.what {
                    Guess::SenderMac => ("sender_mac", None),
                    Guess::SenderIp => ("sender_ip", None),
                    Guess::Text(text) => ("text", Some(text.as_str())),
                };
                GuessJson {
                    offset: hint.offset,
                    length: hint.len,
                    what,
                    text,
                }
            })
            .collect(),
    }
}

fn datagram(idx: usize, seen: &StudiedDatagram) -> DatagramJson<'_> {
    let decoded = decode(&seen.bytes);
    let message = decoded.as_ref().ok();
    DatagramJson {
        number: idx + 1,
        when: seen.when.to_string(),
        when_millis: seen.when.as_millis(),
        direction: direction_word(seen.direction),
        interface: &seen.interface,
        channel: seen.channel.word(),
        from: seen.from.to_string(),
        to: seen.to.map(|to| to.to_string()),
        unasked: seen.is_unasked,
        kind: message.map(|message| message.frame.kind().label()),
        message_type: message.map(|message| message.frame.message_type()),
        sequence: message.map(|message| message.frame.sequence()),
        remarks: message
            .iter()
            .flat_map(|message| message.remarks.iter())
            .map(crate::wire::Remark::as_str)
            .collect(),
        rejected: decoded.as_ref().err().map(crate::wire::Rejection::reason),
        length: seen.bytes.len(),
        hex: hex(&seen.bytes),
    }
}
