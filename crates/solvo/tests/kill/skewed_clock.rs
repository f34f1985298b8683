//! A library to be loaded before a program's own: its wall clock is as far off as a file says, at every reading.
//!
//! It is compiled by the test that uses it and is no part of Solvo. The file holds nanoseconds, eight bytes.

use std::ffi::{c_char, c_int, c_long, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

/// `struct timespec` where time has 64 bits.
#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn getenv(name: *const c_char) -> *const c_char;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn mmap(at: *mut c_void, length: usize, protection: c_int, flags: c_int, file: c_int, offset: i64) -> *mut c_void;
}

#[cfg(target_arch = "x86_64")]
const CLOCK_GETTIME: c_long = 228;
#[cfg(target_arch = "aarch64")]
const CLOCK_GETTIME: c_long = 113;

const CLOCK_REALTIME: c_int = 0;
const SECOND: i64 = 1_000_000_000;

/// The file's bytes, which the test changes while the program runs.
fn skew() -> i64 {
    static FILE: OnceLock<usize> = OnceLock::new();
    let at = *FILE.get_or_init(|| {
        const READ: c_int = 1;
        const SHARED: c_int = 1;
        // SAFETY: the name ends in a zero, and what the environment returns is not changed by anybody.
        let file = unsafe { open(getenv(c"SKEWED_CLOCK".as_ptr()), 0) };
        // SAFETY: a mapping that nobody has asked to stand anywhere overlaps nothing.
        unsafe { mmap(std::ptr::null_mut(), 8, READ, SHARED, file, 0) as usize }
    });
    // SAFETY: the mapping lasts as long as the process, is aligned to a page, and holds the file's eight bytes.
    let value = unsafe { &*(at as *const AtomicI64) };
    value.load(Ordering::Relaxed)
}

/// The system's function, with the wall clock off.
///
/// # Safety
/// As the system's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    // SAFETY: the caller gives what the system's own function takes.
    let result = unsafe { syscall(CLOCK_GETTIME, c_long::from(clock), time) };
    if result == 0 && clock == CLOCK_REALTIME {
        // SAFETY: the call above has just written there.
        let time = unsafe { &mut *time };
        let shown = time.seconds * SECOND + time.nanoseconds + skew();
        (time.seconds, time.nanoseconds) = (shown.div_euclid(SECOND), shown.rem_euclid(SECOND));
    }
    result as c_int
}
