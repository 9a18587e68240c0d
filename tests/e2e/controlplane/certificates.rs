use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::path::{Path, PathBuf};

/// The keys and certificates of one control plane, as files: an authority of its own, one server, one administrator, and
/// the pair that signs service account tokens.
pub(crate) struct Certificates {
    pub(crate) ca: PathBuf,
    pub(crate) server_cert: PathBuf,
    pub(crate) server_key: PathBuf,
    pub(crate) service_account_key: PathBuf,
    pub(crate) service_account_public: PathBuf,
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

        let mut server = named("kube-apiserver", None);
        server.subject_alt_names = CertificateParams::new(["127.0.0.1".into(), "localhost".into()])
            .unwrap()
            .subject_alt_names;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_key = KeyPair::generate().unwrap();
        let server = server.signed_by(&server_key, &issuer).unwrap();

        let mut admin = named("admin", Some("system:masters"));
        admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let admin_key = KeyPair::generate().unwrap();
        let admin = admin.signed_by(&admin_key, &issuer).unwrap();

        let service_account = KeyPair::generate().unwrap();
        Self {
            ca,
            server_cert: write("server.pem", server.pem()),
            server_key: write("server.key", server_key.serialize_pem()),
            service_account_key: write("service-account.key", service_account.serialize_pem()),
            service_account_public: write("service-account.pub", service_account.public_key_pem()),
            admin_cert: write("admin.pem", admin.pem()),
            admin_key: write("admin.key", admin_key.serialize_pem()),
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

fn named(name: &str, organisation: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organisation) = organisation {
        params.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    params.use_authority_key_identifier_extension = true;
    params
}
