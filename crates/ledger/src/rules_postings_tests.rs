//! Maps of postings: who may set which, and what one is named by. Scripts start on 2026-01-05 at 10:00.

use crate::testing::check;

const BANKS: &str = "bank A hosted | bank B hosted | open A1 | open A2 | open B1 | open A1 USD\n";

fn check_maps(script: &str) {
    check(&format!("{BANKS}{script}"));
}

#[test]
fn map_is_set_and_replaced() {
    check_maps(
        "
        map-of A                                                  => none
        map A rest=9999 id M1                                     => done
        map-of A                                                  => M1 of 1
        map A rest=9999 current=2100 A1=2100.1 A2=2100.2 id M2    => done
        map-of A                                                  => M2 of 2
        map A rest=9998 USD id M3                                 => done
        map-of A                                                  => M2 of 2
        map-of A USD                                              => M3 of 1
        map-of B                                                  => none
        map A rest=9999 id M1                                     => done, repeat of M1
        map-of A                                                  => M2 of 2
        map A rest=9998 id M1                                     => refused REQUEST_ID_REUSED
        ",
    );
}

#[test]
fn map_that_is_expected_was_set_last() {
    check_maps(
        "
        map A rest=1 expect none id M1   => done
        map A rest=2 expect none         => refused POSTING_MAP_CHANGED
        map A rest=2 expect M1 id M2     => done
        map A rest=3 expect M1           => refused POSTING_MAP_CHANGED
        map B rest=3 expect M2           => refused POSTING_MAP_CHANGED
        map A rest=3 expect M2 id M3     => done
        map-of A                         => M3 of 3
        ",
    );
}

#[test]
fn map_counts_from_a_day_that_has_not_passed() {
    check_maps(
        "
        map A rest=1 from 2026-01-04              => refused POSTING_DATE_NOT_ALLOWED
        map A rest=1 from 2026-01-05 id M1        => done
        map A rest=1 from 2027-02-09 id M2        => done
        map-of A                                  => M2 of 2 from 2027-02-09
        map A rest=1 from 2027-02-10              => refused POSTING_DATE_NOT_ALLOWED
        zone A 840
        map A rest=1 from 2026-01-05              => refused POSTING_DATE_NOT_ALLOWED
        map A rest=1 from 2026-01-06              => done
        ",
    );
}

#[test]
fn lines_are_about_accounts_of_the_book() {
    check_maps(
        "
        map A rest=1 B1=2                => refused POSTING_ACCOUNT_UNKNOWN
        map A rest=1 A1/USD=2            => refused POSTING_ACCOUNT_UNKNOWN
        map A rest=1 A1/USD=2 USD        => done
        map A rest=1 #1=2                => refused POSTING_ACCOUNT_UNKNOWN
        map A rest=1 #999=2              => refused POSTING_ACCOUNT_UNKNOWN
        map X rest=1                     => refused PARTICIPANT_UNKNOWN
        map B rest=1 USD                 => refused BOOK_UNKNOWN
        ",
    );
}
