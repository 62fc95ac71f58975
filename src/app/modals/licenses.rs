//! The licenses of everything that is in the program: thousands of lines, of which only those that are seen are drawn.

use std::sync::LazyLock;

use egui::{RichText, Sense, TextWrapMode, Ui, UiBuilder, vec2};

use super::super::view_state::PageForm;
use super::super::widgets::{self, PageScroll};
use super::super::{App, theme};
use super::Next;

/// Longer lines are broken, so that they fit the window.
const MAX_LINE_CHARS: usize = 96;

/// Our own, and those of the crates and fonts as `dist/licenses.sh` gathers them.
const TEXTS: [(&str, &str); 3] = [
    (
        "Rollcall, MIT license",
        include_str!("../../../LICENSE-MIT"),
    ),
    (
        "Rollcall, Apache License 2.0",
        include_str!("../../../LICENSE-APACHE"),
    ),
    (
        "The work of others",
        include_str!("../../../assets/licenses/third-party.txt"),
    ),
];

/// Broken once, when the window is opened for the first time.
static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let mut lines = Vec::new();
    for (title, text) in TEXTS {
        if !lines.is_empty() {
            lines.extend(["", ""].map(|empty| Line::new(empty, false)));
        }
        lines.push(Line::new(title, true));
        lines.push(Line::new("", false));
        let mut is_after_rule = false;
        for line in text.trim_matches(['\n', '\r']).lines() {
            // A heading stands between two lines of dashes, which letters of another weight say better.
            if is_rule(line) {
                is_after_rule = true;
                continue;
            }
            let is_title = std::mem::take(&mut is_after_rule) && !line.trim().is_empty();
            lines.extend(broken(line).iter().map(|piece| Line::new(piece, is_title)));
        }
    }
    lines
});

fn is_rule(line: &str) -> bool {
    line.len() >= 20 && line.bytes().all(|byte| byte == b'-')
}

struct Line {
    text: String,
    is_title: bool,
}

impl Line {
    fn new(text: &str, is_title: bool) -> Self {
        Self {
            text: text.to_owned(),
            is_title,
        }
    }
}

impl App {
    /// Draws the licenses.
    pub(super) fn licenses_ui(ui: &mut Ui, form: &mut PageForm) -> Next {
        let palette = theme::palette(ui.ctx());
        let row_height = ui.text_style_height(&egui::TextStyle::Monospace);
        let height = super::page_height(ui);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
            let mut area = egui::ScrollArea::both()
                .max_height(height)
                .min_scrolled_height(height)
                .auto_shrink([false, false]);
            if let Some(offset) = widgets::page_keys(ui, form.scroll) {
                area = area.vertical_scroll_offset(offset);
            }
            let output = area.show_rows(ui, row_height, LINES.len(), |ui, seen| {
                for line in &LINES[seen] {
                    let text = if line.is_title {
                        RichText::new(&line.text).font(theme::strong(theme::TEXT_SIZE))
                    } else {
                        RichText::new(&line.text).monospace().color(palette.dim)
                    };
                    // Whatever a font makes of a line, it is as high as the others: the end is where it is said to be.
                    let label = egui::Label::new(text);
                    let width = ui.available_width();
                    let (rect, _) = ui.allocate_exact_size(vec2(width, row_height), Sense::hover());
                    let drawn = ui.new_child(UiBuilder::new().max_rect(rect)).add(label);
                    // What sticks out to the right is scrolled to.
                    ui.expand_to_include_x(drawn.rect.right());
                }
            });
            form.scroll = PageScroll::of(&output);
        });
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            if widgets::primary_button(ui, "Close", None).clicked() {
                next = Next::Close;
            }
            if widgets::quiet_button(ui, "Copy all").clicked() {
                ui.ctx().copy_text(whole_text());
            }
        });
        next
    }
}

fn whole_text() -> String {
    TEXTS
        .iter()
        .flat_map(|(title, text)| [title, "\n\n", text.trim(), "\n\n"])
        .collect()
}

/// A line in pieces that fit, broken between words where there are any. What is not printed is left out.
fn broken(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut len = 0;
    let line = line.trim_end().replace('\t', "    ");
    for word in line.split_inclusive(' ') {
        let word: String = word.chars().filter(|c| !c.is_control()).collect();
        let word_len = word.trim_end().chars().count();
        if len > 0 && len + word_len > MAX_LINE_CHARS {
            pieces.push(String::new());
            len = 0;
        }
        for c in word.chars() {
            if len == MAX_LINE_CHARS {
                pieces.push(String::new());
                len = 0;
            }
            pieces
                .last_mut()
                .expect("there is one from the start")
                .push(c);
            len += 1;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words() {
        assert_eq!(broken(""), [""]);
        assert_eq!(broken("  a\tb\u{c}"), ["  a    b"]);
        let words = "word ".repeat(40);
        let pieces = broken(&words);
        assert!(
            pieces
                .iter()
                .all(|piece| piece.chars().count() <= MAX_LINE_CHARS)
        );
        assert_eq!(pieces.concat(), words.trim_end());
        let long = "ü".repeat(200);
        assert_eq!(
            broken(&long).concat(),
            long,
            "nothing of a long word is lost"
        );
    }

    #[test]
    fn every_license_is_there() {
        let has = |words: &str, is_title| {
            LINES
                .iter()
                .any(|line| line.is_title == is_title && line.text.contains(words))
        };
        for (title, _) in TEXTS {
            assert!(has(title, true), "{title}");
        }
        for heading in ["MIT License, used by:", "Typeface: DejaVu"] {
            assert!(has(heading, true), "{heading} is a heading");
        }
        for words in [
            "Permission is hereby granted",
            "PERMISSION & CONDITIONS",
            "Bitstream Vera",
            "egui ",
        ] {
            assert!(has(words, false), "{words}");
        }
        assert!(!LINES.iter().any(|line| is_rule(&line.text)));
    }
}
