//! NATS only: what a client authenticates with is used and not shown.

use spatialclaw_bus::{Bus, Config};
use spatialclaw_tests::nats::NatsServer;

use crate::world::{World, in_time};

fn address(server: &NatsServer, secret: &str) -> String {
    server.url().replace("://", &format!("://{secret}@"))
}

async fn error_of(config: &Config) -> String {
    let error = Bus::connect(config, "test").await.err().map(anyhow::Error::from);
    format!("{:#}", error.expect("it cannot connect"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_opens_the_server_and_is_not_shown() -> anyhow::Result<()> {
    let server = NatsServer::start_with(&["--user", "me", "--pass", "s3cret+/"]).await?;
    let right = address(&server, "me:s3cret+%2F");
    let mut world = World::new(Some(server), |config| config.nats = Some(right)).await?;
    in_time(Box::pin(async {
        world.bus.lapsed("kernel.7").await?;
        let shown = serde_json::to_string(&world.config)?;
        assert!(shown.contains("nats://***@127.0.0.1") && !shown.contains("s3cret"), "{shown}");

        let mut config = world.config.clone();
        config.nats = Some(address(world.server.as_ref().unwrap(), "me:wr0ng"));
        let refused = error_of(&config).await;
        assert!(refused.contains("***@127.0.0.1") && !refused.contains("wr0ng"), "{refused}");

        world.server.as_mut().unwrap().kill().await?;
        let away = error_of(&world.config).await;
        assert!(away.contains("***@127.0.0.1") && !away.contains("s3cret"), "{away}");
        Ok(())
    }))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_the_server() -> anyhow::Result<()> {
    let server = NatsServer::start_with(&["--auth", "s3cret"]).await?;
    let right = address(&server, "s3cret");
    let world = World::new(Some(server), |config| config.nats = Some(right)).await?;
    in_time(async { Ok(world.bus.lapsed("kernel.7").await?) }).await
}
