//! Nearest neighbours on another grid.

/// Elements of `size` bytes from a grid to another; pixel `i` of `n` takes the one whose centre is nearest,
/// floor((i + 1/2) * source / n).
pub(super) fn nearest(
    source: &[u8],
    size: usize,
    from: (usize, usize),
    to: (usize, usize),
    target: &mut [u8],
) {
    match size {
        1 => fixed::<1>(source, from, to, target),
        3 => fixed::<3>(source, from, to, target),
        4 => fixed::<4>(source, from, to, target),
        8 => fixed::<8>(source, from, to, target),
        12 => fixed::<12>(source, from, to, target),
        _ => any(source, size, from, to, target),
    }
}

/// With a size that the compiler knows, an element is one or two moves.
fn fixed<const SIZE: usize>(source: &[u8], from: (usize, usize), to: (usize, usize), target: &mut [u8]) {
    let across: Vec<usize> = (0..to.1).map(|column| position(column, from.1, to.1)).collect();
    let (cells, places) = (source.as_chunks::<SIZE>().0, target.as_chunks_mut::<SIZE>().0);
    for row in 0..to.0 {
        let line = &cells[position(row, from.0, to.0) * from.1..][..from.1];
        for (place, &column) in places[row * to.1..][..to.1].iter_mut().zip(&across) {
            *place = line[column];
        }
    }
}

fn any(source: &[u8], size: usize, from: (usize, usize), to: (usize, usize), target: &mut [u8]) {
    for row in 0..to.0 {
        let line = position(row, from.0, to.0) * from.1;
        for column in 0..to.1 {
            let at = (line + position(column, from.1, to.1)) * size;
            target[(row * to.1 + column) * size..][..size].copy_from_slice(&source[at..at + size]);
        }
    }
}

fn position(at: usize, source: usize, target: usize) -> usize {
    (2 * at + 1) * source / (2 * target)
}
