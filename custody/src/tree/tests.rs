//! The tree against a naive reading of RFC 6962, and against the published reference values.

use super::*;
use std::collections::HashMap;

/// MTH of RFC 6962, 2.1, word for word.
fn naive_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

fn naive_split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// PATH of RFC 6962, 2.1.1.
fn naive_path(m: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, beside) = if m < k {
        (naive_path(m, left), naive_root(right))
    } else {
        (naive_path(m - k, right), naive_root(left))
    };
    path.push(beside);
    path
}

/// SUBPROOF of RFC 6962, 2.1.2.
fn naive_subproof(m: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, beside) = if m <= k {
        (naive_subproof(m, left, whole), naive_root(right))
    } else {
        (naive_subproof(m - k, right, false), naive_root(left))
    };
    proof.push(beside);
    proof
}

fn leaves(n: usize) -> Vec<Digest> {
    (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

fn grow(leaves: &[Digest]) -> (Tree, HashMap<NodeCoordinates, Digest>) {
    let mut tree = Tree::new();
    let mut store = HashMap::new();
    for leaf in leaves {
        let appended = tree.append(*leaf).expect("there is room");
        for node in appended.nodes {
            assert_eq!(store.insert(node.at, node.hash), None, "a node is completed once");
        }
    }
    (tree, store)
}

#[test]
fn roots_and_stored_nodes_agree_with_the_naive_tree() {
    let all = leaves(300);
    let (_, store) = grow(&all);
    for (at, hash) in &store {
        let width = 1 << at.level;
        let start = usize::try_from(at.index).expect("small") * width;
        assert_eq!(*hash, naive_root(&all[start..start + width]));
    }
    for size in 0..=all.len() {
        let (tree, _) = grow(&all[..size]);
        let root = naive_root(&all[..size]);
        assert_eq!(tree.root(), root);
        assert_eq!(root_from_nodes(size as u64, |at| store.get(&at).copied()), Ok(root));
        let peaks = peak_nodes(size as u64).expect("small").iter().map(|at| store[at]).collect();
        assert_eq!(Tree::from_peaks(size as u64, peaks), Ok(tree));
    }
}

#[test]
fn every_inclusion_proof_agrees_and_verifies_at_its_place_only() {
    let all = leaves(70);
    let (_, store) = grow(&all);
    for size in 1..=all.len() {
        let root = naive_root(&all[..size]);
        for index in 0..size {
            let plan = inclusion_proof_nodes(index as u64, size as u64).expect("inside");
            let proof = plan.assemble(|at| store.get(&at).copied()).expect("all stored");
            assert_eq!(proof, naive_path(index, &all[..size]));
            for other in 0..=size {
                let verdict = verify_inclusion(&all[index], other as u64, size as u64, &proof, &root);
                assert_eq!(verdict.is_ok(), other == index, "{index} of {size} as {other}");
            }
            for at in 0..proof.len() {
                let mut changed = proof.clone();
                changed[at] = Digest::of(b"another");
                let verdict = verify_inclusion(&all[index], index as u64, size as u64, &changed, &root);
                assert_eq!(verdict, Err(ProofError::Root));
            }
            let mut longer = proof.clone();
            longer.push(root);
            for wrong in [&longer[..], &proof[..proof.len().saturating_sub(1)]] {
                if wrong.len() != proof.len() {
                    let verdict = verify_inclusion(&all[index], index as u64, size as u64, wrong, &root);
                    assert!(matches!(verdict, Err(ProofError::Length(_))), "{verdict:?}");
                }
            }
        }
    }
}

#[test]
fn every_consistency_proof_agrees_and_verifies_for_its_sizes_only() {
    let all = leaves(70);
    let (_, store) = grow(&all);
    let roots: Vec<Digest> = (0..=all.len()).map(|size| naive_root(&all[..size])).collect();
    for new in 0..=all.len() {
        for old in 0..=new {
            let plan = consistency_proof_nodes(old as u64, new as u64).expect("in order");
            let proof = plan.assemble(|at| store.get(&at).copied()).expect("all stored");
            if old > 0 {
                assert_eq!(proof, naive_subproof(old, &all[..new], true));
            }
            let verify = |old: usize, new: usize, proof: &[Digest]| {
                verify_consistency(old as u64, &roots[old], new as u64, &roots[new], proof)
            };
            assert_eq!(verify(old, new, &proof), Ok(()));
            for other in 1..=new {
                if other != old && !proof.is_empty() {
                    assert!(verify(other, new, &proof).is_err(), "{old} of {new} as {other}");
                }
            }
            for at in 0..proof.len() {
                let mut changed = proof.clone();
                changed[at] = Digest::of(b"another");
                assert!(verify(old, new, &changed).is_err());
                changed.remove(at);
                assert!(verify(old, new, &changed).is_err());
            }
            let mut longer = proof.clone();
            longer.push(roots[new]);
            assert!(verify(old, new, &longer).is_err());
        }
    }
}

#[test]
fn a_split_view_has_no_consistency_proof() {
    let honest = leaves(40);
    let mut split = honest.clone();
    split[5] = Digest::of(b"rewritten");
    let (_, store) = grow(&split);
    let plan = consistency_proof_nodes(20, 40).expect("in order");
    let proof = plan.assemble(|at| store.get(&at).copied()).expect("all stored");
    let verdict = verify_consistency(20, &naive_root(&honest[..20]), 40, &naive_root(&split), &proof);
    assert_eq!(verdict, Err(ProofError::OldRoot));
}

#[test]
fn proofs_in_a_huge_tree_have_bounded_plans() {
    for size in [MAX_TREE_SIZE, 1 << 62, (1 << 62) + 1, 10_000_000] {
        for index in [0, 1, size / 3, size - 2, size - 1] {
            let plan = inclusion_proof_nodes(index, size).expect("inside");
            assert!(plan.len() <= 63);
            assert!(plan.nodes().count() <= 63 * 2);
            let old = index + 1;
            let plan = consistency_proof_nodes(old, size).expect("in order");
            assert!(plan.len() <= MAX_PROOF_HASHES);
        }
    }
    assert_eq!(inclusion_proof_nodes(0, MAX_TREE_SIZE + 1), Err(TreeError::TooLarge(MAX_TREE_SIZE + 1)));
    assert_eq!(inclusion_proof_nodes(3, 3), Err(TreeError::NoSuchLeaf { index: 3, size: 3 }));
    let mut full = Tree::from_peaks(MAX_TREE_SIZE, vec![empty_root(); 63]).expect("63 bits");
    assert_eq!(full.append(empty_root()), Err(TreeError::Full));
}

#[test]
fn a_missing_node_is_named() {
    let at = NodeCoordinates { level: 1, index: 0 };
    assert_eq!(root_from_nodes(2, |_| None), Err(TreeError::MissingNode(at)));
    let text = TreeError::MissingNode(at).to_string();
    assert_eq!(text, "the stored node at level 1, index 0 is missing");
}

/// The leaves, roots and proofs with which the Certificate Transparency implementations test.
#[test]
fn the_published_values_of_certificate_transparency() {
    let leaf = |hex: &str| leaf_hash(&data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal"));
    let all = [
        leaf(""),
        leaf("00"),
        leaf("10"),
        leaf("2021"),
        leaf("3031"),
        leaf("40414243"),
        leaf("5051525354555657"),
        leaf("606162636465666768696a6b6c6d6e6f"),
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let (_, store) = grow(&all);
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(root_from_nodes(size as u64, |at| store.get(&at).copied()), Ok(digest(root)));
    }
    let assemble = |plan: Result<ProofPlan, TreeError>| {
        plan.expect("inside").assemble(|at| store.get(&at).copied()).expect("all stored")
    };
    let first = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    assert_eq!(assemble(inclusion_proof_nodes(0, 8)), first.map(digest));
    assert_eq!(assemble(consistency_proof_nodes(1, 8)), first.map(digest));
    let sixth = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(assemble(consistency_proof_nodes(6, 8)), sixth.map(digest));
    let second = [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ];
    assert_eq!(assemble(consistency_proof_nodes(2, 5)), second.map(digest));
}

fn digest(hex: &str) -> Digest {
    hex.parse().expect("a digest")
}
