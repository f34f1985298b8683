//! Writing XML: elements that are always closed, and text that is always escaped.

use std::io;

use types::{Amount, Bic, CategoryPurpose, Currency, Iban, SchemeName, Text, Timestamp};

/// A document under construction.
pub(crate) struct XmlWriter {
    output: String,
    open: Vec<&'static str>,
}

/// How every document begins.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Enough for a report, and for most credit transfers.
const CAPACITY: usize = 2048;

impl XmlWriter {
    /// A document whose root is `Document` in this namespace.
    pub(crate) fn document(namespace: &str) -> Self {
        Self::root("Document", Some(namespace))
    }

    /// A document with this root.
    pub(crate) fn root(name: &'static str, namespace: Option<&str>) -> Self {
        let mut writer = Self { output: String::with_capacity(CAPACITY), open: Vec::with_capacity(16) };
        writer.output.push_str(DECLARATION);
        match namespace {
            Some(namespace) => writer.open_in(name, namespace),
            None => writer.open(name),
        }
        writer
    }

    /// Elements without a document around them.
    pub(crate) fn fragment() -> Self {
        Self { output: String::new(), open: Vec::new() }
    }

    /// The elements of a fragment.
    pub(crate) fn into_fragment(self) -> String {
        assert!(self.open.is_empty(), "every element is closed by whoever opened it");
        self.output
    }

    /// A namespace declaration in a start tag. The namespace is given as it stood in another document.
    pub(crate) fn declaration(&mut self, name: &str, namespace: &str) {
        self.output.push(' ');
        self.output.push_str(name);
        self.output.push_str("=\"");
        self.output.push_str(&namespace.replace('"', "&quot;"));
        self.output.push('"');
    }

    /// How much has been written, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.output.len()
    }

    /// A note between elements.
    pub(crate) fn comment(&mut self, text: &str) {
        self.output.push_str("<!--");
        self.output.push_str(text);
        self.output.push_str("-->");
    }

    /// XML that stands on its own.
    pub(crate) fn raw(&mut self, xml: &str) {
        self.output.push_str(xml);
    }

    /// Closes the root and hands out the document.
    pub(crate) fn finish(mut self) -> String {
        assert_eq!(self.open.len(), 1, "every element is closed by whoever opened it");
        self.close();
        self.output
    }

    /// Hands what has been written so far to somebody else.
    pub(crate) fn drain_into(&mut self, output: &mut impl io::Write) -> io::Result<()> {
        output.write_all(self.output.as_bytes())?;
        self.output.clear();
        Ok(())
    }

    pub(crate) fn open(&mut self, name: &'static str) {
        self.output.push('<');
        self.output.push_str(name);
        self.output.push('>');
        self.open.push(name);
    }

    /// Opens an element whose namespace is the default for what is inside.
    pub(crate) fn open_in(&mut self, name: &'static str, namespace: &str) {
        self.output.push('<');
        self.output.push_str(name);
        self.declaration("xmlns", namespace);
        self.output.push('>');
        self.open.push(name);
    }

    pub(crate) fn close(&mut self) {
        let name = self.open.pop().expect("an element is closed as often as it was opened");
        self.output.push_str("</");
        self.output.push_str(name);
        self.output.push('>');
    }

    /// Closes an element whose children are all optional; if none was there, it is not either.
    pub(crate) fn close_or_drop(&mut self) {
        let name = self.open.last().expect("an element is closed as often as it was opened");
        let is_empty = self.output.ends_with('>')
            && self.output[..self.output.len() - 1]
                .strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('<'));
        match is_empty {
            true => {
                self.output.truncate(self.output.len() - name.len() - 2);
                self.open.pop();
            }
            false => self.close(),
        }
    }

    /// An element with a value and nothing else.
    pub(crate) fn leaf(&mut self, name: &'static str, value: &str) {
        assert!(!value.is_empty(), "no element of these messages may be empty");
        self.open(name);
        self.escaped(value);
        self.close();
    }

    /// An amount with its currency.
    pub(crate) fn amount(&mut self, name: &'static str, currency: &str, value: &str) {
        self.output.push('<');
        self.output.push_str(name);
        self.output.push_str(" Ccy=\"");
        self.output.push_str(currency);
        self.output.push_str("\">");
        self.open.push(name);
        self.escaped(value);
        self.close();
    }

    /// An amount in euro, with both decimals.
    pub(crate) fn euro(&mut self, name: &'static str, amount: Amount) {
        self.amount(name, Currency::EUR.code(), &amount.to_decimal(Currency::EUR));
    }

    pub(crate) fn text<const MAX: usize>(&mut self, name: &'static str, text: &Text<MAX>) {
        self.leaf(name, text.as_str());
    }

    pub(crate) fn optional_text<const MAX: usize>(&mut self, name: &'static str, text: Option<&Text<MAX>>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A bank, named by its BIC.
    pub(crate) fn agent(&mut self, name: &'static str, bic: Option<Bic>) {
        if let Some(bic) = bic {
            self.open(name);
            self.open("FinInstnId");
            self.leaf("BICFI", bic.as_str());
            self.close();
            self.close();
        }
    }

    /// A time, in milliseconds.
    pub(crate) fn optional_instant(&mut self, name: &'static str, instant: Option<Timestamp>) {
        if let Some(instant) = instant {
            self.leaf(name, &instant.to_string());
        }
    }

    /// The identification of an account: an IBAN, or another one.
    pub(crate) fn account_id(&mut self, name: &'static str, id: &Text<34>) {
        self.open(name);
        match Iban::parse(id.as_str()) {
            Ok(iban) => self.leaf("IBAN", iban.as_str()),
            Err(_) => {
                self.open("Othr");
                self.text("Id", id);
                self.close();
            }
        }
        self.close();
    }

    /// An account, by nothing but its identification.
    pub(crate) fn account(&mut self, name: &'static str, id: &Text<34>) {
        self.open(name);
        self.account_id("Id", id);
        self.close();
    }

    /// An account, if there is one.
    pub(crate) fn optional_account(&mut self, name: &'static str, id: Option<&Text<34>>) {
        if let Some(id) = id {
            self.account(name, id);
        }
    }

    /// A choice between a code and a name of the sender's own.
    pub(crate) fn scheme(&mut self, name: &'static str, scheme: Option<&SchemeName>) {
        let Some(scheme) = scheme else { return };
        self.open(name);
        match scheme {
            SchemeName::Code(code) => self.text("Cd", code),
            SchemeName::Proprietary(proprietary) => self.text("Prtry", proprietary),
        }
        self.close();
    }

    /// `PmtTpInf`, which says SEPA instant wherever it stands.
    pub(crate) fn payment_type(&mut self, category_purpose: Option<&CategoryPurpose>) {
        self.open("PmtTpInf");
        for (name, code) in [("SvcLvl", "SEPA"), ("LclInstrm", "INST")] {
            self.open(name);
            self.leaf("Cd", code);
            self.close();
        }
        if let Some(category_purpose) = category_purpose {
            self.category_purpose(category_purpose);
        }
        self.close();
    }

    /// `CtgyPurp`.
    pub(crate) fn category_purpose(&mut self, category_purpose: &CategoryPurpose) {
        self.open("CtgyPurp");
        match category_purpose {
            CategoryPurpose::Code(code) => self.text("Cd", code),
            CategoryPurpose::Proprietary(proprietary) => self.text("Prtry", proprietary),
        }
        self.close();
    }

    /// What would be markup, and the carriage return, which readers would take for the end of a line.
    fn escaped(&mut self, value: &str) {
        let mut rest = value;
        while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'&' | b'<' | b'>' | b'\r')) {
            let (plain, special) = rest.split_at(at);
            self.output.push_str(plain);
            self.output.push_str(match special.as_bytes()[0] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                _ => "&#13;",
            });
            rest = &special[1..];
        }
        self.output.push_str(rest);
    }
}
