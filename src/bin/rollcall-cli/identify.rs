//! `identify`: ask given addresses by standard means, and say what they are and why.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rollcall::catalog::{Catalog, Known, organization};
use rollcall::engine::catalog_files::load_catalog;
use rollcall::engine::clock;
use rollcall::engine::identify::credentials::{Secret, V3Auth, V3User};
use rollcall::engine::identify::unit::{Asked, Asking, NeighborTable, ask_unit};
use rollcall::engine::identify::{Ask, IdentifyConfig, MAX_OPEN, Slots};
use rollcall::model::identification::{Confidence, Identification};
use rollcall::model::probing::{ClueKind, Probe};
use rollcall::settings::{IdentifySettings, Places, Settings};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::json::hex_of;
use crate::output::{Failure, JsonLines, Outcome, say};

/// The passphrases of `--v3-user` are read from these: a command line can be read by everybody on the machine.
const AUTH_VARIABLE: &str = "ROLLCALL_V3_AUTH";
const PRIV_VARIABLE: &str = "ROLLCALL_V3_PRIV";

/// What `identify` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli identify 10.20.4.7 10.20.4.8 --no-probe telnet\n\nOne JSON object an address, in the order given; one that is given twice is asked once. Communities and probes that are off are those of the window's settings.\nExit code 1: of at least one address no product is known."
)]
pub(crate) struct Args {
    /// The addresses to ask
    #[arg(value_name = "ADDRESS", required = true)]
    ips: Vec<Ipv4Addr>,
    /// How many seconds one probe may take
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
    /// Leave a probe out: neighbors, snmp, tls, http, ssh, telnet or ports; may be given several times
    #[arg(long, value_name = "NAME", value_parser = probe)]
    no_probe: Vec<Probe>,
    /// An SNMP community instead of those of the settings; may be given several times
    #[arg(long, value_name = "TEXT")]
    community: Vec<String>,
    /// An SNMP v3 user; the passphrases are taken from `ROLLCALL_V3_AUTH` and `ROLLCALL_V3_PRIV`
    #[arg(long, value_name = "NAME")]
    v3_user: Option<String>,
    /// How the v3 user signs: sha1 or sha256
    #[arg(long, value_name = "NAME", default_value = "sha256", value_parser = v3_auth)]
    v3_auth: V3Auth,
}

fn probe(word: &str) -> Result<Probe, String> {
    Probe::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Probe::ALL.into_iter().map(Probe::word).collect();
        format!("there is no such probe; there are {}", words.join(", "))
    })
}

fn v3_auth(word: &str) -> Result<V3Auth, String> {
    match word {
        "sha1" => Ok(V3Auth::Sha1),
        "sha256" => Ok(V3Auth::Sha256),
        _ => Err("it is sha1 or sha256".to_owned()),
    }
}

/// Runs `identify`.
pub(crate) fn identify(args: &Args) -> Result<Outcome, Failure> {
    let places = Places::find();
    let settings = places
        .as_ref()
        .map_or_else(IdentifySettings::default, |places| {
            // What is odd in the file, the window says.
            Settings::load(&places.settings_file()).0.identify
        });
    let v3 = args
        .v3_user
        .as_deref()
        .map(|name| v3_user(name, args.v3_auth))
        .transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no window to hold up: waiting is all that this thread has to do"
    )]
    runtime.block_on(ask_all(
        args,
        places.as_ref().map(Places::catalog_dir).as_deref(),
        &settings,
        v3,
    ))
}

fn v3_user(name: &str, auth: V3Auth) -> Result<Arc<V3User>, Failure> {
    let pass = |variable: &'static str| {
        std::env::var(variable)
            .map(Secret)
            .map_err(|_unset| Failure::NoPassphrase(variable))
    };
    let user = V3User {
        name: name.to_owned(),
        auth,
        auth_pass: pass(AUTH_VARIABLE)?,
        priv_pass: pass(PRIV_VARIABLE)?,
    };
    user.check().map_err(Failure::V3User)?;
    Ok(Arc::new(user))
}

async fn ask_all(
    args: &Args,
    catalog_dir: Option<&Path>,
    settings: &IdentifySettings,
    v3: Option<Arc<V3User>>,
) -> Result<Outcome, Failure> {
    let (catalog, state) = load_catalog(catalog_dir.map(Path::to_owned)).await;
    for why in &state.refused {
        say(format_args!("your own catalog: {why}"));
    }
    let wanted: BTreeSet<Probe> = Probe::ALL
        .into_iter()
        .filter(|probe| !args.no_probe.contains(probe))
        .filter(|probe| !settings.off.iter().any(|off| off == probe.word()))
        .collect();
    let communities = if args.community.is_empty() {
        &settings.communities
    } else {
        &args.community
    };
    let config = IdentifyConfig::default();
    let (slots, neighbors) = (Slots::new(MAX_OPEN), NeighborTable::default());
    let (wanted, ports) = (Arc::new(wanted), Arc::new(config.ports));
    let (mut has_unknown, mut num_failed) = (false, 0);
    let mut lines = JsonLines::new();
    let ask = |ip| {
        ask_unit(Asking {
            ask: Ask {
                ip,
                ports: Arc::clone(&ports),
                limit: Duration::from_secs(args.timeout),
                silence: config.silence.min(Duration::from_secs(args.timeout)),
                slots: slots.clone(),
                communities: communities.clone().into(),
                v3: v3.clone(),
            },
            wanted: Arc::clone(&wanted),
            is_thorough: true,
            catalog: Arc::clone(&catalog),
            neighbors: neighbors.clone(),
        })
    };
    each_once(&args.ips, ask, |ip, asked| {
        let Some(asked) = asked else {
            num_failed += 1;
            say(format_args!(
                "{ip} could not be asked because of an error inside Rollcall"
            ));
            return Ok(());
        };
        let line = Line::new(&catalog, &asked);
        has_unknown |= line.product.is_none();
        lines.write(&line)?;
        lines.flush()
    })
    .await?;
    if num_failed > 0 {
        return Err(Failure::Probe(num_failed));
    }
    Ok(if has_unknown {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}

/// Asks every address once, and hands on what came of it in the order given, each as soon as those before it are
/// there. Nothing comes of an address where the asking panicked.
async fn each_once<T, F>(
    ips: &[Ipv4Addr],
    ask: impl Fn(Ipv4Addr) -> F,
    mut take: impl FnMut(Ipv4Addr, Option<T>) -> Result<(), Failure>,
) -> Result<(), Failure>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut known = BTreeSet::new();
    let ips: Vec<Ipv4Addr> = ips.iter().copied().filter(|ip| known.insert(*ip)).collect();
    let mut asking = JoinSet::new();
    let mut results: Vec<Option<Option<T>>> = ips.iter().map(|_| None).collect();
    let (mut next_idx, mut num_taken) = (0, 0);
    while num_taken < ips.len() {
        while asking.len() < MAX_OPEN
            && let Some(ip) = ips.get(next_idx).copied()
        {
            let (idx, one) = (next_idx, ask(ip));
            asking.spawn(async move {
                // A task of its own, so that a panic in a probe costs one address.
                let mut alone = JoinSet::new();
                alone.spawn(one);
                (idx, alone.join_next().await.and_then(Result::ok))
            });
            next_idx += 1;
        }
        // The outer task only waits, so nothing can end it before its time.
        let Some(Ok((idx, asked))) = asking.join_next().await else {
            break;
        };
        results[idx] = Some(asked);
        while let Some(asked) = results.get_mut(num_taken).and_then(Option::take) {
            take(ips[num_taken], asked)?;
            num_taken += 1;
        }
    }
    Ok(())
}

/// What was found at one address.
#[derive(Debug, Serialize)]
struct Line {
    address: String,
    when: String,
    mac: Option<String>,
    mac_organization: Option<String>,
    product: Option<ProductLine>,
    confidence: Option<&'static str>,
    firmware: Option<String>,
    serial: Option<String>,
    part_number: Option<String>,
    shows_lineage: bool,
    reasons: Vec<ReasonLine>,
    contradictions: Vec<String>,
    remarks: Vec<String>,
    answers: Vec<AnswerLine>,
    targets: Vec<TargetLine>,
}

#[derive(Debug, Serialize)]
struct ProductLine {
    family: String,
    model: Option<String>,
    class: String,
    manufacturer: String,
    ports: Option<u16>,
    rebrand: Option<String>,
}

#[derive(Debug, Serialize)]
struct ReasonLine {
    probe: Option<&'static str>,
    confidence: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct AnswerLine {
    probe: &'static str,
    outcome: &'static str,
    why: Option<String>,
    took_millis: u32,
    clues: Vec<ClueLine>,
    raw: String,
    raw_len_bytes: u32,
}

#[derive(Debug, Serialize)]
struct ClueLine {
    kind: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct TargetLine {
    port: u32,
    tty: String,
    name: String,
    status: String,
    speed: String,
    is_connected: Option<bool>,
}

impl Line {
    fn new(catalog: &Catalog, asked: &Asked) -> Self {
        let Identification {
            product,
            confidence,
            firmware,
            reasons,
            contradictions,
            remarks,
            is_ours,
        } = catalog.identify(&Known {
            mac: asked.mac,
            probed: Some(&asked.probed),
            now: clock::now(),
            ..Known::default()
        });
        let clue = |kind| asked.probed.clue(kind).map(str::to_owned);
        let organization = asked.mac.and_then(organization);
        Self {
            address: asked.probed.ip.to_string(),
            when: asked.probed.when.to_string(),
            mac: asked.mac.map(|mac| mac.to_string()),
            mac_organization: organization.map(str::to_owned),
            product: product.map(|product| ProductLine {
                family: product.family,
                model: product.model,
                class: product.class,
                manufacturer: product.manufacturer,
                ports: product.ports,
                rebrand: product.rebrand,
            }),
            confidence: confidence.map(Confidence::word),
            firmware,
            serial: clue(ClueKind::Serial),
            part_number: clue(ClueKind::PartNumber),
            shows_lineage: is_ours,
            reasons: reasons
                .into_iter()
                .map(|reason| ReasonLine {
                    probe: reason.probe.map(Probe::word),
                    confidence: reason.confidence.word(),
                    text: reason.text,
                })
                .collect(),
            contradictions,
            remarks,
            answers: asked
                .probed
                .answers
                .iter()
                .map(|answer| AnswerLine {
                    probe: answer.probe.word(),
                    outcome: answer.outcome.word(),
                    why: answer.outcome.why().map(str::to_owned),
                    took_millis: answer.took_millis,
                    clues: answer
                        .clues
                        .iter()
                        .map(|clue| ClueLine {
                            kind: clue.kind.word(),
                            text: clue.text.clone(),
                        })
                        .collect(),
                    raw: hex_of(&answer.raw.bytes),
                    raw_len_bytes: answer.raw.full_len,
                })
                .collect(),
            targets: asked
                .probed
                .targets
                .iter()
                .map(|target| TargetLine {
                    port: target.port,
                    tty: target.tty.clone(),
                    name: target.name.clone(),
                    status: target.status.clone(),
                    speed: target.speed.clone(),
                    is_connected: target.is_connected,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test waits for its own future")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_costs_one_address_and_none_is_asked_twice() {
        let ip = |last| Ipv4Addr::new(10, 20, 4, last);
        let mut taken = Vec::new();
        let given = [ip(9), ip(7), ip(9), ip(8), ip(7)];
        let ask = |asked: Ipv4Addr| async move {
            assert_ne!(asked, ip(7), "a probe that panics");
            asked.octets()[3]
        };
        each_once(&given, ask, |ip, asked| {
            taken.push((ip, asked));
            Ok(())
        })
        .await
        .expect("everything is taken");
        assert_eq!(
            taken,
            [(ip(9), Some(9)), (ip(7), None), (ip(8), Some(8))],
            "each once, in the order given"
        );
    }
}
