//! One pass of the window with few and with many units: drawing must not depend on how many there are.
//! The baseline is the same window over a site of 1,000 units.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use rollcall::app::App;
use rollcall::settings::{Settings, ThemeChoice};

#[path = "../tests/support/window.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod window;

fn harness(num_units: u64, runtime: &tokio::runtime::Runtime) -> Harness<'static, App> {
    let ctx = egui::Context::default();
    let snapshot = window::snapshot(num_units);
    let handle = runtime.handle().clone();
    let (app, _end) = window::window(&ctx, snapshot, Settings::default(), handle, None);
    let mut harness = Harness::builder()
        .with_size(vec2(1_440.0, 900.0))
        .with_context_setup(|ctx| rollcall::app::install(ctx, ThemeChoice::Dark))
        .build_ui_state(
            |ui, app: &mut App| {
                let ctx = ui.ctx().clone();
                app.tick(&ctx);
                app.show(ui, None);
            },
            app,
        );
    // The worker answers in its own time.
    while harness.query_all_by_role(egui::Role::Row).next().is_none() {
        std::thread::yield_now();
        harness.step();
    }
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness
}

fn passes(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without threads can always be built");
    let mut group = criterion.benchmark_group("ui pass");
    group.measurement_time(Duration::from_secs(8));
    for num_units in [1_000, 100_000] {
        let mut harness = harness(num_units, &runtime);
        group.bench_function(format!("{num_units} units"), |bencher| {
            bencher.iter(|| {
                harness.step();
                black_box(harness.output());
            });
        });
        group.bench_function(format!("{num_units} units, paging down"), |bencher| {
            bencher.iter(|| {
                harness.key_press_modifiers(Modifiers::NONE, Key::PageDown);
                harness.step();
                black_box(harness.output());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, passes);
criterion_main!(benches);
