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
        zoom: std::env::var("ZOOM")
            .ok()
            .and_then(|z| z.parse().ok())
            .unwrap_or(1.0),
        ..Default::default()
    };
    let options = rollcall::app::native_options(&settings);
    eframe::run_native(
        "rollcall",
        options,
        Box::new(move |cc| {
            let mut snapshot = if num == 0 {
                window::empty_snapshot(14)
            } else {
                window::snapshot(num)
            };
            use rollcall::engine::command::*;
            use rollcall::model::snapshot::*;
            let state = std::env::var("STATE").unwrap_or_default();
            if state.contains("demo") {
                snapshot.site = SiteState {
                    demo: true,
                    name: "Demo".into(),
                    ..Default::default()
                };
            }
            if state.contains("ro") {
                snapshot.site.read_only = Some("Another window has it open".into());
                snapshot.site.saved = None;
            }
            if state.contains("flood") {
                snapshot.floods = std::sync::Arc::new(vec![FloodLine {
                    sender: FloodSender {
                        interface: "enp3s0".into(),
                        ip: [10, 20, 4, 99].into(),
                    },
                    since: window::before(60),
                    last: window::before(1),
                    held_back: 49_213,
                    samples: vec!["00:11:22:33:44:55".into(), "aa:bb:cc:dd:ee:ff".into()],
                }]);
                snapshot.limits =
                    std::sync::Arc::new(vec!["200,000 units: no more are taken".into()]);
            }
            if state.contains("sweep") {
                snapshot.sweep = Some(SweepState {
                    ranges: "10.20.4.0/24".into(),
                    num_ips: 254,
                    num_asked: 120,
                    num_questions: 508,
                    num_answered: 7,
                    per_sec: 98,
                    left_secs: Some(4),
                    started: window::before(2),
                    ended: None,
                });
                snapshot.search.pass = Some(2);
            }
            if state.contains("err") {
                snapshot.site.save_error = Some("the disk is full".into());
            }
            let (app, end) = window::window(&cc.egui_ctx, snapshot, settings, handle);
            if state.contains("report") {
                let refused = (0..30)
                    .map(|n| rollcall::model::edit::RefusedRow {
                        line: n + 2,
                        column: "mac",
                        value: "00:e0:86:zz".into(),
                        why: "this is no MAC: it has twelve hex digits".into(),
                    })
                    .collect();
                end.notices
                    .try_send(Notice::Imported(std::sync::Arc::new(ImportReport {
                        path: "/home/tech/Documents/units.csv".into(),
                        added: 40,
                        changed: 3,
                        num_rows: 73,
                        refused,
                        reading: vec![
                            "UTF-16, cells apart by semicolons".into(),
                            "\u{201c}Serial No\u{201d} was read as serial".into(),
                        ],
                        ..Default::default()
                    })))
                    .ok();
            }
            if state.contains("say") {
                end.notices
                    .try_send(Notice::Said(Saying {
                        level: Level::Trouble,
                        title: "The site could not be opened".into(),
                        text: Some(
                            "The file is from a newer version of Rollcall and was left as it is"
                                .into(),
                        ),
                        hint: Some("install the newest version".into()),
                    }))
                    .ok();
                end.notices
                    .try_send(Notice::Exported {
                        path: "/home/tech/Documents/FRA2.csv".into(),
                        num_rows: 51,
                    })
                    .ok();
            }
            Box::leak(Box::new((end, runtime)));
            Ok(Box::new(app))
        }),
    )
}
