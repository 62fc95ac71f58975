//! What a unit shows in a TLS handshake: the version, its certificate.
//!
//! **Nothing is validated.** Units come with certificates of their own making, expired ones and ones for other names,
//! and they are to be described, not trusted: every certificate and every signature is taken. Nothing secret is ever
//! sent over such a connection.
//!
//! Where the library refuses what an old unit speaks, `legacy` reads what the handshake shows in the clear.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, ProtocolVersion, SignatureScheme,
};

use super::Ask;
use super::ports::connection::{Connection, FAREWELL, Place, broken, ended, not_asked};
use crate::engine::clock;
use crate::model::probing::{Answer, ClueKind, Outcome, Probe};
use crate::model::sighting::RawDatagram;

mod certificate;
mod legacy;
mod suites;

/// Asks for a handshake on the port for HTTPS.
pub async fn ask(ask: &Ask) -> Answer {
    let Some(place) = Place::take(ask).await else {
        return not_asked(Probe::Tls);
    };
    let mut answer = Answer::new(Probe::Tls, Outcome::Silent, clock::now());
    let outcome = timeout(ask.limit, talk(ask, &place, &mut answer)).await;
    ended(answer, &place, outcome.ok())
}

async fn talk(ask: &Ask, place: &Place, answer: &mut Answer) -> Outcome {
    match connect(ask, place, ask.ports.https).await {
        Ok(stream) => {
            tell(stream.get_ref().1, answer);
            close(stream).await;
            Outcome::Answered
        }
        Err(Refusal::Handshake(why)) => legacy::look(ask, place, answer, &why).await,
        Err(Refusal::Ends(outcome)) => outcome,
    }
}

/// Why there is no TLS connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Somebody is there, and the handshake failed: why, one lower-case clause.
    Handshake(String),
    /// There was no handshake.
    Ends(Outcome),
}

/// Connects and shakes hands, whoever is there (see above: nothing is validated).
pub(super) async fn connect(
    ask: &Ask,
    place: &Place,
    port: u16,
) -> Result<TlsStream<Connection>, Refusal> {
    place.heard.clear();
    let connection = place.connect(ask, port).await.map_err(Refusal::Ends)?;
    // For an address no name is sent (RFC 6066, section 3).
    let name = ServerName::from(IpAddr::V4(ask.ip));
    let handshake = TlsConnector::from(Arc::clone(&CONFIG)).connect(name, connection);
    tokio::select! {
        stream = handshake => stream.map_err(|error| refusal(&error)),
        () = place.heard.silent_for(ask.silence) => Err(Refusal::Ends(Outcome::Silent)),
    }
}

fn refusal(error: &io::Error) -> Refusal {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    if let Some(inner) = inner {
        let inner: &rustls::Error = inner;
        return Refusal::Handshake(inner.to_string());
    }
    match error.kind() {
        // Old units hang up on what they do not know.
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Refusal::Handshake("it hung up".to_owned()),
        _ => Refusal::Ends(broken(error)),
    }
}

fn tell(session: &rustls::ClientConnection, answer: &mut Answer) {
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "",
    };
    answer.add(ClueKind::TlsVersion, version);
    if let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) {
        certificate::tell(certificate, answer);
        answer.raw = RawDatagram::keep(certificate);
    }
}

async fn close(mut stream: TlsStream<Connection>) {
    // Whether the farewell is taken is all the same.
    timeout(FAREWELL, stream.shutdown()).await.ok();
    stream.into_inner().0.close().await;
}

static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let provider = rustls::crypto::ring::default_provider();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("the provider has cipher suites for both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptEverything))
        .with_no_client_auth();
    config.enable_sni = false;
    // Nothing is kept of a unit between two questions.
    config.resumption = Resumption::disabled();
    Arc::new(config)
});

/// Takes every certificate and every signature: what a unit shows is described, never trusted.
#[derive(Debug)]
struct AcceptEverything;

impl ServerCertVerifier for AcceptEverything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
        ]
    }
}
