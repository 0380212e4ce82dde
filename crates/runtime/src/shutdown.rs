//! SIGTERM and SIGINT as a token one can wait for.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Fires once when the process is asked to end. Clones share the same moment.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Fires on SIGTERM or SIGINT; a second signal ends the process at once.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::default();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let token = shutdown.0.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if token.is_cancelled() {
                    tracing::warn!("second signal: leaving without draining");
                    std::process::exit(130);
                }
                token.cancel();
            }
        });
        Ok(shutdown)
    }

    /// Asks the process to end.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether the process was asked to end.
    pub fn is_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the process is asked to end.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }
}
