//! Writing XML: elements that are always closed, and text that is always escaped.

use types::{Bic, CategoryPurpose, SchemeName, Text};

/// A document under construction.
pub(crate) struct XmlWriter {
    output: String,
    open: Vec<&'static str>,
}

impl XmlWriter {
    /// A document whose root is `Document` in this namespace.
    pub(crate) fn document(namespace: &str) -> Self {
        let mut output = String::with_capacity(2048);
        output.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"");
        output.push_str(namespace);
        output.push_str("\">");
        Self { output, open: vec!["Document"] }
    }

    /// Closes the root and hands out the document.
    pub(crate) fn finish(mut self) -> String {
        assert_eq!(self.open, ["Document"], "every element is closed by whoever opened it");
        self.close();
        self.output
    }

    pub(crate) fn open(&mut self, name: &'static str) {
        self.output.push('<');
        self.output.push_str(name);
        self.output.push('>');
        self.open.push(name);
    }

    pub(crate) fn close(&mut self) {
        let name = self.open.pop().expect("an element is closed as often as it was opened");
        self.output.push_str("</");
        self.output.push_str(name);
        self.output.push('>');
    }

    /// An element with a value and nothing else.
    pub(crate) fn leaf(&mut self, name: &'static str, value: &str) {
        assert!(!value.is_empty(), "no element of these messages may be empty");
        self.open(name);
        self.escaped(value);
        self.close();
    }

    /// An amount of euro.
    pub(crate) fn amount(&mut self, name: &'static str, currency: &'static str, value: &str) {
        self.output.push('<');
        self.output.push_str(name);
        self.output.push_str(" Ccy=\"");
        self.output.push_str(currency);
        self.output.push_str("\">");
        self.open.push(name);
        self.escaped(value);
        self.close();
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
            self.open("CtgyPurp");
            match category_purpose {
                CategoryPurpose::Code(code) => self.text("Cd", code),
                CategoryPurpose::Proprietary(proprietary) => self.text("Prtry", proprietary),
            }
            self.close();
        }
        self.close();
    }

    /// Texts hold no character that XML 1.0 can't carry, so these three are all.
    fn escaped(&mut self, value: &str) {
        for character in value.chars() {
            match character {
                '&' => self.output.push_str("&amp;"),
                '<' => self.output.push_str("&lt;"),
                '>' => self.output.push_str("&gt;"),
                _ => self.output.push(character),
            }
        }
    }
}
