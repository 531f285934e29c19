// Package nearest finds the known word that a mistyped one was probably meant to be.
package nearest

import "strings"

// Word returns the known word that needs the fewest edits to become word, if those are few for its length.
func Word(word string, known []string) string {
	const longest = 64
	if len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, least := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if len(k) > longest {
			continue
		}
		n := edits(word, strings.ToLower(k))
		if n < least {
			best, least = k, n
		}
	}
	return best
}

// edits counts the letters to insert, delete, replace or swap with a neighbour to get from a to b.
func edits(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
