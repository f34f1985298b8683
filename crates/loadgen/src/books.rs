//! The books of a node around one or several runs: opened before the first, audited after the last.
//!
//! Invariant: the audit compares the books with all that replies said since the books were opened, so every run
//! in between has to be noted.

use std::ops::Range;
use std::sync::Arc;

use client::Client;
use client::v1::{AccountMode, ErrorReason};

use crate::accounts::opening;
use crate::audit::{OpenEnds, audit};
use crate::balances::{Snapshot, asked_about, position_of};
use crate::banks::{LOAD_BANKS, LOAD_REMOTE_BANKS};
use crate::confirmed::Confirmed;
use crate::drive::connect;
use crate::report::Driven;
use crate::setup::{fund, open_accounts, register};
use crate::{AuditReport, LoadOptions, LoadgenError, Progress};

/// Positions of the load banks are filled up when they are below this, in cents.
const POSITION_CENTS_MIN: i64 = 50_000_000_000;

/// With this amount, the largest there is.
const POSITION_FUNDS: &str = "999999999.99";

/// What the books of a node were, and what runs have said since.
#[derive(Debug)]
pub struct Books {
    accounts: u32,
    /// The remote banks that take part.
    remote: Range<usize>,
    before: Snapshot,
    confirmed: Vec<Confirmed>,
    open_ends: OpenEnds,
}

impl Books {
    /// Sees to it that a node has the accounts and the money that runs with these options need, and notes what
    /// its books say. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the options break a limit, or the node can't be reached or does not do what runs need.
    pub async fn open(
        address: &str,
        options: &LoadOptions,
        progress: &dyn Progress,
    ) -> Result<Self, LoadgenError> {
        options.validate()?;
        Self::open_over(&connect(address, options).await?, options, progress).await
    }

    /// The same over open connections.
    pub(crate) async fn open_over(
        client: &Client,
        options: &LoadOptions,
        progress: &dyn Progress,
    ) -> Result<Self, LoadgenError> {
        prepare_banks(client, options).await?;
        let remote = options.remote.as_ref().map_or(0..0, |remote| remote.banks.clone());
        let asked = asked_about(options.accounts);
        let before = match Snapshot::take(client, &asked, remote.clone(), progress).await {
            Err(error) if error.reason() == Some(ErrorReason::AccountUnknown) => {
                let indices = (0..options.accounts).collect();
                open_accounts(client, indices, options.connections, Arc::new(opening), progress).await?;
                Snapshot::take(client, &asked, remote.clone(), progress).await?
            }
            taken => taken?,
        };
        let open_ends = OpenEnds { unknown: 0, unasked: 0 };
        Ok(Self { accounts: options.accounts, remote, before, confirmed: Vec::new(), open_ends })
    }

    /// Notes what the replies of a run said.
    pub fn note(&mut self, driven: &Driven, confirmed: Confirmed) {
        self.open_ends.unknown += driven.counts.unknown;
        self.open_ends.unasked += driven.counts.unasked;
        self.confirmed.push(confirmed);
    }

    /// Compares the books with what was noted. Nothing may be under way, and nobody else may have moved money of
    /// the load banks meanwhile.
    ///
    /// # Errors
    /// If the node does not tell. A difference is part of the report.
    pub async fn audit(
        &self,
        address: &str,
        options: &LoadOptions,
        progress: &dyn Progress,
    ) -> Result<AuditReport, LoadgenError> {
        self.audit_over(&connect(address, options).await?, progress).await
    }

    /// The same over open connections.
    pub(crate) async fn audit_over(
        &self,
        client: &Client,
        progress: &dyn Progress,
    ) -> Result<AuditReport, LoadgenError> {
        let (asked, remote) = (asked_about(self.accounts), self.remote.clone());
        let after = Snapshot::take(client, &asked, remote.clone(), progress).await?;
        Ok(audit(&self.before, &after, self.accounts, remote, &self.confirmed, self.open_ends))
    }

    /// The payments that were confirmed as settled, by run.
    pub(crate) fn into_confirmed(self) -> Vec<Confirmed> {
        self.confirmed
    }
}

/// Registers the load banks, and sees to it that they can pay.
async fn prepare_banks(client: &Client, options: &LoadOptions) -> Result<(), LoadgenError> {
    for bank in &LOAD_BANKS {
        let request_id = format!("solvo-load-1-register-{}", bank.country());
        register(client, request_id, bank, AccountMode::Hosted).await?;
        if position_of(client, bank.bic_text()).await? < POSITION_CENTS_MIN {
            let request_id = format!("solvo-load-1-fund-{}-{}", options.run, bank.country());
            let reference = format!("LOAD-{}-{}", options.run, bank.country());
            fund(client, request_id, bank, POSITION_FUNDS, reference).await?;
        }
    }
    if let Some(remote) = &options.remote {
        // They only receive, so their positions need no money.
        for bank in &LOAD_REMOTE_BANKS[remote.banks.clone()] {
            let request_id = format!("solvo-load-1-register-{}", bank.bic_text());
            register(client, request_id, bank, AccountMode::Remote).await?;
        }
    }
    Ok(())
}
