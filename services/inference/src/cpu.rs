//! placeholder
use async_trait::async_trait;
use spatialclaw_runtime::Readiness;
use crate::{About, Concept, ConceptAsk, Config, DepthAsk, Engine, Instance, InteractiveAsk, Refusal, Scene, admission::Permit};
pub(crate) struct Cpu { about: About }
impl Cpu { pub(crate) async fn start(_c: &Config, _r: Readiness) -> anyhow::Result<Self> { anyhow::bail!("not yet") } }
#[async_trait]
impl Engine for Cpu {
    fn about(&self) -> &About { &self.about }
    async fn depth(&self, _p: Permit, _a: DepthAsk) -> Result<Scene, Refusal> { Err(Refusal::Internal(String::new())) }
    async fn concept(&self, _p: Permit, _a: ConceptAsk) -> Result<Vec<Concept>, Refusal> { Err(Refusal::Internal(String::new())) }
    async fn interactive(&self, _p: Permit, _a: InteractiveAsk) -> Result<Vec<Instance>, Refusal> { Err(Refusal::Internal(String::new())) }
}
