//! Identification, as the actor sees it.

use super::Actor;
use crate::engine::command::{IdentifyRequest, TargetsRequest};
use crate::engine::identify::credentials::V3User;
use crate::model::time::Timestamp;
use crate::settings::IdentifySettings;

impl Actor {
    pub(super) fn identify(&mut self, _request: &IdentifyRequest, _now: Timestamp) {}
    pub(super) fn stop_identify(&mut self, _now: Timestamp) {}
    pub(super) fn set_identify(&mut self, _settings: IdentifySettings) {}
    pub(super) fn set_v3_user(&mut self, _user: Option<Box<V3User>>) {}
    pub(super) fn export_targets(&mut self, _request: Box<TargetsRequest>, _now: Timestamp) {}
    pub(super) fn reload_catalog(&mut self) {}
}
