//! Certificates to test with: an authority, and whoever it signs for.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// Signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// A new one, which nobody trusts yet.
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = CertificateParams::default();
        params.distinguished_name = subject("Authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).expect("an authority signs itself").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A node's certificate for `localhost` and 127.0.0.1.
    pub fn server(&self) -> Certified {
        let name = SanType::DnsName("localhost".try_into().expect("a name"));
        let address = SanType::IpAddress([127, 0, 0, 1].into());
        self.sign("server", vec![name, address], ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client's certificate, with its common name as subject and as `urn:solvo:NAME`.
    pub fn client(&self, name: &str) -> Certified {
        self.client_with(name, vec![SanType::URI(format!("urn:solvo:{name}").try_into().expect("ASCII"))])
    }

    /// A client's certificate with a DNS name.
    pub fn client_at(&self, name: &str, host: &str) -> Certified {
        self.client_with(name, vec![SanType::DnsName(host.try_into().expect("a name"))])
    }

    /// A client's certificate with nothing but a subject, `CN=NAME,O=Solvo`.
    pub fn client_of(&self, name: &str) -> Certified {
        self.client_with(name, Vec::new())
    }

    fn client_with(&self, name: &str, names: Vec<SanType>) -> Certified {
        self.sign(name, names, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(&self, name: &str, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose) -> Certified {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name);
        params.subject_alt_names = names;
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).expect("an authority signs").pem();
        Certified { certificate, key: key.serialize_pem() }
    }

    /// What a client needs that trusts this authority and shows a certificate.
    pub fn trusted_by(&self, client: &Certified) -> ClientTlsConfig {
        self.trusted().identity(Identity::from_pem(&client.certificate, &client.key))
    }

    /// The same without a certificate of the client's.
    pub fn trusted(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&self.pem)).domain_name("localhost")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "Solvo");
    subject.push(DnType::CommonName, name);
    subject
}
