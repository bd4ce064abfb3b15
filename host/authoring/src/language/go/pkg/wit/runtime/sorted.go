package runtime

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// Sorted goes through a map in the order of its keys, so that the same map is the same answer every time.
func Sorted[K comparable, V any](values map[K]V) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, key := range slices.SortedFunc(maps.Keys(values), compare) {
			if !yield(key, values[key]) {
				return
			}
		}
	}
}

// compare knows the types that keys of WIT's maps have.
func compare[K comparable](one, other K) int {
	switch one := any(one).(type) {
	case string:
		return cmp.Compare(one, any(other).(string))
	case bool:
		if one == any(other).(bool) {
			return 0
		}
		if one {
			return 1
		}
		return -1
	case uint8:
		return cmp.Compare(one, any(other).(uint8))
	case uint16:
		return cmp.Compare(one, any(other).(uint16))
	case uint32:
		return cmp.Compare(one, any(other).(uint32))
	case uint64:
		return cmp.Compare(one, any(other).(uint64))
	case int8:
		return cmp.Compare(one, any(other).(int8))
	case int16:
		return cmp.Compare(one, any(other).(int16))
	case int32:
		return cmp.Compare(one, any(other).(int32))
	case int64:
		return cmp.Compare(one, any(other).(int64))
	}
	return 0
}
