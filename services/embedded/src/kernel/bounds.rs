//! What a session may use, as flags. Whatever is not given is as configured.

use std::time::Duration;

use bytesize::ByteSize;

use crate::Settings;

#[derive(clap::Args, Clone, Debug)]
pub(super) struct Bounds {
    /// Address space of one interpreter, e.g. 4GiB
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// Processor time of one interpreter, seconds
    #[arg(long, value_name = "SECONDS")]
    cpu_seconds: Option<u64>,
    /// Largest file, e.g. 64MiB
    #[arg(long, value_name = "SIZE")]
    file_size: Option<ByteSize>,
    /// Scratch space, e.g. 256MiB
    #[arg(long, value_name = "SIZE")]
    scratch: Option<ByteSize>,
    /// Open descriptors
    #[arg(long, value_name = "N")]
    open_files: Option<u64>,
    /// Threads
    #[arg(long, value_name = "N")]
    threads: Option<u64>,
    /// Characters kept of what one cell prints
    #[arg(long, value_name = "CHARACTERS")]
    output: Option<u64>,
    /// Kernels alive at once; the session that was idle longest gives its own up, and gets its state back when asked
    #[arg(long, value_name = "N", default_value_t = 16)]
    kernels: usize,
    /// Pictures a session may show
    #[arg(long, value_name = "N", default_value_t = 250)]
    pub(super) images: u32,
    /// Tool calls of a session; 0 is unlimited
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) tool_calls: u32,
    /// Seconds of a cell whose request names no timeout
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
    /// Between a cell's interrupt at its timeout and its kernel's end, seconds
    #[arg(long, value_name = "SECONDS")]
    grace: Option<f64>,
    /// Put shown pictures into replies, base64
    #[arg(long)]
    pub(super) with_images: bool,
}

impl Bounds {
    pub(super) fn apply(&self, settings: &mut Settings) {
        let executor = &mut settings.executor;
        let kernel = &mut executor.kernel;
        kernel.memory = self.memory.unwrap_or(kernel.memory);
        kernel.cpu_seconds = self.cpu_seconds.unwrap_or(kernel.cpu_seconds);
        kernel.file = self.file_size.unwrap_or(kernel.file);
        kernel.scratch = self.scratch.unwrap_or(kernel.scratch);
        kernel.open_files = self.open_files.unwrap_or(kernel.open_files);
        kernel.threads = self.threads.unwrap_or(kernel.threads);
        kernel.output_chars = self.output.unwrap_or(kernel.output_chars);
        executor.kernels = self.kernels;
        if let Some(grace) = self.grace {
            executor.interrupt_grace = seconds(grace).unwrap_or(executor.interrupt_grace);
        }
        // Whoever runs this names folders of their own.
        executor.workspaces = vec!["/".into()];
    }

    /// The same, with pictures in replies.
    pub(super) fn with_images(self) -> Self {
        Self { with_images: true, ..self }
    }

    pub(super) fn kernels(&self) -> usize {
        self.kernels
    }

    pub(super) fn timeout(&self) -> Duration {
        seconds(self.timeout).unwrap_or(Duration::from_secs(60))
    }
}

/// `None` for what is no positive, finite time.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().filter(|time| !time.is_zero())
}
