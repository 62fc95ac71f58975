//! Where Rollcall keeps its files.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::APP_ID;

/// The folders of one person's Rollcall. None of them needs to exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The settings file is here.
    pub config_dir: PathBuf,
    /// What is neither settings nor logs.
    pub data_dir: PathBuf,
    /// Sites that a person did not put elsewhere.
    pub sites_dir: PathBuf,
    /// The log files.
    pub log_dir: PathBuf,
    /// What lasts no longer than the person is logged in, and only the person can write.
    pub runtime_dir: PathBuf,
}

impl Places {
    /// Where the system wants them. `None` when the person has no home directory.
    pub fn find() -> Option<Self> {
        let dirs = ProjectDirs::from("", "", APP_ID)?;
        let log_dir = match dirs.state_dir() {
            // Only Linux has a place for what may be lost without harm.
            Some(state_dir) => state_dir.join("logs"),
            None => dirs.data_local_dir().join("logs"),
        };
        Some(Self {
            config_dir: dirs.config_dir().to_owned(),
            data_dir: dirs.data_dir().to_owned(),
            sites_dir: dirs.data_dir().join("sites"),
            log_dir,
            // Only Linux has such a place, and not on every machine.
            runtime_dir: dirs
                .runtime_dir()
                .unwrap_or_else(|| dirs.data_local_dir())
                .to_owned(),
        })
    }

    /// Everything under one folder.
    pub fn under(root: impl AsRef<Path>) -> Self {
        let root = root.as_ref();
        let data_dir = root.join("data");
        Self {
            config_dir: root.join("config"),
            sites_dir: data_dir.join("sites"),
            runtime_dir: data_dir.clone(),
            data_dir,
            log_dir: root.join("logs"),
        }
    }

    /// A person's own tables of the catalog.
    pub fn catalog_dir(&self) -> PathBuf {
        self.config_dir.join("catalog")
    }

    /// Decoders that a person taught.
    pub fn decoders_dir(&self) -> PathBuf {
        self.config_dir.join("decoders")
    }

    /// The settings file.
    pub fn settings_file(&self) -> PathBuf {
        self.config_dir.join("settings.json")
    }
}
