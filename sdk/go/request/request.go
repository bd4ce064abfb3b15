// Package request has the facts of the HTTP request that the call answers.
package request

import "witapi/imports/witapi/host/request"

// ID is the request's id. It is in the answer's `x-request-id` too, and in each line of the host's log.
func ID() string { return request.Id() }

// Method is in upper case, such as `GET`.
func Method() string { return request.Method() }

// Route is the pattern that matched, such as `/todos/{id}`.
func Route() string { return request.Route() }

// Target is path and query as the client sent them.
func Target() string { return request.Target() }

// Header is the first header of that name, or empty. The name's case does not matter.
func Header(name string) string { return request.Header(name).SomeOr("") }

// Headers are all of them, names in lower case.
func Headers() map[string][]string {
	headers := map[string][]string{}
	for _, header := range request.Headers() {
		headers[header.F0] = append(headers[header.F0], header.F1)
	}
	return headers
}

// Peer is address and port of the client's end of the connection.
func Peer() string { return request.Peer() }
