//! `solvo dev-certs`: certificates, keys and principals to try mutual TLS with.
//!
//! Invariants:
//! - Nothing is overwritten unless that is asked for, and then the whole set is, so that no two sets are mixed.
//! - Whoever else is on the machine can read none of it.
//! - The principals file and the certificates name the same identities.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use loadgen::{LOAD_BANKS, LOAD_REMOTE_BANKS};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use types::{Bic, Date};

use crate::clock::today;
use crate::serve::tell;

/// Makes certificates, keys and a principals file to try mutual TLS with.
///
/// The set has an authority, the node's certificate, and one for each role: an operator, an auditor, a participant for
/// each bank, an instructing party for all of them, and a tester who is operator and participant at once, as
/// `solvo load` needs it. Keys lie unprotected in the folder and are for trials only: in earnest the bank's own
/// authority signs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo dev-certs --out ./certs --bank ALFABEBB --bank BETADEFF")]
pub(crate) struct DevCertsArgs {
    /// The folder, which is made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A name or address of the node beside localhost, 127.0.0.1 and ::1. May be given again.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// A bank. May be given again.
    #[arg(long = "bank", value_name = "BIC", default_values = DEMO_BANKS, value_parser = parse_bic)]
    banks: Vec<Bic>,
    /// Replace a set that is there.
    #[arg(long)]
    force: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The banks of `solvo demo` and of the fixtures.
const DEMO_BANKS: [&str; 3] = ["SLVOBEBB", "SLVODEFF", "SLVOFRPP"];

/// How long the certificates are valid.
const VALID_DAYS: i32 = 365;

/// The most banks of a set.
const BANKS_MAX: usize = 1000;

/// Numbers of principals start here.
const FIRST_NUMBER: u32 = 10;

/// Somebody who gets a certificate and an entry.
struct Identity {
    /// Of its files, and in its certificate.
    name: String,
    title: String,
    roles: &'static [&'static str],
    banks: Vec<Bic>,
}

/// A file of the set.
struct File {
    name: String,
    text: String,
}

fn parse_bic(text: &str) -> Result<Bic, String> {
    Bic::parse(text).map_err(|error| error.to_string())
}

/// Makes the set.
pub(crate) fn run(arguments: &DevCertsArgs) -> anyhow::Result<ExitCode> {
    let mut banks = Vec::new();
    for bank in &arguments.banks {
        ensure!(!banks.contains(bank), "--bank {bank} is given twice");
        banks.push(*bank);
    }
    ensure!(banks.len() <= BANKS_MAX, "a set has at most {BANKS_MAX} banks");
    let identities = identities(&banks);
    let files = make(&identities, &arguments.hosts)?;
    write(&arguments.out, &files, arguments.force)?;
    let folder = arguments.out.display();
    if arguments.json {
        let principals = identities.iter().zip(FIRST_NUMBER..).map(|(identity, number)| {
            let banks: Vec<String> = identity.banks.iter().map(ToString::to_string).collect();
            serde_json::json!({
                "number": number, "name": identity.title, "roles": identity.roles, "bics": banks,
                "certificate": format!("{}.pem", identity.name), "key": format!("{}.key", identity.name),
            })
        });
        let set = serde_json::json!({
            "folder": arguments.out, "ca": "ca.pem", "server_certificate": "server.pem", "server_key": "server.key",
            "principals_file": "principals.toml", "principals": principals.collect::<Vec<_>>(),
        });
        tell(format_args!("{set}"));
        return Ok(ExitCode::SUCCESS);
    }
    tell(format_args!("{} files in {folder}, for trials only: the keys are not protected", files.len()));
    for identity in &identities {
        tell(format_args!("  {:<24} {}", format!("{}.pem", identity.name), identity.title));
    }
    tell(format_args!(
        "\nsolvo serve --data ./solvo-data --listen 127.0.0.1:7400 --tls-certificate {folder}/server.pem \\\n    \
         --tls-key {folder}/server.key --tls-client-ca {folder}/ca.pem --principals {folder}/principals.toml"
    ));
    Ok(ExitCode::SUCCESS)
}

fn identities(banks: &[Bic]) -> Vec<Identity> {
    let identity = |name: &str, title: &str, roles, banks: &[Bic]| Identity {
        name: name.to_owned(),
        title: title.to_owned(),
        roles,
        banks: banks.to_vec(),
    };
    let mut tested = banks.to_vec();
    let of_load = LOAD_BANKS.iter().chain(&LOAD_REMOTE_BANKS).map(loadgen::Bank::bic);
    for bank in of_load.filter(|bank| !banks.contains(bank)) {
        tested.push(bank);
    }
    let mut identities = vec![
        identity("operator", "Operator", &["operator"], &[]),
        identity("auditor", "Auditor", &["auditor"], &[]),
        identity("instructing-party", "Instructing party of all banks", &["instructing-party"], banks),
        identity("tester", "Tester: operator and participant", &["operator", "participant"], &tested),
    ];
    identities.extend(banks.iter().map(|bank| {
        let name = bank.to_string().to_ascii_lowercase();
        identity(&name, &format!("Bank {bank}"), &["participant"], &[*bank])
    }));
    identities
}

/// Makes every file of the set.
fn make(identities: &[Identity], hosts: &[String]) -> anyhow::Result<Vec<File>> {
    let authority_key = KeyPair::generate()?;
    let mut authority = params("Solvo trial authority", Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = authority.self_signed(&authority_key)?;
    let mut files = vec![
        File { name: "ca.pem".to_owned(), text: certificate.pem() },
        File { name: "ca.key".to_owned(), text: authority_key.serialize_pem() },
    ];
    let issuer = Issuer::new(authority, authority_key);
    let mut sign = |name: &str, names, usage| {
        let mut params = params(name, names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        files.push(File { name: format!("{name}.pem"), text: params.signed_by(&key, &issuer)?.pem() });
        files.push(File { name: format!("{name}.key"), text: key.serialize_pem() });
        anyhow::Ok(())
    };
    let mut names = Vec::new();
    for host in ["localhost", "127.0.0.1", "::1"].into_iter().chain(hosts.iter().map(String::as_str)) {
        names.push(match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => {
                SanType::DnsName(host.try_into().with_context(|| format!("--host {host:?} is no name"))?)
            }
        });
    }
    sign("server", names, ExtendedKeyUsagePurpose::ServerAuth)?;
    for Identity { name, .. } in identities {
        let uri = SanType::URI(uri(name).as_str().try_into()?);
        sign(name, vec![uri], ExtendedKeyUsagePurpose::ClientAuth)?;
    }
    files.push(File { name: "principals.toml".to_owned(), text: principals(identities) });
    Ok(files)
}

fn params(name: &str, names: Vec<SanType>) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Solvo trial");
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = names;
    let today = today()?.days();
    // A day of room for clocks and time zones.
    let (year, month, day) = civil(today - 1)?;
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = civil(today + VALID_DAYS)?;
    params.not_after = date_time_ymd(year, month, day);
    Ok(params)
}

/// Year, month and day.
fn civil(days: i32) -> anyhow::Result<(i32, u8, u8)> {
    let (year, month, day) = Date::from_days(days).context("the clock is far away from any present")?.civil();
    Ok((year, u8::try_from(month)?, u8::try_from(day)?))
}

fn uri(name: &str) -> String {
    format!("urn:solvo:trial:{name}")
}

fn principals(identities: &[Identity]) -> String {
    let mut text =
        "# Who the certificates of this trial set stand for. Read again whenever it changes.\n".to_owned();
    let list =
        |items: Vec<String>| items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", ");
    for (Identity { name, title, roles, banks }, number) in identities.iter().zip(FIRST_NUMBER..) {
        let roles = list(roles.iter().map(ToString::to_string).collect());
        let _ = write!(text, "\n[[principal]]\nnumber = {number}\nname = {title:?}\nroles = [{roles}]\n");
        if !banks.is_empty() {
            let _ = writeln!(text, "bics = [{}]", list(banks.iter().map(ToString::to_string).collect()));
        }
        let _ = writeln!(text, "certificates = [\"uri:{}\"]", uri(name));
    }
    text
}

/// Writes all files or, if one of them is there, none.
fn write(folder: &Path, files: &[File], force: bool) -> anyhow::Result<()> {
    if !force && let Some(file) = files.iter().find(|file| folder.join(&file.name).exists()) {
        let path = folder.join(&file.name);
        anyhow::bail!(
            "{} is there already: choose another folder, or replace the set with --force",
            path.display()
        );
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("{} can't be made", folder.display()))?;
    for file in files {
        let path = folder.join(&file.name);
        replace(&path, &file.text).with_context(|| format!("{} can't be written", path.display()))?;
    }
    Ok(())
}

/// Puts a file in place as a whole: a node that reads the folder meanwhile sees the old file or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_file(&unfinished)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&unfinished, path)
}
