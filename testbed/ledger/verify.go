// Verifies a log folder with Go's own libraries (golang.org/x/mod/sumdb): `verify FOLDER`. None of our code runs here.
// On failure it says which check failed, in one word before the colon, and exits with 1.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	oldSize = 23333
	newSize = 70000
	// A cosignature has a time of eight bytes before the signature.
	timeBytes = 8
)

var folder string

func fail(check, format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", check, fmt.Sprintf(format, args...))
	os.Exit(1)
}

func must(check string, err error) {
	if err != nil {
		fail(check, "%v", err)
	}
}

func read(check, name string) []byte {
	data, err := os.ReadFile(filepath.Join(folder, name))
	must(check, err)
	return data
}

// cosigner is a witness: x/mod knows plain Ed25519 only, and leaves other kinds to its users.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != timeBytes+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(sig)
	signed := append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", time)), msg...)
	return ed25519.Verify(c.key, signed, sig[timeBytes:])
}

func newCosigner(vkey string) note.Verifier {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		fail("keys", "the witness's key is no vkey")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	must("keys", err)
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	must("keys", err)
	own := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	if len(key) != 1+ed25519.PublicKeySize || key[0] != 4 || uint64(binary.BigEndian.Uint32(own[:])) != hash {
		fail("keys", "the witness's key is not what it says")
	}
	return cosigner{parts[0], uint32(hash), key[1:]}
}

// open checks both signatures and returns the tree.
func open(check string, signed []byte, log, witness note.Verifier) tlog.Tree {
	opened, err := note.Open(signed, note.VerifierList(log, witness))
	must(check, err)
	if len(opened.Sigs) != 2 {
		fail(check, "%d of 2 signatures", len(opened.Sigs))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != log.Name() {
		fail(check, "not a checkpoint of %s", log.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(check, err)
	root, err := tlog.ParseHash(lines[2])
	must(check, err)
	return tlog.Tree{N: size, Hash: root}
}

// tiles reads tiles from the folder. TileHashReader compares them with the tree, but before x/mod 0.40 it
// skips some (CVE-2026-56865): a proof that was checked and is not the one from the tiles finds them here.
type tiles struct{}

func (tiles) Height() int                         { return 8 }
func (tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (tiles) ReadTiles(asked []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range asked {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// hashes splits the lines of hashes between the first lines of a file and its checkpoint.
func hashes(check string, data []byte, heads int) (head []string, found []tlog.Hash, signed []byte) {
	parts := bytes.SplitN(data, []byte("\n\n"), 2)
	if len(parts) != 2 {
		fail(check, "no checkpoint")
	}
	lines := strings.Split(string(parts[0]), "\n")
	if len(lines) < heads {
		fail(check, "too short")
	}
	for _, line := range lines[heads:] {
		hash, err := tlog.ParseHash(line)
		must(check, err)
		found = append(found, hash)
	}
	return lines[:heads], found, parts[1]
}

func same(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func main() {
	if len(os.Args) != 2 {
		fail("usage", "verify FOLDER")
	}
	folder = os.Args[1]
	log, err := note.NewVerifier(strings.TrimSpace(string(read("keys", "log.vkey"))))
	must("keys", err)
	witness := newCosigner(strings.TrimSpace(string(read("keys", "witness.vkey"))))

	tree := open("checkpoint", read("checkpoint", "checkpoint"), log, witness)
	old := open("checkpoint", read("checkpoint", fmt.Sprintf("checkpoint.%d", oldSize)), log, witness)
	if tree.N != newSize || old.N != oldSize {
		fail("checkpoint", "sizes %d and %d", old.N, tree.N)
	}
	reader := tlog.TileHashReader(tree, tiles{})

	head, proof, signed := hashes("consistency", read("consistency", fmt.Sprintf("add-checkpoint.%d", newSize)), 1)
	if head[0] != fmt.Sprintf("old %d", oldSize) {
		fail("consistency", "%s", head[0])
	}
	if asked := open("consistency", signed, log, witness); asked != tree {
		fail("consistency", "it is for another checkpoint")
	}
	must("consistency", tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
	own, err := tlog.ProveTree(tree.N, old.N, reader)
	must("tiles", err)
	if !same(own, proof) {
		fail("tiles", "Go makes another consistency proof from them")
	}

	found, err := filepath.Glob(filepath.Join(folder, "proofs", "*.tlog-proof"))
	must("proof", err)
	if len(found) < 8 {
		fail("proof", "only %d proofs", len(found))
	}
	for _, path := range found {
		index, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(path), ".tlog-proof"), 10, 64)
		must("proof", err)
		name := fmt.Sprintf("proofs/%d", index)
		head, proof, signed := hashes("proof", read("proof", name+".tlog-proof"), 2)
		if head[0] != "c2sp.org/tlog-proof@v1" || head[1] != fmt.Sprintf("index %d", index) {
			fail("proof", "%s: %q", name, head)
		}
		if of := open("proof", signed, log, witness); of != tree {
			fail("proof", "%s: it is for another checkpoint", name)
		}
		leaf := tlog.RecordHash(read("proof", name+".entry"))
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			fail("proof", "%s: %v", name, err)
		}
		own, err := tlog.ProveRecord(tree.N, index, reader)
		must("tiles", err)
		if !same(own, proof) {
			fail("tiles", "Go makes another %s from them", name)
		}
	}

	replay(tree)
	fmt.Printf("go: checkpoints, cosignatures, consistency, %d proofs, tiles and all %d entries verified\n", len(found), tree.N)
}

// stored keeps every node of the tree that the entries give.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		all = append(all, s[index])
	}
	return all, nil
}

// replay hashes every entry of every bundle, compares each tile with what the entries give, and the root with it.
func replay(tree tlog.Tree) {
	var nodes stored
	for bundle := int64(0); bundle*256 < tree.N; bundle++ {
		width := int(tree.N - bundle*256)
		if width > 256 {
			width = 256
		}
		path := tlog.Tile{H: 8, L: -1, N: bundle, W: width}.Path()
		data := read("entries", strings.Replace(path, "tile/8/data/", "tile/entries/", 1))
		for i := 0; i < width; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fail("entries", "bundle %d is cut off", bundle)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			more, err := tlog.StoredHashes(bundle*256+int64(i), data[2:end], nodes)
			must("entries", err)
			nodes, data = append(nodes, more...), data[end:]
		}
		if len(data) != 0 {
			fail("entries", "bundle %d goes on behind its last entry", bundle)
		}
	}
	root, err := tlog.TreeHash(tree.N, nodes)
	must("entries", err)
	if root != tree.Hash {
		fail("entries", "they give another root")
	}
	for _, tile := range tlog.NewTiles(8, 0, tree.N) {
		// Go lists each width that a partial tile had while the log grew entry by entry; the last one is served.
		if end := tile.N*256 + int64(tile.W); tile.W < 256 && end != tree.N>>(8*uint(tile.L)) {
			continue
		}
		want, err := tlog.ReadTileData(tile, nodes)
		must("tiles", err)
		if have := read("tiles", strings.Replace(tile.Path(), "tile/8/", "tile/", 1)); !bytes.Equal(have, want) {
			fail("tiles", "%s is not what the entries give", tile.Path())
		}
	}
}
