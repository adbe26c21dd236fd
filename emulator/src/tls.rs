//! Certificates: one's own, or such as are made for the occasion.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// With what the emulator proves who it is.
#[derive(Clone, Debug)]
pub(crate) enum Tls {
    /// A certificate that is made when it starts.
    SelfSigned,
    /// Files of PEM.
    Files {
        /// The certificate, and those that it is issued by.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// What TLS is spoken with, and what clients are to trust.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// PEM.
    pub(crate) trust: String,
}

/// For how long a certificate that is made is valid: what systems take that are strict about it.
const VALID: Duration = Duration::from_secs(397 * 24 * 60 * 60);
/// Clocks differ.
const EARLIER: Duration = Duration::from_secs(24 * 60 * 60);

impl Tls {
    /// Makes or reads the certificate.
    ///
    /// # Errors
    ///
    /// What is wrong with the files.
    pub(crate) fn identity(&self, host_name: &str) -> Result<Identity, String> {
        let (chain, key, trust) = match self {
            Tls::SelfSigned => made(host_name).map_err(|error| format!("no certificate could be made: {error}"))?,
            Tls::Files { certificate, key } => read(certificate, key)?,
        };
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|error| format!("the certificate and the key cannot be used: {error}"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Identity { acceptor: TlsAcceptor::from(Arc::new(config)), trust })
    }
}

type Read = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>, String);

fn read(certificate: &PathBuf, key: &PathBuf) -> Result<Read, String> {
    let at = |path: &PathBuf, error: &dyn fmt::Display| format!("{}: {error}", path.display());
    let pem = std::fs::read(certificate).map_err(|error| at(certificate, &error))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| at(certificate, &error))?;
    if chain.is_empty() {
        return Err(at(certificate, &"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => at(key, &"there is no key in it"),
        error => at(key, &error),
    })?;
    Ok((chain, key, String::from_utf8_lossy(&pem).into_owned()))
}

/// An issuer that is to be trusted, and what it issues for this machine. Some libraries refuse to trust a certificate that is no issuer's, others
/// a server whose certificate is one's; the two of them please all. The issuer's key is forgotten at once, so that whoever
/// trusts it trusts this one certificate.
fn made(host_name: &str) -> Result<Read, rcgen::Error> {
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    if !names.iter().any(|name| name.eq_ignore_ascii_case(host_name)) {
        names.push(host_name.to_owned());
    }
    // Other hubs are beside it. Of a name with fewer labels, clients take no `*`.
    if let Some((_, domain)) = host_name.split_once('.').filter(|(_, domain)| domain.contains('.')) {
        names.push(format!("*.{domain}"));
    }
    let params = |common_name: &str| -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.subject_alt_names = names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        params.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(EARLIER);
        params.not_after = params.not_before + VALID;
        Ok(params)
    };
    let mut issuer = params("iothub-emulator")?;
    issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    issuer.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let issuer = CertifiedIssuer::self_signed(issuer, KeyPair::generate()?)?;
    let mut own = params(host_name)?;
    own.is_ca = IsCa::ExplicitNoCa;
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    own.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let own = own.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    Ok((vec![own.der().clone(), issuer.der().clone()], key, issuer.pem()))
}

fn alternative(name: &str) -> Result<SanType, rcgen::Error> {
    match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into()?)),
    }
}
