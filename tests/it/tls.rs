//! Servers with TLS on loopback, and the authorities that vouch for them.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// An authority that nobody knows, and the certificate of one server that it has signed.
pub(crate) struct Authority {
    /// The authority's certificate, in PEM.
    pub(crate) pem: String,
    /// The server's, in PEM.
    pub(crate) certificate: String,
    /// The server's key, in PEM.
    pub(crate) key: String,
    der: (CertificateDer<'static>, Vec<u8>),
}

impl Authority {
    /// One that vouches for a host.
    pub(crate) fn of(host: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut server = CertificateParams::new([host.to_owned()]).unwrap();
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        let signed = server.signed_by(&key, &issuer).unwrap();
        Self {
            pem,
            certificate: signed.pem(),
            key: key.serialize_pem(),
            der: (signed.der().clone(), key.serialize_der()),
        }
    }

    /// A free port at which the server shows its certificate.
    pub(crate) async fn listener(&self) -> TlsListener {
        let (certificate, key) = self.der.clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        let config = rustls::ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key).unwrap();
        TlsListener {
            tcp: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            tls: TlsAcceptor::from(Arc::new(config)),
        }
    }
}

pub(crate) struct TlsListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // Who does not take the certificate comes again or not at all.
            if let Ok((stream, from)) = self.tcp.accept().await
                && let Ok(stream) = self.tls.accept(stream).await
            {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
