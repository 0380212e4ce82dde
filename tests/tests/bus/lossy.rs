//! A wire between client and server that loses what it is told to lose.

use std::sync::{Arc, Mutex};

use spatialclaw_tests::nats::NatsServer;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

#[derive(Default)]
struct Plan {
    /// The next piece from the server that contains this is lost.
    lose: Option<String>,
    lost: u32,
}

pub(crate) struct Lossy {
    port: u16,
    plan: Arc<Mutex<Plan>>,
    accepting: JoinHandle<std::io::Result<()>>,
}

impl Lossy {
    pub(crate) async fn before(server: &NatsServer) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let behind = server.url().trim_start_matches("nats://").to_owned();
        let plan = Arc::<Mutex<Plan>>::default();
        let losing = Arc::clone(&plan);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await?;
                let server = TcpStream::connect(&behind).await?;
                tokio::spawn(carry(client, server, Arc::clone(&losing)));
            }
        });
        Ok(Self { port, plan, accepting })
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn lose(&self, what: &str) {
        self.plan.lock().unwrap().lose = Some(what.to_owned());
    }

    pub(crate) fn lost(&self) -> u32 {
        self.plan.lock().unwrap().lost
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(client: TcpStream, server: TcpStream, plan: Arc<Mutex<Plan>>) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = from_server.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        if !is_lost(&piece[..length], &mut plan.lock().unwrap()) {
            to_client.write_all(&piece[..length]).await?;
        }
    }
}

fn is_lost(piece: &[u8], plan: &mut Plan) -> bool {
    let lost = plan.lose.take_if(|what| String::from_utf8_lossy(piece).contains(what.as_str())).is_some();
    plan.lost += u32::from(lost);
    lost
}
