use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::path::{Path, PathBuf};

/// The name of the API server where it passes a request on.
pub(crate) const FRONT_PROXY: &str = "front-proxy-client";

/// The names of the Services by which the API server asks the servers behind it: it holds them to these, wherever they lead.
const SERVICES: [&str; 3] = [
    super::keda::SERVICE_NAME,
    "metrics-server.kube-system.svc",
    "custom-metrics-adapter.kube-system.svc",
];

/// The keys and certificates of one control plane, as files: an authority of its own, one server, one administrator, the API
/// server as it asks the servers behind it, those servers, and the pair that signs service account tokens.
pub(crate) struct Certificates {
    pub(crate) ca: PathBuf,
    pub(crate) server_cert: PathBuf,
    pub(crate) server_key: PathBuf,
    pub(crate) service_account_key: PathBuf,
    pub(crate) service_account_public: PathBuf,
    /// Of the API server towards servers that it passes requests on to.
    pub(crate) front_proxy_cert: PathBuf,
    pub(crate) front_proxy_key: PathBuf,
    /// A folder as a Secret of such a server is mounted: `ca.crt`, `tls.crt` and `tls.key`, for `localhost`.
    pub(crate) behind: PathBuf,
    admin_cert: PathBuf,
    admin_key: PathBuf,
}

impl Certificates {
    /// Issues everything into `certificates/` of the folder.
    pub(crate) fn issue(home: &Path) -> Self {
        let folder = home.join("certificates");
        std::fs::create_dir(&folder).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };

        let mut params = named("heliotrope-e2e", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let ca = write("ca.pem", params.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(params, key);

        let signed = |params: CertificateParams| {
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            (certificate.pem(), key.serialize_pem())
        };

        let server = signed(on_loopback(
            "kube-apiserver",
            &[],
            vec![ExtendedKeyUsagePurpose::ServerAuth],
        ));
        let client = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let mut admin = named("admin", Some("system:masters"));
        admin.extended_key_usages.clone_from(&client);
        let admin = signed(admin);
        let mut front_proxy = named(FRONT_PROXY, None);
        front_proxy.extended_key_usages = client;
        let front_proxy = signed(front_proxy);
        // They also ask each other.
        let both = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let behind = signed(on_loopback("behind", &SERVICES, both));
        std::fs::create_dir(folder.join("behind")).unwrap();
        std::fs::copy(&ca, folder.join("behind/ca.crt")).unwrap();
        write("behind/tls.crt", behind.0);
        write("behind/tls.key", behind.1);

        let service_account = KeyPair::generate().unwrap();
        Self {
            ca,
            server_cert: write("server.pem", server.0),
            server_key: write("server.key", server.1),
            service_account_key: write("service-account.key", service_account.serialize_pem()),
            service_account_public: write("service-account.pub", service_account.public_key_pem()),
            front_proxy_cert: write("front-proxy.pem", front_proxy.0),
            front_proxy_key: write("front-proxy.key", front_proxy.1),
            behind: folder.join("behind"),
            admin_cert: write("admin.pem", admin.0),
            admin_key: write("admin.key", admin.1),
        }
    }

    /// Writes the administrator's kubeconfig.
    pub(crate) fn write_kubeconfig(&self, home: &Path, port: u16) -> PathBuf {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: e2e\n\
             clusters: [{{name: e2e, cluster: {{server: \"https://127.0.0.1:{port}\", certificate-authority: \"{}\"}}}}]\n\
             users: [{{name: admin, user: {{client-certificate: \"{}\", client-key: \"{}\"}}}}]\n\
             contexts: [{{name: e2e, context: {{cluster: e2e, user: admin}}}}]\n",
            self.ca.display(),
            self.admin_cert.display(),
            self.admin_key.display(),
        );
        let path = home.join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn on_loopback(name: &str, more: &[&str], usages: Vec<ExtendedKeyUsagePurpose>) -> CertificateParams {
    let mut params = named(name, None);
    let names = ["127.0.0.1", "localhost"].iter().chain(more);
    let names: Vec<String> = names.map(ToString::to_string).collect();
    params.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
    params.extended_key_usages = usages;
    params
}

fn named(name: &str, organisation: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organisation) = organisation {
        params.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    params.use_authority_key_identifier_extension = true;
    params
}
