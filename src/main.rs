//! A made-up fleet in the real window, until the engine is there.
#[path = "../tests/support/window.rs"]
#[expect(dead_code)]
mod window;
fn main() -> eframe::Result {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let handle = runtime.handle().clone();
    let dark = std::env::var("LIGHT").is_err();
    let num: u64 = std::env::var("UNITS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(51);
    let settings = rollcall::settings::Settings {
        theme: if dark {
            rollcall::settings::ThemeChoice::Dark
        } else {
            rollcall::settings::ThemeChoice::Light
        },
        window: std::env::var("SIZE").ok().and_then(|s| {
            let (w, h) = s.split_once('x')?;
            Some(rollcall::settings::WindowPlace {
                x: None,
                y: None,
                width: w.parse().ok()?,
                height: h.parse().ok()?,
                maximized: false,
            })
        }),
        ..Default::default()
    };
    let options = rollcall::app::native_options(&settings);
    eframe::run_native(
        "rollcall",
        options,
        Box::new(move |cc| {
            let snapshot = if num == 0 {
                window::empty_snapshot(14)
            } else {
                window::snapshot(num)
            };
            let (app, end) = window::window(&cc.egui_ctx, snapshot, settings, handle);
            Box::leak(Box::new((end, runtime)));
            Ok(Box::new(app))
        }),
    )
}
