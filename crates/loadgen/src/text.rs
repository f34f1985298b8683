//! Numbers and spans for people.

use std::time::Duration;

/// A whole number with its thousands apart: `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A span in the unit that suits it: `870 us`, `1.24 ms`, `10.0 s`.
pub(crate) fn span(span: Duration) -> String {
    match span.as_micros() {
        micros @ 0..1_000 => format!("{micros} us"),
        1_000..10_000 => format!("{:.2} ms", span.as_secs_f64() * 1e3),
        10_000..1_000_000 => format!("{:.1} ms", span.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", span.as_secs_f64()),
    }
}

/// How many in a second, rounded; nothing over no time at all.
pub(crate) fn per_second(count: u64, elapsed: Duration) -> u64 {
    let nanoseconds = elapsed.as_nanos();
    if nanoseconds == 0 {
        return 0;
    }
    u64::try_from((u128::from(count) * 1_000_000_000 + nanoseconds / 2) / nanoseconds).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn spans_are_told_in_their_unit() {
        for (micros, text) in
            [(0, "0 us"), (999, "999 us"), (1_240, "1.24 ms"), (23_460, "23.5 ms"), (10_000_000, "10.0 s")]
        {
            assert_eq!(span(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn rates_are_rounded() {
        assert_eq!(per_second(100_000, Duration::from_millis(250)), 400_000);
        assert_eq!(per_second(1, Duration::from_secs(3)), 0);
        assert_eq!(per_second(5, Duration::from_secs(3)), 2);
        assert_eq!(per_second(5, Duration::ZERO), 0);
    }
}
