use std::collections::VecDeque;

/// A network of unit and unbounded edges, for minimum vertex cuts (Dinic 1970: level graph, then a blocking flow).
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// By node, the first of its edges; edges are chained. Each edge stands beside its reverse (`edge ^ 1`).
    first: Vec<u32>,
    next: Vec<u32>,
    to: Vec<u32>,
    capacity: Vec<u32>,
}

/// No edge.
const NONE: u32 = u32::MAX;
/// More than any cut of unit edges.
pub(crate) const UNBOUNDED: u32 = u32::MAX / 4;

impl Network {
    pub fn with_nodes(nodes: usize) -> Network {
        Network { first: vec![NONE; nodes], ..Network::default() }
    }

    pub fn edge(&mut self, from: u32, to: u32, capacity: u32) {
        for (from, to, capacity) in [(from, to, capacity), (to, from, 0)] {
            let at = self.to.len() as u32;
            self.to.push(to);
            self.capacity.push(capacity);
            let head = self.first.get_mut(from as usize).map_or(NONE, |head| std::mem::replace(head, at));
            self.next.push(head);
        }
    }

    fn edges(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let start = self.first.get(node as usize).copied().filter(|at| *at != NONE);
        std::iter::successors(start, |at| self.next.get(*at as usize).copied().filter(|at| *at != NONE))
    }

    fn end(&self, edge: u32) -> u32 {
        self.to.get(edge as usize).copied().unwrap_or(NONE)
    }

    fn left(&self, edge: u32) -> u32 {
        self.capacity.get(edge as usize).copied().unwrap_or(0)
    }

    /// Sends as much as possible from `source` to `sink`; returns how much.
    pub fn run(&mut self, source: u32, sink: u32) -> u64 {
        let mut sent = 0;
        loop {
            let levels = self.levels(source);
            if levels.get(sink as usize).is_none_or(|level| *level == NONE) {
                return sent;
            }
            let mut cursor = self.first.clone();
            loop {
                let more = self.augment(source, sink, &levels, &mut cursor);
                if more == 0 {
                    break;
                }
                sent += u64::from(more);
            }
        }
    }

    /// Distance of each node from the source along edges with something left.
    fn levels(&self, source: u32) -> Vec<u32> {
        let mut levels = vec![NONE; self.first.len()];
        if let Some(level) = levels.get_mut(source as usize) {
            *level = 0;
        }
        let mut queue = VecDeque::from([source]);
        while let Some(node) = queue.pop_front() {
            let level = levels.get(node as usize).copied().unwrap_or(NONE);
            for edge in self.edges(node).filter(|edge| self.left(*edge) > 0) {
                let to = self.end(edge);
                if let Some(there) = levels.get_mut(to as usize).filter(|there| **there == NONE) {
                    *there = level + 1;
                    queue.push_back(to);
                }
            }
        }
        levels
    }

    /// One more path of the blocking flow; `cursor` remembers, by node, the edges that lead nowhere.
    fn augment(&mut self, source: u32, sink: u32, levels: &[u32], cursor: &mut [u32]) -> u32 {
        let level = |node: u32| levels.get(node as usize).copied().unwrap_or(NONE);
        let mut path: Vec<u32> = Vec::new();
        let mut node = source;
        while node != sink {
            let edge = cursor.get(node as usize).copied().unwrap_or(NONE);
            if edge == NONE {
                // A dead end: back, and past the edge that led here.
                let Some(back) = path.pop() else { return 0 };
                node = self.end(back ^ 1);
                self.advance(cursor, node, back);
                continue;
            }
            let to = self.end(edge);
            if self.left(edge) > 0 && level(to) == level(node).saturating_add(1) {
                path.push(edge);
                node = to;
            } else {
                self.advance(cursor, node, edge);
            }
        }
        let amount = path.iter().map(|edge| self.left(*edge)).min().unwrap_or(0);
        for edge in path {
            if let Some(left) = self.capacity.get_mut(edge as usize) {
                *left -= amount;
            }
            if let Some(left) = self.capacity.get_mut((edge ^ 1) as usize) {
                *left += amount;
            }
        }
        amount
    }

    fn advance(&self, cursor: &mut [u32], node: u32, past: u32) {
        if let Some(at) = cursor.get_mut(node as usize) {
            *at = self.next.get(past as usize).copied().unwrap_or(NONE);
        }
    }

    /// The nodes from which the sink can still be reached, after [`Network::run`]: their border is the minimum cut that
    /// is nearest the sink.
    pub fn sink_side(&self, sink: u32) -> Vec<bool> {
        let mut side = vec![false; self.first.len()];
        if let Some(flag) = side.get_mut(sink as usize) {
            *flag = true;
        }
        let mut queue = VecDeque::from([sink]);
        while let Some(node) = queue.pop_front() {
            for edge in self.edges(node) {
                // The reverse of an edge at this node leads here.
                let from = self.end(edge);
                if self.left(edge ^ 1) > 0
                    && let Some(flag) = side.get_mut(from as usize).filter(|flag| !**flag)
                {
                    *flag = true;
                    queue.push_back(from);
                }
            }
        }
        side
    }
}
