//! What a person's hands and eyes do in the window's tests: keys, clicks, what is shown, and what the engine is told.

use std::sync::Arc;

use egui::os::OperatingSystem;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use rollcall::app::App;
use rollcall::engine::command::{Command, Notice};
use rollcall::engine::handle::EngineEnd;
use rollcall::model::snapshot::Snapshot;
use rollcall::settings::Settings;

use crate::window;

/// A window over a made-up snapshot.
pub(crate) struct Hands {
    pub(crate) harness: Harness<'static, App>,
    pub(crate) engine: EngineEnd,
    /// Keeps the dialogs' runtime alive.
    _runtime: tokio::runtime::Runtime,
}

impl Hands {
    pub(crate) fn new(snapshot: Snapshot, settings: Settings, size: egui::Vec2) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without threads can always be built");
        let ctx = egui::Context::default();
        let (app, engine) =
            window::window(&ctx, snapshot, settings, runtime.handle().clone(), None);
        let mut harness = window::harness(app, size, OperatingSystem::Nix);
        harness.run();
        Self {
            harness,
            engine,
            _runtime: runtime,
        }
    }

    pub(crate) fn commands(&mut self) -> Vec<Command> {
        window::commands(&mut self.engine)
    }

    /// The only command since the last call.
    pub(crate) fn command(&mut self) -> Command {
        let mut commands = self.commands();
        assert_eq!(commands.len(), 1, "one command: {commands:?}");
        commands.remove(0)
    }

    pub(crate) fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run();
    }

    /// Gives the keyboard to what is called so.
    pub(crate) fn focus(&mut self, label: &str) {
        self.harness.get_by_label_contains(label).focus();
        self.harness.run();
    }

    pub(crate) fn press(&mut self, key: Key) {
        self.press_with(Modifiers::NONE, key);
    }

    pub(crate) fn press_with(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run();
    }

    pub(crate) fn type_into(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).focus();
        self.harness.run();
        self.harness.get_by_label(label).type_text(text);
        self.harness.run();
    }

    /// Runs a command as the palette does.
    pub(crate) fn palette(&mut self, words: &str) {
        self.press_with(Modifiers::COMMAND, Key::K);
        self.type_into("Find a command", words);
        self.press(Key::Enter);
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).count() > 0
    }

    /// Whether what is called so can be used.
    pub(crate) fn is_enabled(&self, label: &str) -> bool {
        !self
            .harness
            .get_by_label(label)
            .accesskit_node()
            .is_disabled()
    }

    pub(crate) fn copied(&self) -> String {
        let commands = &self.harness.output().platform_output.commands;
        commands
            .iter()
            .find_map(|command| match command {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            })
            .unwrap_or_default()
    }

    pub(crate) fn publish(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.engine.snapshots.borrow());
        next.revision += 1;
        change(&mut next);
        self.engine.snapshots.send_replace(Arc::new(next));
        self.harness.run();
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        let notices = self.engine.notices.clone();
        notices.try_send(notice).expect("the window listens");
        self.harness.run();
    }

    /// How long the window would leave the next frame.
    pub(crate) fn repaint_delay(&self) -> std::time::Duration {
        let viewports = &self.harness.output().viewport_output;
        let delays = viewports.values().map(|viewport| viewport.repaint_delay);
        delays.min().expect("there is one window")
    }
}
