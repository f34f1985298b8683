//! Hints to the machine about memory. They change how fast something is and never what it comes to.
//!
//! With millions of accounts nearly every step of a payment misses the caches. What the next payments will touch
//! is asked for ahead, and tables stand in large pages, so that a miss costs one walk to memory and not two.

// A prefetch and an advice take addresses; both leave the memory behind them as it is.
#![allow(unsafe_code)]

/// Asks for the cache line in which this value begins.
pub fn prefetch<Value>(value: &Value) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that the program could see, and the address is that of a live value.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Asks for large pages for memory that has hardly been used yet. A machine that has none goes on with small ones.
pub fn advise_large_pages<Value>(values: &mut [Value]) {
    #[cfg(target_os = "linux")]
    {
        let range = values.as_mut_ptr_range();
        let (start, end) = (range.start.addr().next_multiple_of(PAGE), range.end.addr() / PAGE * PAGE);
        if end.saturating_sub(start) < LARGE_PAGE {
            return;
        }
        let place = range.start.with_addr(start).cast();
        // SAFETY: the pages lie within memory that is borrowed mutably, and the advice keeps their contents.
        let advised = unsafe { rustix::mm::madvise(place, end - start, rustix::mm::Advice::LinuxHugepage) };
        // A kernel without large pages refuses; everything works without.
        let _ = advised;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = values;
}

/// Has the operating system back this memory now, so that whoever uses it first does not wait for it.
pub fn make_ready<Value>(values: &mut [std::mem::MaybeUninit<Value>]) {
    values.iter_mut().for_each(|value| *value = std::mem::MaybeUninit::zeroed());
}

#[cfg(target_os = "linux")]
const PAGE: usize = 4096;
#[cfg(target_os = "linux")]
const LARGE_PAGE: usize = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_leaves_memory_usable() {
        for length in [0, 1, 4096, 6 << 20] {
            let mut values: Vec<u8> = Vec::with_capacity(length);
            advise_large_pages(values.spare_capacity_mut());
            values.resize(length, 7);
            values.iter().step_by(1000).for_each(prefetch);
            assert!(values.iter().all(|value| *value == 7));
        }
    }
}
