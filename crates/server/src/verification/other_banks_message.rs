//! A question to another bank and its answer, as JSON.
//!
//! The form is that of the EPC's API between banks: who asks whom about which party and account, and codes as answers.

use serde::{Deserialize, Serialize};
use types::Text;

use super::other_banks::{Asked, Given, NoAnswer, Told};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'asked> {
    party: Party<'asked>,
    party_account: PartyAccount<'asked>,
    party_agent: Agent<'asked>,
    requesting_agent: Agent<'asked>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Party<'asked> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'asked str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identification: Option<Identification<'asked>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identification<'asked> {
    organisation_identification: Code<'asked>,
}

#[derive(Serialize)]
struct Code<'asked> {
    other: [Other<'asked>; 1],
}

#[derive(Serialize)]
struct Other<'asked> {
    identification: &'asked str,
}

#[derive(Serialize)]
struct PartyAccount<'asked> {
    iban: &'asked str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Agent<'asked> {
    financial_institution_identification: Institution<'asked>,
}

#[derive(Serialize)]
struct Institution<'asked> {
    bicfi: &'asked str,
}

/// Members that are not known here are passed over: the API grows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    party_name_match: Option<String>,
    party_id_match: Option<String>,
    matched_name: Option<String>,
}

/// The body of a question.
pub(super) fn question(asked: &Asked) -> Vec<u8> {
    let [payee_agent, requesting_agent] =
        [asked.payee_agent, asked.requesting_agent].map(|bic| bic.to_string());
    let agent = |bicfi| Agent { financial_institution_identification: Institution { bicfi } };
    let party = match &asked.given {
        Given::Name(name) => Party { name: Some(name.as_str()), identification: None },
        Given::Code(code) => {
            let other = [Other { identification: code.as_str() }];
            let organisation_identification = Code { other };
            Party { name: None, identification: Some(Identification { organisation_identification }) }
        }
    };
    let question = Question {
        party,
        party_account: PartyAccount { iban: asked.iban.as_str() },
        party_agent: agent(&payee_agent),
        requesting_agent: agent(&requesting_agent),
    };
    serde_json::to_vec(&question).expect("texts can be written as JSON")
}

/// Reads an answer to what was given.
pub(super) fn answer(given: &Given, body: &[u8]) -> Result<Told, NoAnswer> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| NoAnswer::Failed)?;
    let code = match given {
        Given::Name(_) => answer.party_name_match,
        Given::Code(_) => answer.party_id_match,
    };
    match (code.as_deref(), given) {
        (Some("MTCH"), _) => Ok(Told::Match),
        (Some("NMTC"), _) => Ok(Told::NoMatch),
        (Some("NOAP"), _) => Ok(Told::NotPossible),
        (Some("CMTC"), Given::Name(_)) => {
            // A close match without the name, or with one that nobody could have, helps no payer.
            let name = answer.matched_name.ok_or(NoAnswer::Failed)?;
            Text::parse(&name).map(Told::CloseMatch).map_err(|_| NoAnswer::Failed)
        }
        (_, Given::Name(_) | Given::Code(_)) => Err(NoAnswer::Failed),
    }
}

#[cfg(test)]
mod tests {
    use types::{Bic, Iban, Timestamp};

    use super::*;

    fn name() -> Given {
        Given::Name(Text::parse("Anna \"A\" Peeters").unwrap())
    }

    fn code() -> Given {
        Given::Code(Text::parse("529900T8BM49AURSDO55").unwrap())
    }

    fn asked(given: Given) -> Asked {
        Asked {
            request_id: "question-1".to_owned(),
            requested_time: Timestamp::default(),
            requesting_agent: Bic::parse("ALFABEBB").unwrap(),
            payee_agent: Bic::parse("BETADEFF").unwrap(),
            iban: Iban::parse("DE89370400440532013000").unwrap(),
            given,
        }
    }

    #[test]
    fn a_question_says_who_asks_whom_about_what() {
        let expected = concat!(
            r#"{"party":{"name":"Anna \"A\" Peeters"},"partyAccount":{"iban":"DE89370400440532013000"},"#,
            r#""partyAgent":{"financialInstitutionIdentification":{"bicfi":"BETADEFFXXX"}},"#,
            r#""requestingAgent":{"financialInstitutionIdentification":{"bicfi":"ALFABEBBXXX"}}}"#,
        );
        assert_eq!(String::from_utf8(question(&asked(name()))).unwrap(), expected);
        let with_code = String::from_utf8(question(&asked(code()))).unwrap();
        let party = r#"{"party":{"identification":{"organisationIdentification":{"other":[{"identification":"529900T8BM49AURSDO55"}]}}},"#;
        assert!(with_code.starts_with(party), "{with_code}");
        assert!(!format!("{:?}", asked(name())).contains("Anna"));
    }

    #[test]
    fn an_answer_is_one_of_four_or_none() {
        let name_answer = |body: &str| answer(&name(), body.as_bytes());
        assert_eq!(name_answer(r#"{"partyNameMatch":"MTCH","more":[1]}"#), Ok(Told::Match));
        assert_eq!(name_answer(r#"{"partyNameMatch":"NMTC"}"#), Ok(Told::NoMatch));
        assert_eq!(name_answer(r#"{"partyNameMatch":"NOAP"}"#), Ok(Told::NotPossible));
        let close = name_answer(r#"{"partyNameMatch":"CMTC","matchedName":"Anna Pieters"}"#);
        assert_eq!(close, Ok(Told::CloseMatch(Text::parse("Anna Pieters").unwrap())));
        assert_eq!(answer(&code(), br#"{"partyIdMatch":"MTCH"}"#), Ok(Told::Match));
        let long = format!(r#"{{"partyNameMatch":"CMTC","matchedName":"{}"}}"#, "x".repeat(141));
        for none in [
            "",
            "{}",
            "[]",
            r#"{"partyNameMatch":"mtch"}"#,
            r#"{"partyNameMatch":"CMTC"}"#,
            r#"{"partyNameMatch":"CMTC","matchedName":""}"#,
            r#"{"partyIdMatch":"MTCH"}"#,
            &long,
        ] {
            assert_eq!(name_answer(none), Err(NoAnswer::Failed), "{none}");
        }
        assert_eq!(answer(&code(), br#"{"partyIdMatch":"CMTC","matchedName":"A"}"#), Err(NoAnswer::Failed));
    }
}
