//! Asks one unit what it is, by standard means. One file a probe, each with a function `ask` that opens no connection
//! without a place from [`Slots`], ends within the time limit whatever the other side does, and keeps no more than its
//! bounds. No raw sockets, no privileges. What it all means is the catalog's to say.

pub mod credentials;
pub mod http;
pub mod neighbors;
pub mod ports;
pub mod queue;
pub mod snmp;
pub mod ssh;
pub mod telnet;
pub mod tls;
pub mod unit;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use self::credentials::{V3User, Vault};
use crate::settings::IdentifySettings;

/// How many connections and questions are open at once, over all units.
pub const MAX_OPEN: usize = 64;

/// Where probes go. Others than the default only in tests, where nobody may listen below 1024.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePorts {
    /// UDP.
    pub snmp: u16,
    /// TCP, for TLS and the web.
    pub https: u16,
    /// TCP.
    pub http: u16,
    /// TCP.
    pub ssh: u16,
    /// TCP.
    pub telnet: u16,
    /// TCP ports that are only tried: those of the family beside the ones above (facts §3).
    pub others: Vec<u16>,
}

impl Default for ProbePorts {
    fn default() -> Self {
        Self {
            snmp: 161,
            https: 443,
            http: 80,
            ssh: 22,
            telnet: 23,
            others: vec![1078, 2068, 3211, 3502, 3871, 7001, 8191, 8192],
        }
    }
}

/// The places for open connections. Clones share them.
#[derive(Clone, Debug)]
pub struct Slots {
    places: Arc<Semaphore>,
    open: Arc<Open>,
    waited_millis: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Open {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// A place that is taken; free again when dropped.
#[derive(Debug)]
pub struct Slot {
    num: usize,
    open: Arc<Open>,
    _places: OwnedSemaphorePermit,
}

impl Slots {
    /// So many places.
    pub fn new(num: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(num)),
            open: Arc::default(),
            waited_millis: Arc::default(),
        }
    }

    /// The same places, with the waiting for them counted anew.
    #[must_use]
    pub fn counted_apart(&self) -> Self {
        Self {
            waited_millis: Arc::default(),
            ..self.clone()
        }
    }

    /// How long was waited for places, in all.
    pub fn waited(&self) -> Duration {
        Duration::from_millis(self.waited_millis.load(Ordering::Relaxed))
    }

    /// Waits for a place.
    pub async fn take(&self) -> Option<Slot> {
        self.take_several(1).await
    }

    /// Waits for several places at once, at most [`MAX_OPEN`]. `None` only when the engine ends.
    pub async fn take_several(&self, num: u32) -> Option<Slot> {
        let began = Instant::now();
        let places = Arc::clone(&self.places)
            .acquire_many_owned(num)
            .await
            .ok()?;
        let waited_millis = began.elapsed().as_millis() as u64;
        self.waited_millis
            .fetch_add(waited_millis, Ordering::Relaxed);
        let num = num as usize;
        let now = self.open.now.fetch_add(num, Ordering::Relaxed) + num;
        self.open.most.fetch_max(now, Ordering::Relaxed);
        Some(Slot {
            num,
            open: Arc::clone(&self.open),
            _places: places,
        })
    }

    /// How many are open now.
    pub fn num_open(&self) -> usize {
        self.open.now.load(Ordering::Relaxed)
    }

    /// How many were open at once, at most.
    pub fn most_open(&self) -> usize {
        self.open.most.load(Ordering::Relaxed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.now.fetch_sub(self.num, Ordering::Relaxed);
    }
}

/// How units are identified, beside what the settings say.
#[derive(Clone, Debug)]
pub struct IdentifyConfig {
    /// What a person chose.
    pub settings: IdentifySettings,
    /// Where probes go.
    pub ports: ProbePorts,
    /// How long one probe may take in all.
    pub limit: Duration,
    /// How long nothing may come before it counts as silent.
    pub silence: Duration,
    /// The folder with a person's own tables of the catalog.
    pub catalog_dir: Option<PathBuf>,
    /// Where users of SNMP v3 are kept; `None` keeps them only until the end.
    pub vault: Option<Arc<dyn Vault>>,
    /// The user of SNMP v3 to begin with, whatever the vault has.
    pub v3: Option<Arc<V3User>>,
}

impl Default for IdentifyConfig {
    fn default() -> Self {
        Self {
            settings: IdentifySettings::default(),
            ports: ProbePorts::default(),
            limit: Duration::from_secs(6),
            // Windows tries a refused connection again for about 2 s before it says so.
            silence: if cfg!(windows) {
                Duration::from_millis(2_500)
            } else {
                Duration::from_millis(1_500)
            },
            catalog_dir: None,
            vault: None,
            v3: None,
        }
    }
}

/// Everything that a probe needs to know.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The unit's address.
    pub ip: Ipv4Addr,
    /// Where to.
    pub ports: Arc<ProbePorts>,
    /// How long one probe may take in all.
    pub limit: Duration,
    /// How long nothing may come before it counts as silent: a connect, a first answer.
    pub silence: Duration,
    /// The places for open connections.
    pub slots: Slots,
    /// SNMP v1 and v2c communities, in the order in which they are tried.
    pub communities: Arc<[String]>,
    /// SNMP v3, tried first when it is there.
    pub v3: Option<Arc<V3User>>,
}
