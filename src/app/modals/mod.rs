//! Questions over the window, one at a time.

use egui::Context;

use super::App;

impl App {
    /// Draws the question that is asked, when there is one.
    pub(super) fn modals_ui(&mut self, _ctx: &Context) {}
}
