//! Tests of the principals file.

use super::*;

const FILE: &str = r#"
[[principal]]
number = 10
name = "Alfa Bank"
roles = ["participant"]
bics = ["ALFABEBB"]
certificates = ["uri:urn:solvo:alfa", "dns:core.alfa.example"]

[[principal]]
number = 11
name = "Operations"
roles = ["operator", "auditor"]
certificates = ["subject:CN=operations,O=Solvo,C=BE"]
"#;

fn names(texts: &[&str]) -> Vec<CertificateName> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn any_of_its_names_finds_a_principal() {
    let principals = Principals::parse(FILE).unwrap();
    assert_eq!(principals.count(), 2);
    let alfa = principals.caller(&names(&["dns:CORE.alfa.example"])).unwrap();
    assert_eq!(alfa.principal, PrincipalNumber(10));
    assert_eq!(alfa.roles, Roles::NONE.and(Role::Participant));
    assert!(alfa.may_act_for(Bic::parse("ALFABEBBXXX").unwrap()));
    assert!(!alfa.may_act_for(Bic::parse("BETADEFF").unwrap()));
    let both = names(&["uri:urn:solvo:alfa", "dns:core.alfa.example", "subject:CN=anything"]);
    assert_eq!(principals.caller(&both), Some(alfa));
    let operations = principals.caller(&names(&["subject:cn=operations,O=Solvo,C=BE"])).unwrap();
    assert!(operations.sees_everything());
    assert_eq!(principals.caller(&names(&["dns:alfa.example"])), None);
    assert_eq!(principals.caller(&[]), None);
}

#[test]
fn a_certificate_of_two_principals_is_nobodys() {
    let principals = Principals::parse(FILE).unwrap();
    let mixed = names(&["uri:urn:solvo:alfa", "subject:CN=operations,O=Solvo,C=BE"]);
    assert_eq!(principals.caller(&mixed), None);
}

/// The fault of one entry behind a good one.
fn fault(entry: &str) -> String {
    let error = Principals::parse(&format!("{FILE}\n[[principal]]\nname = \"Beta\"\n{entry}")).unwrap_err();
    error.to_string()
}

#[test]
fn a_fault_names_its_entry() {
    let beta =
        |rest: &str| fault(&format!("number = 12\nroles = [\"participant\"]\nbics = [\"BETADEFF\"]\n{rest}"));
    for (said, why) in [
        (beta("certificates = [\"dns:core.alfa.example\"]"), "is named twice"),
        (beta("certificates = []"), "no certificate stands for it"),
        (beta("certificates = [\"cn=beta\"]"), "`uri:`, `dns:` or `subject:`"),
        (beta("certificates = [\"dns:beta\"]\ncolour = 1"), "unknown field `colour`"),
        (beta(""), "missing field `certificates`"),
        (
            fault("number = 10\nroles = [\"auditor\"]\ncertificates = [\"dns:b\"]"),
            "number 10 is another principal's",
        ),
        (fault("number = 1\nroles = [\"auditor\"]\ncertificates = [\"dns:b\"]"), "taken by the node itself"),
        (fault("number = -1\nroles = [\"auditor\"]\ncertificates = [\"dns:b\"]"), "invalid value"),
        (fault("number = 12\nroles = [\"owner\"]\ncertificates = [\"dns:b\"]"), "\"owner\" is no role"),
        (fault("number = 12\nroles = []\ncertificates = [\"dns:b\"]"), "it has no role"),
        (fault("number = 12\nroles = [\"auditor\", \"auditor\"]\ncertificates = [\"dns:b\"]"), "named twice"),
        (fault("number = 12\nroles = [\"participant\"]\ncertificates = [\"dns:b\"]"), "names the bics"),
        (
            fault("number = 12\nroles = [\"auditor\"]\nbics = [\"BETADEFF\"]\ncertificates = [\"dns:b\"]"),
            "only a participant",
        ),
        (
            fault("number = 12\nroles = [\"participant\"]\nbics = [\"BETA\"]\ncertificates = [\"dns:b\"]"),
            "bic \"BETA\"",
        ),
        (
            fault(
                "number = 12\nroles = [\"participant\"]\nbics = [\"BETADEFF\", \"BETADEFFXXX\"]\n\
                 certificates = [\"dns:b\"]",
            ),
            "is named twice",
        ),
    ] {
        assert!(said.starts_with("principal 3 (Beta): ") && said.contains(why), "{said:?} says {why:?}");
    }
}

#[test]
fn what_is_no_list_of_principals_is_refused() {
    for text in ["[[principals]]\nnumber = 2", "principal = 3", "[[principal]", "[[principal]]\nname = 3\n"] {
        assert!(Principals::parse(text).is_err(), "{text}");
    }
    assert_eq!(Principals::parse("").unwrap().count(), 0);
}
