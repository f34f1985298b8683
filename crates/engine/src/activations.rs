//! Which accounts take part in payments, as those see it who submit: a copy of the ledger's table, with numbers of accounts
//! and codes of banks.
//!
//! It is a hint like everything that is looked up: a payment says by which table it was looked up, and the core has it come
//! again where that is not the newest.
//!
//! Invariant: the table is replaced before the command that changed it is answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ledger::{ActivationTable, RecordWriter};

/// The table. As long as nothing was ever said of any account, a look costs one load.
#[derive(Debug, Default)]
pub struct Activations {
    is_in_use: AtomicBool,
    table: RwLock<Arc<ActivationTable>>,
}

impl Activations {
    /// The table as it stands; its number is 0 where nothing was ever said.
    pub fn table(&self) -> Arc<ActivationTable> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes into payments which of their accounts take no part.
    pub(crate) fn stamp(&self, commands: &mut RecordWriter) {
        if self.is_in_use.load(Ordering::Acquire) && commands.needs().payments {
            commands.stamp_activation(&self.table());
        }
    }

    pub(crate) fn set(&self, table: ActivationTable) {
        let is_in_use = table.number() != 0;
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        self.is_in_use.store(is_in_use, Ordering::Release);
    }
}
