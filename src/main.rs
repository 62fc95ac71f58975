//! The window: reads what was remembered, starts the engine, opens the window, and sees to it that everything is
//! saved at the end. No logic of its own.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use rollcall::engine::plane::PlaneConfig;
use rollcall::engine::{Engine, EngineConfig, SiteChoice, clock, firewall};
use rollcall::model::network::Choice;
use rollcall::settings::{Places, Settings};
use rollcall::{app, logging};

/// A disk that needs longer than this to save is not waited for.
const SAVE_AT_MOST: Duration = Duration::from_secs(20);

/// Finds Avocent and Vertiv units on every network of this computer.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Without a display, use rollcall-cli: the same engine on the command line."
)]
struct Arguments {
    /// Shows the simulated demo fleet, in a throw-away site.
    #[arg(long)]
    demo: bool,
    /// Changes this program's rules in the firewall of Windows: started by the window, as an administrator.
    #[arg(long, hide = true, value_name = "add or remove")]
    firewall_rule: Option<firewall::RuleChange>,
    /// The site file to open; without it, the one that was open last.
    site: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(change) = arguments.firewall_rule {
        return firewall_rule(change);
    }
    if !has_display() {
        return refuse(
            "there is no display to open a window on: use `rollcall-cli` here instead (see `rollcall-cli --help`)",
        );
    }
    let places =
        Places::find().unwrap_or_else(|| Places::under(std::env::temp_dir().join("rollcall")));
    let logging = logging::start(&places.log_dir);
    logging::install_panic_hook();
    let (settings, mended) = Settings::load(&places.settings_file());
    let site = match (arguments.demo, arguments.site) {
        (true, _) => SiteChoice::Demo,
        (false, Some(path)) => SiteChoice::File(std::path::absolute(&path).unwrap_or(path)),
        (false, None) => SiteChoice::LastOrUntitled(settings.last_site.clone()),
    };
    let config = EngineConfig {
        settings_path: Some(places.settings_file()),
        plane: plane(&settings),
        places: Some(places.clone()),
        firewall: firewall::of_this_system(),
        ..EngineConfig::new(site, places.sites_dir.clone())
    };
    let wake = app::Wake::default();
    let (handle, engine) = match Engine::start(config, wake.waker()) {
        Ok(started) => started,
        Err(error) => return refuse(&error.to_string()),
    };
    let start = app::Start {
        handle,
        settings,
        places: app::Places::of(&places),
        renderer: "OpenGL (glow)".to_owned(),
        clock: Arc::new(clock::now),
        zone: jiff::tz::TimeZone::system(),
        log: logging.ring.clone(),
        sayings: mended.into_iter().chain(logging.trouble.clone()).collect(),
    };
    let shown = app::run(start, wake);
    if !engine.close(SAVE_AT_MOST) {
        tracing::error!("the engine did not end in time");
    }
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&format!(
            "the window could not be opened ({error}): use `rollcall-cli` here instead"
        )),
    }
}

/// Changes the firewall's rules and ends; the exit code tells the window that started this why it did not work.
fn firewall_rule(change: firewall::RuleChange) -> ExitCode {
    let Some(system) = firewall::of_this_system() else {
        return refuse("only Windows needs a rule in its firewall");
    };
    match firewall::carry_out(&*system, change) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.exit_code()),
    }
}

fn plane(settings: &Settings) -> PlaneConfig {
    let choice = |on: &bool| if *on { Choice::On } else { Choice::Off };
    PlaneConfig {
        choices: settings
            .interfaces
            .iter()
            .map(|(name, on)| (name.clone(), choice(on)))
            .collect::<HashMap<_, _>>(),
        broadcast_only: settings.broadcast_only.clone(),
        live_search: settings.live_search,
        ..PlaneConfig::default()
    }
}

/// Whether a window can be tried at all: only X11 and Wayland tell beforehand.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos")))
        || is_set("DISPLAY")
        || is_set("WAYLAND_DISPLAY")
        || is_set("WAYLAND_SOCKET")
}

fn refuse(why: &str) -> ExitCode {
    // Where standard error is gone, nobody reads it.
    let _ = writeln!(std::io::stderr(), "rollcall: {why}");
    ExitCode::from(2)
}
