//! The window: draws from the engine's newest snapshot and turns what a person does into commands.
//! What must not be here: sockets, files, waiting of any kind, and any state that the engine owns.
//!
//! One [`App`], split by verb: `logic` takes what is new, `ui` lays out the frame, `dispatch` carries out
//! [`UiCommand`]s. `panels`, `views`, `grid` and `modals` draw; none of them sends anything by itself except
//! through `App::ask` and `App::send`.

mod command;
mod dialogs;
mod dispatch;
mod fonts;
mod format;
mod grid;
mod identifying;
mod list;
mod logic;
mod modals;
mod notices;
mod panels;
mod refusal;
mod rows;
mod screens;
mod second_start;
mod shortcuts;
mod theme;
mod ui;
mod view_state;
mod views;
mod widgets;
mod window;

use std::path::PathBuf;
use std::sync::Arc;

use egui::Context;
use egui::os::OperatingSystem;
use jiff::tz::TimeZone;

use self::dialogs::Dialogs;
use self::grid::{GridState, Selection};
use self::notices::Notices;
use self::panels::Sum;
use self::rows::GridRows;
use self::view_state::{
    DiagnosticsState, Modal, NameEdit, PageForm, PanelState, PathUse, StudyState, TeachState,
    TimeLineState, WatchState,
};
use crate::engine::command::{Saying, TargetsRequest};
use crate::engine::handle::EngineHandle;
use crate::instance::Doorbell;
use crate::logging::{LogLine, LogRing};
use crate::model::query::Query;
use crate::model::snapshot::Snapshot;
use crate::model::time::Timestamp;
use crate::settings::{OpeningNote, Renderer, Settings, ThemeChoice};

pub use self::command::{LearnCommand, ReplayCommand, UiCommand, WatchCommand};
pub use self::refusal::{NoWindow, advice, has_display, tell};
pub use self::view_state::View;
pub use self::window::{Wake, native_options, run};

/// Tells the time. Given by `main`, so that the window never asks the system and tests stand still.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where things are kept, as the settings page shows it.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Where sites are kept when nothing else is said.
    pub sites: Option<PathBuf>,
    /// The settings file.
    pub settings: Option<PathBuf>,
    /// The folder of the log files.
    pub logs: Option<PathBuf>,
    /// Where exports go at first.
    pub documents: Option<PathBuf>,
}

impl Places {
    /// The places as the settings know them.
    pub fn of(places: &crate::settings::Places) -> Self {
        Self {
            sites: Some(places.sites_dir.clone()),
            settings: Some(places.settings_file()),
            logs: Some(places.log_dir.clone()),
            documents: directories::UserDirs::new().map(|dirs| {
                // Not everybody has a folder for documents; everybody has a home.
                let folder = dirs.document_dir().unwrap_or_else(|| dirs.home_dir());
                folder.to_owned()
            }),
        }
    }
}

/// What the window starts with.
pub struct Start {
    /// The conversation with the engine.
    pub handle: EngineHandle,
    /// What was remembered.
    pub settings: Settings,
    /// Where things are kept.
    pub places: Places,
    /// Tells the time.
    pub clock: Clock,
    /// The person's time zone.
    pub zone: TimeZone,
    /// The last lines of the log, and dialogs that could not open.
    pub log: LogRing,
    /// What there is to say at the start: settings that were mended, a log that cannot be written.
    pub sayings: Vec<String>,
    /// Where later starts ring, when this is the window they go to.
    pub doorbell: Option<Doorbell>,
}

/// Brings fonts and both themes into a context, before it draws for the first time.
pub fn install(ctx: &Context, choice: ThemeChoice) {
    theme::install(ctx);
    theme::choose(ctx, choice);
}

/// The window.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent states of the window, each with its own words"
)]
pub struct App {
    /// The conversation with the engine.
    handle: EngineHandle,
    /// The picture that this frame draws; never changes within a frame.
    snapshot: Arc<Snapshot>,
    /// Tells the time.
    clock: Clock,
    /// The window's title as the system was told it last.
    title: String,
    /// The time that what was heard is seen from: the clock's, and in a replay that of the replay.
    now: Timestamp,
    /// The time of this frame by the clock: for work that goes on, notices and files.
    clock_now: Timestamp,
    /// The person's time zone.
    zone: TimeZone,
    /// The last lines of the log, and dialogs that could not open.
    log: LogRing,
    /// The lines of the log that the Activity view shows, with how many were logged when they were taken.
    log_lines: (u64, Vec<Arc<LogLine>>),
    /// Where things are kept.
    places: Places,
    /// The system, as the window knows it.
    os: OperatingSystem,
    /// What is remembered between starts.
    settings: Settings,
    /// What the engine was last told to remember.
    remembered: Settings,
    /// When the settings began to differ from what is remembered, in egui's seconds.
    unsaved_since: Option<f64>,
    /// Which entry of the rail is shown.
    view: View,
    /// What the grid is asked to show.
    query: Query,
    /// Which units the grid shows, in order.
    rows: GridRows,
    /// Which of them are selected.
    selection: Selection,
    /// The sum of several selected units.
    sum: Option<Sum>,
    /// How the grid stands: hover, scroll, drags.
    grid: GridState,
    /// A name that is being typed.
    name_edit: Option<NameEdit>,
    /// What the Diagnostics view remembers.
    diagnostics: DiagnosticsState,
    /// What the Watch view remembers.
    watch: WatchState,
    /// How the time line of a replay stands.
    time_line: TimeLineState,
    /// The decoder that is being taught.
    teach: Option<Box<TeachState>>,
    /// The unit that was studied.
    study: Option<Box<StudyState>>,
    /// Whether a study was asked for in this site and has not come yet.
    awaits_study: bool,
    /// Where the site is being saved under another name.
    saving_as: Option<std::path::PathBuf>,
    /// How the right panel and lists of answers stand.
    panel: PanelState,
    /// The communities that are being typed, until they are taken over.
    communities: Option<String>,
    /// The targets that are to be exported, while their path is asked for.
    targets: Option<Box<TargetsRequest>>,
    /// The question over the window.
    modal: Option<Modal>,
    /// How large it was drawn: what changes stands in its place one frame later.
    modal_size: egui::Vec2,
    /// The native dialog that is open.
    dialogs: Dialogs,
    /// What the engine and the window said.
    notices: Notices,
    /// A native dialog that is to open at the end of this frame, with the path to begin from.
    wants_dialog: Option<(PathUse, String)>,
    /// Commands that were asked for in this frame.
    pending: Vec<UiCommand>,
    /// Whether the right panel has room in this window.
    panel_fits: bool,
    /// Whether a text was being typed at the end of the last frame. egui takes the focus from its field before a frame
    /// begins in which Escape is pressed.
    was_typing: bool,
    /// Whether the window is to close as soon as the running job is over.
    closing: bool,
    /// Whether the person was told that closing loses what could not be saved.
    closes_unsaved: bool,
    /// Whether the filter box is to get the focus in this frame.
    focus_filter: bool,
    /// How wide the top bar's right side was, so that chips know their room.
    top_bar_right_width: f32,
    /// To be taken away as soon as the window has been drawn.
    opening_note: Option<OpeningNote>,
    /// Where later starts ring.
    doorbell: Option<Doorbell>,
    /// How often the window was drawn.
    num_drawn: u64,
    /// Whether the person's attention was asked for and has not been given yet.
    wants_attention: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("revision", &self.snapshot.revision)
            .field("view", &self.view)
            .field("modal", &self.modal)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the settings: communities are half a secret.
        f.debug_struct("Start")
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl App {
    /// The window over a context that has not drawn anything yet.
    pub fn new(ctx: &Context, start: Start) -> Self {
        let Start {
            handle,
            settings,
            places,
            clock,
            zone,
            log,
            sayings,
            doorbell,
        } = start;
        let settings = window::sanitize(settings);
        install(ctx, settings.theme);
        ctx.set_zoom_factor(settings.zoom);
        let snapshot = handle.snapshot();
        let mut notices = Notices::default();
        for words in sayings {
            notices.say(clock(), Saying::note(words));
        }
        let query = Query {
            text: settings.grid.filter.clone(),
            sort: grid::columns::sort(&settings.grid),
            ..Query::default()
        };
        // The demo is looked at, not started with: the first start is still to come.
        let is_first = !settings.welcomed && !snapshot.site.demo;
        Self {
            snapshot,
            title: String::new(),
            now: clock(),
            clock_now: clock(),
            clock,
            zone,
            places,
            os: ctx.os(),
            remembered: settings.clone(),
            settings,
            unsaved_since: None,
            view: View::default(),
            query,
            rows: GridRows::new(ctx),
            selection: Selection::default(),
            sum: None,
            grid: GridState::default(),
            name_edit: None,
            diagnostics: DiagnosticsState::default(),
            watch: WatchState::default(),
            time_line: TimeLineState::default(),
            teach: None,
            study: None,
            awaits_study: false,
            saving_as: None,
            panel: PanelState::default(),
            communities: None,
            targets: None,
            modal: is_first.then(|| Modal::Welcome(PageForm::default())),
            modal_size: egui::Vec2::ZERO,
            dialogs: Dialogs::new(),
            notices,
            log,
            log_lines: (0, Vec::new()),
            wants_dialog: None,
            pending: Vec::new(),
            panel_fits: true,
            was_typing: false,
            closing: false,
            closes_unsaved: false,
            focus_filter: false,
            top_bar_right_width: 0.0,
            opening_note: None,
            doorbell,
            num_drawn: 0,
            wants_attention: false,
            handle,
        }
    }

    /// Says what draws this window; it is tried first at the next start. The note of what was being tried goes when
    /// the window has been drawn.
    #[must_use]
    pub fn drawn_by(mut self, renderer: Renderer, note: Option<OpeningNote>) -> Self {
        self.settings.renderer = Some(renderer);
        self.opening_note = note;
        self
    }

    /// What draws this window, in words.
    fn renderer_words(&self) -> &'static str {
        self.settings.renderer.map_or("nothing", Renderer::words)
    }

    /// Asks for a command; carried out at the end of the frame.
    fn ask(&mut self, command: UiCommand) {
        self.pending.push(command);
    }

    /// Which entry of the rail is shown.
    pub const fn view(&self) -> View {
        self.view
    }

    /// What is remembered between starts, as it stands now.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }
}
