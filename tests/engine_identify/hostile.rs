//! Units that mean harm by what they say. What they do to a probe is in the tests of the probes.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{Command, IdentifyRequest};
use rollcall::engine::identify::credentials::{MemoryVault, Secret, V3Auth, V3User};
use rollcall::model::probing::ClueKind;
use rollcall::model::sighting::TEXT_KEPT_CHARS;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::ber;
use crate::hall::{Hall, acs8048, config, identify, unit_at, unit_ip};
use crate::running::start_with;

/// Ends a line, rings, clears the screen, and turns the direction of writing.
const EVIL: &str = "evil\r\n\u{7}\u{1b}[2J\u{202e}txet";

/// Everything that this process logs, at every level.
static LOG: OnceLock<Mutex<String>> = OnceLock::new();

struct Keeping;

impl<S: Subscriber> Layer<S> for Keeping {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        struct Fields<'a>(&'a mut String);
        impl Visit for Fields<'_> {
            fn record_debug(&mut self, _field: &Field, value: &dyn fmt::Debug) {
                use fmt::Write;
                write!(self.0, "{value:?} ").expect("memory takes it");
            }
        }
        let log = LOG.get_or_init(Mutex::default);
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        event.record(&mut Fields(&mut log));
        log.push('\u{1e}');
    }
}

#[tokio::test]
async fn what_a_unit_says_is_cut_and_never_logged_as_it_came() {
    const AUTH: &str = "never in any log";
    let subscriber = tracing_subscriber::registry().with(Keeping);
    tracing::subscriber::set_global_default(subscriber).expect("nobody else here logs");
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    let evil_text = format!("{EVIL}{}", "x".repeat(5_000));
    let recording = acs8048()
        .with("1.3.6.1.2.1.1.1.0", ber::text(&evil_text))
        .with("1.3.6.1.2.1.1.5.0", ber::text(&evil_text));
    hall.snmp(unit_ip(61), &recording).await;
    let site = SiteChoice::File(folder.path().join("hall.rollcall"));
    let mut config = config(&hall, site, folder.path());
    // The unit does not speak v3: this is how long it is waited for.
    config.identify.silence = std::time::Duration::from_millis(800);
    config.identify.vault = Some(std::sync::Arc::new(MemoryVault::default()));
    let mut running = start_with(config);
    running.send(Command::SetV3User(Some(Box::new(V3User {
        name: "rollout".to_owned(),
        auth: V3Auth::Sha1,
        auth_pass: Secret(AUTH.to_owned()),
        priv_pass: Secret(AUTH.to_owned()),
    }))));
    let id = running.hear(61).await;
    running.send(identify(&[id]));
    let snapshot = running.until_known(61).await;
    let unit = unit_at(&snapshot, unit_ip(61)).expect("the unit");
    let probed = unit.probed.as_deref().expect("answers");
    for kind in [ClueKind::Description, ClueKind::SystemName] {
        let text = probed.clue(kind).expect("it said so");
        assert!(text.starts_with("evil"), "{text:?}");
        assert!(text.chars().count() <= TEXT_KEPT_CHARS, "{}", text.len());
    }
    let identified = unit.identified.as_deref().expect("a verdict");
    let words = identified.reasons.iter().map(|reason| &reason.text);
    for text in words.chain(&identified.contradictions) {
        let is_plain = |c: char| !c.is_control() && c != '\u{202e}';
        assert!(text.chars().all(is_plain), "{text:?}");
    }
    // Whatever is said about it.
    running.send(Command::Identify(IdentifyRequest::All));
    running
        .notice("the end", crate::hall::said("Asked 1 unit"))
        .await;
    running.close().await;

    let log = LOG.get_or_init(Mutex::default);
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(log.contains("Asked 1 unit"), "the engine logs what it says");
    for evil in ["\u{7}", "\u{1b}", "\u{202e}", "evil\r", AUTH] {
        assert!(!log.contains(evil), "{evil:?} is in the log");
    }
}
