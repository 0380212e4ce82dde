//! Wire types, generated from `proto/`, and their conversion to and from [`spatialclaw_domain`].
//!
//! Modules follow packages and versions. Outside this crate and the two ends
//! of a wire, use the domain's words.

pub mod convert;

/// What travels on work queues and lies in journals.
pub mod session {
    /// Version 1.
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("spatialclaw.session.v1");
    }
}
/// Asks of the executor, and the frames on a kernel's pipe.
pub mod kernel {
    /// Version 1.
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("spatialclaw.kernel.v1");
    }
}
/// Asks of the perception dispatcher.
pub mod perception {
    /// Version 1.
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("spatialclaw.perception.v1");
    }
}
/// The pod contract.
pub mod inference {
    /// Version 1.
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("spatialclaw.inference.v1");
    }
}
