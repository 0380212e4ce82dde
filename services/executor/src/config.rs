//! Section `executor`.

use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// Names of the walls a kernel can have, in the order they are reported.
pub(crate) const WALLS: [&str; 11] = [
    "userns", "netns", "ipcns", "mountns", "root", "uid", "nocaps", "rlimits", "landlock", "seccomp",
    "cgroup",
];

/// Section `executor`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Python interpreter with numpy, scipy, matplotlib and pillow. Absent: `.venv/bin/python` above the working
    /// directory or the executable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub python: Option<PathBuf>,
    /// Directory that contains the package `spatialclaw`. Absent: `python/` above the working directory or the
    /// executable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_dir: Option<PathBuf>,
    /// The kernel's native half, `libspatialclaw_kernel_worker.so`. Absent: beside the executable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// Where kernels' scratch directories and the template's home are made. Absent: one directory of this user
    /// under the system's temporary directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scratch_dir: Option<PathBuf>,
    /// Directories below which a lease may name a workspace, whose files its kernel gets a copy of. None: no lease
    /// may.
    pub workspaces: Vec<PathBuf>,
    /// Walls without which no cell is run: `userns`, `netns`, `ipcns`, `mountns`, `root`, `uid`, `nocaps`, `rlimits`,
    /// `landlock`, `seccomp`, `cgroup`.
    pub min_walls: Vec<String>,
    /// Kernels leased at once; more leases are refused.
    pub kernels: usize,
    /// How long the template may take to start; a cold font cache takes some 20 seconds.
    #[serde(with = "humantime_serde")]
    pub template_deadline: Duration,
    /// How long a lease may take, from the ask to a ready interpreter.
    #[serde(with = "humantime_serde")]
    pub lease_deadline: Duration,
    /// How long the lease key outlives an executor that died.
    #[serde(with = "humantime_serde")]
    pub lease_ttl: Duration,
    /// A kernel nobody asked anything for this long is released.
    #[serde(with = "humantime_serde")]
    pub idle_deadline: Duration,
    /// Longest wall clock of one cell, whatever its asker wants.
    #[serde(with = "humantime_serde")]
    pub max_cell: Duration,
    /// Between SIGINT at a cell's deadline and SIGKILL.
    #[serde(with = "humantime_serde")]
    pub interrupt_grace: Duration,
    /// How long perception may take for one tool call.
    #[serde(with = "humantime_serde")]
    pub perception_deadline: Duration,
    /// How long the vision model may take for one question, waiting for it included.
    #[serde(with = "humantime_serde")]
    pub vision_deadline: Duration,
    /// Tool calls of one cell.
    pub max_cell_tool_calls: u32,
    /// Input images are scaled down to this long edge for cells, pixels.
    pub image_long_edge: u32,
    /// Frames one reconstruction may take.
    pub reconstruct_max_frames: u32,
    /// Largest tensor file handed to a cell.
    pub max_tensors: ByteSize,
    /// Tensor files handed to one kernel in all. They lie in memory that no limit of the kernel counts for as long
    /// as it keeps them.
    pub max_session_tensors: ByteSize,
    /// Tensor files kept in this process for cells that ask again; each is shared by all cells that have it.
    pub kept_tensors: ByteSize,
    /// Largest encoded picture taken from a cell.
    pub max_picture: ByteSize,
    /// Largest picture taken from a cell, pixels.
    pub max_picture_pixels: u64,
    /// Encoded pictures one cell may show and send along with its calls in all.
    pub max_cell_pictures: ByteSize,
    /// Bounds of one interpreter.
    pub kernel: KernelLimits,
}

/// Bounds of one interpreter; hitting one is an error inside the cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KernelLimits {
    /// Address space.
    pub memory: ByteSize,
    /// Processor time of the whole session, seconds.
    pub cpu_seconds: u64,
    /// Largest file.
    pub file: ByteSize,
    /// Scratch space, where it lies in memory.
    pub scratch: ByteSize,
    /// Open descriptors, tensors included.
    pub open_files: u64,
    /// Threads.
    pub threads: u64,
    /// Characters kept of what a cell prints.
    pub output_chars: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            python: None,
            package_dir: None,
            library: None,
            scratch_dir: None,
            workspaces: Vec::new(),
            min_walls: ["landlock", "seccomp", "rlimits"].map(str::to_owned).to_vec(),
            kernels: 2 * std::thread::available_parallelism().map_or(1, usize::from),
            template_deadline: Duration::from_secs(120),
            lease_deadline: Duration::from_secs(30),
            lease_ttl: Duration::from_secs(5),
            idle_deadline: Duration::from_secs(15 * 60),
            max_cell: Duration::from_secs(3600),
            interrupt_grace: Duration::from_millis(1500),
            perception_deadline: Duration::from_secs(450),
            vision_deadline: Duration::from_secs(620),
            max_cell_tool_calls: 1000,
            image_long_edge: 768,
            reconstruct_max_frames: 64,
            max_tensors: ByteSize::gib(2),
            max_session_tensors: ByteSize::gib(16),
            kept_tensors: ByteSize::mib(512),
            max_picture: ByteSize::mib(16),
            max_picture_pixels: 16 << 20,
            max_cell_pictures: ByteSize::mib(128),
            kernel: KernelLimits::default(),
        }
    }
}

impl Default for KernelLimits {
    fn default() -> Self {
        Self {
            memory: ByteSize::gib(4),
            cpu_seconds: 3600,
            file: ByteSize::mib(64),
            scratch: ByteSize::mib(256),
            open_files: 256,
            threads: 64,
            output_chars: 4000,
        }
    }
}

/// A value that can be read but not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("executor.kernels is 0: at least one kernel is needed")]
    NoKernels,
    #[error("executor.min_walls: there is no wall `{0}`; the walls are {list}", list = WALLS.join(", "))]
    UnknownWall(String),
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.kernels == 0 {
            return Err(Error::NoKernels);
        }
        match self.min_walls.iter().find(|wall| !WALLS.contains(&wall.as_str())) {
            Some(unknown) => Err(Error::UnknownWall(unknown.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        let text = toml::to_string(&Config::default()).unwrap();
        let read: Config = toml::from_str(&text).unwrap();
        assert_eq!(read.kernel.memory, ByteSize::gib(4));
        assert_eq!(read.interrupt_grace, Duration::from_millis(1500));
    }

    #[test]
    fn an_unknown_wall_is_named() {
        let config = Config { min_walls: vec!["moat".to_owned()], ..Config::default() };
        assert!(config.check().unwrap_err().to_string().contains("`moat`"));
    }
}
