//! The node's signing key (Ed25519), and the public key by which others check its receipts.
//!
//! Invariant: the key's file is readable by its owner alone, and its bytes are shown nowhere.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::bytes::{array_from_hex, to_hex};
use super::checkpoint::SIGNATURE_LENGTH;

/// Bytes that name a public key.
pub(super) const KEY_ID_LENGTH: usize = 16;

/// What a key's file begins with; 64 hexadecimal digits and a line end follow.
const FILE_START: &str = "solvo-receipt-key-1 ";

/// No key's file is longer.
const FILE_BYTES_MAX: u64 = 256;

/// Why a signing key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or made.
    #[error("the receipts' signing key {path} can't be read or made: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than its owner may read it.
    #[error(
        "the receipts' signing key {0} may be read by others: set its mode to 600, and make a new one if in doubt"
    )]
    Exposed(PathBuf),
    /// The file holds something else.
    #[error("{0} holds no signing key of receipts")]
    Unreadable(PathBuf),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    Entropy,
}

/// Signs checkpoints.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads the key in a file, or makes one there.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn load_or_make(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::make(path)
            }
            loaded => loaded,
        }
    }

    /// Reads the key in a file.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let fault = |source| KeyError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(fault)?;
        if file.metadata().map_err(fault)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(path.to_owned()));
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(fault)?;
        let digits = text.strip_prefix(FILE_START).map(str::trim_end);
        let seed: Option<[u8; 32]> = digits.and_then(array_from_hex);
        let pair = seed.and_then(|seed| Ed25519KeyPair::from_seed_unchecked(&seed).ok());
        pair.map(Self).ok_or_else(|| KeyError::Unreadable(path.to_owned()))
    }

    fn make(path: &Path) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::Entropy)?;
        let write = || {
            // Whole or not at all: a key that is lost after it has signed would be missed.
            let unfinished = path.with_extension("new");
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            writeln!(file, "{FILE_START}{}", to_hex(&seed))?;
            file.sync_all()?;
            fs::rename(&unfinished, path)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(|source| KeyError::File { path: path.to_owned(), source })?;
        Self::load(path)
    }

    /// The key by which others check what this one signs.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().expect("an Ed25519 key has 32 bytes"))
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LENGTH] {
        self.0.sign(message).as_ref().try_into().expect("an Ed25519 signature has 64 bytes")
    }
}

/// The public half only.
impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey(of {})", self.public())
    }
}

/// Checks signatures. Its text form is 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        array_from_hex(text).map(Self)
    }

    /// The name of the key in checkpoints.
    pub fn id(&self) -> [u8; KEY_ID_LENGTH] {
        super::bytes::array(blake3::hash(&self.0).as_bytes(), 0)
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(matches!(SigningKey::load(&path), Err(KeyError::File { .. })));
        let made = SigningKey::load_or_make(&path).unwrap();
        assert_eq!(SigningKey::load_or_make(&path).unwrap().public(), made.public());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let public = PublicKey::parse(&made.public().to_string()).unwrap();
        assert!(public.verifies(b"a message", &made.sign(b"a message")));
        assert!(!public.verifies(b"another one", &made.sign(b"a message")));
        assert!(!format!("{made:?}").contains(&fs::read_to_string(&path).unwrap()[FILE_START.len()..][..64]));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKey::load_or_make(&path), Err(KeyError::Exposed(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "something else").unwrap();
        assert!(matches!(SigningKey::load_or_make(&path), Err(KeyError::Unreadable(_))));
    }
}
