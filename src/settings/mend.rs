//! Reads settings field by field, and brings each value into its range. Every repair is said in words.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{ExportSettings, GridSettings, IdentifySettings, Settings, WindowPlace};

const ZOOM: RangeInclusive<f32> = 0.75..=2.0;
const COLUMN_WIDTH: RangeInclusive<f32> = 24.0..=2_000.0;
const WINDOW_WIDTH: RangeInclusive<f32> = 960.0..=16_384.0;
const WINDOW_HEIGHT: RangeInclusive<f32> = 600.0..=16_384.0;
/// Points to either side of the main screen's corner at which a screen may still be.
const WINDOW_EDGE: RangeInclusive<f32> = -16_384.0..=16_384.0;
const MAX_RECENT_SITES: usize = 10;
/// More interfaces than any laptop has had.
const MAX_INTERFACES: usize = 1_000;
/// More columns than the grid has.
const MAX_COLUMNS: usize = 64;
/// As much of a filter text as is read.
const MAX_TEXT_CHARS: usize = 1_024;
const EXPORT_FORMATS: [&str; 2] = ["csv", "json"];

/// Reads settings from the fields of a file; the rest is default.
pub(super) fn read(fields: Map<String, Value>, words: &mut Vec<String>) -> Settings {
    let default = Settings::default();
    let mut fields = Fields {
        unread: fields,
        within: "",
        words,
    };
    let mut settings = Settings {
        theme: fields.take("theme", default.theme),
        zoom: fields.take("zoom", default.zoom),
        live_search: fields.take("live_search", default.live_search),
        capture: fields.take("capture", default.capture),
        interfaces: fields.take_map("interfaces"),
        broadcast_only: fields.take_list("broadcast_only"),
        last_site: fields.take("last_site", default.last_site),
        recent_sites: fields.take_list("recent_sites"),
        window: fields.take("window", default.window),
        show_panel: fields.take("show_panel", default.show_panel),
        renderer: fields.take("renderer", default.renderer),
        welcomed: fields.take("welcomed", default.welcomed),
        grid: default.grid,
        export: default.export,
        identify: default.identify,
    };
    if let Some(mut grid) = fields.take_group("grid") {
        settings.grid = read_grid(&mut grid);
    }
    if let Some(mut export) = fields.take_group("export") {
        settings.export = read_export(&mut export);
    }
    if let Some(mut identify) = fields.take_group("identify") {
        settings.identify = read_identify(&mut identify);
    }
    settings.mend(words);
    settings
}

fn read_grid(fields: &mut Fields<'_>) -> GridSettings {
    let default = GridSettings::default();
    GridSettings {
        columns: fields.take_list("columns"),
        widths: fields.take_map("widths"),
        sort: fields.take("sort", default.sort),
        descending: fields.take("descending", default.descending),
        filter: fields.take("filter", default.filter),
    }
}

fn read_identify(fields: &mut Fields<'_>) -> IdentifySettings {
    let default = IdentifySettings::default();
    let automatic = fields.take("automatic", default.automatic);
    let off = fields.take_list("off");
    let communities = fields.take("communities", default.communities);
    IdentifySettings {
        automatic,
        off,
        communities,
    }
}

fn read_export(fields: &mut Fields<'_>) -> ExportSettings {
    let default = ExportSettings::default();
    ExportSettings {
        folder: fields.take("folder", default.folder),
        format: fields.take("format", default.format),
        semicolon: fields.take("semicolon", default.semicolon),
        for_spreadsheets: fields.take("for_spreadsheets", default.for_spreadsheets),
    }
}

/// The fields of an object that are still to be read.
struct Fields<'a> {
    unread: Map<String, Value>,
    /// Stands before a field's name in words.
    within: &'static str,
    words: &'a mut Vec<String>,
}

impl Fields<'_> {
    /// A field, or its default when it is missing or cannot be used.
    fn take<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> T {
        match self.unread.remove(key) {
            None => default,
            Some(value) => parse(value).unwrap_or_else(|| {
                self.say(key, "could not be used and is as at the first start");
                default
            }),
        }
    }

    /// A list, without the entries that cannot be used.
    fn take_list<T: DeserializeOwned>(&mut self, key: &'static str) -> Vec<T> {
        let values: Vec<Value> = self.take(key, Vec::new());
        let num_values = values.len();
        let list: Vec<T> = values.into_iter().filter_map(parse).collect();
        self.say_left_out(key, num_values - list.len());
        list
    }

    /// A map, without the entries that cannot be used.
    fn take_map<T: DeserializeOwned>(&mut self, key: &'static str) -> BTreeMap<String, T> {
        let values: Map<String, Value> = self.take(key, Map::new());
        let num_values = values.len();
        let map: BTreeMap<String, T> = values
            .into_iter()
            .filter_map(|(name, value)| Some((name, parse(value)?)))
            .collect();
        self.say_left_out(key, num_values - map.len());
        map
    }

    /// An object whose fields are read on their own.
    fn take_group(&mut self, key: &'static str) -> Option<Fields<'_>> {
        let fields: Option<Map<String, Value>> = self.take(key, None);
        Some(Fields {
            unread: fields?,
            within: key,
            words: self.words,
        })
    }

    fn say_left_out(&mut self, key: &'static str, num_values: usize) {
        if num_values > 0 {
            self.say(key, &left_out(num_values));
        }
    }

    fn say(&mut self, key: &str, what: &str) {
        let dot = if self.within.is_empty() { "" } else { "." };
        self.words.push(format!("{}{dot}{key} {what}", self.within));
    }
}

fn parse<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

fn left_out(num_values: usize) -> String {
    match num_values {
        1 => "had an entry that could not be used and was left out".to_owned(),
        _ => format!("had {num_values} entries that could not be used and were left out"),
    }
}

impl Settings {
    /// Brings every value into its range, and says what had to be changed.
    pub(super) fn mend(&mut self, words: &mut Vec<String>) {
        let default = Self::default();
        mend_number("zoom", &mut self.zoom, &ZOOM, default.zoom, words);
        mend_len(
            "broadcast_only",
            &mut self.broadcast_only,
            MAX_INTERFACES,
            words,
        );
        mend_map_len("interfaces", &mut self.interfaces, words);
        mend_paths(&mut self.recent_sites, words);
        mend_path("last_site", &mut self.last_site, words);
        self.grid.mend(words);
        mend_path("export.folder", &mut self.export.folder, words);
        if !EXPORT_FORMATS.contains(&self.export.format.as_str()) {
            self.export.format = default.export.format;
            words.push("export.format was not known and is csv".to_owned());
        }
        if let Some(window) = self.window {
            self.window = window.mended();
            if self.window != Some(window) {
                words.push("window was out of range and was mended".to_owned());
            }
        }
    }
}

impl GridSettings {
    fn mend(&mut self, words: &mut Vec<String>) {
        let num_columns = self.columns.len();
        let mut seen: Vec<String> = Vec::new();
        for column in self.columns.drain(..).take(MAX_COLUMNS) {
            if !seen.contains(&column) {
                seen.push(column);
            }
        }
        self.columns = seen;
        if self.columns.len() < num_columns {
            words.push("grid.columns named columns twice, which were left out".to_owned());
        }
        let num_widths = self.widths.len();
        self.widths.retain(|_, width| width.is_finite());
        if self.widths.len() < num_widths {
            words.push(format!(
                "grid.widths {}",
                left_out(num_widths - self.widths.len())
            ));
        }
        for (column, width) in &mut self.widths {
            let name = format!("grid.widths of {column:?}");
            mend_number(&name, width, &COLUMN_WIDTH, *COLUMN_WIDTH.start(), words);
        }
        mend_map_len("grid.widths", &mut self.widths, words);
        if let Some((end, _)) = self.filter.char_indices().nth(MAX_TEXT_CHARS) {
            self.filter.truncate(end);
            words.push("grid.filter was too long and was cut".to_owned());
        }
    }
}

impl WindowPlace {
    /// The place within what a screen can be; nothing when even its size makes no sense.
    fn mended(self) -> Option<Self> {
        let is_absurd = |size: f32, range: &RangeInclusive<f32>| {
            !size.is_finite() || size <= 0.0 || size > *range.end()
        };
        if is_absurd(self.width, &WINDOW_WIDTH) || is_absurd(self.height, &WINDOW_HEIGHT) {
            return None;
        }
        // A corner needs both; NaN is in no range.
        let corner = self
            .x
            .zip(self.y)
            .filter(|(x, y)| WINDOW_EDGE.contains(x) && WINDOW_EDGE.contains(y));
        Some(Self {
            x: corner.map(|(x, _)| x),
            y: corner.map(|(_, y)| y),
            width: self.width.max(*WINDOW_WIDTH.start()),
            height: self.height.max(*WINDOW_HEIGHT.start()),
            maximized: self.maximized,
        })
    }
}

fn mend_number(
    name: &str,
    number: &mut f32,
    range: &RangeInclusive<f32>,
    default: f32,
    words: &mut Vec<String>,
) {
    if !range.contains(number) {
        let was = *number;
        *number = if was.is_finite() {
            was.clamp(*range.start(), *range.end())
        } else {
            default
        };
        words.push(format!("{name} was {was}, out of range, and is {number}"));
    }
}

fn mend_len<T>(name: &str, list: &mut Vec<T>, max: usize, words: &mut Vec<String>) {
    if list.len() > max {
        list.truncate(max);
        words.push(format!("{name} had more than {max} entries and was cut"));
    }
}

fn mend_map_len<T>(name: &str, map: &mut BTreeMap<String, T>, words: &mut Vec<String>) {
    if map.len() > MAX_INTERFACES {
        while map.len() > MAX_INTERFACES {
            map.pop_last();
        }
        words.push(format!(
            "{name} had more than {MAX_INTERFACES} entries and was cut"
        ));
    }
}

fn mend_path(name: &str, path: &mut Option<PathBuf>, words: &mut Vec<String>) {
    if path
        .as_ref()
        .is_some_and(|path| path.as_os_str().is_empty())
    {
        *path = None;
        words.push(format!("{name} was empty and was left out"));
    }
}

/// The newest ten sites, each once.
fn mend_paths(paths: &mut Vec<PathBuf>, words: &mut Vec<String>) {
    let mut kept: Vec<PathBuf> = Vec::new();
    let num_paths = paths.len();
    for path in paths.drain(..) {
        if kept.len() < MAX_RECENT_SITES && !path.as_os_str().is_empty() && !kept.contains(&path) {
            kept.push(path);
        }
    }
    *paths = kept;
    if paths.len() < num_paths {
        words.push(format!(
            "recent_sites had more than the newest {MAX_RECENT_SITES}, or some twice, and was cut"
        ));
    }
}
