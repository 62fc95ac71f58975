//! What Rollcall remembers between starts, beside the sites: one JSON file in the configuration directory.
//! Every field has a default and is mended on its own, so that one bad value never resets the rest.
//! The file is read and written in `file`, its fields are mended in `mend`, where it lies is said in `places`, and which
//! renderer is tried first in `renderer`.

mod file;
mod mend;
mod places;
mod renderer;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use file::SettingsError;
pub use places::Places;
pub use renderer::{OpeningNote, Renderer, in_turn};

/// Everything that is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent choice of a person"
)]
pub struct Settings {
    /// Light, dark, or as the system.
    pub theme: ThemeChoice,
    /// 0.75 to 2.0.
    pub zoom: f32,
    /// Whether live search is on at the start.
    pub live_search: bool,
    /// What a person chose for an interface, by its system name: `true` on, `false` off.
    pub interfaces: BTreeMap<String, bool>,
    /// Interfaces on which only broadcasts are listened to.
    pub broadcast_only: Vec<String>,
    /// The site that was open last.
    pub last_site: Option<PathBuf>,
    /// Sites that were open before, the newest first, at most 10.
    pub recent_sites: Vec<PathBuf>,
    /// The grid.
    pub grid: GridSettings,
    /// The export window.
    pub export: ExportSettings,
    /// How units are identified.
    pub identify: IdentifySettings,
    /// Whether what is heard and sent on the watched ports is captured into the site's ring.
    pub capture: bool,
    /// The window's place.
    pub window: Option<WindowPlace>,
    /// Whether the right panel is shown when there is room for it.
    pub show_panel: bool,
    /// The renderer that opened the window last.
    pub renderer: Option<Renderer>,
    /// Whether the first start's screen was closed: it never comes back.
    pub welcomed: bool,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How the grid looks. Columns by their key, so that a later version may add some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GridSettings {
    /// The columns shown, in their order; empty for the default.
    pub columns: Vec<String>,
    /// Widths in points, by column.
    pub widths: BTreeMap<String, f32>,
    /// The column sorted by.
    pub sort: Option<String>,
    /// Whether it is sorted downwards.
    pub descending: bool,
    /// The filter text.
    pub filter: String,
}

/// How the last export was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportSettings {
    /// The folder.
    pub folder: Option<PathBuf>,
    /// "csv" or "json".
    pub format: String,
    /// Whether CSV cells are separated by semicolons.
    pub semicolon: bool,
    /// Whether cells are defused for spreadsheets.
    pub for_spreadsheets: bool,
}

impl Default for ExportSettings {
    fn default() -> Self {
        Self {
            folder: None,
            format: "csv".to_owned(),
            semicolon: false,
            for_spreadsheets: true,
        }
    }
}

/// How units are identified. Probes by their word, so that a later version may add some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdentifySettings {
    /// Whether a unit that is newly heard in a chosen network is asked by itself.
    pub automatic: bool,
    /// The probes that are off.
    pub off: Vec<String>,
    /// SNMP v1 and v2c communities, in the order in which they are tried; at most 8 of at most 64 characters.
    pub communities: Vec<String>,
}

impl Default for IdentifySettings {
    fn default() -> Self {
        Self {
            automatic: true,
            off: Vec::new(),
            communities: vec!["public".to_owned()],
        }
    }
}

/// Where the window was, in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Left edge, when the system tells.
    pub x: Option<f32>,
    /// Top edge, when the system tells.
    pub y: Option<f32>,
    /// Inner width.
    pub width: f32,
    /// Inner height.
    pub height: f32,
    /// Whether it filled the screen.
    pub maximized: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            zoom: 1.0,
            live_search: true,
            interfaces: BTreeMap::new(),
            broadcast_only: Vec::new(),
            last_site: None,
            recent_sites: Vec::new(),
            grid: GridSettings::default(),
            export: ExportSettings::default(),
            identify: IdentifySettings::default(),
            capture: true,
            window: None,
            show_panel: true,
            renderer: None,
            welcomed: false,
        }
    }
}
