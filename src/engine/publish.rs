//! Makes snapshots: only when something changed, and with everything that did not change shared with the one before.

use std::sync::Arc;

use crate::model::network::InterfaceState;
use crate::model::registry::Registry;
use crate::model::snapshot::{
    CatalogState, DoctorReport, IdentifyState, JobState, OTHERS_KEPT, OTHERS_KEPT_BYTES,
    OtherAnswer, SearchState, SiteState, Snapshot, SweepState, Totals, V3State,
};
use crate::model::time::Timestamp;
use crate::model::watching::Watching;

/// What a snapshot is made of, beside the registry.
pub(super) struct Parts {
    pub(super) interfaces: Vec<InterfaceState>,
    pub(super) search: SearchState,
    pub(super) sweep: Option<SweepState>,
    pub(super) job: Option<JobState>,
    pub(super) site: SiteState,
    pub(super) doctor: Arc<DoctorReport>,
    pub(super) listening_since: Timestamp,
    pub(super) last_heard: Option<Timestamp>,
    pub(super) unsaid: u64,
    pub(super) identify: IdentifyParts,
    /// Datagrams that a replay has taken so far, and those of them that were not understood.
    pub(super) replayed: Option<(u64, u64)>,
    pub(super) watching: Watching,
}

/// The part of it that identification brings.
pub(super) struct IdentifyParts {
    pub(super) state: Option<IdentifyState>,
    pub(super) others: Arc<Vec<Arc<OtherAnswer>>>,
    pub(super) num_others_left_out: u64,
    pub(super) catalog: Arc<CatalogState>,
    pub(super) snmp_v3: V3State,
}

/// The last snapshot, and what it was made from.
#[derive(Debug, Default)]
pub(super) struct Publisher {
    last: Arc<Snapshot>,
    floods_revision: u64,
    stray_seq: u64,
    num_strays: usize,
}

impl Publisher {
    /// The last snapshot.
    pub(super) fn last(&self) -> &Arc<Snapshot> {
        &self.last
    }

    /// Whatever comes next is a change: another site was opened.
    pub(super) fn reset(&mut self) {
        let revision = self.last.revision;
        self.last = Arc::new(Snapshot {
            revision,
            ..Snapshot::default()
        });
        self.floods_revision = u64::MAX;
        self.stray_seq = u64::MAX;
    }

    /// A snapshot of now, when something changed since the last one.
    pub(super) fn next(
        &mut self,
        registry: &Registry,
        parts: Parts,
        now: Timestamp,
    ) -> Option<Arc<Snapshot>> {
        let last = &self.last;
        let floods_changed = registry.floods_revision() != self.floods_revision;
        let strays_changed =
            registry.stray_seq() != self.stray_seq || registry.strays().len() != self.num_strays;
        let totals = totals(&parts);
        let mut limits = registry.limits_reached();
        if parts.unsaid > 0 {
            limits.push(format!(
                "{} notices did not fit and are only in the log",
                parts.unsaid
            ));
        }
        let identify = parts.identify;
        if identify.num_others_left_out > 0 {
            limits.push(format!(
                "{OTHERS_KEPT} other things that answered, or {} MiB of their answers, are the most that is listed: {} \
                 more did",
                OTHERS_KEPT_BYTES >> 20,
                identify.num_others_left_out
            ));
        }
        let same = last.units_revision == registry.revision()
            && !floods_changed
            && !strays_changed
            && *last.interfaces == parts.interfaces
            && last.totals == totals
            && last.search == parts.search
            && last.sweep == parts.sweep
            && last.identifying == identify.state
            && Arc::ptr_eq(&last.others, &identify.others)
            && Arc::ptr_eq(&last.catalog, &identify.catalog)
            && last.snmp_v3 == identify.snmp_v3
            && last.job == parts.job
            && last.site == parts.site
            && Arc::ptr_eq(&last.doctor, &parts.doctor)
            && last.watching.is_same_as(&parts.watching)
            && last.undo.as_deref() == registry.undo_label()
            && last.redo.as_deref() == registry.redo_label()
            && *last.searchers == registry.searchers()
            && *last.limits == limits;
        if same && last.revision > 0 {
            return None;
        }
        let snapshot = Arc::new(Snapshot {
            revision: last.revision + 1,
            units_revision: registry.revision(),
            units: registry.units(),
            context: registry.context(now),
            extra_columns: registry.extra_columns(),
            interfaces: shared(&last.interfaces, parts.interfaces),
            totals,
            search: parts.search,
            sweep: parts.sweep,
            identifying: identify.state,
            others: identify.others,
            catalog: identify.catalog,
            snmp_v3: identify.snmp_v3,
            job: parts.job,
            site: parts.site,
            undo: registry.undo_label().map(str::to_owned),
            redo: registry.redo_label().map(str::to_owned),
            floods: if floods_changed {
                Arc::new(registry.floods())
            } else {
                Arc::clone(&last.floods)
            },
            strays: if strays_changed {
                Arc::new(registry.strays().cloned().collect())
            } else {
                Arc::clone(&last.strays)
            },
            searchers: shared(&last.searchers, registry.searchers().to_vec()),
            limits: shared(&last.limits, limits),
            doctor: parts.doctor,
            watching: parts.watching,
        });
        self.floods_revision = registry.floods_revision();
        self.stray_seq = registry.stray_seq();
        self.num_strays = registry.strays().len();
        self.last = Arc::clone(&snapshot);
        Some(snapshot)
    }
}

/// The value as it was, when it is still the same.
fn shared<T: PartialEq>(last: &Arc<T>, value: T) -> Arc<T> {
    if **last == value {
        Arc::clone(last)
    } else {
        Arc::new(value)
    }
}

fn totals(parts: &Parts) -> Totals {
    let mut totals = Totals {
        listening_since: parts.listening_since,
        last_heard: parts.last_heard,
        ..Totals::default()
    };
    if let Some((heard, not_understood)) = parts.replayed {
        totals.heard = heard;
        totals.not_understood = not_understood;
    }
    for interface in &parts.interfaces {
        let counters = &interface.counters;
        totals.heard += counters.heard;
        totals.not_understood += counters.not_understood();
        totals.lost += counters.queue_drops + counters.kernel_drops.unwrap_or(0);
    }
    totals
}
