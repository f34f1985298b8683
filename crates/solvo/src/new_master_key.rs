//! Where a node finds its next master key, and with which of the two it starts.
//!
//! Invariant: a node starts at every moment of a rotation, with the key that wraps its keys then.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::{FileStorage, MasterKey};
use server::NewMasterKey;

use crate::master_key::MasterKeyArgs;

/// Where a node finds the master key that it is to have next.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct NewMasterKeyArgs {
    /// The file in which this node finds its next master key when `solvo keys rotate --server` has it changed. It need not
    /// be there before. A start takes the key from here as well if KEYS is wrapped by it already.
    #[arg(long, value_name = "FILE", conflicts_with = "new_master_key_command")]
    new_master_key: Option<PathBuf>,
    /// A command of the shell that prints the next master key.
    #[arg(long, value_name = "COMMAND")]
    new_master_key_command: Option<String>,
}

impl NewMasterKeyArgs {
    /// The same place, as of a key that is in force.
    fn place(&self) -> Option<MasterKeyArgs> {
        MasterKeyArgs::at(self.new_master_key.as_deref(), self.new_master_key_command.as_deref())
    }

    /// Where the key is read when it is asked for.
    pub(crate) fn source(&self) -> Option<Arc<NewMasterKey>> {
        let place = self.place()?;
        let read = move || match place.read() {
            Ok(key) => Ok(key.expect("the place is named")),
            Err(error) => Err(format!("{error:#}")),
        };
        Some(Arc::new(NewMasterKey::new(read)))
    }

    /// The master key with which a node starts: the one that was given, unless the keys in the folder are wrapped by the
    /// next one already. So a node starts at every moment of a rotation.
    ///
    /// # Errors
    /// If a key that is needed can't be had.
    pub(crate) fn in_force(&self, data: &Path, given: &MasterKeyArgs) -> anyhow::Result<Option<MasterKey>> {
        let Some(place) = self.place().filter(|_| data.exists()) else { return given.read() };
        let storage = FileStorage::open(data)?;
        let given = given.read();
        let current = match &given {
            Ok(Some(key)) => Some(key.clone()),
            Ok(None) => MasterKey::in_folder(&storage)?,
            // It may have gone already where the next one took over.
            Err(_) => None,
        };
        let is_wrapped_by = |key: &MasterKey| anyhow::Ok(key.wraps(&storage)? == Some(true));
        if current.as_ref().map(is_wrapped_by).transpose()? == Some(true) {
            return given;
        }
        match place.read() {
            Ok(Some(new)) if is_wrapped_by(&new)? => {
                tracing::warn!("the keys are wrapped by the new master key, which is used from now on");
                Ok(Some(new))
            }
            // The one that was given is not right, and the start says why.
            Ok(_) | Err(_) => given,
        }
    }
}
