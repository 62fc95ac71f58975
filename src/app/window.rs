//! The native window: its options, its place on the screen, and the way the engine wakes it.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use egui::{Context, ViewportBuilder};

use super::refusal::{Failure, NoWindow};
use super::{App, Start, format};
use crate::APP_ID;
use crate::engine::handle::Waker;
use crate::model::snapshot::Snapshot;
use crate::settings::{OpeningNote, Renderer, Settings, WindowPlace};

/// The smallest window, in points.
const MIN_SIZE: [f32; 2] = [960.0, 600.0];

/// The window at the first start.
const FIRST_SIZE: [f32; 2] = [1_280.0, 800.0];

/// No screen is larger than this; a restored size beyond it is a mistake.
const MAX_SIZE: f32 = 16_384.0;

/// The engine's wakes are gathered for this long, so that a storm draws no more than it must.
const WAKE_AFTER: Duration = Duration::from_millis(10);

/// Wakes the window. Made before the window exists, so that the engine can start first.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<OnceLock<Context>>);

impl Wake {
    /// What the engine calls after something changed.
    pub fn waker(&self) -> Waker {
        let slot = Arc::clone(&self.0);
        Arc::new(move || {
            if let Some(ctx) = slot.get() {
                ctx.request_repaint_after(WAKE_AFTER);
            }
        })
    }

    /// Says which window is to be woken.
    pub fn connect(&self, ctx: &Context) {
        // A second window of the same process would be a mistake; the first stays connected.
        self.0.set(ctx.clone()).ok();
    }
}

/// Opens the window with the first of the renderers that can, and returns when it is closed. `note` tells the next
/// start which renderer was being tried, should its driver end the program.
pub fn run(
    start: Start,
    wake: &Wake,
    renderers: &[Renderer],
    note: &OpeningNote,
) -> Result<(), NoWindow> {
    // Taken by the first window that comes into being.
    let start = Rc::new(RefCell::new(Some(start)));
    let mut failed = Vec::new();
    for &renderer in renderers {
        let options = match start.borrow().as_ref() {
            Some(start) => native_options(&start.settings, renderer),
            None => break,
        };
        let has_another = Renderer::BUILT_IN.len() > 1;
        if has_another && let Err(error) = note.write(renderer) {
            tracing::warn!(%error, "a crash of the graphics driver would not be remembered");
        }
        let for_window = (Rc::clone(&start), wake.clone(), note.clone());
        // A driver, or what stands between, may also panic; the next renderer may still work.
        let shown = catch_unwind(AssertUnwindSafe(|| {
            eframe::run_native(
                APP_ID,
                options,
                Box::new(move |creation| {
                    let (start, wake, note) = for_window;
                    let start = start
                        .borrow_mut()
                        .take()
                        .ok_or("there is a window already")?;
                    let app = App::new(&creation.egui_ctx, start).drawn_by(renderer, Some(note));
                    wake.connect(&creation.egui_ctx);
                    Ok(Box::new(app))
                }),
            )
        }));
        if has_another {
            note.remove();
        }
        let failure = match shown {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => Failure::Error(error),
            Err(panic) => Failure::Panic(words_of(&*panic)),
        };
        tracing::error!(%failure, %renderer, "the window could not be opened");
        failed.push((renderer, failure));
    }
    Err(NoWindow(failed))
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

/// The window's size, place and icon.
pub fn native_options(settings: &Settings, renderer: Renderer) -> eframe::NativeOptions {
    let mut viewport = ViewportBuilder::default()
        .with_title("Rollcall")
        .with_app_id(APP_ID)
        .with_min_inner_size(MIN_SIZE)
        .with_inner_size(FIRST_SIZE)
        .with_drag_and_drop(true);
    match eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon-128.png")) {
        Ok(icon) => viewport = viewport.with_icon(icon),
        Err(error) => tracing::warn!(%error, "the window's icon cannot be read"),
    }
    if let Some(place) = settings.window.and_then(sane_place) {
        viewport = viewport
            .with_inner_size([place.width, place.height])
            .with_maximized(place.maximized);
        if let (Some(x), Some(y)) = (place.x, place.y) {
            viewport = viewport.with_position([x, y]);
        }
    }
    eframe::NativeOptions {
        viewport,
        renderer: eframe_renderer(renderer),
        // The fonts that are compiled in cover what the window says; names in other scripts need the system's.
        system_font_fallback: true,
        ..eframe::NativeOptions::default()
    }
}

#[cfg(any(windows, target_os = "macos", feature = "wgpu"))]
const fn eframe_renderer(renderer: Renderer) -> eframe::Renderer {
    match renderer {
        Renderer::OpenGl => eframe::Renderer::Glow,
        Renderer::Wgpu => eframe::Renderer::Wgpu,
    }
}

#[cfg(not(any(windows, target_os = "macos", feature = "wgpu")))]
const fn eframe_renderer(_only: Renderer) -> eframe::Renderer {
    eframe::Renderer::Glow
}

/// The window's title: the program first, so that scripts and task bars find it.
pub(super) fn title(snapshot: &Snapshot) -> String {
    let name = format::show_text(&snapshot.site.name);
    if name.is_empty() {
        "Rollcall".to_owned()
    } else {
        format!("Rollcall – {name}")
    }
}

/// A restored place that can be seen; screens come and go (trap T6).
fn sane_place(place: WindowPlace) -> Option<WindowPlace> {
    let size_is_sane = |size: f32, min: f32| size.is_finite() && size >= min && size <= MAX_SIZE;
    if !size_is_sane(place.width, MIN_SIZE[0]) || !size_is_sane(place.height, MIN_SIZE[1]) {
        return None;
    }
    // Whether a screen is there is seen when the window is open (`screens`); this is only about nonsense.
    let corner = |at: Option<f32>| at.filter(|at| (-MAX_SIZE..=MAX_SIZE).contains(at));
    let (x, y) = (corner(place.x), corner(place.y));
    let both = x.is_some() && y.is_some();
    Some(WindowPlace {
        x: x.filter(|_| both),
        y: y.filter(|_| both),
        ..place
    })
}

/// Settings whose values the window can use.
pub(super) fn sanitize(mut settings: Settings) -> Settings {
    if !settings.zoom.is_finite() {
        settings.zoom = 1.0;
    }
    settings.zoom = settings.zoom.clamp(MIN_ZOOM, MAX_ZOOM);
    settings.window = settings.window.and_then(sane_place);
    settings
}

/// The smallest zoom.
pub(super) const MIN_ZOOM: f32 = 0.75;

/// The largest zoom.
pub(super) const MAX_ZOOM: f32 = 2.0;

/// The window's place just now, in points of the system: a window is made before it is zoomed.
pub(super) fn place(ctx: &Context) -> Option<WindowPlace> {
    let zoom = ctx.zoom_factor();
    ctx.input(|input| {
        let viewport = input.viewport();
        let inner = viewport.inner_rect?;
        let outer = viewport.outer_rect;
        Some(WindowPlace {
            x: outer.map(|rect| (rect.left() * zoom).round()),
            y: outer.map(|rect| (rect.top() * zoom).round()),
            width: (inner.width() * zoom).round(),
            height: (inner.height() * zoom).round(),
            maximized: viewport.maximized.unwrap_or(false),
        })
    })
}

/// The window as at the first start.
pub(super) fn reset(ctx: &Context) {
    ctx.send_viewport_cmd(egui::ViewportCommand::Maximized(false));
    // What is asked of a window is counted in zoomed points, until the zoom changes.
    let zoom = ctx.zoom_factor();
    let size = egui::Vec2::from(FIRST_SIZE) / zoom;
    ctx.send_viewport_cmd(egui::ViewportCommand::InnerSize(size));
    let corner = egui::pos2(40.0, 40.0) / zoom;
    ctx.send_viewport_cmd(egui::ViewportCommand::OuterPosition(corner));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(x: f32, y: f32, width: f32, height: f32) -> WindowPlace {
        WindowPlace {
            x: Some(x),
            y: Some(y),
            width,
            height,
            maximized: false,
        }
    }

    #[test]
    fn a_place_that_no_screen_has_is_not_restored() {
        let kept = sane_place(place(100.0, 50.0, 1_200.0, 700.0));
        assert_eq!(kept, Some(place(100.0, 50.0, 1_200.0, 700.0)));
        let moved = sane_place(place(-30_000.0, 50.0, 1_200.0, 700.0));
        assert_eq!(
            moved.map(|place| (place.x, place.width)),
            Some((None, 1_200.0)),
            "the size is kept, the corner is left to the system"
        );
        assert_eq!(sane_place(place(0.0, 0.0, 10.0, f32::NAN)), None);
        assert_eq!(sane_place(place(0.0, 0.0, 1e9, 700.0)), None);
    }

    #[test]
    fn a_bad_zoom_is_mended() {
        for (zoom, mended) in [(f32::NAN, 1.0), (0.0, MIN_ZOOM), (9.0, MAX_ZOOM)] {
            let settings = sanitize(Settings {
                zoom,
                ..Settings::default()
            });
            assert!((settings.zoom - mended).abs() < 0.001);
        }
    }
}
