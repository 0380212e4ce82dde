//! The client end of the pod contract.
