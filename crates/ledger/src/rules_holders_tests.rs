//! Holders of accounts: which accounts have any, and that a request is known again by its names.

use crate::testing::check;

#[test]
fn holders_are_those_of_an_account_that_is_open() {
    check(
        "
        bank A hosted | open A1 | open A2
        hold A3 Anna           => refused ACCOUNT_UNKNOWN
        hold A1 USD Anna       => refused ACCOUNT_UNKNOWN
        hold A1 Anna           => done
        block A1
        hold A1 Berta          => done
        close A2
        hold A2 Anna           => refused ACCOUNT_CLOSED
        books                  => all zero
        ",
    );
}

#[test]
fn names_are_part_of_the_body() {
    check(
        "
        bank A hosted | open A1
        hold A1 Anna id X      => done
        hold A1 Anna id X      => done, repeat of X
        hold A1 Berta id X     => refused REQUEST_ID_REUSED
        ",
    );
}
