//! A real OTLP/gRPC receiver that keeps what it gets.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
    trace::v1::Span,
};
use tokio::{net::TcpListener, sync::watch};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// One received span.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `service.name` of its process.
    pub service: String,
    /// The span.
    pub span: Span,
}

impl Seen {
    /// Span id, as its children name their parent.
    pub fn id(&self) -> &[u8] {
        &self.span.span_id
    }

    /// A text attribute; numbers as text.
    pub fn attribute(&self, key: &str) -> Option<String> {
        let value = self.span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
        Some(match value.value.as_ref()? {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => number.to_string(),
            Value::DoubleValue(number) => number.to_string(),
            Value::BoolValue(flag) => flag.to_string(),
            _ => return None,
        })
    }

    /// The longest text among its attributes, bytes.
    pub fn longest_attribute(&self) -> usize {
        let length = |value: &Value| match value {
            Value::StringValue(text) => text.len(),
            _ => 0,
        };
        self.span
            .attributes
            .iter()
            .filter_map(|attribute| attribute.value.as_ref()?.value.as_ref().map(length))
            .max()
            .unwrap_or(0)
    }
}

#[derive(Clone)]
struct Store {
    spans: Arc<Mutex<Vec<Seen>>>,
    count: watch::Sender<usize>,
}

#[tonic::async_trait]
impl TraceService for Store {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.into_inner().resource_spans {
            let service = resource
                .resource
                .iter()
                .flat_map(|resource| &resource.attributes)
                .find(|attribute| attribute.key == "service.name")
                .and_then(|attribute| match attribute.value.as_ref()?.value.as_ref()? {
                    Value::StringValue(text) => Some(text.clone()),
                    _ => None,
                })
                .unwrap_or_default();
            let received = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(received.map(|span| Seen { service: service.clone(), span }));
        }
        self.count.send_replace(spans.len());
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}

/// The receiver; it ends when dropped.
pub struct Receiver {
    address: SocketAddr,
    store: Store,
    count: watch::Receiver<usize>,
    server: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    /// If it cannot.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, count) = watch::channel(0);
        let store = Store { spans: Arc::default(), count: sender };
        let service = TraceServiceServer::new(store.clone());
        let server = tokio::spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            if let Err(error) =
                tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming).await
            {
                panic!("the OTLP receiver ended: {error}");
            }
        });
        Ok(Self { address, store, count, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the spans received so far satisfy `enough`; what was received by `deadline` otherwise.
    pub async fn wait_for(&mut self, deadline: Duration, enough: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let satisfied = async {
            loop {
                let spans = self.spans();
                if enough(&spans) || self.count.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(deadline, satisfied).await;
        self.spans()
    }

    fn spans(&self) -> Vec<Seen> {
        self.store.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}
