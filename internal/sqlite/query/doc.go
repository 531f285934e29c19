// Package query holds the statements under ../queries as functions, written by sqlc.
package query
