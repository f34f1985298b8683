//! Customers' files of orders, made and brought to a node.

use aws_lc_rs::digest::{SHA256, digest};
use client::v1;
use client::v1::submit_package_request::Part;
use tonic::Status;

use crate::Api;

/// A file of orders in the making: payments from some accounts on some days.
#[derive(Clone, Debug)]
pub struct PackageFile {
    message_id: String,
    parts: String,
    lines: u32,
    cents: u64,
}

/// One line of such a file.
#[derive(Clone, Debug)]
pub struct FileLine {
    /// The payee's account.
    pub account: String,
    /// The payee's bank; empty for none.
    pub bank: String,
    /// How much.
    pub cents: u64,
}

impl PackageFile {
    /// A file without lines.
    pub fn new(message_id: &str) -> Self {
        Self { message_id: message_id.to_owned(), parts: String::new(), lines: 0, cents: 0 }
    }

    /// With one more payment information: a day, the payer's account, and the lines.
    #[must_use]
    pub fn part(mut self, date: &str, payer: &str, lines: impl IntoIterator<Item = FileLine>) -> Self {
        let number = self.parts.matches("<PmtInf>").count() + 1;
        self.parts += &format!(
            "<PmtInf><PmtInfId>PART-{number}</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>{date}</Dt></ReqdExctnDt>\
             <Dbtr><Nm>Alfa Works</Nm></Dbtr><DbtrAcct><Id><IBAN>{payer}</IBAN></Id></DbtrAcct>\
             <DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>"
        );
        for FileLine { account, bank, cents } in lines {
            self.lines += 1;
            self.cents += cents;
            let agent = match bank.as_str() {
                "" => String::new(),
                bank => format!("<CdtrAgt><FinInstnId><BICFI>{bank}</BICFI></FinInstnId></CdtrAgt>"),
            };
            self.parts += &format!(
                "<CdtTrfTxInf><PmtId><InstrId>I-{0}</InstrId><EndToEndId>SALARY-{0}</EndToEndId></PmtId>\
                 <Amt><InstdAmt Ccy=\"EUR\">{1}</InstdAmt></Amt>{agent}<Cdtr><Nm>Paul Brandt</Nm></Cdtr>\
                 <CdtrAcct><Id><IBAN>{account}</IBAN></Id></CdtrAcct></CdtTrfTxInf>",
                self.lines,
                decimal(cents),
            );
        }
        self.parts += "</PmtInf>";
        self
    }

    /// The document.
    pub fn xml(&self) -> String {
        let Self { message_id, parts, lines, cents } = self;
        let sum = decimal(*cents);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"><CstmrCdtTrfInitn><GrpHdr>\
             <MsgId>{message_id}</MsgId><CreDtTm>2026-11-20T08:00:00Z</CreDtTm><NbOfTxs>{lines}</NbOfTxs>\
             <CtrlSum>{sum}</CtrlSum><InitgPty><Nm>Alfa Works</Nm></InitgPty></GrpHdr>{parts}</CstmrCdtTrfInitn></Document>"
        )
    }
}

fn decimal(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// So many lines of the same amount to one account.
pub fn file_lines(count: usize, account: &str, bank: &str, cents: u64) -> Vec<FileLine> {
    vec![FileLine { account: account.to_owned(), bank: bank.to_owned(), cents }; count]
}

/// What is said of a file before it comes.
pub fn package_header(bic: &str, request_id: &str, file: &str) -> v1::PackageHeader {
    v1::PackageHeader {
        request_id: request_id.to_owned(),
        bic: bic.to_owned(),
        sha256: digest(&SHA256, file.as_bytes()).as_ref().to_vec(),
        length: u64::try_from(file.len()).expect("64 bits"),
    }
}

/// The messages of a call that brings a file.
pub fn package_messages(header: v1::PackageHeader, file: &str) -> Vec<v1::SubmitPackageRequest> {
    let message = |part| v1::SubmitPackageRequest { part: Some(part) };
    let chunks = file.as_bytes().chunks(10_000).map(|chunk| message(Part::Chunk(chunk.to_vec())));
    std::iter::once(message(Part::Header(header))).chain(chunks).collect()
}

impl Api {
    /// Brings a file of orders of a bank.
    pub async fn bring(
        &self,
        bic: &str,
        request_id: &str,
        file: &str,
    ) -> Result<v1::SubmitPackageResponse, Status> {
        self.bring_as(package_header(bic, request_id, file), file).await
    }

    /// The same with a header that may not be the file's.
    pub async fn bring_as(
        &self,
        header: v1::PackageHeader,
        file: &str,
    ) -> Result<v1::SubmitPackageResponse, Status> {
        let messages = tokio_stream::iter(package_messages(header, file));
        self.orders().submit_package(messages).await.map(tonic::Response::into_inner)
    }

    /// A package.
    pub async fn package(&self, package_id: &str) -> Result<v1::Package, Status> {
        let request = v1::GetPackageRequest { package_id: package_id.to_owned() };
        let reply = self.orders().get_package(request).await?.into_inner();
        Ok(reply.package.expect("a reply has its package"))
    }

    /// Follows a package to its end.
    ///
    /// # Panics
    /// If it can't be followed.
    pub async fn until_complete(&self, package_id: &str) -> v1::Package {
        let request = v1::WatchPackageRequest { package_id: package_id.to_owned() };
        let mut replies = self.orders().watch_package(request).await.expect("it is known").into_inner();
        let mut last = None;
        while let Some(reply) = replies.message().await.expect("the node serves") {
            last = reply.package;
        }
        let last = last.expect("it is told at once");
        assert_eq!(last.state(), v1::PackageState::Complete);
        last
    }

    /// The report on a package.
    pub async fn package_report(&self, package_id: &str) -> Result<Vec<u8>, Status> {
        let request = v1::GetPackageReportRequest { package_id: package_id.to_owned() };
        let mut pieces = self.orders().get_package_report(request).await?.into_inner();
        let (mut report, mut is_whole) = (Vec::new(), false);
        while let Some(piece) = pieces.message().await? {
            report.extend(piece.content);
            is_whole = piece.complete;
        }
        assert!(is_whole, "the report broke off");
        Ok(report)
    }
}
