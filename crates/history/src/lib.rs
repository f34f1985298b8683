//! What is derived from the log and kept on disk: it can be lost, and made again from the log.

pub mod receipts;
