use super::{HeliotropeSettings, Metrics};
use crate::controlplane::{ControlPlane, Process, free_port};
use crate::loopback::http_client;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Names the binary to test; without it, the one that Cargo built for the tests.
const BINARY: &str = "HELIOTROPE_BIN";

/// The real `heliotrope` binary in the role of an extender.
pub(crate) struct Heliotrope {
    process: Process,
    role: &'static str,
    extender: u16,
    admin: u16,
    settings: PathBuf,
    client: reqwest::Client,
}

impl Heliotrope {
    /// Starts it and waits until it says that it is ready.
    pub(crate) async fn start(plane: &ControlPlane, settings: &HeliotropeSettings) -> Self {
        Self::start_as(plane, settings, "extender").await
    }

    /// The same in another role.
    pub(crate) async fn start_as(plane: &ControlPlane, settings: &HeliotropeSettings, role: &'static str) -> Self {
        let mut started = Self::start_without_waiting(plane, settings, role);
        started.wait_ready(Duration::from_secs(60)).await;
        started
    }

    fn process(plane: &ControlPlane, extender: u16, role: &str) -> Process {
        let arguments = ["run", "--role", role, "--config"].map(std::ffi::OsString::from);
        let arguments = arguments.into_iter().chain([settings_file(plane, extender).into()]);
        Process::start(&format!("heliotrope-{extender}"), &binary(), arguments, plane.folder())
    }

    fn start_without_waiting(plane: &ControlPlane, settings: &HeliotropeSettings, role: &'static str) -> Self {
        let (extender, admin) = (free_port(), free_port());
        let text = settings.to_file(plane, extender, admin);
        std::fs::write(settings_file(plane, extender), text).unwrap();
        let process = Self::process(plane, extender, role);
        Self {
            process,
            role,
            extender,
            admin,
            settings: settings_file(plane, extender),
            client: http_client(),
        }
    }

    pub(crate) async fn wait_ready(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            self.process.assert_running();
            let said = match self.client.get(self.admin_url("readyz")).send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            assert!(
                Instant::now() < until,
                "heliotrope is not ready after {patience:?}: {said}\nits log ends:\n{}",
                self.process.log_tail()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whether it says that it is ready, now.
    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.client.get(self.admin_url("readyz")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Kills it as a crash would, and starts it again where it was.
    pub(crate) fn crash(&mut self, plane: &ControlPlane) {
        self.process.kill();
        self.process = Self::process(plane, self.extender, self.role);
    }

    /// Asks it to leave, as a kubelet does, waits until it has, and starts it again where it was.
    pub(crate) async fn restart(&mut self, plane: &ControlPlane) {
        let left = self.process.stop(Duration::from_secs(20)).await;
        assert!(left, "it does not leave: {}", self.process.log_tail());
        self.process = Self::process(plane, self.extender, self.role);
    }

    /// What goes into `urlPrefix`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.extender)
    }

    fn admin_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.admin)
    }

    /// Reads `/metrics`.
    pub(crate) async fn metrics(&self) -> Metrics {
        let answer = self.client.get(self.admin_url("metrics")).send().await.unwrap();
        Metrics::new(answer.error_for_status().unwrap().text().await.unwrap())
    }

    /// Reads `/explain` of a pod in the namespace of all work.
    pub(crate) async fn explain(&self, pod: &str) -> serde_json::Value {
        let url = self.admin_url(&format!("explain?pod={}/{pod}", crate::guest::namespace()));
        let answer = self.client.get(url).send().await.unwrap();
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("explain of {pod}: {e}: {text}"))
    }

    /// The same for a pod that may not have been asked about yet.
    pub(crate) async fn try_explain(&self, pod: &str) -> Option<serde_json::Value> {
        let url = self.admin_url(&format!("explain?pod={}/{pod}", crate::guest::namespace()));
        let answer = self.client.get(url).send().await.unwrap();
        let text = answer.error_for_status().ok()?.text().await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Asks the admin listener as somebody with this token, or without one: the status and the text.
    pub(crate) async fn ask_as(&self, token: Option<&str>, path: &str) -> (u16, String) {
        let mut asked = self.client.get(self.admin_url(path));
        if let Some(token) = token {
            asked = asked.bearer_auth(token);
        }
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Runs another command of the same binary, with the same settings and against this process.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Output {
        std::process::Command::new(binary())
            .args(arguments)
            .env("NO_PROXY", "127.0.0.1")
            .env("HELIOTROPE_CONFIG", &self.settings)
            .env("HELIOTROPE_ADMIN", format!("http://127.0.0.1:{}", self.admin))
            .output()
            .unwrap()
    }

    /// Processor time that it has used, in seconds.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        self.process.cpu_seconds()
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops it without ending it: sockets stay open, nobody answers.
    pub(crate) fn hang(&self) {
        self.process.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Ends the test with its log's end if it has left on its own.
    pub(crate) fn assert_running(&mut self) {
        self.process.assert_running();
    }

    /// All of its log.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// The last lines of its log.
    pub(crate) fn log_tail(&self) -> String {
        self.process.log_tail()
    }
}

fn binary() -> PathBuf {
    let named = std::env::var_os(BINARY).map(PathBuf::from);
    let binary = named.unwrap_or_else(|| env!("CARGO_BIN_EXE_heliotrope").into());
    std::fs::canonicalize(&binary).unwrap_or_else(|e| panic!("{BINARY}={}: {e}", binary.display()))
}

fn settings_file(plane: &ControlPlane, extender: u16) -> PathBuf {
    plane.folder().join(format!("heliotrope-{extender}.yaml"))
}
