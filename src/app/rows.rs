//! Which units the grid shows, and in which order. Small sites are asked within the frame; larger ones on a thread of
//! its own, where the newest question wins. Rows keep their places while the pointer is over them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use egui::Context;

use crate::model::identity::ApplianceId;
use crate::model::query::{Counts, Query, RowCache, Rows};
use crate::model::snapshot::{Slot, Snapshot};

/// A site of this size is asked within the frame: well under 4 ms.
const INLINE_UNITS: usize = 2_000;

/// A question to the worker.
struct Question {
    snapshot: Arc<Snapshot>,
    query: Query,
}

/// What the grid shows.
#[derive(Debug)]
pub(super) struct GridRows {
    /// The rows that are drawn, in their order.
    shown: Vec<(Slot, ApplianceId)>,
    /// How many units each counter counts.
    counts: Counts,
    /// The query and revision that `shown` answers, as far as it is not held.
    answered: Option<(Query, u64)>,
    /// The newest answer, when rows are held in their places instead.
    held: Option<Vec<(Slot, ApplianceId)>>,
    /// How many rows of `held` would go to another place.
    num_moved: usize,
    /// For small sites.
    cache: RowCache,
    /// For larger ones.
    worker: Worker,
}

impl GridRows {
    /// Starts the worker; `ctx` is woken by its answers.
    pub(super) fn new(ctx: &Context) -> Self {
        Self {
            shown: Vec::new(),
            counts: Counts::default(),
            answered: None,
            held: None,
            num_moved: 0,
            cache: RowCache::default(),
            worker: Worker::start(ctx.clone()),
        }
    }

    /// The rows to draw.
    pub(super) fn shown(&self) -> &[(Slot, ApplianceId)] {
        &self.shown
    }

    /// How many units each counter counts.
    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many rows wait to go to their places.
    pub(super) const fn num_moved(&self) -> usize {
        self.num_moved
    }

    /// Whether an answer from the worker is under way.
    pub(super) const fn is_waiting(&self) -> bool {
        self.worker.in_flight
    }

    /// Lets the rows go to their places.
    pub(super) fn release(&mut self) {
        if let Some(order) = self.held.take() {
            self.shown = order;
        }
        self.num_moved = 0;
    }

    /// Brings the rows up to date. `hold` while the pointer is over the grid.
    pub(super) fn update(&mut self, snapshot: &Arc<Snapshot>, query: &Query, hold: bool) {
        if !hold {
            self.release();
        }
        if let Some((answered, rows)) = self.worker.answer() {
            self.take(rows, answered, hold);
        }
        let wanted = (query, snapshot.units_revision);
        if self.answered.as_ref().map(|(q, r)| (q, *r)) == Some(wanted) {
            return;
        }
        if snapshot.units.len() < INLINE_UNITS {
            let rows = self.cache.rows(snapshot, query);
            self.take(rows, query.clone(), hold);
        } else {
            self.worker.ask(Question {
                snapshot: Arc::clone(snapshot),
                query: query.clone(),
            });
        }
    }

    fn take(&mut self, rows: Rows, answered: Query, hold: bool) {
        self.counts = rows.counts;
        let same_question = self
            .answered
            .as_ref()
            .is_some_and(|(query, _)| *query == answered);
        self.answered = Some((answered, rows.units_revision));
        if hold && same_question {
            self.hold_places(rows.order);
        } else {
            self.held = None;
            self.num_moved = 0;
            self.shown = rows.order;
        }
    }

    /// Keeps every shown row where it is and appends those that are new.
    fn hold_places(&mut self, order: Vec<(Slot, ApplianceId)>) {
        if order == self.shown {
            self.held = None;
            self.num_moved = 0;
            return;
        }
        let known: HashSet<ApplianceId> = self.shown.iter().map(|(_, id)| *id).collect();
        let new_rows = order.iter().filter(|(_, id)| !known.contains(id)).copied();
        self.shown.extend(new_rows);
        self.num_moved = self
            .shown
            .iter()
            .zip(&order)
            .filter(|(shown, wanted)| shown != wanted)
            .count()
            + self.shown.len().abs_diff(order.len());
        self.held = (self.num_moved > 0).then_some(order);
    }
}

/// The thread that asks. One question at a time; the newest waits.
#[derive(Debug)]
struct Worker {
    questions: SyncSender<Question>,
    answers: Receiver<(Query, Rows)>,
    in_flight: bool,
    /// The question that waits: a newer one replaces it.
    next: Option<Question>,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question")
            .field("revision", &self.snapshot.units_revision)
            .field("query", &self.query)
            .finish()
    }
}

impl Worker {
    fn start(ctx: Context) -> Self {
        // One place each: a question is only given when the answer to the last one was taken.
        let (questions, questions_end) = sync_channel::<Question>(1);
        let (answers_end, answers) = sync_channel(1);
        let work = move || {
            let mut cache = RowCache::default();
            // Ends when the window is gone and with it the sender.
            while let Ok(Question { snapshot, query }) = questions_end.recv() {
                let rows = cache.rows(&snapshot, &query);
                drop(snapshot);
                if answers_end.send((query, rows)).is_err() {
                    return;
                }
                ctx.request_repaint();
            }
        };
        let thread = std::thread::Builder::new().name("rows".to_owned());
        if let Err(error) = thread.spawn(work) {
            tracing::error!(%error, "no thread to sort rows");
        }
        Self {
            questions,
            answers,
            in_flight: false,
            next: None,
        }
    }

    fn ask(&mut self, question: Question) {
        self.next = Some(question);
        self.send_next();
    }

    fn send_next(&mut self) {
        if self.in_flight {
            return;
        }
        if let Some(question) = self.next.take() {
            self.in_flight = self.questions.try_send(question).is_ok();
        }
    }

    fn answer(&mut self) -> Option<(Query, Rows)> {
        match self.answers.try_recv() {
            Ok(answer) => {
                self.in_flight = false;
                self.send_next();
                Some(answer)
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::query::Rows;

    fn row(id: u64) -> (Slot, ApplianceId) {
        (id as Slot, ApplianceId(id))
    }

    fn answer(ids: &[u64], units_revision: u64) -> Rows {
        Rows {
            units_revision,
            order: ids.iter().copied().map(row).collect(),
            counts: Counts::default(),
        }
    }

    fn ids(rows: &GridRows) -> Vec<u64> {
        rows.shown().iter().map(|(_, id)| id.0).collect()
    }

    #[test]
    fn rows_under_the_pointer_keep_their_places() {
        let mut rows = GridRows::new(&Context::default());
        let query = Query::default();
        rows.take(answer(&[1, 2, 3], 1), query.clone(), true);
        assert_eq!(ids(&rows), [1, 2, 3], "the first answer is shown as it is");
        rows.take(answer(&[4, 1, 3, 2], 2), query.clone(), true);
        assert_eq!(ids(&rows), [1, 2, 3, 4], "new rows are appended");
        assert!(rows.num_moved() > 0);
        rows.release();
        assert_eq!(ids(&rows), [4, 1, 3, 2]);
        assert_eq!(rows.num_moved(), 0);
    }

    #[test]
    fn another_filter_moves_rows_at_once() {
        let mut rows = GridRows::new(&Context::default());
        let query = Query::default();
        rows.take(answer(&[1, 2, 3], 1), query.clone(), true);
        let other = Query {
            text: "pdu".to_owned(),
            ..Query::default()
        };
        rows.take(answer(&[3], 1), other.clone(), true);
        assert_eq!(ids(&rows), [3]);
    }
}
