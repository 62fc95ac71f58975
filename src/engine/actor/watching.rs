//! Watching the ports: findings, the capture ring, exposure, studies, taught decoders.

use std::sync::Arc;

use super::{Actor, Beside};
use crate::engine::capture_files::{self, Wanted};
use crate::engine::clock;
use crate::engine::command::{CaptureRequest, Notice, Saying, StudyRequest, sentence};
use crate::engine::decoder_files;
use crate::engine::files::FileError;
use crate::engine::jobs::{Job, SavedCapture};
use crate::engine::kept::{Kept, UnitSigns};
use crate::engine::recorder::Ring;
use crate::engine::replay::Replay;
use crate::model::appliance::Appliance;
use crate::model::identity::ApplianceId;
use crate::model::probing::ClueKind;
use crate::model::time::Timestamp;
use crate::model::traffic_filter::TrafficFilter;
use crate::model::watching::{DecodersState, Watching};
use crate::study::StudiedUnit;
use crate::taught::{Decoders, Draft};

impl Actor {
    /// What is due with time. To be called every 100 ms.
    pub(super) fn watch_turn(&mut self, now: Timestamp) {
        self.session.watch.tick(&self.session.registry, now);
        self.expose_turn(now);
    }

    /// What the window draws of it.
    pub(super) fn watching(&mut self, now: Timestamp) -> Watching {
        let replay = self.replay.as_mut().map(Replay::state);
        Watching {
            expose: self.expose_state(),
            decoders: Arc::clone(&self.decoders_state),
            replay,
            ..self.session.watch.picture(now)
        }
    }

    /// The datagrams that are kept of the open site.
    fn kept(&self) -> Kept {
        match &self.replay {
            Some(replay) => Kept::Replay(replay.spool(), self.config.plane.decoders.clone()),
            None => Kept::Ring {
                segments: self.session.watch.recorder.with_ring(Ring::all),
                file: self.session.segments(),
            },
        }
    }

    /// A unit of the open site, by a person's action.
    fn unit(&self, id: ApplianceId) -> Option<Arc<Appliance>> {
        let units = self.session.registry.units();
        units.find(id).map(|(_, unit)| Arc::clone(unit))
    }

    pub(super) fn save_capture(&mut self, request: Box<CaptureRequest>, now: Timestamp) {
        let found = request.unit.map(|id| self.unit(id));
        if matches!(found, Some(None)) {
            self.say
                .said(Saying::trouble("This unit is not in the site any more"));
            return;
        }
        let unit = found.flatten().map(|unit| UnitSigns::of(&unit));
        let wanted = Wanted {
            unit,
            filter: TrafficFilter::parse(&request.filter),
        };
        let what = format!("Saving {}", super::files::file_name(&request.path));
        let Some(job) = self.begin_job(Job::of_datagrams(what, now)) else {
            return;
        };
        let kept = self.kept();
        self.spawn_job(job, move |job| {
            capture_files::save_capture(request, &kept, &wanted, job)
        });
    }

    /// A capture was saved, or not.
    pub(super) fn take_capture(
        &mut self,
        request: Box<CaptureRequest>,
        result: Result<SavedCapture, FileError>,
    ) {
        match result {
            Ok(saved) => {
                if saved.num_missing > 0 {
                    let title = format!(
                        "{} parts of the capture could not be read",
                        saved.num_missing
                    );
                    self.say.said(
                        Saying::trouble(title).because("The file has everything else that is kept"),
                    );
                }
                self.say.notice(Notice::CaptureSaved {
                    path: request.path,
                    num_datagrams: saved.num_datagrams,
                });
            }
            Err(FileError::Exists(_)) => self.say.notice(Notice::CaptureWouldReplace(request)),
            Err(error) => self.say.said(
                Saying::trouble("The capture was not saved")
                    .because(sentence(&error))
                    .hint("The old file, if any, is as it was; save again to another folder"),
            ),
        }
    }

    pub(super) fn study(&mut self, id: ApplianceId) {
        let Some(unit) = self.unit(id) else {
            self.say
                .said(Saying::trouble("This unit is not in the site any more"));
            return;
        };
        let now = clock::now();
        let Some(job) = self.begin_job(Job::of_datagrams("Studying one unit".to_owned(), now))
        else {
            return;
        };
        let kept = self.kept();
        let studied = studied_unit(&unit);
        self.spawn_job(job, move |_| {
            capture_files::study(&unit, studied, &kept, now)
        });
    }

    pub(super) fn save_study(&mut self, request: Box<StudyRequest>) {
        let what = format!("Saving {}", super::files::file_name(&request.path));
        let Some(job) = self.begin_job(Job::exporting(what, 1, clock::now())) else {
            return;
        };
        self.spawn_job(job, move |_| capture_files::save_study(request));
    }

    /// A study was saved, or not.
    pub(super) fn take_study_file(
        &mut self,
        request: Box<StudyRequest>,
        result: Result<(), FileError>,
    ) {
        match result {
            Ok(()) => self.say.notice(Notice::StudySaved { path: request.path }),
            Err(FileError::Exists(_)) => self.say.notice(Notice::StudyWouldReplace(request)),
            Err(error) => self
                .say
                .said(Saying::trouble("The study was not saved").because(sentence(&error))),
        }
    }

    /// Reads the files of taught decoders again, beside.
    pub(super) fn load_decoders(&self) {
        let Some(folder) = self.config.decoders_dir.clone() else {
            return;
        };
        let to_beside = self.to_beside.clone();
        tokio::task::spawn_blocking(move || {
            let files = decoder_files::load(&folder);
            let names = files
                .decoders
                .iter()
                .map(|decoder| decoder.name().to_owned());
            let state = DecodersState {
                names: names.collect(),
                refused: files.refused,
                folder: files.folder,
            };
            // The actor has ended when it does not take it.
            let _ = to_beside.blocking_send(Beside::Decoders(Arc::new(files.decoders), state));
        });
    }

    /// The files were read: what comes in is read by these from now on.
    pub(super) fn take_decoders(&mut self, decoders: Arc<Decoders>, state: DecodersState) {
        let is_news = self.decoders_state.refused != state.refused;
        for why in state.refused.iter().filter(|_| is_news) {
            let title = "A taught decoder was left out";
            self.say.said(Saying::trouble(title).because(why.clone()));
        }
        self.config.plane.decoders.set(decoders);
        self.decoders_state = Arc::new(state);
    }

    pub(super) fn save_decoder(&self, draft: Box<Draft>) {
        let to_beside = self.to_beside.clone();
        let Some(folder) = self.config.decoders_dir.clone() else {
            return;
        };
        tokio::task::spawn_blocking(move || {
            let saved = decoder_files::save(&folder, &draft).map_err(|error| sentence(&error));
            // The actor has ended when it does not take it.
            let _ = to_beside.blocking_send(Beside::DecoderSaved(saved));
        });
    }

    /// A decoder was saved, or not.
    pub(super) fn take_saved_decoder(&mut self, saved: Result<std::path::PathBuf, String>) {
        match saved {
            Ok(path) => {
                self.say.notice(Notice::DecoderSaved { path });
                self.load_decoders();
            }
            Err(why) => self.say.said(
                Saying::trouble("The decoder was not saved")
                    .because(why)
                    .hint("Give it another name, or look at the folder of decoders"),
            ),
        }
    }
}

fn studied_unit(unit: &Appliance) -> StudiedUnit {
    let text = |best: Option<crate::model::appliance::Best<&str>>| {
        best.map(|best| best.value.to_owned()).unwrap_or_default()
    };
    let sys_object_id = unit.probed.as_deref().and_then(|probed| {
        let clue = probed
            .answers
            .iter()
            .flat_map(|answer| &answer.clues)
            .find(|clue| clue.kind == ClueKind::ObjectId)?;
        Some(clue.text.clone())
    });
    StudiedUnit {
        name: text(unit.name()),
        mac: unit.mac().map(|best| best.value),
        ip: unit.ip().and_then(|best| best.value),
        product: text(unit.model()),
        serial: unit.serial().map(|best| best.value.to_owned()),
        sys_object_id,
    }
}
