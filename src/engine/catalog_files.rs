//! The catalog with a person's own tables, from the files of their folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::snapshot::CatalogState;

/// A file of a person's own that is longer than this is not read.
const FILE_BYTES: u64 = 1 << 20;

/// More files than there are tables.
const FILES: usize = 64;

/// Rows that were left out, as many as are shown.
const REFUSED_KEPT: usize = 200;

/// The catalog, and what is to be said of it.
pub async fn load_catalog(folder: Option<PathBuf>) -> (Arc<Catalog>, CatalogState) {
    let own_folder = folder.clone();
    match tokio::task::spawn_blocking(move || load(own_folder.as_deref())).await {
        Ok((catalog, state)) => (Arc::new(catalog), state),
        Err(panic) => {
            let state = CatalogState {
                refused: vec![format!("the catalog could not be read: {panic}")],
                own_folder: folder,
                ..CatalogState::default()
            };
            (Arc::new(Catalog::default()), state)
        }
    }
}

fn load(folder: Option<&Path>) -> (Catalog, CatalogState) {
    let builtin = Catalog::builtin();
    let (files, mut refused) = folder.map(own_files).unwrap_or_default();
    let (catalog, bad_rows) = builtin.with_own(&files);
    refused.extend(bad_rows.iter().map(ToString::to_string));
    let num_refused = refused.len();
    refused.truncate(REFUSED_KEPT);
    if num_refused > REFUSED_KEPT {
        refused.push(format!("and {} more", num_refused - REFUSED_KEPT));
    }
    let state = CatalogState {
        num_products: catalog.num_products(),
        num_own_rows: catalog.num_own_rows(),
        refused,
        own_folder: folder.map(Path::to_owned),
    };
    (catalog, state)
}

/// The tables in a person's folder, and why some were not read. No folder is no error: there are no own tables.
fn own_files(folder: &Path) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
    let mut files = Vec::new();
    let mut refused = Vec::new();
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (files, refused),
        Err(error) => {
            refused.push(format!("the folder cannot be read ({error})"));
            return (files, refused);
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
        })
        .collect();
    paths.sort();
    for path in paths.into_iter().take(FILES) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match read_file(&path) {
            Ok(bytes) => files.push((name, bytes)),
            Err(why) => refused.push(format!("{name}: {why}")),
        }
    }
    (files, refused)
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let metadata =
        std::fs::metadata(path).map_err(|error| format!("it cannot be read ({error})"))?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    if metadata.len() > FILE_BYTES {
        return Err(format!("it is longer than {} KiB", FILE_BYTES >> 10));
    }
    std::fs::read(path).map_err(|error| format!("it cannot be read ({error})"))
}
