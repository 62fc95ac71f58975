//! Taught decoders from the files of a person's folder, and a new one into it.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files::{FileError, write_atomically};
use crate::model::sighting::cut_text;
use crate::taught::{Decoder, Decoders, Draft, MAX_FILE_BYTES, Problem, Refused, parse};

/// More files are not read.
const FILES: usize = 64;

/// No more entries of the folder are looked at.
const ENTRIES: usize = 10_000;

/// What was left out, as much as is shown.
const REFUSED_KEPT: usize = 200;

/// Files of one name that differ by a number only.
const MAX_NUMBER: usize = 99;

/// The decoders of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecoderFiles {
    /// Those that are used: by the names of their files, and within one in its order.
    pub decoders: Decoders,
    /// What is not used, with its place: "decoders/foo.toml:12:3: …".
    pub refused: Vec<String>,
    /// The folder, when there can be one.
    pub folder: Option<PathBuf>,
}

/// Why a decoder was not saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// It is not finished.
    #[error("the decoder is not finished ({})", in_words(.0))]
    Unfinished(Vec<Problem>),
    /// Another file has a decoder of this name, or this file has others beside it.
    #[error("{path:?} has a decoder named {name:?} already; change it there, or take another name")]
    NameTaken {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// There are too many files for names like this.
    #[error("there are too many files like {0:?} already")]
    TooMany(PathBuf),
    /// The folder cannot be made.
    #[error("could not make the folder {path:?}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

fn in_words(problems: &[Problem]) -> String {
    let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
    words.join("; ")
}

/// The decoders of a folder, read off the runtime.
pub async fn load_decoders(folder: Option<PathBuf>) -> DecoderFiles {
    let Some(folder) = folder else {
        return DecoderFiles::default();
    };
    let own_folder = folder.clone();
    match tokio::task::spawn_blocking(move || load(&own_folder)).await {
        Ok(files) => files,
        Err(panic) => DecoderFiles {
            refused: vec![format!("the decoders could not be read: {panic}")],
            folder: Some(folder),
            ..DecoderFiles::default()
        },
    }
}

/// The decoders of a folder. No folder is no error: nothing was taught.
pub fn load(folder: &Path) -> DecoderFiles {
    let mut files = DecoderFiles {
        folder: Some(folder.to_owned()),
        ..DecoderFiles::default()
    };
    let paths = match paths_in(folder) {
        Ok(paths) => paths,
        Err(error) => {
            let why = format!("{}: it cannot be read ({error})", shown(folder, None));
            files.refused.push(why);
            return files;
        }
    };
    for path in paths.iter().take(FILES) {
        let name = shown(folder, Some(path));
        match read_decoders(path, &name) {
            Ok((decoders, refused)) => {
                files
                    .refused
                    .extend(refused.iter().map(ToString::to_string));
                for decoder in decoders {
                    let (line, column) = decoder.place();
                    let words = format!("{name}:{line}:{column}: {:?}: ", decoder.name());
                    if let Err(why) = files.decoders.push(decoder) {
                        files.refused.push(format!("{words}{why}"));
                    }
                }
            }
            Err(error) => files
                .refused
                .push(format!("{name}: it cannot be read ({error})")),
        }
    }
    if let Some(num_more) = paths.len().checked_sub(FILES + 1) {
        let why = format!("{} more files are not read", num_more + 1);
        files
            .refused
            .push(format!("{}: {why}", shown(folder, None)));
    }
    let num_refused = files.refused.len();
    files.refused.truncate(REFUSED_KEPT);
    if num_refused > REFUSED_KEPT {
        let words = format!("and {} more", num_refused - REFUSED_KEPT);
        files.refused.push(words);
    }
    files
}

/// Reads one file. `name` is what it is called in what is refused.
pub fn read_decoders(path: &Path, name: &str) -> io::Result<(Vec<Decoder>, Vec<Refused>)> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed, so that a file that is too long is seen to be.
    File::open(path)?
        .take(MAX_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE_BYTES {
        let why = format!("it is longer than {} KiB", MAX_FILE_BYTES >> 10);
        return Err(io::Error::other(why));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::other(format!("it is not UTF-8 at byte {at}"))
    })?;
    Ok(parse(&text, name))
}

/// Saves a decoder as a file of its own in the folder, and says which. A file is only replaced by the decoder that it
/// holds, alone, under the same name.
pub fn save(folder: &Path, draft: &Draft) -> Result<PathBuf, SaveError> {
    let decoder = Decoder::new(draft.clone()).map_err(SaveError::Unfinished)?;
    let could_not = |source| SaveError::Folder {
        path: folder.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(could_not)?;
    let mut old_path = None;
    for path in paths_in(folder).map_err(could_not)? {
        // A file that cannot be read has no decoder of this name.
        let (decoders, refused) = read_decoders(&path, "").unwrap_or_default();
        if !decoders.iter().any(|other| other.name() == decoder.name()) {
            continue;
        }
        if decoders.len() > 1 || !refused.is_empty() {
            let name = decoder.name().to_owned();
            return Err(SaveError::NameTaken { path, name });
        }
        old_path = Some(path);
        break;
    }
    let text = decoder.to_toml();
    let write = |path: &Path, overwrite| {
        write_atomically(path, overwrite, |writer| writer.write_all(text.as_bytes()))
    };
    if let Some(path) = old_path {
        write(&path, true)?;
        return Ok(path);
    }
    let stem = file_stem(decoder.name());
    for number in 1..=MAX_NUMBER {
        let path = folder.join(match number {
            1 => format!("{stem}.toml"),
            _ => format!("{stem}-{number}.toml"),
        });
        match write(&path, false) {
            Ok(()) => return Ok(path),
            Err(FileError::Exists(_) | FileError::IsFolder(_) | FileError::NotAFile(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(SaveError::TooMany(folder.join(format!("{stem}.toml"))))
}

/// The files that may hold decoders, by name.
fn paths_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths: Vec<PathBuf> = entries
        .take(ENTRIES)
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
        })
        .collect();
    paths.sort();
    Ok(paths)
}

/// A file with the name of its folder before it, as a person knows it.
fn shown(folder: &Path, path: Option<&Path>) -> String {
    let last = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let folder = last(folder).unwrap_or_default();
    match path.and_then(last) {
        Some(file) => cut_text(&format!("{folder}/{file}")),
        None => cut_text(&folder),
    }
}

/// A file name that every system takes: letters, digits and hyphens of the decoder's name.
fn file_stem(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let stem = words.join("-");
    // Windows keeps these names for its ports, whatever their ending.
    let is_port = |port: &str| {
        stem.strip_prefix(port)
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    };
    if stem.is_empty() {
        "decoder".to_owned()
    } else if ["con", "prn", "aux", "nul"].contains(&stem.as_str())
        || is_port("com")
        || is_port("lpt")
    {
        format!("decoder-{stem}")
    } else {
        stem
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taught::{Fact, ReadAs};

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("the system has a temporary folder")
    }

    fn draft(name: &str) -> Draft {
        let mut draft = Draft {
            name: name.to_owned(),
            min_length: Some(10),
            ..Draft::default()
        };
        draft.mark(4..10, Fact::Mac, ReadAs::Bytes);
        draft
    }

    fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.join(name);
        write_atomically(&path, true, |writer| writer.write_all(bytes))
            .expect("the folder can be written to");
        path
    }

    fn names(files: &DecoderFiles) -> Vec<&str> {
        files.decoders.iter().map(Decoder::name).collect()
    }

    #[test]
    fn without_a_folder_nothing_is_taught() {
        let root = folder();
        let files = load(&root.path().join("decoders"));
        assert_eq!((names(&files), files.refused.len()), (vec![], 0));
    }

    #[test]
    fn files_are_read_by_name_and_what_is_bad_is_said_with_its_place() {
        let root = folder();
        let decoders = root.path().join("decoders");
        std::fs::create_dir(&decoders).expect("it is not there yet");
        put(&decoders, "b.toml", draft("second").to_toml().as_bytes());
        put(&decoders, "a.TOML", draft("first").to_toml().as_bytes());
        put(&decoders, "c.toml", draft("first").to_toml().as_bytes());
        put(
            &decoders,
            "d.toml",
            b"[[decoder]]\nname = \"x\"\nnonsense = 1\n",
        );
        put(&decoders, "e.toml", b"\xff");
        put(&decoders, "f.toml", &vec![b'#'; MAX_FILE_BYTES + 1]);
        put(&decoders, "notes.txt", b"no decoder");
        std::fs::create_dir(decoders.join("g.toml")).expect("it is not there yet");
        let files = load(&decoders);
        assert_eq!(names(&files), ["first", "second"]);
        let expected = [
            "decoders/c.toml:2:8: \"first\": another decoder has the name already",
            "decoders/d.toml:3:1: unknown field `nonsense`",
            "decoders/e.toml: it cannot be read (it is not UTF-8 at byte 0)",
            "decoders/f.toml: it cannot be read (it is longer than 256 KiB)",
            "decoders/g.toml: it cannot be read (it is not a file)",
        ];
        assert_eq!(files.refused.len(), expected.len(), "{:?}", files.refused);
        for (said, expected) in files.refused.iter().zip(expected) {
            assert!(said.starts_with(expected), "{said:?} is not {expected:?}");
        }
    }

    #[test]
    fn no_more_files_and_refusals_than_can_be_shown() {
        let root = folder();
        let bad = "[[decoder]]\nname = 1\n".repeat(10);
        for idx in 0..=FILES {
            put(root.path(), &format!("{idx:03}.toml"), bad.as_bytes());
        }
        let files = load(root.path());
        assert!(files.decoders.is_empty());
        assert_eq!(files.refused.len(), REFUSED_KEPT + 1);
        let last = files.refused.last().expect("there are many");
        assert_eq!(*last, format!("and {} more", FILES * 10 + 1 - REFUSED_KEPT));
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let root = folder();
        let decoders = root.path().join("config").join("decoders");
        let draft = draft("Hall 7: PDU / beacon");
        let path = save(&decoders, &draft).expect("it is finished");
        assert_eq!(path, decoders.join("hall-7-pdu-beacon.toml"));
        let files = load(&decoders);
        assert_eq!(files.refused, [""; 0]);
        let found = files.decoders.iter().next().expect("it was saved");
        assert_eq!(found.draft(), &draft);
    }

    #[test]
    fn a_file_is_replaced_by_its_own_decoder_only() {
        let root = folder();
        let path = save(root.path(), &draft("beacon")).expect("it is finished");
        let mut changed = draft("beacon");
        changed.note = "changed".to_owned();
        assert_eq!(save(root.path(), &changed).expect("it is the same"), path);
        let other = save(root.path(), &draft("Beacon!")).expect("another file is made");
        assert_eq!(other, root.path().join("beacon-2.toml"));
        let notes: Vec<String> = load(root.path())
            .decoders
            .iter()
            .map(|decoder| decoder.draft().note.clone())
            .collect();
        assert_eq!(
            notes,
            ["", "changed"],
            "beacon-2.toml sorts before beacon.toml"
        );

        let both = draft("one").to_toml() + &draft("two").to_toml();
        let shared = put(root.path(), "several.toml", both.as_bytes());
        let refused = save(root.path(), &draft("two"));
        assert!(
            matches!(&refused, Err(SaveError::NameTaken { path, .. }) if *path == shared),
            "{refused:?}"
        );
        let text = std::fs::read_to_string(&shared).expect("it is there");
        assert_eq!(text, both, "the file with several decoders is as it was");
    }

    #[test]
    fn an_unfinished_decoder_is_not_saved() {
        let root = folder();
        let error = save(root.path(), &draft("")).expect_err("it has no name");
        assert_eq!(
            error.to_string(),
            "the decoder is not finished (name: it has no name)"
        );
        assert_eq!(
            paths_in(root.path()).expect("it can be read"),
            [""; 0].map(PathBuf::from)
        );
    }

    #[test]
    fn file_names_are_safe_on_every_system() {
        for (name, stem) in [
            ("Hall 7", "hall-7"),
            ("../../etc/passwd", "etc-passwd"),
            ("con", "decoder-con"),
            ("COM1", "decoder-com1"),
            ("com10", "com10"),
            ("Ümläut", "ml-ut"),
            ("…", "decoder"),
        ] {
            assert_eq!(file_stem(name), stem, "{name:?}");
        }
    }
}
