//! Which renderer draws the window: what can be chosen, in which order they are tried, and the note that outlives a
//! driver which takes the whole program down with it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What draws the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Renderer {
    /// OpenGL, by glow: light, and on almost every machine.
    OpenGl,
    /// Direct3D, Metal or Vulkan, by wgpu: where OpenGL is too old, as over RDP and in virtual machines.
    Wgpu,
}

impl Renderer {
    /// Those that are in this build, the preferred one first.
    pub const BUILT_IN: &'static [Self] =
        if cfg!(any(windows, target_os = "macos", feature = "wgpu")) {
            &[Self::OpenGl, Self::Wgpu]
        } else {
            &[Self::OpenGl]
        };

    /// As it is written on the command line and in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenGl => "opengl",
            Self::Wgpu => "wgpu",
        }
    }

    /// As a person reads it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OpenGl => "OpenGL (glow)",
            Self::Wgpu if cfg!(windows) => "Direct3D or Vulkan (wgpu)",
            Self::Wgpu if cfg!(target_os = "macos") => "Metal (wgpu)",
            Self::Wgpu => "Vulkan (wgpu)",
        }
    }
}

impl fmt::Display for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Renderer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::BUILT_IN
            .iter()
            .copied()
            .find(|renderer| renderer.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                let names: Vec<_> = Self::BUILT_IN.iter().map(|one| one.name()).collect();
                format!(
                    "this build has no such renderer; it has: {}",
                    names.join(", ")
                )
            })
    }
}

/// The order in which renderers are tried. What was asked for comes first, then what worked last time; one that took
/// the program down at the last start comes last unless it was asked for. All others follow, so that there is always
/// a way out.
pub fn in_turn(
    built_in: &[Renderer],
    asked: Option<Renderer>,
    remembered: Option<Renderer>,
    broke: Option<Renderer>,
) -> Vec<Renderer> {
    let mut order: Vec<_> = asked
        .into_iter()
        .chain(remembered.filter(|one| Some(*one) != broke))
        .chain(built_in.iter().copied().filter(|one| Some(*one) != broke))
        .chain(broke)
        .filter(|one| built_in.contains(one))
        .collect();
    let mut seen = Vec::new();
    order.retain(|one| {
        let is_new = !seen.contains(one);
        seen.push(*one);
        is_new
    });
    order
}

/// A file that is there only while a window is being opened: when it is found at a start, the renderer it names took
/// the program down last time, and no error could be returned.
#[derive(Clone, Debug)]
pub struct OpeningNote(PathBuf);

impl OpeningNote {
    /// The note in this folder.
    pub fn within(folder: &Path) -> Self {
        Self(folder.join("opening-window"))
    }

    /// Which renderer an earlier start did not survive.
    pub fn left(&self) -> Option<Renderer> {
        let mut text = String::new();
        File::open(&self.0)
            .ok()?
            .take(64)
            .read_to_string(&mut text)
            .ok()?;
        text.trim().parse().ok()
    }

    /// A window is about to be opened.
    pub fn write(&self, renderer: Renderer) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        // Flushed by the close; a machine that loses power here is not what this is about.
        File::create(&self.0)?.write_all(renderer.name().as_bytes())
    }

    /// The window is open, or could not be opened with a plain error.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.0.display(), "could not remove a file");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[Renderer] = &[Renderer::OpenGl, Renderer::Wgpu];

    #[test]
    fn what_was_asked_for_or_worked_last_is_tried_first_and_the_rest_after() {
        use Renderer::{OpenGl, Wgpu};
        let cases: &[(_, _, _, &[Renderer])] = &[
            (None, None, None, &[OpenGl, Wgpu]),
            (Some(Wgpu), None, None, &[Wgpu, OpenGl]),
            (None, Some(Wgpu), None, &[Wgpu, OpenGl]),
            (Some(OpenGl), Some(Wgpu), None, &[OpenGl, Wgpu]),
            (None, None, Some(OpenGl), &[Wgpu, OpenGl]),
            (None, Some(OpenGl), Some(OpenGl), &[Wgpu, OpenGl]),
            (Some(OpenGl), None, Some(OpenGl), &[OpenGl, Wgpu]),
        ];
        for (asked, remembered, broke, order) in cases {
            assert_eq!(
                in_turn(BOTH, *asked, *remembered, *broke),
                *order,
                "{asked:?} {remembered:?} {broke:?}"
            );
        }
        assert_eq!(
            in_turn(&[OpenGl], None, Some(Wgpu), Some(Wgpu)),
            [OpenGl],
            "what is not built in is never tried"
        );
        assert_eq!(in_turn(&[OpenGl], None, None, Some(OpenGl)), [OpenGl]);
    }

    #[test]
    fn a_note_names_the_renderer_until_it_is_removed() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let note = OpeningNote::within(&folder.path().join("deeper"));
        assert_eq!(note.left(), None);
        note.write(Renderer::OpenGl).expect("written");
        assert_eq!(note.left(), Some(Renderer::OpenGl));
        note.remove();
        assert_eq!(note.left(), None);
        note.remove();
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for renderer in Renderer::BUILT_IN {
            assert_eq!(renderer.to_string().parse(), Ok(*renderer));
        }
        assert!("direct3d".parse::<Renderer>().is_err());
    }
}
