//! Writes results as safetensors files, laid out as `docs/reference/tensors.md` says.
//!
//! Written by hand because the same result must be the same bytes: the
//! library keeps metadata in a hash map, whose order changes from run to run.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// What such a file is called in the artifact store.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.safetensors";

/// A file in the making. Add tensors of wider elements first, so that all of them are aligned.
#[derive(Default)]
pub(crate) struct File {
    header: Map<String, Value>,
    metadata: Map<String, Value>,
    data: Vec<u8>,
}

impl File {
    /// Adds a metadata entry; its value is written as JSON text.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.metadata.insert(name.to_owned(), Value::String(value.into().to_string()));
    }

    pub(crate) fn f64(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = f64>) {
        self.add(name, "F64", shape, values.into_iter().map(f64::to_le_bytes));
    }

    pub(crate) fn f32(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = f32>) {
        self.add(name, "F32", shape, values.into_iter().map(f32::to_le_bytes));
    }

    pub(crate) fn i32(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = i32>) {
        self.add(name, "I32", shape, values.into_iter().map(i32::to_le_bytes));
    }

    pub(crate) fn bool(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = bool>) {
        self.add(name, "BOOL", shape, values.into_iter().map(|value| [u8::from(value)]));
    }

    fn add<const N: usize>(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &[usize],
        values: impl IntoIterator<Item = [u8; N]>,
    ) {
        let start = self.data.len();
        self.data.reserve(shape.iter().product::<usize>() * N);
        for value in values {
            self.data.extend_from_slice(&value);
        }
        debug_assert_eq!(self.data.len() - start, shape.iter().product::<usize>() * N, "{name}");
        let offsets = [start, self.data.len()];
        self.header.insert(name.to_owned(), json!({"dtype": dtype, "shape": shape, "data_offsets": offsets}));
    }

    /// The file.
    pub(crate) fn finish(mut self) -> Bytes {
        self.header.insert("__metadata__".to_owned(), Value::Object(self.metadata));
        let mut header = Value::Object(self.header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut file = Vec::with_capacity(8 + header.len() + self.data.len());
        file.extend_from_slice(&(header.len() as u64).to_le_bytes());
        file.append(&mut header);
        file.append(&mut self.data);
        file.into()
    }
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::*;

    #[test]
    fn the_library_reads_what_we_write() {
        let mut file = File::default();
        file.f64("poses", &[1, 2], [1.0, 2.0]);
        file.f32("depth", &[2], [0.5, f32::NAN]);
        file.bool("masks", &[3], [true, false, true]);
        file.bool("none", &[0, 4], []);
        file.note("frame_indices", vec![0, 15]);
        file.note("engine", "sensor");
        let bytes = file.finish();
        let read = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(read.tensor("poses").unwrap().shape(), [1, 2]);
        assert_eq!(read.tensor("masks").unwrap().data(), [1, 0, 1]);
        assert_eq!(read.tensor("none").unwrap().shape(), [0, 4]);
        assert_eq!(read.tensor("depth").unwrap().data()[..4], 0.5_f32.to_le_bytes());
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let notes = metadata.metadata().clone().unwrap();
        assert_eq!((notes["frame_indices"].as_str(), notes["engine"].as_str()), ("[0,15]", "\"sensor\""));
    }
}
