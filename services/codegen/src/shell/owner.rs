//! What a leased kernel lives by: a lease key of the session's own, one per kernel.
//!
//! Executors end a kernel whose owner's key lapses. The key goes when the [`Owner`] is dropped, when its process is
//! killed, and when the link is down for longer than `codegen.owner_ttl`.

use futures::FutureExt as _;
use spatialclaw_bus::Lease;
use spatialclaw_domain::{Fault, FaultKind, KernelId};
use tokio::time::timeout;

use crate::job::Desk;

/// What came of a lease.
pub(super) struct Leased {
    pub(super) kernel: Option<KernelId>,
    /// What it lives by; without a kernel, what the next one may live by.
    pub(super) owner: Option<Owner>,
}

/// A held key.
pub(super) struct Owner {
    key: String,
    lease: Lease,
}

impl Owner {
    /// `held` if it is still ours, else a fresh one.
    pub(super) async fn living(held: Option<Self>, desk: &Desk) -> Result<Self, Fault> {
        if let Some(mut owner) = held
            && owner.lease.lost().now_or_never().is_none()
        {
            return Ok(owner);
        }
        let key = format!("codegen.{}", KernelId::random());
        let limit = desk.config.lease_request;
        match timeout(limit, desk.bus.hold(&key, desk.config.owner_ttl)).await {
            Ok(lease) => Ok(Self { key, lease: lease? }),
            Err(_) => Err(Fault::new(
                FaultKind::Deadline,
                format!("no lease key within {limit:?} (codegen.lease_request)"),
            )),
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }
}
