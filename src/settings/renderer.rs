//! Which renderer draws the window: what can be chosen, in which order they are tried, and the note that outlives a
//! driver which takes the whole program down with it.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// A file with a renderer's name, written before a window is opened and removed when it has been drawn. When a start
/// finds it and nobody holds it, that renderer took the program down last time, and no error could be returned.
#[derive(Clone, Debug)]
pub struct OpeningNote {
    path: PathBuf,
    /// The locked file while this program opens its window.
    held: Arc<Mutex<Option<File>>>,
}

impl OpeningNote {
    /// The note in this folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            path: folder.join("opening-window"),
            held: Arc::default(),
        }
    }

    /// Which renderer an earlier start did not survive. Nothing while another start is opening its window.
    pub fn left(&self) -> Option<Renderer> {
        let file = File::options()
            .read(true)
            .write(true)
            .open(&self.path)
            .ok()?;
        file.try_lock().ok()?;
        let mut text = String::new();
        file.take(64).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    /// A window is about to be opened. Nothing is written while another start holds the note.
    pub fn write(&self, renderer: Renderer) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut held = self.held();
        let mut file = if let Some(file) = held.take() {
            file
        } else {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&self.path)?;
            match file.try_lock() {
                Ok(()) => file,
                Err(TryLockError::WouldBlock) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        };
        file.set_len(0)?;
        file.rewind()?;
        // A machine that loses power here is not what this is about.
        file.write_all(renderer.name().as_bytes())?;
        *held = Some(file);
        Ok(())
    }

    /// The window has been drawn, or could not be opened with a plain error.
    pub fn remove(&self) {
        let Some(file) = self.held().take() else {
            return;
        };
        // Emptied first: another start may hold the file open, and an empty note says nothing.
        if let Err(error) = file.set_len(0).and_then(|()| fs::remove_file(&self.path)) {
            tracing::warn!(%error, path = %self.path.display(), "could not remove a file");
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<File>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn a_note_outlives_the_program_but_not_the_opening() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let folder = folder.path().join("deeper");
        let note = || OpeningNote::within(&folder);
        assert_eq!(note().left(), None);

        let opening = note();
        opening.write(Renderer::OpenGl).expect("written");
        assert_eq!(note().left(), None, "somebody is opening a window just now");
        let another = note();
        another.write(Renderer::OpenGl).expect("left alone");
        another.remove();
        drop(opening);
        assert_eq!(
            note().left(),
            Some(Renderer::OpenGl),
            "its program ended, and another one did not take the note away"
        );

        let opening = note();
        opening.write(Renderer::OpenGl).expect("written over");
        opening.clone().remove();
        opening.remove();
        assert_eq!(note().left(), None);
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for renderer in Renderer::BUILT_IN {
            assert_eq!(renderer.to_string().parse(), Ok(*renderer));
        }
        assert!("direct3d".parse::<Renderer>().is_err());
    }
}
