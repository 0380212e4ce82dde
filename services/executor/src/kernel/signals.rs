//! What must reach a kernel while its cell runs, beside its mailbox: interrupt, and the end of its lease.

use spatialclaw_domain::Fault;
use tokio::sync::watch;

/// The sending side; shared by everybody who holds the kernel.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupts: watch::Sender<u64>,
    end: watch::Sender<Option<Fault>>,
}

impl Signals {
    pub(crate) fn new() -> Self {
        Self { interrupts: watch::Sender::new(0), end: watch::Sender::new(None) }
    }

    /// Stops the running cell, if one runs.
    pub(crate) fn interrupt(&self) {
        self.interrupts.send_modify(|count| *count += 1);
    }

    /// Ends the lease; a running cell is answered with `fault`. The first end counts.
    pub(crate) fn end(&self, fault: Fault) {
        self.end.send_if_modified(|end| {
            let is_first = end.is_none();
            if is_first {
                *end = Some(fault);
            }
            is_first
        });
    }

    /// The fault that ended the lease, if it has ended.
    pub(crate) fn ended(&self) -> Option<Fault> {
        self.end.borrow().clone()
    }

    /// For one cell: hears interrupts from now on, and an end whenever it was.
    pub(crate) fn listen(&self) -> Listener {
        Listener { interrupted: Interrupted(self.interrupts.subscribe()), ended: Ended(self.end.subscribe()) }
    }
}

/// The receiving side.
pub(crate) struct Listener {
    pub(crate) interrupted: Interrupted,
    pub(crate) ended: Ended,
}

pub(crate) struct Interrupted(watch::Receiver<u64>);

impl Interrupted {
    /// The next interrupt. Safe to drop.
    pub(crate) async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could interrupt.
            std::future::pending().await
        }
    }
}

pub(crate) struct Ended(watch::Receiver<Option<Fault>>);

impl Ended {
    /// The end of the lease. Safe to drop.
    pub(crate) async fn wait(&mut self) -> Fault {
        match self.0.wait_for(Option::is_some).await.map(|end| end.clone()) {
            Ok(Some(fault)) => fault,
            _ => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use spatialclaw_domain::FaultKind;

    use super::*;

    #[tokio::test]
    async fn interrupts_of_earlier_cells_are_not_heard_and_ends_are() {
        let signals = Signals::new();
        signals.interrupt();
        let mut listener = signals.listen();
        signals.end(Fault::new(FaultKind::Cancelled, "released"));
        signals.end(Fault::new(FaultKind::Unavailable, "draining"));
        tokio::select! {
            biased;
            () = listener.interrupted.wait() => panic!("that interrupt was for another cell"),
            fault = listener.ended.wait() => assert_eq!(fault.message, "released"),
        }
        signals.interrupt();
        listener.interrupted.wait().await;
    }
}
