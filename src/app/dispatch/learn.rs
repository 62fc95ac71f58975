//! Carries out what learns from bytes: decoders that are taught, studies of a unit.

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use egui::Context;

use super::super::view_state::{
    Modal, PathUse, RuleText, StudyForm, StudyState, TeachState, TlvText, Tried, TriedLine, View,
};
use super::super::widgets::PageScroll;
use super::super::{App, LearnCommand, format};
use crate::engine::command::Command;
use crate::model::sighting::{Channel, Stray, StrayReason};
use crate::study::{Study, judge};
use crate::taught::{Draft, MatchRule, Taught};
use crate::wire::{PORT_INSTALL, PORT_MANAGEMENT, Rejection};

/// So many of the newest datagrams are tried.
const STRAYS_TRIED: usize = 200;

impl App {
    /// Carries out a command that learns and is possible.
    pub(super) fn dispatch_learn(&mut self, ctx: &Context, command: LearnCommand) {
        match command {
            LearnCommand::Teach => {
                if let Some(stray) = self.stray_to_teach().cloned() {
                    self.teach = Some(Box::new(TeachState::new(stray)));
                    self.view = View::Diagnostics;
                }
            }
            LearnCommand::SaveDecoder => {
                if let Some(teach) = &mut self.teach {
                    teach.sent = Some(teach.draft.clone());
                    let draft = Box::new(teach.draft.clone());
                    self.send(Command::SaveDecoder(draft));
                }
            }
            LearnCommand::CopyDecoder => {
                if let Some(teach) = &self.teach {
                    ctx.copy_text(teach.draft.to_toml());
                }
            }
            LearnCommand::CloseDecoder => self.teach = None,
            LearnCommand::ReloadDecoders => self.send(Command::ReloadDecoders),
            LearnCommand::OpenDecoderFolder => {
                let folder = self.snapshot.watching.decoders.folder.clone();
                self.open_folder(ctx, folder.as_deref(), "There is no folder for decoders");
            }
            LearnCommand::Study => {
                if let Some(id) = self.selected_unit().map(|unit| unit.id) {
                    self.awaits_study = true;
                    self.send(Command::Study(id));
                }
            }
            LearnCommand::SaveStudy => {
                let path = self.suggested_path(PathUse::Study);
                self.modal = Some(Modal::SaveStudy(StudyForm {
                    path,
                    replaceable: None,
                    is_masked: true,
                    focused: false,
                }));
            }
            LearnCommand::CloseStudy => {
                self.study = None;
                self.view = View::Discover;
            }
        }
    }

    /// The datagram that is chosen in Diagnostics, when a decoder could read it.
    pub(in crate::app) fn stray_to_teach(&self) -> Option<&Arc<Stray>> {
        let seq = self.diagnostics.selected?;
        let mut strays = self.snapshot.strays.iter();
        strays.find(|stray| stray.seq == seq && is_foreign(stray))
    }

    /// A study was gathered: shows it.
    pub(in crate::app) fn show_study(&mut self, study: Arc<Study>) {
        self.study = Some(Box::new(StudyState {
            judgments: judge(&study),
            summary: study.summary(),
            study,
            verdict: None,
            scroll: PageScroll::default(),
        }));
        self.view = View::Study;
    }
}

/// Whether decoders are asked about it: what is AIDP, also broken AIDP, is not theirs.
fn is_foreign(stray: &Stray) -> bool {
    matches!(
        stray.reason,
        StrayReason::Rejected(Rejection::NotAidp { asmp: false, .. })
    )
}

/// The port by which decoders know it.
const fn port_of(stray: &Stray) -> u16 {
    match stray.channel {
        Channel::Udp3211 => PORT_MANAGEMENT,
        Channel::Udp3502 | Channel::UdpAsking | Channel::Tcp3502 => PORT_INSTALL,
    }
}

impl TeachState {
    /// Begins with one datagram.
    fn new(sample: Arc<Stray>) -> Self {
        let sender_ip = match sample.from.ip().to_canonical() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        };
        let draft = Draft::from_datagram(port_of(&sample), &sample.raw.bytes, None, sender_ip);
        let mut teach = Self {
            draft,
            sent: None,
            sample,
            mark: None,
            ports: String::new(),
            min_length: String::new(),
            max_length: String::new(),
            rules: Vec::new(),
            tlv: TlvText::default(),
            typed_problems: Vec::new(),
            problems: Vec::new(),
            tried: None,
            focused: false,
        };
        teach.show_draft();
        teach
    }

    /// Puts the draft into the fields, after it was changed by other means than typing.
    pub(in crate::app) fn show_draft(&mut self) {
        let ports = self.draft.ports.iter().map(ToString::to_string);
        self.ports = ports.collect::<Vec<_>>().join(", ");
        let number = |value: Option<u16>| value.map_or_else(String::new, |it| it.to_string());
        self.min_length = number(self.draft.min_length);
        self.max_length = number(self.draft.max_length);
        self.rules = self.draft.rules.iter().map(RuleText::of).collect();
        if let Some(tlv) = self.draft.tlv {
            self.tlv.begin = tlv.begin.to_string();
            self.tlv.end_type = number(tlv.end_type);
        }
        self.typed_problems.clear();
    }

    /// Reads what is typed into the draft. What cannot be read leaves its part as it was, and is said.
    pub(in crate::app) fn read_typed(&mut self) {
        let (mut problems, mut too_many) = (Vec::new(), Vec::new());
        let mut numbers = |label: &str, text: &str| {
            let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
            let read: Vec<Option<u16>> = parts.map(number).collect();
            if read.contains(&None) {
                problems.push(format!("{label}: “{text}” is no number from 0 to 65535"));
                return None;
            }
            Some(read.into_iter().flatten().collect::<Vec<u16>>())
        };
        if let Some(ports) = numbers("ports", &self.ports) {
            self.draft.ports = ports;
        }
        let mut one = |label: &str, text: &str| match numbers(label, text)?.as_slice() {
            [] => Some(None),
            [number] => Some(Some(*number)),
            _ => {
                too_many.push(format!("{label}: “{text}” is more than one number"));
                None
            }
        };
        if let Some(min) = one("least length", &self.min_length) {
            self.draft.min_length = min;
        }
        if let Some(max) = one("greatest length", &self.max_length) {
            self.draft.max_length = max;
        }
        if let Some(tlv) = &mut self.draft.tlv {
            if let Some(begin) = one("records begin", &self.tlv.begin) {
                tlv.begin = begin.unwrap_or(0);
            }
            if let Some(end) = one("the type that ends records", &self.tlv.end_type) {
                tlv.end_type = end;
            }
        }
        problems.append(&mut too_many);
        let mut rules = Vec::new();
        for (idx, text) in self.rules.iter().enumerate() {
            match text.read() {
                Ok(rule) => rules.push(rule),
                Err(why) => problems.push(format!("match {}: {why}", idx + 1)),
            }
        }
        if rules.len() == self.rules.len() {
            self.draft.rules = rules;
        }
        self.typed_problems = problems;
    }

    /// Tries the draft on the datagrams and looks for problems, when either changed since the last time.
    pub(in crate::app) fn try_draft(&mut self, strays: &Arc<Vec<Arc<Stray>>>) {
        let is_known = self
            .tried
            .as_ref()
            .is_some_and(|tried| tried.draft == self.draft && Arc::ptr_eq(&tried.strays, strays));
        if !is_known {
            self.tried = Some(Tried::of(&self.draft, &self.sample, strays));
        }
        let draft = self.draft.problems();
        self.problems = self
            .typed_problems
            .iter()
            .cloned()
            .chain(draft.iter().map(ToString::to_string))
            .collect();
    }
}

impl Tried {
    fn of(draft: &Draft, sample: &Stray, strays: &Arc<Vec<Arc<Stray>>>) -> Self {
        let foreign: Vec<&Arc<Stray>> = strays
            .iter()
            .rev()
            .filter(|stray| is_foreign(stray))
            .take(STRAYS_TRIED)
            .collect();
        let datagrams: Vec<(u16, &[u8])> = foreign
            .iter()
            .map(|stray| (port_of(stray), &*stray.raw.bytes))
            .collect();
        let lines: Vec<TriedLine> = draft
            .try_on(&datagrams)
            .into_iter()
            .zip(&foreign)
            .map(|(taught, stray)| TriedLine {
                stray: Arc::clone(stray),
                is_match: taught.is_some(),
                words: taught.map_or_else(|| why_no_match(draft, stray), |it| read_words(&it)),
            })
            .collect();
        let of_sample = [(port_of(sample), &*sample.raw.bytes)];
        let sample = draft.try_on(&of_sample).pop().flatten();
        let fields = sample.iter().flat_map(|taught| &taught.fields);
        Self {
            draft: draft.clone(),
            strays: Arc::clone(strays),
            fields: fields
                .map(|field| (field.range.clone(), field.fact.label()))
                .collect(),
            num_matching: lines.iter().filter(|line| line.is_match).count(),
            lines,
            sample,
        }
    }
}

impl RuleText {
    fn of(rule: &MatchRule) -> Self {
        Self {
            offset: rule.offset.to_string(),
            bytes: as_hex(&rule.bytes),
            mask: rule.mask.as_deref().map_or_else(String::new, as_hex),
        }
    }

    fn read(&self) -> Result<MatchRule, String> {
        let offset = number(self.offset.trim())
            .ok_or_else(|| format!("“{}” is no offset", self.offset.trim()))?;
        let mask = self.mask.trim();
        Ok(MatchRule {
            offset,
            bytes: from_hex(&self.bytes)?,
            mask: if mask.is_empty() {
                None
            } else {
                Some(from_hex(mask)?)
            },
        })
    }
}

/// A number as decimal digits or as `0x` and hex digits.
pub(in crate::app) fn number(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

pub(in crate::app) fn as_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (idx, byte) in bytes.iter().enumerate() {
        let gap = if idx > 0 { " " } else { "" };
        // Writing to a `String` cannot fail.
        write!(text, "{gap}{byte:02x}").ok();
    }
    text
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .collect();
    let nibbles: Option<Vec<u32>> = digits.iter().map(|c| c.to_digit(16)).collect();
    let Some(nibbles) = nibbles.filter(|it| it.len().is_multiple_of(2)) else {
        return Err(format!("“{}” are no bytes in hex", text.trim()));
    };
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or(0);
    Ok(nibbles.chunks_exact(2).map(byte).collect())
}

/// What was read in a datagram, and what was not.
fn read_words(taught: &Taught) -> String {
    let read = taught
        .fields
        .iter()
        .map(|field| format!("{} {}", field.fact.label(), field.text));
    let missed = taught
        .missed
        .iter()
        .map(|missed| format!("no {}: {}", missed.fact.label(), missed.why));
    let words: Vec<String> = read.chain(missed).collect();
    format::show_text(&words.join(", ")).into_owned()
}

/// Why a draft does not match a datagram: the first reason.
fn why_no_match(draft: &Draft, stray: &Stray) -> String {
    let port = port_of(stray);
    let bytes = &*stray.raw.bytes;
    let (min, max) = (draft.min_length, draft.max_length);
    if !draft.ports().contains(&port) {
        return format!("It came in on port {port}");
    }
    if min.is_some_and(|min| bytes.len() < usize::from(min)) {
        return format!("It is shorter: {}", format::bytes(bytes.len() as u64));
    }
    if max.is_some_and(|max| bytes.len() > usize::from(max)) {
        return format!("It is longer: {}", format::bytes(bytes.len() as u64));
    }
    let rule = draft.rules.iter().find(|rule| !rule.holds(bytes));
    rule.map_or_else(
        || "It does not match".to_owned(),
        |rule| {
            let begin = usize::from(rule.offset).min(bytes.len());
            let found = &bytes[begin..rule.end().min(bytes.len())];
            match found {
                [] => format!("It ends before byte {}", rule.offset),
                found => format!("At byte {} it has {}", rule.offset, as_hex(found)),
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_typed_in_hex_with_or_without_gaps() {
        assert_eq!(from_hex("00 e0:86"), Ok(vec![0, 0xe0, 0x86]));
        assert_eq!(from_hex(""), Ok(Vec::new()));
        assert!(from_hex("0").is_err() && from_hex("zz").is_err());
        assert_eq!(as_hex(&[0, 0xe0]), "00 e0");
        assert_eq!(number("0x10"), Some(16));
        assert_eq!(number("70000"), None);
    }
}
