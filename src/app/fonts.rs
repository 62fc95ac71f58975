//! The fonts that are compiled in, with the order in which each family looks for a glyph
//! (`assets/fonts/README.md` says what is in them).

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily};

const SANS: &str = "RollcallSans-Regular";
const STRONG: &str = "RollcallSans-SemiBold";
const MONO: &str = "RollcallMono-Regular";
const SYMBOLS: &str = "RollcallSymbols";

/// Replaces egui's fonts, which lack arrows and many symbols.
pub(super) fn install(ctx: &Context) {
    let files: [(&str, &'static [u8]); 4] = [
        (
            SANS,
            include_bytes!("../../assets/fonts/RollcallSans-Regular.otf"),
        ),
        (
            STRONG,
            include_bytes!("../../assets/fonts/RollcallSans-SemiBold.otf"),
        ),
        (
            MONO,
            include_bytes!("../../assets/fonts/RollcallMono-Regular.ttf"),
        ),
        (
            SYMBOLS,
            include_bytes!("../../assets/fonts/RollcallSymbols.ttf"),
        ),
    ];
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in files {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let families = [
        (FontFamily::Proportional, [SANS, SYMBOLS, MONO]),
        (FontFamily::Monospace, [MONO, SANS, SYMBOLS]),
        (super::theme::strong_family(), [STRONG, SYMBOLS, MONO]),
    ];
    for (family, names) in families {
        fonts
            .families
            .insert(family, names.map(str::to_owned).to_vec());
    }
    ctx.set_fonts(fonts);
}
