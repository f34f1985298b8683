//! Where a command's master key comes from: a file, or what another program prints.
//!
//! Invariants:
//! - A key that others could read is refused.
//! - Its bytes are overwritten once they have been read, and never shown.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use journal::MasterKey;
use zeroize::Zeroizing;

/// More than any form of a key.
const KEY_BYTES_MAX: u64 = 4096;

/// The master key, where a command needs one.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct MasterKeyArgs {
    /// The file with the master key: 64 hexadecimal digits, or 32 bytes. Nobody but its owner may read it.
    ///
    /// Without one, the file MASTER in the folder of the log is used.
    #[arg(long, value_name = "FILE", conflicts_with = "master_key_command")]
    master_key: Option<PathBuf>,
    /// A command of the shell that prints the master key, such as a client of a vault.
    #[arg(long, value_name = "COMMAND")]
    master_key_command: Option<String>,
}

impl MasterKeyArgs {
    /// A key in a file or printed by a command; nothing if neither is named.
    pub(crate) fn at(file: Option<&Path>, command: Option<&str>) -> Option<Self> {
        let is_named = file.is_some() || command.is_some();
        let (master_key, master_key_command) = (file.map(Path::to_owned), command.map(str::to_owned));
        is_named.then_some(Self { master_key, master_key_command })
    }

    /// Reads the key, if one is named.
    ///
    /// # Errors
    /// If it can't be had, or others can read its file.
    pub(crate) fn read(&self) -> anyhow::Result<Option<MasterKey>> {
        match (&self.master_key, &self.master_key_command) {
            (Some(file), _) => Ok(Some(read_file(file)?)),
            (None, Some(command)) => Ok(Some(printed_by(command)?)),
            (None, None) => Ok(None),
        }
    }
}

/// Reads a key from a file.
///
/// # Errors
/// If it can't be read, holds no key, or others can read it.
pub(crate) fn read_file(path: &Path) -> anyhow::Result<MasterKey> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("the master key in {shown} can't be read"))?;
    let mode = file.metadata().with_context(|| format!("{shown} can't be looked at"))?.permissions().mode();
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    ensure!(
        is_private(path, mode, credentials.as_deref()),
        "others can read the master key in {shown}: chmod 600 it, and consider a new one"
    );
    read(file).with_context(|| format!("the master key in {shown} can't be used"))
}

/// Whether only its owner can read a file. A credential of systemd may be readable for a group by its mode, where an access
/// list lets one user in, and its folder nobody else.
fn is_private(path: &Path, mode: u32, credentials: Option<&Path>) -> bool {
    let is_credential = credentials.is_some_and(|folder| path.starts_with(folder));
    mode & if is_credential { 0o007 } else { 0o077 } == 0
}

fn printed_by(command: &str) -> anyhow::Result<MasterKey> {
    // The command may name a secret itself, so messages do not repeat it.
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("the command that prints the master key can't be started")?;
    let output = child.stdout.take().expect("its output is piped");
    let key = read(output);
    let status = child.wait().context("the command that prints the master key can't be waited for")?;
    ensure!(status.success(), "the command that prints the master key failed: {status}");
    key.context("what the command printed can't be used as master key")
}

fn read(source: impl Read) -> anyhow::Result<MasterKey> {
    // Room for all of it, so that no piece of it is left behind where a list was moved from.
    let mut bytes = Zeroizing::new(Vec::with_capacity(8192));
    source.take(KEY_BYTES_MAX).read_to_end(&mut bytes)?;
    match MasterKey::parse(&bytes) {
        Some(key) => Ok(key),
        None => bail!("it is not 64 hexadecimal digits or 32 bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\n";

    fn file(mode: u32, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn keys_come_as_digits_as_bytes_and_from_a_command() {
        let (_folder, path) = file(0o600, DIGITS.as_bytes());
        read_file(&path).unwrap();
        let (_folder, path) = file(0o400, &[9; 32]);
        read_file(&path).unwrap();
        printed_by(&format!("printf %s {}", DIGITS.trim())).unwrap();
        assert!(MasterKeyArgs::default().read().unwrap().is_none());
    }

    #[test]
    fn credentials_of_the_service_manager_are_private_by_their_folder() {
        let credentials = Some(Path::new("/run/credentials/solvo.service"));
        let path = Path::new("/run/credentials/solvo.service/master-key");
        assert!(is_private(path, 0o100_440, credentials) && !is_private(path, 0o100_444, credentials));
        assert!(!is_private(path, 0o100_440, None) && is_private(path, 0o100_400, None));
        assert!(!is_private(Path::new("/etc/master-key"), 0o100_440, credentials));
    }

    #[test]
    fn what_others_can_read_and_what_is_no_key_is_refused_without_showing_it() {
        let (_folder, path) = file(0o640, DIGITS.as_bytes());
        assert!(read_file(&path).unwrap_err().to_string().contains("chmod 600"));
        let (_folder, path) = file(0o600, b"hunter2");
        let error = format!("{:?}", read_file(&path).unwrap_err());
        assert!(error.contains("64 hexadecimal digits") && !error.contains("hunter2"), "{error}");
        let error = format!("{:?}", printed_by("echo hunter2; exit 3").unwrap_err());
        assert!(error.contains("exit status: 3") && !error.contains("hunter2"), "{error}");
        assert!(printed_by("head -c 100000 /dev/zero").is_err());
    }
}
