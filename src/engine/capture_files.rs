//! Writing what is kept of the open site into a capture file, and gathering the study of a unit. Everything blocks.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::command::CaptureRequest;
use super::files::write_atomically;
use super::jobs::{Job, JobDone, SavedCapture};
use super::kept::{Judged, Kept, UnitSigns, as_seen, channel_of};
use crate::capture::{CaptureError, CaptureInterface, CaptureWriter, Datagram, Record, WriterNote};
use crate::inventory::WriteError;
use crate::model::appliance::Appliance;
use crate::model::sighting::Source;
use crate::model::time::Timestamp;
use crate::model::traffic::{DatagramKind, Direction};
use crate::model::traffic_filter::TrafficFilter;
use crate::study::{DATAGRAMS_STUDIED, StudiedDatagram, StudiedUnit, Study};
use crate::wire;

/// Networks of one file, at most; what is on others goes to the last one.
const INTERFACES_KEPT: usize = 4_096;

/// Questions that wait for a unit's answer while a study is gathered.
const QUESTIONS_KEPT: usize = 64;

/// Which datagrams are wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) unit: Option<UnitSigns>,
    pub(super) filter: TrafficFilter,
}

impl Wanted {
    fn has(&self, datagram: &Datagram, judged: &Judged) -> bool {
        self.unit.as_ref().is_none_or(|unit| unit.are_in(datagram))
            && (self.filter.is_empty() || self.filter.matches(&as_seen(datagram, judged.kind)))
    }
}

/// Writes a capture. First the networks are gathered, so that each is one interface of the file.
pub(super) fn save_capture(
    request: Box<CaptureRequest>,
    kept: &Kept,
    wanted: &Wanted,
    job: &Job,
) -> JobDone {
    let mut interfaces: Vec<CaptureInterface> = Vec::new();
    let mut places: HashMap<Arc<str>, u32> = HashMap::new();
    kept.each(|interface, datagram, judged| {
        if wanted.has(datagram, judged) {
            match places.get(&datagram.interface) {
                // An interface that got another address in between: the newest words stand.
                Some(place) => {
                    if let Some(known) = interfaces.get_mut(*place as usize)
                        && known != interface
                    {
                        known.clone_from(interface);
                    }
                }
                None if interfaces.len() < INTERFACES_KEPT => {
                    places.insert(Arc::clone(&datagram.interface), interfaces.len() as u32);
                    interfaces.push(interface.clone());
                }
                None => {}
            }
        }
        go_on(job)
    });
    let result = write_atomically(&request.path, request.overwrite, |file| {
        let mut writer =
            CaptureWriter::new(file, &interfaces, &WriterNote::default()).map_err(write_error)?;
        let mut num_datagrams = 0;
        let mut failed = None;
        let missing = kept.each(|_, datagram, judged| {
            if wanted.has(datagram, judged) {
                let place = places.get(&datagram.interface).copied();
                let idx = place.unwrap_or((interfaces.len().saturating_sub(1)) as u32);
                // What was cut in the capture stays cut.
                let full_len = datagram.raw.full_len as usize;
                if let Err(error) = writer.write_cut(&record_of(datagram, judged, idx), full_len) {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
                num_datagrams += 1;
                return job.step(num_datagrams);
            }
            go_on(job)
        });
        if let Some(error) = failed {
            return Err(write_error(error));
        }
        if job.is_canceled() {
            return Err(WriteError::Canceled);
        }
        writer.finish().map_err(write_error)?;
        Ok(SavedCapture {
            num_datagrams,
            num_missing: missing.num_parts,
        })
    });
    JobDone::Captured(request, result)
}

fn write_error(error: CaptureError) -> WriteError {
    match error {
        CaptureError::Write(error) => WriteError::Io(error),
        other => WriteError::Io(io::Error::other(other)),
    }
}

fn go_on(job: &Job) -> ControlFlow<()> {
    if job.is_canceled() {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

fn record_of(datagram: &Datagram, judged: &Judged, interface_idx: u32) -> Record {
    Record {
        when: datagram.when,
        interface_idx,
        direction: datagram.direction.unwrap_or(Direction::Heard),
        transport: datagram.transport,
        from: datagram.from,
        to: datagram.to,
        payload: Arc::clone(&datagram.raw.bytes),
        comment: judged.comment.clone(),
    }
}

const fn is_request(kind: DatagramKind) -> bool {
    matches!(
        kind,
        DatagramKind::Discover | DatagramKind::TestIp | DatagramKind::SetIp
    )
}

/// A datagram as a study has it.
fn studied_of(datagram: &Datagram, judged: &Judged) -> StudiedDatagram {
    let is_to_known = !judged.is_by_rollcall || datagram.direction == Some(Direction::Sent);
    StudiedDatagram {
        when: datagram.when,
        direction: datagram.direction.unwrap_or(Direction::Heard),
        interface: Arc::clone(&datagram.interface),
        channel: channel_of(datagram),
        from: datagram.from,
        to: is_to_known.then_some(datagram.to),
        bytes: Arc::clone(&datagram.raw.bytes),
        is_unasked: judged.kind == DatagramKind::Announcement,
    }
}

fn sequence_of(bytes: &[u8]) -> Option<u16> {
    Some(wire::decode(bytes).ok()?.frame.sequence())
}

fn keep_newest<T>(kept: &mut VecDeque<T>, newest: T, at_most: usize) {
    if kept.len() == at_most {
        kept.pop_front();
    }
    kept.push_back(newest);
}

/// Gathers what is kept of one unit: from the ring or the replay, and from its evidence.
pub(super) fn study(
    unit: &Appliance,
    studied: StudiedUnit,
    kept: &Kept,
    now: Timestamp,
) -> JobDone {
    let signs = UnitSigns::of(unit);
    let mut datagrams = VecDeque::new();
    // Questions to everybody name no unit, whoever asks: they belong to it when it answers them.
    let mut questions: VecDeque<(u16, StudiedDatagram)> = VecDeque::new();
    let _ = kept.each(|_, datagram, judged| {
        if signs.are_in(datagram) {
            if let Some(answered) = sequence_of(&datagram.raw.bytes)
                && let Some(idx) = questions
                    .iter()
                    .position(|(sequence, _)| *sequence == answered)
                && let Some((_, question)) = questions.remove(idx)
            {
                keep_newest(&mut datagrams, question, DATAGRAMS_STUDIED);
            }
            keep_newest(
                &mut datagrams,
                studied_of(datagram, judged),
                DATAGRAMS_STUDIED,
            );
        } else if is_request(judged.kind)
            && let Some(sequence) = sequence_of(&datagram.raw.bytes)
        {
            let question = (sequence, studied_of(datagram, judged));
            keep_newest(&mut questions, question, QUESTIONS_KEPT);
        }
        ControlFlow::Continue(())
    });
    let mut datagrams: Vec<StudiedDatagram> = datagrams.into();
    for evidence in &unit.evidence {
        let Some(bytes) = evidence.raw.as_ref().filter(|_| evidence.source.is_aidp()) else {
            continue;
        };
        let is_there = datagrams.iter().any(|datagram| {
            datagram.when == evidence.when
                && datagram.from == evidence.from
                && datagram.bytes == *bytes
        });
        if !is_there {
            datagrams.push(StudiedDatagram {
                when: evidence.when,
                direction: Direction::Heard,
                interface: Arc::clone(&evidence.interface),
                channel: evidence.channel,
                from: evidence.from,
                to: None,
                bytes: Arc::clone(bytes),
                is_unasked: evidence.source == Source::Announcement,
            });
        }
    }
    datagrams.sort_by_key(|datagram| datagram.when);
    JobDone::Studied(Box::new(Study::new(studied, now, datagrams)))
}

/// Writes a study.
pub(super) fn save_study(request: Box<super::command::StudyRequest>) -> JobDone {
    let result = write_atomically(&request.path, request.overwrite, |file| {
        let bytes = request
            .study
            .to_zip(request.mask)
            .map_err(io::Error::other)?;
        io::Write::write_all(file, &bytes)
    });
    JobDone::StudySaved(request, result)
}
