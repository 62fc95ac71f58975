//! The window: reads what was remembered, starts the engine, opens the window, and sees to it that everything is
//! saved at the end. No logic of its own.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use rollcall::capture::is_capture;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use rollcall::engine::identify::IdentifyConfig;
use rollcall::engine::identify::credentials::Keyring;
use rollcall::engine::plane::PlaneConfig;
use rollcall::engine::{Engine, EngineConfig, SiteChoice, clock, firewall};
use rollcall::instance::{self, Found, Meeting, Request};
use rollcall::model::network::Choice;
use rollcall::settings::{OpeningNote, Places, Renderer, Settings, in_turn};
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
    /// What draws the window: "opengl", or where it is built in "wgpu" (Direct3D, Metal, Vulkan), for old drivers,
    /// remote desktops and virtual machines. It is tried first and remembered.
    #[arg(long, value_name = "NAME")]
    renderer: Option<Renderer>,
    /// Opens a window of its own, although one is open.
    #[arg(long)]
    new_window: bool,
    /// Changes this program's rules in the firewall of Windows: started by the window, as an administrator.
    #[arg(long, hide = true, value_name = "add or remove")]
    firewall_rule: Option<firewall::RuleChange>,
    /// The site file to open; without it, the one that was open last. An open window is asked to open it.
    site: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(words) => return say_usage(&words),
    };
    if let Some(change) = arguments.firewall_rule {
        return firewall_rule(change);
    }
    if !app::has_display() {
        return refuse(
            "There is no display to open a window on: use \"rollcall-cli\" here instead; \"rollcall-cli --help\" says how",
        );
    }
    let places =
        Places::find().unwrap_or_else(|| Places::under(std::env::temp_dir().join("rollcall")));
    let site = arguments
        .site
        .map(|path| std::path::absolute(&path).unwrap_or(path));
    // The demo is a throw-away, and stays out of the way of the real window.
    let (mut doorbell, mut alone) = (None, None);
    if !arguments.demo && !arguments.new_window {
        let request = Request { open: site.clone() };
        let meeting = Meeting::within(&places.runtime_dir, &display());
        match instance::find(&meeting, &request) {
            Found::HandedOver => return ExitCode::SUCCESS,
            Found::First(bell) => doorbell = Some(bell),
            Found::Alone(why) => alone = Some(format!("Rollcall opened another window: {why}")),
        }
    }
    let logging = logging::start(&places.log_dir);
    logging::install_panic_hook();
    if let Some(why) = &alone {
        tracing::warn!("{why}");
    }
    let (settings, mended) = Settings::load(&places.settings_file());
    // Where "End demo" leads: to the person's own site.
    let after_demo = site
        .clone()
        .filter(|path| !is_capture(path))
        .or_else(|| settings.last_site.clone());
    let site = match (arguments.demo, site) {
        (true, _) => SiteChoice::Demo,
        (false, Some(path)) if is_capture(&path) => SiteChoice::Replay(path),
        (false, Some(path)) => SiteChoice::File(path),
        (false, None) => SiteChoice::LastOrUntitled(settings.last_site.clone()),
    };
    let config = EngineConfig {
        settings_path: Some(places.settings_file()),
        plane: plane(&settings),
        after_demo,
        places: Some(places.clone()),
        firewall: firewall::of_this_system(),
        capture: settings.capture,
        decoders_dir: Some(places.decoders_dir()),
        identify: IdentifyConfig {
            settings: settings.identify.clone(),
            catalog_dir: Some(places.catalog_dir()),
            vault: Some(Arc::new(Keyring::default())),
            ..IdentifyConfig::default()
        },
        ..EngineConfig::new(site, places.sites_dir.clone())
    };
    let note = OpeningNote::within(&places.log_dir);
    let renderers = in_turn(
        Renderer::BUILT_IN,
        arguments.renderer,
        settings.renderer,
        note.left(),
    );
    let wake = app::Wake::default();
    if let Some(doorbell) = &doorbell {
        let wake = wake.waker();
        doorbell.wake_with(move || wake());
    }
    let (handle, engine) = match Engine::start(config, wake.waker()) {
        Ok(started) => started,
        Err(error) => return refuse(&error.to_string()),
    };
    let start = app::Start {
        handle,
        settings,
        places: app::Places::of(&places),
        clock: Arc::new(clock::now),
        zone: jiff::tz::TimeZone::system(),
        log: logging.ring.clone(),
        sayings: mended
            .into_iter()
            .chain(logging.trouble.clone())
            .chain(alone)
            .collect(),
        doorbell,
    };
    let shown = app::run(start, &wake, &renderers, &note);
    if !engine.close(SAVE_AT_MOST) {
        tracing::error!("the engine did not end in time");
    }
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&app::advice(&error, &places.log_dir)),
    }
}

/// What tells the displays of one person apart: a window at another one cannot be seen. Windows and macOS have one.
fn display() -> String {
    let of = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    of("WAYLAND_DISPLAY")
        .or_else(|| of("DISPLAY"))
        .unwrap_or_default()
}

/// Changes the firewall's rules and ends; the exit code tells the window that started this why it did not work.
fn firewall_rule(change: firewall::RuleChange) -> ExitCode {
    let Some(system) = firewall::of_this_system() else {
        // No box: nobody but a test or a curious person comes here.
        let _ = writeln!(
            std::io::stderr(),
            "only Windows needs a rule in its firewall"
        );
        return ExitCode::from(2);
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

/// The help, or what was wrong with the arguments.
fn say_usage(words: &clap::Error) -> ExitCode {
    if cfg!(windows) {
        app::tell(&words.to_string(), words.use_stderr());
    } else {
        // Nobody is left to be told that standard output is closed.
        let _ = words.print();
    }
    ExitCode::from(if words.use_stderr() { 2 } else { 0 })
}

fn refuse(why: &str) -> ExitCode {
    app::tell(why, true);
    ExitCode::from(2)
}
