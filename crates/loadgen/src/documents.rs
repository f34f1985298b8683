//! Stored ISO 20022 documents, and what is expected of them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{Expected, LoadgenError};

/// The most documents of one folder.
const DOCUMENTS_MAX: usize = 10_000;

/// The longest file. More than a node takes, so that its refusal can be seen, but not more than a call takes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A stored document.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Its file name, without the folder.
    pub name: String,
    /// Its content as stored. Personal data.
    pub bytes: Vec<u8>,
    /// What it should come to, if a file beside it (`name.expected.json` for `name.xml`) says so.
    pub expected: Option<Expected>,
}

impl Document {
    /// Reads a document and the file beside it.
    ///
    /// # Errors
    /// If a file can't be read, is too long, or is no description of an outcome.
    pub fn read(path: &Path) -> Result<Self, LoadgenError> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| fault(path, "it has no file name"))?;
        let bytes = contents(path)?;
        let sidecar = path.with_extension("expected.json");
        let expected = match sidecar.try_exists().map_err(|error| fault(&sidecar, error))? {
            true => Some(Expected::read(&contents(&sidecar)?).map_err(|what| fault(&sidecar, what))?),
            false => None,
        };
        Ok(Self { name, bytes, expected })
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Document")
            .field("name", &self.name)
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Reads every `.xml` file of a folder, in the order of their names.
///
/// # Errors
/// If the folder or a file in it can't be used, or there is nothing in it.
pub fn read_documents(folder: &Path) -> Result<Vec<Document>, LoadgenError> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| fault(folder, error))? {
        let path = entry.map_err(|error| fault(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            paths.push(path);
        }
        if paths.len() > DOCUMENTS_MAX {
            return Err(fault(folder, format!("more than {DOCUMENTS_MAX} documents")));
        }
    }
    if paths.is_empty() {
        return Err(fault(folder, "no .xml file in it"));
    }
    // Documents may repeat earlier ones, so their order matters, and folders are listed in none.
    paths.sort();
    paths.iter().map(|path| Document::read(path)).collect()
}

fn contents(path: &Path) -> Result<Vec<u8>, LoadgenError> {
    let file = File::open(path).map_err(|error| fault(path, error))?;
    let mut bytes = Vec::new();
    let length = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| fault(path, error))?;
    match u64::try_from(length).expect("64 bits") <= FILE_BYTES_MAX {
        true => Ok(bytes),
        false => Err(fault(path, format!("longer than {FILE_BYTES_MAX} bytes"))),
    }
}

fn fault(path: &Path, what: impl ToString) -> LoadgenError {
    LoadgenError::File { path: path.to_owned(), what: what.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DocumentStatus;

    /// The project's own fixtures are the best sample.
    #[test]
    fn every_fixture_has_its_expectation() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/pacs008");
        let documents = read_documents(&folder).unwrap();
        assert!(documents.len() >= 26);
        assert!(documents.iter().all(|document| document.expected.is_some()));
        assert!(documents.is_sorted_by(|left, right| left.name < right.name));
        for status in [DocumentStatus::Settled, DocumentStatus::Rejected, DocumentStatus::NotTaken] {
            let of = |document: &&Document| document.expected.as_ref().unwrap().status == status;
            assert!(documents.iter().filter(of).count() > 3, "{status}");
        }
    }

    #[test]
    fn folders_without_documents_are_named() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let error = read_documents(&folder).unwrap_err();
        assert!(error.to_string().ends_with("src: no .xml file in it"), "{error}");
        assert!(read_documents(Path::new("nowhere")).is_err());
        assert!(Document::read(Path::new("nowhere.xml")).is_err());
    }

    #[test]
    fn contents_are_not_printed() {
        let document = Document { name: "a.xml".to_owned(), bytes: b"<Nm>Secret".to_vec(), expected: None };
        assert!(!format!("{document:?}").contains("Secret"));
    }
}
