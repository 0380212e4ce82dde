//! Cells as agents write them, drawn at random; each leaves something behind.

/// A small generator of numbers, the same for the same seed (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// What all others build on.
const FIRST: &str = "import random, math, os, time\n\
    import numpy as np\n\
    import matplotlib.pyplot as plt\n\
    stuff, pile, gens, things, steps, recons = {}, [], [], [], [], []";

/// Each takes its number and a small one.
const KINDS: [fn(usize, usize) -> String; 21] = [
    |n, k| format!("a{n} = {k}\nb{n} = a{n} * 1.5\nprint(a{n}, b{n})"),
    |n, k| format!("r{n} = np.random.rand({k} + 1, 3)\ns{n} = random.random()\nnp.random.shuffle(r{n})"),
    |n, _| format!("g{n} = np.random.default_rng()\ngens.append(g{n})\nd{n} = g{n}.integers(0, 1000, 5)"),
    |n, _| format!("gens += [random.Random(), np.random.RandomState()]\ne{n} = [g.random() for g in gens]"),
    |n, k| {
        format!("gens.append(np.random.Generator(np.random.PCG64()))\nf{n} = gens[-1].normal(size={k} + 1)")
    },
    |n, k| format!("random.seed({n})\nnp.random.seed({k})\nh{n} = random.sample(range(100), 5)"),
    |n, k| format!("stuff.setdefault('k{k}', []).append(len(pile))\npile.extend([{n}, 'x' * {k}])"),
    |n, k| {
        format!(
            "pile.append({{'n': {n}, 'of': list(pile[:{k}])}})\npile[0] = 'first'\nstuff['last'] = pile[-1]"
        )
    },
    |n, k| {
        format!(
            "def make{n}(k):\n    count = [0]\n    def step(x=1):\n        count[0] += x * k\n        return count[0]\n\
             \x20   return step\nsteps.append(make{n}({k}))\ngot{n} = [step() for step in steps]"
        )
    },
    |n, k| {
        format!(
            "class Thing{n}:\n    made = 0\n    def __init__(self, name):\n        self.name = name\n\
             \x20       Thing{n}.made += 1\n    def call(self): return self.name * {k}\n\
             things.append(Thing{n}('t{n}'))\nmade{n} = [thing.call() for thing in things]"
        )
    },
    |n, k| {
        format!(
            "from collections import Counter\nimport itertools as it{n}\nc{n} = Counter('mississippi'[{k}:])"
        )
    },
    |n, _| {
        format!(
            "seen{n} = {{'red chair', 'table', 'sofa', 'lamp', 'white door', 'plant'}}\n\
             order{n} = list(seen{n})\nhashed{n} = hash('red chair') % 1000\nfirst{n} = min(seen{n}, key=hash)"
        )
    },
    |n, k| {
        let at = k % 2;
        format!(
            "recon{n} = tools.Reconstruct.Reconstruct([InputImages[{at}]])\nrecons.append(recon{n})\n\
             near{n} = float(recon{n}.depth[InputImages[{at}].frame_index].min())\nprint(near{n})"
        )
    },
    |n, k| {
        let word = "abcdefgh".get(..k + 1).unwrap_or("a");
        format!(
            "seg{n} = tools.SAM3.segment_image_by_text(InputImages[0], '{word}')\narea{n} = int(seg{n}.masks.sum())"
        )
    },
    |n, k| format!("said{n} = vlm.ask_with_thinking(InputImages[{}], 'number {k}?')\nprint(said{n})", k % 2),
    |n, k| {
        format!(
            "half{n} = np.random.rand()\npile.append(half{n})\nif {k} >= 0: raise ValueError('half')\nnever{n} = 1"
        )
    },
    |n, k| format!("part{n} = []\nfor i in range(9): part{n}.append(10 / ({k} - i))"),
    |n, _| {
        format!("plt.figure()\nplt.plot(np.random.rand(5))\nplt.show()\nshow(InputImages[0], label='n{n}')")
    },
    |n, k| {
        format!("open('note{n}.txt', 'w').write(str(random.random()))\nopen('all.txt', 'a').write('{k}\\n')")
    },
    |n, k| {
        format!(
            "gone{n} = 1\ndel gone{n}\nstuff.pop('k{k}', None)\nwalk{n} = iter(range(20))\nw{n} = next(walk{n})"
        )
    },
    |n, k| {
        format!(
            "time.sleep(0.0{k})\nz{n} = np.linspace(0, {k}, 7).cumsum()\ntime.sleep(0.02)\nz{n} += random.random()"
        )
    },
];

/// Prints one line for each variable and file, the next random numbers, and a digest of it all as the answer.
const LAST: &str = include_str!("last.py");

/// A session's cells, the last of which answers with a digest of everything.
pub(crate) fn draw(dice: &mut Dice) -> Vec<String> {
    let count = 3 + dice.below(8);
    let middle = (0..count).map(|n| KINDS[dice.below(KINDS.len())](n, dice.below(8)));
    std::iter::once(FIRST.to_owned()).chain(middle.collect::<Vec<_>>()).chain([LAST.to_owned()]).collect()
}
