//! The parts of a pacs.008 that name somebody or something: parties, addresses, accounts, banks, remittance.

use types::{
    Address, Bic, Iban, OrganisationIdentification, OtherIdentification, Party, PersonIdentification,
    PersonOrigin, Proxy, Remittance, StatusReason, Text,
};

use crate::Profile;
use crate::date_time::is_date;
use crate::fault::SchemaFault;
use crate::pacs008_draft::Account;
use crate::pacs008_read::{Choice, Reader};
use crate::schema::Element;
use crate::walk::Children;

/// Address lines beside town and country (hybrid addresses).
const HYBRID_LINES_MAX: usize = 2;

/// Address lines alone (unstructured addresses): two of 70 characters, or three if each has at most 35.
const UNSTRUCTURED_LINES_MAX: usize = 3;
const SHORT_LINE_CHARACTERS_MAX: usize = 35;

impl Reader<'_, '_> {
    /// Payer or payee, who must have a name.
    pub(crate) fn party(&mut self, element: &'static Element) -> Result<Party, SchemaFault> {
        let mut party = Party::default();
        let mut children = Children::inside(element);
        let mut named = false;
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Nm" => {
                    party.name = self.text(child)?;
                    named = true;
                }
                "PstlAdr" => party.address = Some(self.address(child)?),
                "Id" => self.party_identification(child, &mut party)?,
                _ => self.left_out(child)?,
            }
        }
        if !named {
            self.refuse_child(&format!("{}/Nm", element.name));
        }
        Ok(party)
    }

    /// On whose behalf payer or payee act: a name, an identification or both, and no address.
    pub(crate) fn ultimate_party(&mut self, element: &'static Element) -> Result<Party, SchemaFault> {
        let mut party = Party::default();
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Nm" => party.name = self.text(child)?,
                "Id" => self.party_identification(child, &mut party)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(party)
    }

    fn address(&mut self, element: &'static Element) -> Result<Address, SchemaFault> {
        let mut address = Address::default();
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Dept" => address.department = self.text(child)?,
                "SubDept" => address.sub_department = self.text(child)?,
                "StrtNm" => address.street_name = self.text(child)?,
                "BldgNb" => address.building_number = self.text(child)?,
                "BldgNm" => address.building_name = self.text(child)?,
                "Flr" => address.floor = self.text(child)?,
                "PstBx" => address.post_box = self.text(child)?,
                "Room" => address.room = self.text(child)?,
                "PstCd" => address.post_code = self.text(child)?,
                "TwnNm" => address.town_name = self.text(child)?,
                "TwnLctnNm" => address.town_location_name = self.text(child)?,
                "DstrctNm" => address.district_name = self.text(child)?,
                "CtrySubDvsn" => address.country_subdivision = self.text(child)?,
                "Ctry" => address.country = self.text(child)?,
                "AdrLine" => address.lines.extend(self.text(child)?),
                _ => self.left_out(child)?,
            }
        }
        let fault = address_fault(&address, self.accepts_unstructured_addresses());
        if let (Profile::SctInst2025, Some(fault)) = (self.rules.profile, fault) {
            self.refuse_child(&format!("{}/{fault}", element.name));
        }
        Ok(address)
    }

    fn party_identification(
        &mut self,
        element: &'static Element,
        party: &mut Party,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "OrgId" => party.organisation = Some(self.organisation(child)?),
                "PrvtId" => party.person = self.person(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    fn organisation(&mut self, element: &'static Element) -> Result<OrganisationIdentification, SchemaFault> {
        let mut organisation = OrganisationIdentification::default();
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "AnyBIC" => organisation.any_bic = Bic::parse(&self.walker.value(child)?).ok(),
                "LEI" => organisation.lei = self.text(child)?,
                "Othr" if organisation.other.is_none() => organisation.other = self.other(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(organisation)
    }

    /// Date and place of birth, or one other identification: exactly one of the two.
    fn person(&mut self, element: &'static Element) -> Result<Option<PersonIdentification>, SchemaFault> {
        let mut person = None;
        let mut count = 0_usize;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            count += 1;
            match child.name {
                "DtAndPlcOfBirth" => person = self.birth(child)?.map(PersonIdentification::Birth),
                "Othr" if count == 1 => person = self.other(child)?.map(PersonIdentification::Other),
                _ => self.left_out(child)?,
            }
        }
        if count == 0 {
            self.refuse_child(element.name);
        }
        Ok(person)
    }

    fn birth(&mut self, element: &'static Element) -> Result<Option<PersonOrigin>, SchemaFault> {
        let (mut birth_date, mut province, mut city, mut country) = (None, None, None, None);
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "BirthDt" => birth_date = self.birth_date(child)?,
                "PrvcOfBirth" => province = self.text(child)?,
                "CityOfBirth" => city = self.text(child)?,
                "CtryOfBirth" => country = self.text(child)?,
                _ => self.left_out(child)?,
            }
        }
        let parts = birth_date.zip(city).zip(country);
        Ok(parts.map(|((birth_date, city), country)| PersonOrigin { birth_date, province, city, country }))
    }

    /// A day without a zone, which the type has room for and a birthday does not.
    fn birth_date(&mut self, element: &'static Element) -> Result<Option<Text<10>>, SchemaFault> {
        let value = self.walker.value(element)?;
        let date = Text::parse(&value).ok().filter(|_| is_date(&value));
        if date.is_none() {
            self.refuse_child(element.name);
        }
        Ok(date)
    }

    fn other(&mut self, element: &'static Element) -> Result<Option<OtherIdentification>, SchemaFault> {
        let (mut id, mut scheme, mut issuer) = (None, None, None);
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Id" => id = self.text(child)?,
                "SchmeNm" => scheme = self.scheme_name(child)?,
                "Issr" => issuer = self.text(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(id.map(|id| OtherIdentification { id, scheme, issuer }))
    }

    /// A bank, named by its BIC and nothing else.
    pub(crate) fn agent(&mut self, element: &'static Element) -> Result<Option<Bic>, SchemaFault> {
        let mut bic = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "FinInstnId" => {
                    let mut parts = Children::inside(child);
                    while let Some(part) = self.walker.next(&mut parts)? {
                        match part.name {
                            "BICFI" => bic = Bic::parse(&self.walker.value(part)?).ok(),
                            _ => self.left_out(part)?,
                        }
                    }
                }
                _ => self.left_out(child)?,
            }
        }
        if bic.is_none() {
            self.refuse_child(&format!("{}/FinInstnId/BICFI", element.name));
        }
        Ok(bic)
    }

    /// A customer's account: an IBAN, and perhaps the alias under which it was found.
    pub(crate) fn account(&mut self, element: &'static Element) -> Result<Account, SchemaFault> {
        let mut account = Account { iban: None, proxy: None };
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Id" => account.iban = self.iban(child)?,
                "Prxy" => account.proxy = self.proxy(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(account)
    }

    pub(crate) fn iban(&mut self, element: &'static Element) -> Result<Option<Iban>, SchemaFault> {
        let mut iban = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "IBAN" => {
                    iban = Iban::parse(&self.walker.value(child)?).ok();
                    if iban.is_none() {
                        self.refuse_child_for(StatusReason::IncorrectAccountNumber, child.name);
                    }
                }
                // No profile does without it: it finds the account.
                _ => {
                    self.refuse();
                    self.walker.skip(child)?;
                }
            }
        }
        Ok(iban)
    }

    /// The settlement account: an IBAN, or an identification of the clearing system's own.
    pub(crate) fn settlement_account(
        &mut self,
        element: &'static Element,
    ) -> Result<Option<Text<34>>, SchemaFault> {
        let mut account = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            if child.name != "Id" {
                self.left_out(child)?;
                continue;
            }
            let mut identifications = Children::inside(child);
            while let Some(identification) = self.walker.next(&mut identifications)? {
                match identification.name {
                    "Othr" => account = self.other_account(identification)?,
                    _ => account = self.text(identification)?,
                }
            }
        }
        Ok(account)
    }

    fn other_account(&mut self, element: &'static Element) -> Result<Option<Text<34>>, SchemaFault> {
        let mut id = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Id" => id = self.text(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(id)
    }

    pub(crate) fn proxy(&mut self, element: &'static Element) -> Result<Option<Proxy>, SchemaFault> {
        let (mut kind, mut id) = (None, None);
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Tp" => kind = self.scheme_name(child)?,
                "Id" => id = self.text(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(id.map(|id| Proxy { kind, id }))
    }

    /// One text, or one reference of the payee's.
    pub(crate) fn remittance(
        &mut self,
        element: &'static Element,
    ) -> Result<Option<Remittance>, SchemaFault> {
        let mut remittance = None;
        let mut count = 0_usize;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            count += 1;
            match child.name {
                "Ustrd" if count == 1 => remittance = self.text(child)?.map(Remittance::Unstructured),
                "Strd" if count == 1 => remittance = self.structured_remittance(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(remittance)
    }

    fn structured_remittance(
        &mut self,
        element: &'static Element,
    ) -> Result<Option<Remittance>, SchemaFault> {
        let mut remittance = None;
        let mut referenced = false;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "CdtrRefInf" => {
                    remittance = self.creditor_reference(child)?;
                    referenced = true;
                }
                _ => self.left_out(child)?,
            }
        }
        if !referenced {
            self.missing(&format!("{}/CdtrRefInf", element.name));
        }
        Ok(remittance)
    }

    fn creditor_reference(&mut self, element: &'static Element) -> Result<Option<Remittance>, SchemaFault> {
        let (mut reference, mut issuer) = (None, None);
        let mut seen = [false; 2];
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Tp" => {
                    seen[0] = true;
                    issuer = self.creditor_reference_type(child)?;
                }
                "Ref" => {
                    seen[1] = true;
                    reference = self.text(child)?;
                }
                _ => self.left_out(child)?,
            }
        }
        for (_, name) in seen.into_iter().zip(["Tp", "Ref"]).filter(|(seen, _)| !seen) {
            self.missing(&format!("{}/{name}", element.name));
        }
        if let (None, Some(issuer)) = (&reference, &issuer) {
            self.surplus.text("Issr", issuer);
        }
        Ok(reference.map(|reference| Remittance::Structured { reference, issuer }))
    }

    fn creditor_reference_type(
        &mut self,
        element: &'static Element,
    ) -> Result<Option<Text<35>>, SchemaFault> {
        let mut issuer = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match (child.name, self.rules.profile) {
                ("CdOrPrtry", Profile::SctInst2025) => self.fixed_code(child, "SCOR")?,
                ("CdOrPrtry", Profile::PassThrough) => match self.choice(child)? {
                    Choice::Code(code) if code == "SCOR" => {}
                    Choice::Code(code) => self.surplus.leaf("Cd", &code),
                    Choice::Proprietary(name) => self.surplus.leaf("Prtry", &name),
                },
                ("Issr", _) => issuer = self.text(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(issuer)
    }

    /// The scheme makes an element mandatory that ISO 20022 does without. An order could not tell whether it was
    /// there, so where a document may do without it, that is noted in the surplus.
    fn missing(&mut self, name: &str) {
        match self.rules.profile {
            Profile::SctInst2025 => self.refuse_child(name),
            Profile::PassThrough => self.surplus.comment(&format!("{}/{name}", self.walker.path())),
        }
    }
}

/// The element that an address has too much or lacks, if it breaks the scheme's rules.
fn address_fault(address: &Address, accepts_unstructured: bool) -> Option<&'static str> {
    if address.town_name.is_some() && address.country.is_some() {
        return (address.lines.len() > HYBRID_LINES_MAX).then_some("AdrLine");
    }
    let only_lines =
        Address { country: address.country.clone(), lines: address.lines.clone(), ..Address::default() };
    if !accepts_unstructured || address.lines.is_empty() || *address != only_lines {
        return Some(if address.town_name.is_none() { "TwnNm" } else { "Ctry" });
    }
    let short = address.lines.iter().all(|line| line.as_str().chars().count() <= SHORT_LINE_CHARACTERS_MAX);
    let lines_max = if short { UNSTRUCTURED_LINES_MAX } else { HYBRID_LINES_MAX };
    (address.lines.len() > lines_max).then_some("AdrLine")
}
