//! Leases: a holder lives in this process, so its lease lapses when it drops it, at the latest with the process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{Error, carrier::Held};

type Keys = Arc<Mutex<HashMap<String, watch::Receiver<()>>>>;

#[derive(Default)]
pub(super) struct Leases(Keys);

impl Leases {
    pub(super) fn hold(&self, key: &str) -> Result<Holder, Error> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.contains_key(key) {
            return Err(Error::Held(key.to_owned()));
        }
        let (alive, watched) = watch::channel(());
        keys.insert(key.to_owned(), watched);
        Ok(Holder { key: key.to_owned(), keys: Arc::clone(&self.0), _alive: alive })
    }

    pub(super) async fn lapsed(&self, key: &str) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(mut watched) = watched {
            // Nothing is ever sent: it ends when the holder is dropped.
            while watched.changed().await.is_ok() {}
        }
    }
}

pub(super) struct Holder {
    key: String,
    keys: Keys,
    _alive: watch::Sender<()>,
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[async_trait]
impl Held for Holder {
    async fn release(self: Box<Self>) {}

    async fn lost(&mut self) {
        std::future::pending().await
    }
}
