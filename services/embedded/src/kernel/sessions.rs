//! All sessions: one task each, so that they run beside each other and each runs its cells in order.

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    reply,
    request::Request,
    session::{Desk, Session},
};

/// Requests under way at once.
pub(super) const UNDER_WAY: usize = 64;
/// Sessions open at once.
const SESSIONS: usize = 10_000;

/// The open sessions.
pub(super) struct Sessions {
    desk: Arc<Desk>,
    open: HashMap<String, Open>,
    /// Names of those that have a kernel, the one asked longest ago first.
    awake: VecDeque<String>,
}

struct Open {
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
    workspace: Option<PathBuf>,
}

enum Order {
    Exec { code: String, limit: Option<Duration>, reply: oneshot::Sender<Value> },
    Sleep,
}

impl Sessions {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self { desk, open: HashMap::new(), awake: VecDeque::new() }
    }

    /// Begins what `line` asks for; the future ends with the reply.
    pub(super) fn begin(&mut self, line: &[u8]) -> BoxFuture<'static, Value> {
        match Request::parse(line) {
            Ok(Request::Close { session }) => self.close(&session),
            Ok(request) => self.exec(request),
            Err(why) => ready(reply::refused(&why)),
        }
    }

    fn exec(&mut self, request: Request) -> BoxFuture<'static, Value> {
        let limit = request.time().unwrap_or_default();
        let Request::Exec { session, cell, workspace, .. } = request else {
            return ready(reply::refused("no cell"));
        };
        if let Err(why) = self.admit(&session, workspace) {
            return ready(reply::refused(&why));
        }
        self.touch(&session);
        let (reply, answer) = oneshot::channel();
        let order = Order::Exec { code: cell, limit, reply };
        if self.open.get(&session).is_none_or(|open| open.orders.try_send(order).is_err()) {
            return ready(reply::refused("the session has too many cells waiting"));
        }
        Box::pin(async move { answer.await.unwrap_or_else(|_| reply::refused("the session was closed")) })
    }

    /// Opens the session unless it is open.
    fn admit(&mut self, name: &str, workspace: Option<PathBuf>) -> Result<(), String> {
        if let Some(open) = self.open.get(name) {
            return match (&workspace, &open.workspace) {
                (Some(asked), Some(have)) if asked != have => Err(moved(have)),
                (Some(_), None) => Err("the session began without a workspace: close it first".to_owned()),
                _ => Ok(()),
            };
        }
        if self.open.len() >= SESSIONS {
            return Err(format!("{SESSIONS} sessions are open: close some"));
        }
        let (orders, inbox) = mpsc::channel(2 * UNDER_WAY);
        let session = Session::new(Arc::clone(&self.desk), workspace.clone());
        let task = tokio::spawn(live(session, Arc::clone(&self.desk), inbox));
        self.open.insert(name.to_owned(), Open { orders, task, workspace });
        Ok(())
    }

    /// Puts `name` among the awake; the one that was idle longest makes room.
    fn touch(&mut self, name: &str) {
        self.awake.retain(|other| other != name);
        while self.awake.len() >= self.desk.bounds.kernels() {
            let Some(idle) = self.awake.pop_front() else { break };
            if let Some(open) = self.open.get(&idle) {
                // A session whose inbox is full is not idle; it keeps its kernel, and the lease waits.
                let _busy = open.orders.try_send(Order::Sleep);
            }
        }
        self.awake.push_back(name.to_owned());
    }

    fn close(&mut self, name: &str) -> BoxFuture<'static, Value> {
        self.awake.retain(|other| other != name);
        let Some(Open { orders, task, .. }) = self.open.remove(name) else {
            return ready(json!({ "closed": false, "error": format!("there is no session `{name}`") }));
        };
        // Without senders the task ends once its cells have run.
        drop(orders);
        Box::pin(async move {
            let _ended = task.await;
            json!({ "closed": true, "error": null })
        })
    }

    /// Ends all sessions.
    pub(super) async fn end(mut self) {
        let tasks: Vec<_> = self.open.drain().map(|(_, open)| open.task).collect();
        futures::future::join_all(tasks).await;
    }
}

async fn live(mut session: Session, desk: Arc<Desk>, mut inbox: mpsc::Receiver<Order>) {
    while let Some(order) = inbox.recv().await {
        match order {
            Order::Sleep => session.sleep().await,
            Order::Exec { code, limit, reply } => {
                let ran = session.exec(code, limit).await;
                let told = reply::of(ran, desk.bus.artifacts(), desk.bounds.with_images).await;
                // Whoever asked may be gone; the session's state is the same.
                let _gone = reply.send(told);
            }
        }
    }
    session.sleep().await;
}

fn moved(have: &Path) -> String {
    format!("the session began with the workspace {}; close it first", have.display())
}

fn ready(value: Value) -> BoxFuture<'static, Value> {
    Box::pin(std::future::ready(value))
}
