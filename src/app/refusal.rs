//! What is said when there is no window to say it in: on the terminal, and in a message box of the system where a
//! double click leaves no terminal.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::settings::Renderer;

/// No renderer could open the window.
#[derive(Debug)]
pub struct NoWindow(pub(super) Vec<(Renderer, eframe::Error)>);

impl fmt::Display for NoWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no renderer could open the window")?;
        for (renderer, error) in &self.0 {
            write!(f, "; {}: {}", renderer.words(), short(&error.to_string()))?;
        }
        Ok(())
    }
}

impl std::error::Error for NoWindow {}

/// Drivers explain themselves at length; all of it is in the log.
fn short(words: &str) -> String {
    const MAX_CHARS: usize = 90;
    let line = words.lines().next().unwrap_or_default();
    if line.chars().count() <= MAX_CHARS {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(MAX_CHARS).collect();
    cut.push('…');
    cut
}

/// What a person can do about it.
pub fn advice(error: &NoWindow, log_folder: &Path) -> String {
    let cure = if cfg!(target_os = "linux") {
        "Install OpenGL for the display: libgl1 and libgl1-mesa-dri on Debian and Ubuntu, mesa-libGL on Fedora."
    } else {
        "Update the graphics driver. Over a remote desktop, try once at the computer itself."
    };
    let mut paragraphs = vec![
        "Rollcall cannot open its window on this computer.".to_owned(),
        cure.to_owned(),
        "Without a window, \"rollcall-cli\" does the same work; \"rollcall-cli --help\" says how."
            .to_owned(),
    ];
    if Renderer::BUILT_IN.len() > 1 {
        paragraphs.push(
            "\"rollcall --renderer wgpu\" or \"--renderer opengl\" tries one of the two first."
                .to_owned(),
        );
    }
    paragraphs.push(format!(
        "For a report: {error}. The log is in {}",
        log_folder.display()
    ));
    paragraphs.join("\n\n")
}

/// Whether a window can be tried at all: only X11 and Wayland tell beforehand.
pub fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos")))
        || is_set("DISPLAY")
        || is_set("WAYLAND_DISPLAY")
        || is_set("WAYLAND_SOCKET")
}

/// Says it on the terminal, and in a message box when nobody may be reading a terminal. Blocks until the box is closed.
pub fn tell(text: &str, is_error: bool) {
    let mut terminal = std::io::stderr();
    // Where standard error is gone, the box says it.
    let _ = writeln!(terminal, "{text}");
    if terminal.is_terminal() || !has_display() {
        return;
    }
    // On Linux this needs zenity; where it is missing, the log and standard error have the text.
    rfd::MessageDialog::new()
        .set_level(if is_error {
            rfd::MessageLevel::Error
        } else {
            rfd::MessageLevel::Info
        })
        .set_title("Rollcall")
        .set_description(text)
        .show();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_names_every_try_the_log_and_the_way_without_a_window() {
        let error = NoWindow(vec![
            (
                Renderer::OpenGl,
                eframe::Error::AppCreation("no OpenGL 2".into()),
            ),
            (
                Renderer::Wgpu,
                eframe::Error::AppCreation("no adapter".into()),
            ),
        ]);
        let text = advice(&error, Path::new("/logs/of/rollcall"));
        for part in [
            "no OpenGL 2",
            "no adapter",
            "/logs/of/rollcall",
            "rollcall-cli",
            "(glow)",
            "(wgpu)",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text:?}");
        }
    }
}
