//! What is said when there is no window to say it in: on the terminal, and in a message box of the system where a
//! double click leaves no terminal.

use std::fmt;
use std::io::Write;
use std::path::Path;

use crate::settings::Renderer;

/// No renderer could open the window.
#[derive(Debug)]
pub struct NoWindow(pub(super) Vec<(Renderer, Failure)>);

/// Why one renderer could not.
#[derive(Debug)]
pub(super) enum Failure {
    /// It said so.
    Error(eframe::Error),
    /// It panicked, with these words.
    Panic(String),
}

impl Failure {
    /// Whether the window system itself could not be reached, whatever draws.
    fn is_display(&self) -> bool {
        matches!(
            self,
            Self::Error(eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_))
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(words) => write!(f, "it broke down ({words})"),
        }
    }
}

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

/// Drivers explain themselves at length, and what they come to stands at the end; all of it is in the log.
fn short(words: &str) -> String {
    const HEAD_CHARS: usize = 60;
    const TAIL_CHARS: usize = 90;
    let words: Vec<char> = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if words.len() <= HEAD_CHARS + TAIL_CHARS {
        return words.into_iter().collect();
    }
    let (head, tail) = (&words[..HEAD_CHARS], &words[words.len() - TAIL_CHARS..]);
    head.iter().chain(&[' ', '…', ' ']).chain(tail).collect()
}

/// What a person can do about it.
pub fn advice(error: &NoWindow, log_folder: &Path) -> String {
    let cure = if error.0.iter().all(|(_, failure)| failure.is_display()) {
        "The display cannot be reached: check DISPLAY or WAYLAND_DISPLAY, and whether this person may use it."
    } else if cfg!(target_os = "linux") {
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
    // Where standard error is gone, the box says it.
    let _ = writeln!(std::io::stderr(), "{text}");
    if is_read() || !has_display() {
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

/// Whether standard error leads somewhere. A desktop sends it to its own log, so there it must be a terminal; Windows
/// gives a program that was double-clicked none at all.
fn is_read() -> bool {
    #[cfg(windows)]
    {
        use std::os::windows::io::AsRawHandle;
        !std::io::stderr().as_raw_handle().is_null()
    }
    #[cfg(not(windows))]
    {
        use std::io::IsTerminal;
        std::io::stderr().is_terminal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_names_every_try_the_log_and_the_way_without_a_window() {
        let error = NoWindow(vec![
            (
                Renderer::OpenGl,
                Failure::Error(eframe::Error::AppCreation("no OpenGL 2".into())),
            ),
            (Renderer::Wgpu, Failure::Panic("no adapter".to_owned())),
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
        assert!(!text.contains("display cannot be reached"), "{text:?}");
    }

    #[test]
    fn long_words_keep_their_beginning_and_their_end() {
        assert_eq!(short("no\nGL"), "no GL");
        let long = format!("glow: {} the cause", "x".repeat(1_000));
        let cut = short(&long);
        assert!(
            cut.starts_with("glow: xx") && cut.ends_with("x the cause"),
            "{cut}"
        );
        assert!(cut.chars().count() < 160, "{cut}");
    }
}
