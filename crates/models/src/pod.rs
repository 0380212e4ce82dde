//! The client end of the pod contract (`spatialclaw.inference.v1`).
//!
//! [`Pods`] are the configured endpoints; nothing is connected until it is
//! asked. A [`Pod`] says what it can do ([`Pod::abilities`]) and does it:
//! [`Pod::depth`], [`Pod::concept`], [`Pod::interactive`]. Every call carries
//! the trace and a deadline; dropping its future gives the call up, and the
//! pod drops it too.
//!
//! Pixels: integer coordinates are pixel centres, of the image as sent. Poses
//! are world-to-camera here, as on the wire.

mod call;
mod config;
mod convert;
mod types;

use std::{sync::Arc, time::Duration};

use spatialclaw_domain::{Fault, FaultKind};
use tokio::{sync::Mutex, time::Instant};
use tonic::transport::{Channel, Endpoint as Address};

pub use config::{Config, Endpoint};
pub use types::{
    Abilities, BoxPrompt, Concept, ConceptAsk, DepthAbility, DepthAsk, Instance, InteractiveAsk, Mask,
    Measured, PointPrompt, Prompt, Scene, SegmentAbility, Stereo, View, ViewDepth,
};

/// Bytes of one gRPC message, either way.
pub const MESSAGE_LIMIT: usize = 64 << 20;

/// How long what a pod said of itself counts: another model may answer at its address one day.
const ABILITIES_STAND: Duration = Duration::from_secs(30);
/// How long a pod that could not be asked counts as gone without being asked again.
const FAILURE_STANDS: Duration = Duration::from_millis(300);

/// The configuration names something that is no pod.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a URL one can connect to.
    #[error("pods.endpoints: `{url}` is no address of a pod; expected something like http://127.0.0.1:50051")]
    Url {
        /// As configured.
        url: String,
        /// The parser's own words.
        #[source]
        cause: tonic::transport::Error,
    },
}

/// Every pod this process may ask. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Pods(Arc<[Pod]>);

impl Pods {
    /// The configured pods; connects when first asked.
    ///
    /// # Errors
    /// If an address cannot be read.
    pub fn connect(config: &Config) -> Result<Self, Error> {
        config.endpoints.iter().map(|endpoint| Pod::new(endpoint, config)).collect::<Result<_, _>>().map(Self)
    }

    /// In the order of the configuration, which is the order of preference.
    pub fn iter(&self) -> impl Iterator<Item = &Pod> {
        self.0.iter()
    }
}

/// One pod. Clones share its connection.
#[derive(Clone, Debug)]
pub struct Pod {
    url: Arc<str>,
    channel: Channel,
    deadline: Duration,
    info_deadline: Duration,
    known: Arc<Mutex<Known>>,
}

/// What is known of a pod.
#[derive(Debug, Default)]
struct Known {
    abilities: Option<(Instant, Arc<Abilities>)>,
    /// Why it could not be asked lately: those who waited behind the one that tried need not try themselves.
    failed: Option<(Instant, Fault)>,
}

impl Pod {
    fn new(endpoint: &Endpoint, config: &Config) -> Result<Self, Error> {
        let unreadable = |cause| Error::Url { url: endpoint.url.clone(), cause };
        let channel = Address::from_shared(endpoint.url.clone())
            .map_err(unreadable)?
            .connect_timeout(config.connect_deadline)
            .tcp_nodelay(true)
            .connect_lazy();
        Ok(Self {
            url: endpoint.url.as_str().into(),
            channel,
            deadline: endpoint.deadline.unwrap_or(config.deadline),
            info_deadline: config.connect_deadline,
            known: Arc::default(),
        })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it can do. Remembered for a while, or until a call finds the pod gone.
    ///
    /// # Errors
    /// `unavailable` if it cannot be reached.
    pub async fn abilities(&self) -> Result<Arc<Abilities>, Fault> {
        let mut known = self.known.lock().await;
        match &known.abilities {
            Some((when, abilities)) if when.elapsed() < ABILITIES_STAND => return Ok(abilities.clone()),
            _ => {}
        }
        match &known.failed {
            Some((when, fault)) if when.elapsed() < FAILURE_STANDS => return Err(fault.clone()),
            _ => {}
        }
        match self.ask_abilities().await {
            Ok(abilities) => {
                let abilities = Arc::new(abilities);
                known.abilities = Some((Instant::now(), abilities.clone()));
                Ok(abilities)
            }
            Err(fault) => {
                known.failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    /// Depth and camera of every view that has one.
    ///
    /// # Errors
    /// The pod's refusal or failure as a fault that names the pod.
    pub async fn depth(&self, ask: DepthAsk) -> Result<Scene, Fault> {
        self.within(self.estimate(ask)).await
    }

    /// Every instance that a text names in a view.
    ///
    /// # Errors
    /// As for [`Self::depth`].
    pub async fn concept(&self, ask: ConceptAsk) -> Result<Concept, Fault> {
        self.within(self.ask_concept(ask)).await
    }

    /// The instances that points or a box pick, best first.
    ///
    /// # Errors
    /// As for [`Self::depth`].
    pub async fn interactive(&self, ask: InteractiveAsk) -> Result<Vec<Instance>, Fault> {
        self.within(self.ask_interactive(ask)).await
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let answer = match tokio::time::timeout(self.deadline, call).await {
            Ok(answer) => answer,
            Err(_) => Err(self.late(self.deadline)),
        };
        if answer.as_ref().is_err_and(|fault| fault.kind == FaultKind::Unavailable) {
            // Another pod may answer at this address next time.
            self.known.lock().await.abilities = None;
        }
        answer
    }

    fn late(&self, after: Duration) -> Fault {
        let message = format!("perception pod {} gave no answer within {after:?} (pods.deadline)", self.url);
        Fault::new(FaultKind::Deadline, message)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn at(url: String) -> Pods {
        Pods::connect(&Config { endpoints: vec![Endpoint::at(url)], ..Config::default() }).unwrap()
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_a_pod_that_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pods = at(format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(async move {
            // Hangs up on whoever calls.
            while let Ok((connection, _)) = listener.accept().await {
                drop(connection);
            }
        });
        for pod in pods.iter() {
            let fault = pod.abilities().await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
            let fault = pod.depth(DepthAsk::default()).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_by_name() {
        let config = Config { endpoints: vec![Endpoint::at("not an address")], ..Config::default() };
        assert!(Pods::connect(&config).unwrap_err().to_string().contains("not an address"));
    }
}
