//! Closing days, and the business date from one banking day to the next. Scripts start on a Monday, 2026-01-05, at 10:00.

use crate::testing::check;

#[test]
fn day_of_a_year_that_nobody_set_is_neither_open_nor_closed() {
    check(
        "
        open-day 2026-01-06    => unknown
        closing 2026           => done
        open-day 2026-01-06    => true
        open-day 2026-01-10    => false     # a Saturday
        open-day 2026-04-03    => false     # Good Friday
        open-day 2026-04-06    => false     # Easter Monday
        open-day 2026-05-01    => false
        open-day 2026-12-24    => true
        open-day 2026-12-25    => false
        open-day 2027-01-01    => unknown
        closing 2026 and 2026-01-06
        open-day 2026-01-06    => false
        closing 2026 id same
        closing 2026 id same   => done, repeat of same
        closing 2027 id same   => refused REQUEST_ID_REUSED
        ",
    );
}

#[test]
fn closing_days_are_those_of_years_around_the_present_one() {
    check(
        "
        closing 2023           => refused CALENDAR_YEAR
        closing 2037           => refused CALENDAR_YEAR
        closing 2036 | closing 2024 | closing 2025 | closing 2026
        years                  => 2024 2025 2026 2036
        at 400d
        closing 2027
        years                  => 2025 2026 2027 2036
        ",
    );
}

#[test]
fn business_date_goes_to_the_next_banking_day_and_not_before_it_is_due() {
    check(
        "
        date                   => none
        roll 2026-01-05        => refused CALENDAR_UNKNOWN
        closing 2026
        roll 2026-01-04        => refused BUSINESS_DATE_NOT_NEXT     # a Sunday
        roll 2026-01-07        => refused BUSINESS_DATE_NOT_NEXT     # the day after the next
        roll 2026-01-05        => done
        date                   => 2026-01-05
        roll 2026-01-05        => refused BUSINESS_DATE_NOT_NEXT
        roll 2026-01-06 due 25200s  => refused NOT_DUE
        at 25200s
        accepts 2026-01-05     => true
        accepts 2026-01-06     => false
        roll 2026-01-06 due 25200s id evening  => done
        roll 2026-01-06 due 25200s id evening  => done, repeat of evening
        date                   => 2026-01-06, before 2026-01-05
        ",
    );
}

#[test]
fn both_dates_are_accepted_for_a_minute_after_a_change() {
    check(
        "
        closing 2026 | roll 2026-01-05
        accepts 2026-01-05     => true
        accepts 2026-01-02     => false
        at 10s
        roll 2026-01-06
        accepts 2026-01-05     => true
        accepts 2026-01-06     => true
        accepts 2026-01-07     => false
        at 69s+999999999ns
        accepts 2026-01-05     => true
        at 70s
        accepts 2026-01-05     => false
        accepts 2026-01-06     => true
        ",
    );
}

/// Nobody rolls while a node is down, and over Christmas nobody has to.
#[test]
fn business_date_catches_up_after_a_stop_and_passes_over_closed_days() {
    check(
        "
        closing 2026 | closing 2027 | roll 2026-01-05
        at 8d                                       # a Tuesday
        roll 2026-01-15        => refused BUSINESS_DATE_NOT_NEXT
        roll 2026-01-13        => done
        roll 2026-01-14        => done
        date                   => 2026-01-14, before 2026-01-13
        at 353d+28800s                              # Christmas Eve, a Thursday, at 18:00
        roll 2026-12-25        => refused BUSINESS_DATE_NOT_NEXT
        roll 2026-12-28        => done
        at 357d                                     # that Monday
        roll 2026-12-29        => done
        ",
    );
}
