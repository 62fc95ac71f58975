//! Sees to it that the window can be seen: screens come and go, and a place that was remembered may be on none of
//! those that are left (trap T6: restored places and sizes of other screens).

use egui::{Rect, Vec2, pos2, vec2};

/// So much of the title bar must be on a screen, in pixels, for a hand to grip it.
const GRIP: Vec2 = vec2(120.0, 24.0);

/// A smaller screen is none that a person looks at.
const LEAST: Vec2 = vec2(320.0, 200.0);

/// Where the window should be instead, in pixels; `None` when it can be seen where it is. The first screen is the one
/// to go to.
pub(super) fn mended(window: Rect, screens: &[Rect]) -> Option<Rect> {
    // Without a monitor X11 has one of a single pixel.
    let screens = || {
        screens
            .iter()
            .filter(|screen| screen.width() >= LEAST.x && screen.height() >= LEAST.y)
    };
    let title_bar = Rect::from_min_size(window.min, vec2(window.width(), GRIP.y * 2.0));
    let can_be_gripped = screens().any(|screen| {
        let seen = title_bar.intersect(*screen);
        seen.width() >= GRIP.x.min(window.width()) && seen.height() >= GRIP.y
    });
    // A window may be spread over several. Frames reach a little over the edge of a maximized one.
    let all = screens().fold(Rect::NOTHING, |all, screen| all.union(*screen));
    let fits = window.width() <= all.width() + 64.0 && window.height() <= all.height() + 64.0;
    let home = screens().next()?;
    if can_be_gripped && fits {
        return None;
    }
    let size = window.size().min(home.size() * 0.9);
    let corner = home.center() - size / 2.0;
    Some(Rect::from_min_size(
        pos2(corner.x.round(), corner.y.round()),
        size.round(),
    ))
}

/// Moves the window back onto a screen when it is on none. On Wayland the system places windows, and nothing is known.
pub(super) fn bring_back(frame: &eframe::Frame) {
    let Some(window) = frame.winit_window() else {
        return;
    };
    let Ok(corner) = window.outer_position() else {
        return;
    };
    if window.is_maximized() || window.is_minimized() == Some(true) {
        return;
    }
    let primary = window.primary_monitor();
    let screens: Vec<Rect> = primary
        .into_iter()
        .chain(window.available_monitors())
        .map(|screen| rect(screen.position().into(), screen.size().into()))
        .collect();
    let size = window.outer_size();
    let Some(better) = mended(rect(corner.into(), size.into()), &screens) else {
        return;
    };
    tracing::info!(?corner, ?size, to = ?better, "the window was on no screen");
    let (mut corner, mut inner) = (corner, window.inner_size());
    if better.size() != vec2(size.width as f32, size.height as f32) {
        // What the frame takes is taken off.
        inner.width =
            (better.width() as u32).saturating_sub(size.width.saturating_sub(inner.width));
        inner.height =
            (better.height() as u32).saturating_sub(size.height.saturating_sub(inner.height));
        // The system may refuse, and answers later; the next event has the size.
        let _ = window.request_inner_size(inner);
    }
    corner.x = better.left() as i32;
    corner.y = better.top() as i32;
    window.set_outer_position(corner);
}

fn rect((x, y): (i32, i32), (width, height): (u32, u32)) -> Rect {
    Rect::from_min_size(pos2(x as f32, y as f32), vec2(width as f32, height as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A laptop at the left of a larger screen that stands higher.
    fn screens() -> Vec<Rect> {
        vec![
            rect((0, 0), (1_920, 1_080)),
            rect((1_920, -360), (2_560, 1_440)),
        ]
    }

    #[test]
    fn a_window_that_can_be_gripped_stays() {
        for window in [
            rect((100, 100), (1_280, 800)),
            rect((2_000, -300), (1_280, 800)),
            rect((-1_100, 100), (1_280, 800)),
            rect((1_500, 100), (1_280, 800)),
            rect((0, 1_040), (1_280, 800)),
            rect((-8, -8), (1_936, 1_096)),
            rect((200, 0), (4_000, 1_000)),
        ] {
            assert_eq!(mended(window, &screens()), None, "{window:?}");
        }
    }

    #[test]
    fn a_window_on_no_screen_comes_to_the_middle_of_the_first() {
        for window in [
            rect((-3_000, 100), (1_280, 800)),
            rect((100, -900), (1_280, 800)),
            rect((100, 1_079), (1_280, 800)),
            rect((5_000, 5_000), (1_280, 800)),
            rect((-1_200, 100), (1_280, 800)),
        ] {
            let better = mended(window, &screens());
            assert_eq!(better, Some(rect((320, 140), (1_280, 800))), "{window:?}");
        }
    }

    #[test]
    fn a_window_larger_than_every_screen_is_made_to_fit() {
        let better = mended(rect((0, 0), (9_000, 5_000)), &screens()).expect("mended");
        assert_eq!(better.size(), vec2(1_728.0, 972.0));
        assert!(screens()[0].contains_rect(better));
    }

    #[test]
    fn without_any_screen_nothing_is_moved() {
        let window = rect((-9_000, 0), (1_280, 800));
        assert_eq!(mended(window, &[]), None);
        assert_eq!(mended(window, &[rect((0, 0), (1, 1))]), None);
    }
}
