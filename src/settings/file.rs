//! The settings file: read with care for what may have become of it, replaced in one step.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tempfile::NamedTempFile;
use thiserror::Error;

use super::{Settings, mend};

/// Far more than settings ever need: a larger file is something else.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// How many bad files of one day are kept aside.
const MAX_BAD_FILES: u32 = 100;

/// Why settings could not be saved.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The folder could not be made or written to, or the file could not be replaced. The old file is as it was.
    #[error("could not write the settings to {path:?}")]
    Write {
        /// The settings file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The settings could not be put into words.
    #[error("could not put the settings into JSON")]
    Encode(#[from] serde_json::Error),
}

/// Why a settings file was not used.
enum Unusable {
    /// The system could not read it.
    Unreadable(io::Error),
    /// It is no settings file.
    Foreign(String),
}

impl Settings {
    /// Reads the settings, and says in words what had to be mended. Without a file, everything is as at the
    /// first start. A file that cannot be used at all is kept aside under another name.
    pub fn load(path: &Path) -> (Self, Vec<String>) {
        let mut words = Vec::new();
        match read_fields(path) {
            Ok(None) => (Self::default(), words),
            Ok(Some(fields)) => (mend::read(fields, &mut words), words),
            Err(why) => {
                let why = match why {
                    Unusable::Unreadable(error) => format!("could not be read ({error})"),
                    Unusable::Foreign(what) => format!("is no settings file ({what})"),
                };
                let kept = match keep_aside(path) {
                    Ok(aside) => format!("It is kept as {}", aside.display()),
                    Err(error) => format!("It could not be kept under another name ({error})"),
                };
                words.push(format!(
                    "{} {why}. {kept}; settings are as at the first start",
                    path.display()
                ));
                (Self::default(), words)
            }
        }
    }

    /// Replaces the settings file in one step: whatever happens, it holds the old settings or the new ones.
    pub fn save(&self, path: &Path) -> Result<(), SettingsError> {
        let mut settings = self.clone();
        // Nothing is said of what is mended here: the next start would mend it anyway.
        settings.mend(&mut Vec::new());
        let mut text = serde_json::to_vec_pretty(&settings)?;
        text.push(b'\n');
        replace(path, &text).map_err(|source| SettingsError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

fn read_fields(path: &Path) -> Result<Option<Map<String, Value>>, Unusable> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::Unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(Unusable::Unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Unusable::Foreign("it is larger than 1 MiB".to_owned()));
    }
    // Some editors put a byte order mark in front.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match serde_json::from_slice(text) {
        Ok(Value::Object(fields)) => Ok(Some(fields)),
        Ok(_) => Err(Unusable::Foreign("it holds no fields".to_owned())),
        Err(error) => Err(Unusable::Foreign(error.to_string())),
    }
}

/// Renames a file to `settings.bad-<date>.json` beside it, with a number when there is one of that day already.
fn keep_aside(path: &Path) -> io::Result<PathBuf> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    for nth in 1..=MAX_BAD_FILES {
        let name = match nth {
            1 => format!("{stem}.bad-{today}.json"),
            _ => format!("{stem}.bad-{today}-{nth}.json"),
        };
        let aside = path.with_file_name(name);
        if fs::symlink_metadata(&aside).is_err() {
            fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(io::Error::other("there are too many such files already"))
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    // A person may keep the file elsewhere and link to it: the link stays.
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let path = if is_link {
        fs::canonicalize(path)?
    } else {
        path.to_owned()
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
