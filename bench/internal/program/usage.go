package program

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tree lists pid and its descendants, from the parent of every process.
func tree(pid int) []int {
	if pid == 0 {
		return nil
	}
	kids := map[int][]int{}
	fs, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range fs {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		x := string(b)
		p := strings.Fields(x[strings.LastIndexByte(x, ')')+1:])
		parent, _ := strconv.Atoi(p[1])
		self, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		kids[parent] = append(kids[parent], self)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, kids[all[i]]...)
	}
	return all
}

// CPU is user+system seconds of the tree, with that of reaped children.
func CPU(pid int) (s float64) {
	for _, p := range tree(pid) {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(p) + "/stat")
		if err != nil {
			continue
		}
		x := string(b)
		f := strings.Fields(x[strings.LastIndexByte(x, ')')+1:])
		for _, i := range []int{11, 12, 13, 14} {
			n, _ := strconv.ParseFloat(f[i], 64)
			s += n / 100
		}
	}
	return
}

// Mem is what a tree of processes holds.
type Mem struct{ PSS, Peak float64 } // MiB

// Memory sums proportional set size (shared pages are counted once) and the
// peak resident sizes.
func Memory(pid int) (m Mem) {
	for _, p := range tree(pid) {
		d := "/proc/" + strconv.Itoa(p)
		m.PSS += field(d+"/smaps_rollup", "Pss:") / 1024
		m.Peak += field(d+"/status", "VmHWM:") / 1024
	}
	return
}

func field(file, key string) float64 {
	b, _ := os.ReadFile(file)
	for l := range strings.SplitSeq(string(b), "\n") {
		if v, ok := strings.CutPrefix(l, key); ok {
			f := strings.Fields(v)
			if len(f) > 0 {
				n, _ := strconv.ParseFloat(f[0], 64)
				return n
			}
		}
	}
	return 0
}

// Busy is the CPU seconds the whole machine has spent working (or had stolen).
func Busy() (s float64) {
	b, _ := os.ReadFile("/proc/stat")
	l, _, _ := strings.Cut(string(b), "\n")
	for i, x := range strings.Fields(l) {
		switch i {
		case 1, 2, 3, 6, 7, 8:
			n, _ := strconv.ParseFloat(x, 64)
			s += n / 100
		}
	}
	return
}

// Files is how many descriptors the tree has open.
func Files(pid int) (n int) {
	for _, p := range tree(pid) {
		fs, _ := os.ReadDir("/proc/" + strconv.Itoa(p) + "/fd")
		n += len(fs)
	}
	return n
}
