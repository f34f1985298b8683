//! The journal through its public surface: conformance, recovery, crashes, golden files.

// Helpers of tests are tests too, though clippy only knows functions marked as such.
#![allow(clippy::unwrap_used)]

mod archive;
mod conformance;
mod crash_points;
mod files;
mod first_frames;
mod frame_reader;
mod frame_sources;
mod frames;
mod golden;
mod keys;
mod recovery_cases;
mod restored;
mod snapshot_cases;
mod space;
mod support;
