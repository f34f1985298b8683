//! `compare`: the engine measured against yardsticks. The work is in `benches::compare`.

use std::process::ExitCode;

/// As in the `solvo` binary: the yardstick, the node and the client all have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    benches::compare::main()
}
