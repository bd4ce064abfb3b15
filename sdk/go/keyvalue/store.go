// Package keyvalue keeps what is to be there at the next call: an instance of a plugin lives for one call.
package keyvalue

import (
	"errors"

	"witapi"
	"witapi/imports/wasi/keyvalue/store"
)

// Store is a bucket of `wasi:keyvalue`.
type Store struct{ bucket *store.Bucket }

// Open opens the plugin's own store. The host has one for each plugin.
func Open() (Store, error) {
	bucket, err := result(store.Open("default"))
	return Store{bucket}, err
}

// Get reads a value. The second result says whether there is one.
func (self Store) Get(key string) ([]byte, bool, error) {
	value, err := result(self.bucket.Get(key))
	if err != nil || value.IsNone() {
		return nil, false, err
	}
	return value.Some(), true, nil
}

// GetText reads a value that is text.
func (self Store) GetText(key string) (string, bool, error) {
	value, found, err := self.Get(key)
	return string(value), found, err
}

// Set writes a value. It is on disk when Set returns.
func (self Store) Set(key string, value []byte) error {
	_, err := result(self.bucket.Set(key, value))
	return err
}

// SetText writes text.
func (self Store) SetText(key, value string) error { return self.Set(key, []byte(value)) }

// Delete removes a value, if there is one.
func (self Store) Delete(key string) error {
	_, err := result(self.bucket.Delete(key))
	return err
}

// Exists says whether there is a value.
func (self Store) Exists(key string) (bool, error) { return result(self.bucket.Exists(key)) }

// Keys lists all keys, in no particular order.
func (self Store) Keys() ([]string, error) {
	var keys []string
	cursor := witapi.None[uint64]()
	for {
		page, err := result(self.bucket.ListKeys(cursor))
		if err != nil {
			return nil, err
		}
		keys = append(keys, page.Keys...)
		if cursor = page.Cursor; cursor.IsNone() {
			return keys, nil
		}
	}
}

func result[T any](result witapi.Result[T, store.Error]) (T, error) {
	if result.IsOk() {
		return result.Ok(), nil
	}
	var none T
	switch err := result.Err(); err.Tag() {
	case store.ErrorNoSuchStore:
		return none, errors.New("keyvalue: no such store")
	case store.ErrorAccessDenied:
		return none, errors.New("keyvalue: access denied")
	default:
		return none, errors.New("keyvalue: " + err.Other())
	}
}
