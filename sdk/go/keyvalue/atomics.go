package keyvalue

import "witapi/imports/wasi/keyvalue/atomics"

// Increment adds to a counter and gives its new value. Calls at the same time all count, so that each gets another value.
func (self Store) Increment(key string, by uint64) (uint64, error) {
	return result(atomics.Increment(self.bucket, key, by))
}
