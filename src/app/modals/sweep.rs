//! The sweep window: which ranges, and how many addresses that is.

use std::net::Ipv4Addr;

use egui::{RichText, TextEdit, Ui};

use super::super::theme;
use super::super::view_state::SweepForm;
use super::super::widgets;
use super::super::{App, format};
use super::Next;
use crate::engine::command::{Command, SweepRequest};

/// A /16: more is asked about.
pub(in crate::app) const ASKED_ABOVE: u64 = 1 << 16;

/// A /12: more is refused.
pub(in crate::app) const REFUSED_ABOVE: u64 = 1 << 20;

impl App {
    /// Draws the sweep window.
    pub(super) fn sweep_form_ui(&mut self, ui: &mut Ui, form: &mut SweepForm) -> Next {
        let palette = theme::palette(ui.ctx());
        widgets::explain(
            ui,
            "Every address is asked twice, on two ports. Works behind routers too; units that announce themselves need no sweep",
        );
        let field = TextEdit::singleline(&mut form.ranges)
            .hint_text("10.20.4.0/24, 10.20.5.10-10.20.5.80")
            .desired_width(f32::INFINITY)
            .cursor_at_end(true)
            .char_limit(4_096);
        let response = widgets::field(ui, "Ranges, as prefix, first-last or single address", field);
        widgets::focus_once(&response, &mut form.focused);
        let size = num_ips(&form.ranges);
        let (text, color) = match &size {
            Err(why) => (why.clone(), palette.amber),
            Ok(0) => ("Type a range".to_owned(), palette.dim),
            Ok(count) if *count > REFUSED_ABOVE => (
                format!(
                    "{} addresses: more than a /12 is not swept",
                    format::count(*count)
                ),
                palette.red,
            ),
            Ok(count) if *count > ASKED_ABOVE => (
                format!(
                    "{} addresses: you will be asked once more",
                    format::count(*count)
                ),
                palette.amber,
            ),
            Ok(count) => (format::counted(*count, "address", "addresses"), palette.dim),
        };
        ui.label(RichText::new(text).color(color));
        self.probe_ui(ui, form);
        let is_possible = matches!(size, Ok(1..=REFUSED_ABOVE));
        let mut is_asked = widgets::entered(&response);
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            let sweep = ui
                .add_enabled_ui(is_possible, |ui| widgets::primary_button(ui, "Sweep", None))
                .inner;
            is_asked |= sweep.clicked();
            if widgets::quiet_button(ui, "Cancel").clicked() {
                next = Next::Close;
            }
        });
        if is_asked && is_possible {
            self.send(Command::Sweep(SweepRequest {
                ranges: form.ranges.trim().to_owned(),
                per_sec: None,
                confirmed: false,
                probe: form.probe && self.why_no_probes().is_none(),
            }));
            return Next::Close;
        }
        next
    }

    /// Whether units are looked for by other means too.
    fn probe_ui(&self, ui: &mut Ui, form: &mut SweepForm) {
        let why_not = self.why_no_probes();
        let text = "Also look for units that do not answer discovery (SNMP, web, SSH, ports)";
        let mut is_on = form.probe && why_not.is_none();
        let choice = widgets::checkbox(ui, &mut is_on, text, why_not.is_none())
            .on_disabled_hover_text(why_not.unwrap_or_default());
        if choice.changed() {
            form.probe = is_on;
        }
        widgets::explain(
            ui,
            why_not.unwrap_or("Beyond 4,096 addresses only those that answered are probed"),
        );
    }

    /// Why nothing can be asked by other means than discovery.
    fn why_no_probes(&self) -> Option<&'static str> {
        if self.snapshot.site.demo {
            Some("The demo's addresses are made up: only discovery is asked there")
        } else if self.has_probes() {
            None
        } else {
            Some("Every probe is switched off in the settings")
        }
    }

    /// More than a /16 is to be swept.
    pub(super) fn large_sweep_ui(
        &mut self,
        ui: &mut Ui,
        request: &SweepRequest,
        num_ips: u64,
    ) -> Next {
        ui.label(format!(
            "{} is {} addresses. Each is asked twice, which takes long and is seen by whoever watches the network",
            request.ranges,
            format::count(num_ips)
        ));
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            let text = format!("Sweep {} addresses", format::count(num_ips));
            if widgets::primary_button(ui, &text, None).clicked() {
                self.send(Command::Sweep(SweepRequest {
                    confirmed: true,
                    ..request.clone()
                }));
                next = Next::Close;
            }
            if widgets::quiet_button(ui, "Cancel").clicked() {
                next = Next::Close;
            }
        });
        next
    }
}

/// How many addresses the ranges are, for the words beside the field; the engine reads them for itself.
pub(in crate::app) fn num_ips(ranges: &str) -> Result<u64, String> {
    let mut total: u64 = 0;
    for part in ranges
        .split([',', ' ', ';', '\t'])
        .filter(|part| !part.is_empty())
    {
        let count = part_len(part).ok_or_else(|| format!("{part:?} is no range"))?;
        total = total.saturating_add(count);
    }
    Ok(total)
}

fn part_len(part: &str) -> Option<u64> {
    if let Some((ip, prefix)) = part.split_once('/') {
        let _: Ipv4Addr = ip.parse().ok()?;
        let prefix: u32 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        let all = 1_u64 << (32 - prefix);
        // Network and broadcast address are not asked.
        return Some(if prefix < 31 { all - 2 } else { all });
    }
    if let Some((first, last)) = part.split_once('-') {
        let first: Ipv4Addr = first.parse().ok()?;
        let last: Ipv4Addr = last.parse().ok()?;
        let span = u64::from(last.to_bits()).checked_sub(u64::from(first.to_bits()))?;
        return Some(span + 1);
    }
    part.parse::<Ipv4Addr>().ok().map(|_| 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_ranges_is_told_while_typing() {
        assert_eq!(num_ips(""), Ok(0));
        assert_eq!(num_ips("10.0.0.0/24, 10.1.0.7"), Ok(255));
        assert_eq!(num_ips("10.0.0.1-10.0.0.10"), Ok(10));
        assert_eq!(num_ips("10.0.0.0/31"), Ok(2));
        assert!(num_ips("10.0.0.9-10.0.0.1").is_err());
        assert!(num_ips("hall B").is_err());
        assert!(num_ips("10.0.0.0/33").is_err());
    }
}
