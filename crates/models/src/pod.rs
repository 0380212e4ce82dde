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
use tokio::sync::Mutex;
use tonic::transport::{Channel, Endpoint as Address};

pub use config::{Config, Endpoint};
pub use types::{
    Abilities, BoxPrompt, Concept, ConceptAsk, DepthAbility, DepthAsk, Instance, InteractiveAsk, Mask, Measured,
    PointPrompt, Prompt, Scene, SegmentAbility, Stereo, View, ViewDepth,
};

/// Bytes of one gRPC message, either way.
pub const MESSAGE_LIMIT: usize = 64 << 20;

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
    known: Arc<Mutex<Option<Arc<Abilities>>>>,
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

    /// What it can do. Asked once and remembered until a call finds the pod gone.
    ///
    /// # Errors
    /// `unavailable` if it cannot be reached.
    pub async fn abilities(&self) -> Result<Arc<Abilities>, Fault> {
        let mut known = self.known.lock().await;
        if let Some(abilities) = &*known {
            return Ok(abilities.clone());
        }
        let abilities = Arc::new(self.ask_abilities().await?);
        *known = Some(abilities.clone());
        Ok(abilities)
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
            *self.known.lock().await = None;
        }
        answer
    }

    fn late(&self, after: Duration) -> Fault {
        let message = format!("perception pod {} gave no answer within {after:?} (pods.deadline)", self.url);
        Fault::new(FaultKind::Deadline, message)
    }
}
