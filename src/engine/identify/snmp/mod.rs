//! SNMP on UDP 161: v3 first where a user is known, else v2c, else v1. The first question is the one that every agent
//! answers; what its sysObjectID tells decides what is asked next (facts §2.4). Reads only; nothing is ever set.
//!
//! A community crosses the network in clear, so none is sent while v3 may still be answered.

mod families;
mod frame;
mod message;
mod talk;
mod values;
mod walk;

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use tokio::time::{Instant, timeout_at};

use self::families::{Family, INTERFACE_MACS, SYSTEM, port_column};
use self::message::{Question, QuestionKind, Reply, User, Voice};
use self::talk::Talk;
use self::values::{Oid, Value};
use self::walk::{Table, walk};
use super::Ask;
use crate::engine::clock;
use crate::model::identity::Mac;
use crate::model::probing::{Answer, ClueKind, Outcome, Probe, TARGETS_KEPT, Target};
use crate::model::sighting::{RAW_KEPT_BYTES, RawDatagram, cut_text};

/// How many interfaces are looked at for their MACs.
const MAX_INTERFACES: usize = 8;

/// How many different MACs are kept.
const MAX_MACS: usize = 4;

/// How many images of firmware are looked at.
const MAX_IMAGES: usize = 16;

/// What SNMP brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snmp {
    /// The answer; how long it took is the caller's to fill in.
    pub answer: Answer,
    /// The serial ports, in their order.
    pub targets: Vec<Target>,
}

/// Asks a unit by SNMP. Ends within `ask.limit` once it has its place, and keeps what came until then.
pub async fn ask(ask: &Ask) -> Snmp {
    let mut findings = Findings::default();
    let outcome = match ask.slots.take().await {
        Some(_slot) => ask_with_place(ask, &mut findings).await,
        None => Outcome::Failed("the program is closing".to_owned()),
    };
    findings.into_snmp(outcome)
}

async fn ask_with_place(ask: &Ask, findings: &mut Findings) -> Outcome {
    let end = Instant::now() + ask.limit;
    let to = SocketAddrV4::new(ask.ip, ask.ports.snmp);
    let mut talk = match Talk::open(to, ask.silence).await {
        Ok(talk) => talk,
        Err(error) => return Outcome::Failed(error.kind().to_string()),
    };
    // What was found stays in `findings` when the time is over.
    timeout_at(end, converse(ask, &mut talk, findings))
        .await
        .ok();
    if findings.has_voice {
        Outcome::Answered
    } else {
        talk.seen.outcome()
    }
}

async fn converse(ask: &Ask, talk: &mut Talk, findings: &mut Findings) {
    let Some((mut voice, first)) = first_contact(ask, talk).await else {
        return;
    };
    let voice = &mut voice;
    findings.has_voice = true;
    // Until it is known that there are none, or all were read.
    findings.has_ports_left = true;
    findings.add(ClueKind::SnmpVersion, voice.version_word());
    if let Some(community) = voice.default_community() {
        findings.add(ClueKind::DefaultCommunity, community);
    }

    let system: Vec<(Oid, ClueKind)> = SYSTEM
        .iter()
        .map(|(arcs, kind)| (Oid::new(arcs), *kind))
        .collect();
    let object_id = {
        let mut object_id = None;
        for (_, kind, value) in complete(talk, voice, &system, Some(first), findings).await {
            if let (ClueKind::ObjectId, Value::Id(oid)) = (kind, &value) {
                object_id = Some(oid.clone());
            }
            findings.add_value(kind, &value);
        }
        object_id
    };
    let family = match object_id.as_ref().and_then(Family::of) {
        Some(family) => Some(family),
        None => family_by_its_objects(talk, voice, object_id.as_ref(), findings).await,
    };
    findings.has_ports_left = match family {
        Some(family) => family.serial_ports().is_some(),
        None => talk.seen.is_over(),
    };
    if let Some(family) = family {
        let objects: Vec<(Oid, ClueKind)> = family.objects().collect();
        for (_, kind, value) in ask_all(talk, voice, &objects, findings).await {
            findings.add_value(kind, &value);
        }
        if let Some(entry) = family.images() {
            ask_images(talk, voice, entry, findings).await;
        }
    }
    ask_macs(talk, voice, findings).await;
    if let Some(entry) = family.and_then(Family::serial_ports) {
        ask_ports(talk, voice, entry, findings).await;
    }
}

/// Finds who is let in, with the answer to the first question.
async fn first_contact(ask: &Ask, talk: &mut Talk) -> Option<(Voice, Reply)> {
    let question = Question {
        kind: QuestionKind::Get,
        oids: SYSTEM.iter().map(|(arcs, _)| Oid::new(arcs)).collect(),
    };
    let mut patience = ask.silence;
    if let Some(user) = ask.v3.as_deref() {
        match User::new(user) {
            Ok(user) => {
                if !ask.communities.is_empty() {
                    // The first step shares one silence.
                    patience /= 2;
                }
                if let Some(mut voice) = talk.greet(user, patience).await {
                    // Its engine is known, so it is there; only the user may be wrong.
                    patience = ask.silence;
                    let mut replies = talk
                        .exchange(&mut voice, std::slice::from_ref(&question))
                        .await;
                    if let Some(reply) = replies.pop().flatten() {
                        return Some((voice, reply));
                    }
                    // An agent that cannot read what was asked often says nothing.
                    talk.refuse("the user or passphrase is refused: there is no answer to it");
                }
            }
            Err(error) => talk.skip(error.to_string()),
        }
    }
    if talk.seen.is_over() || ask.communities.is_empty() {
        return None;
    }
    talk.meet(&ask.communities, &question, patience).await
}

/// Asks for objects that are wanted together.
async fn ask_all(
    talk: &mut Talk,
    voice: &mut Voice,
    wanted: &[(Oid, ClueKind)],
    findings: &mut Findings,
) -> Vec<(Oid, ClueKind, Value)> {
    let question = Question {
        kind: QuestionKind::Get,
        oids: wanted.iter().map(|(oid, _)| oid.clone()).collect(),
    };
    let reply = talk.exchange(voice, &[question]).await.pop().flatten();
    complete(talk, voice, wanted, reply, findings).await
}

/// What was wanted and is there, in the order in which it was wanted. Where the answer is an error, cut short or lost,
/// each object is asked for alone: v1 refuses a whole question for one missing object, and some agents cannot carry so
/// much at once.
async fn complete(
    talk: &mut Talk,
    voice: &mut Voice,
    wanted: &[(Oid, ClueKind)],
    reply: Option<Reply>,
    findings: &mut Findings,
) -> Vec<(Oid, ClueKind, Value)> {
    let mut values = reply
        .filter(|reply| !reply.is_error)
        .map_or_else(Vec::new, |reply| reply.values);
    let left: Vec<Question> = wanted
        .iter()
        .filter(|(oid, _)| !values.iter().any(|(name, _)| name == oid))
        .map(|(oid, _)| Question {
            kind: QuestionKind::Get,
            oids: vec![oid.clone()],
        })
        .collect();
    if !left.is_empty() && !talk.seen.is_over() {
        for reply in talk.exchange(voice, &left).await.into_iter().flatten() {
            if !reply.is_error {
                values.extend(reply.values);
            }
        }
    }
    wanted
        .iter()
        .filter_map(|(oid, kind)| {
            let (_, value) = values.iter().find(|(name, _)| name == oid)?;
            findings.line(oid, value);
            value
                .is_there()
                .then(|| (oid.clone(), *kind, value.clone()))
        })
        .collect()
}

/// The family whose object is there, for a unit of the known makers whose sysObjectID says nothing: older firmware
/// leaves the one of its agent software.
async fn family_by_its_objects(
    talk: &mut Talk,
    voice: &mut Voice,
    object_id: Option<&Oid>,
    findings: &mut Findings,
) -> Option<&'static Family> {
    let description = findings.text_of(ClueKind::Description);
    if !families::is_worth_asking(object_id, description.as_deref()) {
        return None;
    }
    let marks: Vec<(Oid, ClueKind)> = Family::all()
        .iter()
        .map(|family| (family.mark(), ClueKind::Model))
        .collect();
    let found = ask_all(talk, voice, &marks, findings).await;
    let (mark, _, _) = found
        .into_iter()
        .find(|(_, _, value)| value.text().is_some())?;
    Family::all().iter().find(|family| family.mark() == mark)
}

async fn ask_macs(talk: &mut Talk, voice: &mut Voice, findings: &mut Findings) {
    let interfaces = Oid::new(&INTERFACE_MACS[..INTERFACE_MACS.len() - 1]);
    let table = Table {
        entry: interfaces,
        columns: &INTERFACE_MACS[INTERFACE_MACS.len() - 1..],
        max_rows: MAX_INTERFACES,
    };
    let mut macs: Vec<Mac> = Vec::new();
    walk(talk, voice, &table, |_, _, name, value| {
        findings.line(name, value);
        // Both ports and their bond often have the same one.
        if let Some(mac) = value.mac().filter(|mac| !macs.contains(mac))
            && macs.len() < MAX_MACS
        {
            macs.push(mac);
            findings.add(ClueKind::InterfaceMac, &mac.to_string());
        }
    })
    .await;
}

/// The table of images says what runs and what starts it.
async fn ask_images(talk: &mut Talk, voice: &mut Voice, entry: Oid, findings: &mut Findings) {
    const DESCRIPTION: u32 = 2;
    const VERSION: u32 = 3;
    let table = Table {
        entry,
        columns: &[DESCRIPTION, VERSION],
        max_rows: MAX_IMAGES,
    };
    let mut images: BTreeMap<Vec<u32>, (String, String)> = BTreeMap::new();
    walk(talk, voice, &table, |column, index, name, value| {
        findings.line(name, value);
        let (description, version) = images.entry(index.to_vec()).or_default();
        let text = value.text().unwrap_or_default();
        if column == VERSION {
            *version = text;
        } else {
            *description = text.to_lowercase();
        }
    })
    .await;
    let (boot, others): (Vec<_>, Vec<_>) = images
        .values()
        .filter(|(_, version)| !version.is_empty())
        .partition(|(description, _)| description.contains("boot"));
    let main = others
        .iter()
        .find(|(description, _)| description.contains("app"))
        .or(others.first());
    if let Some((_, version)) = main {
        findings.add(ClueKind::Firmware, version);
    }
    if let Some((_, version)) = boot.first() {
        findings.add(ClueKind::BootCode, version);
    }
}

async fn ask_ports(talk: &mut Talk, voice: &mut Voice, entry: Oid, findings: &mut Findings) {
    let table = Table {
        entry,
        columns: &port_column::ALL,
        max_rows: TARGETS_KEPT,
    };
    let is_whole = walk(talk, voice, &table, |column, index, name, value| {
        findings.line(name, value);
        // A row 0 is none: ports count from 1.
        let &[port] = index else {
            return;
        };
        if port > 0
            && (findings.targets.len() < TARGETS_KEPT || findings.targets.contains_key(&port))
        {
            findings.cell(port, column, value);
        }
    })
    .await;
    findings.has_ports_left = !is_whole;
}

/// What was found so far.
#[derive(Debug, Default)]
struct Findings {
    has_voice: bool,
    /// Whether there may be serial ports that were not read. Stands also when the time is over.
    has_ports_left: bool,
    clues: Vec<(ClueKind, String)>,
    lines: Vec<u8>,
    targets: BTreeMap<u32, Target>,
}

impl Findings {
    fn add(&mut self, kind: ClueKind, text: &str) {
        let text = cut_text(text);
        // The family's host name is most often sysName again.
        if !self
            .clues
            .iter()
            .any(|(old, same)| *old == kind && *same == text)
        {
            self.clues.push((kind, text));
        }
    }

    fn add_value(&mut self, kind: ClueKind, value: &Value) {
        if let Some(text) = families::clue_text(kind, value) {
            self.add(kind, &text);
        }
    }

    fn text_of(&self, kind: ClueKind) -> Option<String> {
        self.clues
            .iter()
            .find(|(found, _)| *found == kind)
            .map(|(_, text)| text.clone())
    }

    /// One line of the raw answer. Once more than can be kept is there, the rest only makes it longer.
    fn line(&mut self, oid: &Oid, value: &Value) {
        if self.lines.len() <= RAW_KEPT_BYTES {
            self.lines
                .extend_from_slice(format!("{oid} = {value}\n").as_bytes());
        }
    }

    fn cell(&mut self, port: u32, column: u32, value: &Value) {
        let target = self.targets.entry(port).or_insert_with(|| Target {
            port,
            ..Target::default()
        });
        let text = |text: Option<String>| text.map_or_else(String::new, |text| cut_text(&text));
        match column {
            port_column::TTY => target.tty = text(value.text()),
            port_column::STATUS => target.status = text(families::status_word(value)),
            port_column::NAME => target.name = text(value.text()),
            port_column::SPEED => target.speed = text(value.text()),
            port_column::DCD => target.is_connected = families::is_up(value),
            _ => {}
        }
    }

    fn into_snmp(self, outcome: Outcome) -> Snmp {
        let mut answer = Answer::new(Probe::Snmp, outcome, clock::now());
        for (kind, text) in &self.clues {
            answer.add(*kind, text);
        }
        if self.has_ports_left {
            let text = match self.targets.len() {
                0 => "none was read; it did not answer in time".to_owned(),
                num => format!("{num} ports; the rest did not answer in time"),
            };
            answer.add(ClueKind::TargetsCut, &text);
        }
        answer.raw = RawDatagram::keep(&self.lines);
        Snmp {
            answer,
            targets: self.targets.into_values().collect(),
        }
    }
}
