// Package telemetry tells operators what happened: one JSON line per exchange, and counters and histograms for
// Prometheus. Both are gateway.Observers that read a finished exchange and nothing else; neither makes a request wait.
//
// # Records
//
// Record hands the finished exchange to a bounded queue. One goroutine takes what has gathered there, encodes it and
// gives it to the writer in one Write. The process's own log lines (log/slog) go the same way, so all lines are whole,
// in order and of one form. When the writer is too slow and the queue is full, lines are dropped, counted, and confessed
// in a line of their own once there is room again.
//
// A line is what slog's JSON handler would write: time (the end of the exchange, UTC), level, msg "exchange", then flat
// members; a member without a value is left out. Names are those of the OpenTelemetry semantic conventions (general and
// GenAI) where they have one, plain words where they have none:
//
//	id, ending, http.response.status_code            UUIDv7; done, refused, failed, cut, client_gone; what the client got
//	revision, key, rule                              of the configuration; names, never credentials
//	user, project, team, organisation                whose key it is
//	end_user, session, tags                          as the client says
//	client.address, user_agent.original
//	http.request.method, url.path, dialect           as the client speaks
//	gen_ai.operation.name, gen_ai.request.model      chat, embeddings, …; the name asked for
//	gen_ai.request.stream, .max_tokens, .choice.count, strict
//	batch                                            id of the batch it is about, or a request of: then id is made from both ids
//	target                                           PROVIDER/MODEL that answered, or was tried last
//	gen_ai.response.model, .id, .finish_reasons      in the provider's words
//	stop                                             in ours (llm.StopReason)
//	gen_ai.usage.input_tokens, .output_tokens, .cache_read.input_tokens, .cache_creation.input_tokens,
//	    .reasoning.output_tokens                     as stated; inclusions as at llm.Usage
//	usage.…                                          stated values without a conventional name
//	usage.estimated                                  true where tokens were counted here because nobody stated them
//	cost_usd, price, unpriced                        dollars, by whose price, why that is not the whole cost
//	overrun_usd, capped, capped_by                   what attempts cost beyond their holds; a policy's limit on output
//	answers, beside [{model, …, cost_usd}]           of a session: how many, and what other models used in it
//	fault {kind, message, param, code, native, cause}
//	attempts [{target, dialect, mode, start_ms, head_ms, first_event_ms, took_ms, status, upstream_id, losses, prepared, state, held_usd, cost_usd, fault}]
//	passed_over [{target, why}], losses [{path, why, grade}]
//	http.request.body.size, http.response.body.size  bytes
//	first_byte_ms, first_event_ms, took_ms           milliseconds from the exchange's start
//
// The level is INFO; WARN for failed and cut exchanges; ERROR where the fault is the gateway's own. Losses of an attempt
// are a number. Lists are bounded; how many entries did not fit stands beside the list in a member with the suffix _more.
//
// What was asked and answered is never written, as far as a provider's error message does not quote it. Text that comes
// from clients and providers goes through fault.Blot, is cut to MaxText (messages) or MaxName bytes (names, ids, paths)
// and made valid UTF-8.
//
// # Metrics
//
// Metrics keeps its series in a registry of its own and serves them in Prometheus' text format. An exchange finds its
// series through a lock-free table by a comparable key. Every family has a bound on label sets; beyond it the values
// that are not fixed by the program become "other".
package telemetry
