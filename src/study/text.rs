//! A study as a text for people: verdicts first, then what was seen, then every datagram in one line.

use std::fmt::Write as _;

use super::messages::{MessageSeen, Summary, UndecodedSeen, VALUES_COUNTED};
use super::{Judgment, StudiedDatagram, Study, Verdict, judge};
use crate::model::shown::show_text;
use crate::model::time::Timestamp;
use crate::model::traffic::Direction;
use crate::wire::{Guess, Kind, RowWidth, annotate, decode, hex_rows};

/// A value longer than this is cut in a list of values.
const VALUE_SHOWN_BYTES: usize = 32;

impl Study {
    /// The study for people. What came from the network is written so that no terminal and no editor takes it for anything
    /// but text.
    pub fn to_text(&self) -> String {
        let mut text = Text {
            study: self,
            out: String::new(),
        };
        text.unit();
        text.judgments(&judge(self));
        let summary = self.summary();
        text.messages(&summary);
        text.undecoded(&summary);
        text.datagrams();
        text.out
    }

    /// What a datagram is, in a few words: for lists, and for the comments of packets.
    pub(super) fn words_of(datagram: &StudiedDatagram) -> String {
        let mut words = match decode(&datagram.bytes) {
            Ok(decoded) => {
                let mut words = match decoded.frame.kind() {
                    Kind::DiscoverReply if datagram.is_unasked => "announcement".to_owned(),
                    kind => kind.to_string(),
                };
                write!(words, ", sequence {}", decoded.frame.sequence()).ok();
                if !decoded.remarks.is_empty() {
                    write!(words, ", {}", decoded.remarks).ok();
                }
                words
            }
            Err(rejection) => rejection.to_string(),
        };
        write!(words, ", {} bytes", datagram.bytes.len()).ok();
        words
    }
}

/// "#3", as packets are counted in the capture.
fn number(idx: usize) -> String {
    format!("#{}", idx + 1)
}

/// "once", "3 times".
fn times(num: usize) -> String {
    match num {
        1 => "once".to_owned(),
        num => format!("{num} times"),
    }
}

/// The word for a direction.
pub(super) const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Heard => "heard",
        Direction::Sent => "sent",
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").ok();
    }
    hex
}

struct Text<'a> {
    study: &'a Study,
    out: String,
}

impl Text<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    fn heading(&mut self, words: &str) {
        self.line("");
        self.line(words);
        self.line("=".repeat(words.chars().count()));
    }

    fn unit(&mut self) {
        let unit = &self.study.unit;
        let or_unknown = |text: String| {
            if text.is_empty() {
                "unknown".to_owned()
            } else {
                text
            }
        };
        let shown = |value: Option<String>| or_unknown(value.unwrap_or_default());
        let shown_text =
            |value: Option<&str>| shown(value.map(|text| show_text(text).into_owned()));
        let rows = [
            ("name", or_unknown(show_text(&unit.name).into_owned())),
            ("MAC", shown(unit.mac.map(|mac| mac.to_string()))),
            ("address", shown(unit.ip.map(|ip| ip.to_string()))),
            ("product", or_unknown(show_text(&unit.product).into_owned())),
            ("sysObjectID", shown_text(unit.sys_object_id.as_deref())),
            ("serial", shown_text(unit.serial.as_deref())),
            ("gathered", self.study.when.to_string()),
            ("datagrams", self.study.datagrams.len().to_string()),
        ];
        self.line("What the datagrams of one unit say about AIDP");
        self.line("");
        for (what, value) in rows {
            self.line(format!("{what:<12} {value}"));
        }
        self.line("");
        self.line("What is confirmed here is confirmed of the unit that sent these bytes. If that was a simulated unit, or a");
        self.line("program that pretends to be one, it says nothing about real units.");
    }

    fn judgments(&mut self, judgments: &[Judgment]) {
        self.heading("Statements");
        let count = |verdict| {
            judgments
                .iter()
                .filter(|judgment| judgment.verdict == verdict)
                .count()
        };
        let [confirmed, contradicted, open] =
            [Verdict::Confirmed, Verdict::Contradicted, Verdict::Open].map(count);
        self.line(format!(
            "{confirmed} confirmed, {contradicted} contradicted, {open} open"
        ));
        for judgment in judgments {
            let statement = judgment.statement;
            self.line("");
            self.line(format!(
                "{} {} ({}): {}",
                statement.number,
                statement.id,
                statement.standing.word(),
                judgment.verdict.word().to_uppercase()
            ));
            self.line(format!("    {}.", statement.text));
            self.line(format!("    Section: {}", statement.section));
            self.line(format!("    Because: {}", judgment.because));
            if !judgment.datagrams.is_empty() {
                let numbers: Vec<String> =
                    judgment.datagrams.iter().map(|idx| number(*idx)).collect();
                self.line(format!("    Datagrams: {}", numbers.join(", ")));
            }
            if judgment.verdict == Verdict::Open {
                self.line(format!("    Would be settled by: {}", statement.settled_by));
            }
        }
    }

    fn messages(&mut self, summary: &Summary) {
        self.heading("Messages");
        if summary.messages.is_empty() {
            self.line("None");
        }
        for message in &summary.messages {
            self.message(message);
        }
        if summary.num_messages_left_out > 0 {
            self.line(format!(
                "{} more message types are not listed",
                summary.num_messages_left_out
            ));
        }
    }

    fn message(&mut self, message: &MessageSeen) {
        self.line("");
        let unasked = match message.num_unasked {
            0 => String::new(),
            num => format!(", unasked {}", times(num)),
        };
        self.line(format!(
            "{} (0x{:02x}), {} {}{unasked}",
            message.kind,
            message.kind.code(),
            direction_word(message.direction),
            times(message.num),
        ));
        let lengths = if message.min_len == message.max_len {
            message.min_len.to_string()
        } else {
            format!("{} to {}", message.min_len, message.max_len)
        };
        self.line(format!(
            "    {lengths} bytes, first {}, last {}",
            message.first, message.last
        ));
        for (remark, num) in &message.remarks {
            self.line(format!("    {remark}: {num} of {}", message.num));
        }
        for field in &message.fields {
            let lengths: Vec<String> = field.lengths.iter().map(usize::to_string).collect();
            let at_least = if field.num_values >= VALUES_COUNTED {
                "at least "
            } else {
                ""
            };
            self.line(format!(
                "    field {} ({}): in {} of {}, length {}, {at_least}{} {}",
                field.number,
                field.meaning.unwrap_or("unknown"),
                field.num,
                message.num,
                lengths.join(" or "),
                field.num_values,
                if field.varies() { "values" } else { "value" },
            ));
            for (value, num) in &field.values {
                let shown = &value[..value.len().min(VALUE_SHOWN_BYTES)];
                let cut = if shown.len() < value.len() { "…" } else { "" };
                self.line(format!("        {}{cut}  {}", hex(shown), times(*num)));
            }
        }
        self.line(format!("    Example: {}", number(message.example)));
        if let Some(datagram) = self.study.datagrams.get(message.example) {
            self.hex(&datagram.bytes);
            for span in annotate(&datagram.bytes) {
                let bytes = &datagram.bytes[span.range.clone()];
                let shown = &bytes[..bytes.len().min(VALUE_SHOWN_BYTES)];
                let cut = if shown.len() < bytes.len() { "…" } else { "" };
                self.line(format!(
                    "        {:04x}  {}{cut}  {}",
                    span.range.start,
                    hex(shown),
                    show_text(&span.label)
                ));
            }
        }
    }

    fn hex(&mut self, bytes: &[u8]) {
        for row in hex_rows(bytes, RowWidth::Sixteen) {
            self.line(format!("        {row}"));
        }
    }

    fn undecoded(&mut self, summary: &Summary) {
        self.heading("What could not be decoded");
        if summary.undecoded.is_empty() {
            self.line("Nothing");
        }
        for seen in &summary.undecoded {
            self.undecoded_one(seen);
        }
        let num_left_out = summary.num_undecoded - summary.undecoded.len();
        if num_left_out > 0 {
            self.line("");
            self.line(format!("{num_left_out} more are not listed here"));
        }
    }

    fn undecoded_one(&mut self, seen: &UndecodedSeen) {
        let Some(datagram) = self.study.datagrams.get(seen.idx) else {
            return;
        };
        self.line("");
        self.line(format!("{} {}", number(seen.idx), seen.rejection));
        self.hex(&datagram.bytes);
        for hint in &seen.guesses {
            let what = match &hint.what {
                Guess::SenderMac => "the unit's MAC".to_owned(),
                Guess::SenderIp => "the sender's address".to_owned(),
                Guess::Text(text) => format!("text \"{}\"", show_text(text)),
            };
            self.line(format!("        {:04x}  {what}", hint.offset));
        }
    }

    fn datagrams(&mut self) {
        self.heading("Datagrams");
        let start = self.study.datagrams.first().map(|datagram| datagram.when);
        for (idx, datagram) in self.study.datagrams.iter().enumerate() {
            let to = datagram
                .to
                .map(|to| format!(" to {to}"))
                .unwrap_or_default();
            self.line(format!(
                "{} {} {} {} on {}, {}, from {}{to}: {}",
                number(idx),
                datagram.when,
                since(start, datagram.when),
                direction_word(datagram.direction),
                show_text(&datagram.interface),
                datagram.channel.word(),
                datagram.from,
                Study::words_of(datagram)
            ));
        }
    }
}

/// "+1.250 s" after the first datagram.
fn since(start: Option<Timestamp>, when: Timestamp) -> String {
    let millis = start.map_or(0, |start| when.millis_since(start));
    format!("+{}.{:03} s", millis / 1_000, millis % 1_000)
}
